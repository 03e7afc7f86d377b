package convert

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// convertByLabels makes policies that select by labels of all legacy tracing and of the
// existing MeshTraces that 3.0 would refuse or read otherwise: both together, because
// MeshSubset outranks Dataplane whatever the names.
func (in *input) convertByLabels() *Plan {
	var backends *backends
	all := in.resumeByLabels(func(previous map[*meshtrace.Policy]bool) (all []*relabelling) {
		all, backends = in.relabel(previous)
		return all
	})
	return newPlanByLabels(in, all, backends)
}

// relabel converts as if those of the existing policies that a previous run made did not exist.
func (in *input) relabel(previous map[*meshtrace.Policy]bool) ([]*relabelling, *backends) {
	meshes := in.meshesWithout(previous)
	today := newToday(in, previous)
	layers := lists.Each(meshes, func(m *mesh) *layering { return layersOf(in, m, today) })
	all := lists.Each(layers, relabel)
	nameByLayer(in, all)
	backends := newBackends(in)
	for _, r := range all {
		r.build(backends)
		r.repeated = r.findRepeated()
	}
	return all, backends
}

// GoesOnByLabels reports whether a previous run made MeshTraces that select by labels from
// TrafficTraces that still exist.
func GoesOnByLabels(c *Current, o Options) bool {
	if !slices.ContainsFunc(c.Existing, func(p *meshtrace.Policy) bool { return len(p.TargetRef.Labels) > 0 }) {
		return false // mostly, for many Dataplanes
	}
	for p := range newInput(c, &o).mayBePreviousByLabels() {
		if len(p.TargetRef.Labels) > 0 {
			return true
		}
	}
	return false
}

// mayBePreviousByLabels returns the existing policies by labels that a previous run may have
// made from TrafficTraces that still exist.
func (in *input) mayBePreviousByLabels() map[*meshtrace.Policy]bool {
	previous := make(map[*meshtrace.Policy]bool)
	for _, m := range in.meshesWithout(nil) {
		if len(m.TrafficTraces) == 0 {
			continue
		}
		of := originsOf(m, m.Mesh)
		for _, p := range m.existing {
			if selectsByLabels(p) && in.mayBeOurs(p) && of.has(p) {
				previous[p] = true
			}
		}
	}
	return previous
}

// verification is what findPrevious needs to know of the policies.
func (r *relabelling) verification() *verification {
	chosen := &selection{mesh: r.mesh, ranked: r.Mesh}
	b := &building{naming: &naming{reduction: &reduction{selection: chosen}}}
	return &verification{building: b, policies: slices.Concat(r.made, r.copies()), again: r.repeated}
}

// newPlanByLabels returns what the meshes give together, with the proof for each proxy.
func newPlanByLabels(in *input, all []*relabelling, backends *backends) *Plan {
	plan := emptyPlan(in)
	found := slices.Clone(in.notes)
	for _, r := range all {
		run := findPrevious(r.verification())
		plan.addMesh(r.mesh, r.ties, run, r.doubtIdle(in), r.doubtCopies(in))
		plan.Policies = append(plan.Policies, r.inOrderOfApply()...)
		obsolete := r.obsolete()
		plan.Obsolete, plan.Idle = append(plan.Obsolete, obsolete...), append(plan.Idle, r.first...)
		plan.Fates = append(plan.Fates, r.fates()...)
		found = slices.Concat(found, r.notes, run.notes, remarkBackends(r.mesh, r.made), r.remarkSelection(), r.remarkObsolete(obsolete),
			r.remarkBuiltin(), r.remarkUnlabelled(), remarkZoneTies(r.mesh, r.ties), remarkTies(r.mesh, r.Mesh), r.remarkUndated())
		switch {
		case len(r.layers) == 0:
			found = append(found, remarkNothing(r.mesh))
		case len(r.dataplanes) == 0 && len(r.policies) > 0:
			found = append(found, remarkNotVerified(r.mesh))
		}
	}
	plan.Backends = backends.made
	meshtrace.Resolve(plan.Policies, slices.Concat(backends.known, backends.made))
	plan.oldest = slices.MinFunc(in.Snapshot.Versions(in.o.Version), cluster.Version.Compare)
	proved := plan.prove(in, Applied(plan.Left(in.compared), lists.Each(plan.Policies, Unshadowed)))
	renamed := renamedBy(plan.Comparisons)
	for _, r := range all {
		found = append(found, renamed.remark(r.mesh, r.made)...)
	}
	found = append(found, remarkPatches(in, lists.Each(all, func(r *relabelling) *mesh { return r.mesh }), plan)...)
	plan.Notes = slices.Concat(found, remarkStrays(in), remarkStage(in, plan), remarkPlace(in, all), proved).sorted()
	return plan
}

// remarkUndated notes the proxies for which creation times decide that the input does not
// have.
func (r *relabelling) remarkUndated() notes {
	byReason := make(map[string][]string)
	for _, dp := range r.dataplanes {
		if doubt := r.ties.doubt(dp); doubt.Code == string(TieByCreationTime) {
			byReason[doubt.Reason] = append(byReason[doubt.Reason], dp.String())
		}
	}
	var found notes
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		found = append(found, undatedProxies.note(r.Place, r.mesh, facts{"proxies": counted(byReason[reason], "proxy"), "reason": reason}))
	}
	return found
}

// remarkStrays notes the MeshTraces of meshes that the input does not contain.
func remarkStrays(in *input) notes {
	var found notes
	for _, p := range in.compared {
		known := slices.ContainsFunc(in.Meshes, func(m *legacy.Mesh) bool { return m.Name == p.Mesh })
		if !known && !p.TargetRef.IsIn(cluster.Newest) {
			found = append(found, meshUnknown.note(p.Place, p, facts{"mesh": quoted(p.Mesh)}))
		}
	}
	return found
}

// fates says what became of every selector of the mesh.
func (r *relabelling) fates() []*Fate {
	byPosition := make([][]*meshtrace.Policy, len(r.Pairs))
	for _, p := range r.policies {
		if p.pair != nil {
			byPosition[p.position] = append(byPosition[p.position], p.policy)
		}
	}
	return r.mesh.fates(r.Mesh, byPosition, func(position int) string {
		if len(byPosition[position]) > 0 {
			return "" // another layer of the selector has none
		}
		return r.reasons[position]
	})
}

// remarkObsolete notes the existing policies that must be deleted, because policies of
// other names replace them.
func (r *relabelling) remarkObsolete(obsolete []*meshtrace.Policy) notes {
	var found notes
	for _, p := range obsolete {
		if !slices.Contains(r.gone, p) {
			found = append(found, existingReplaced.note(p.Place, p, facts{"command": deletion(p)}))
		}
	}
	return found
}

// deletion returns the command that deletes a policy.
func deletion(p *meshtrace.Policy) clause {
	kubectl, kumactl := deleteKubectl, deleteKumactl
	if strings.HasPrefix(p.Name, "-") { // as options do
		kubectl, kumactl = deleteDashedKubectl, deleteDashedKumactl
	}
	if p.Format == cluster.Kubernetes {
		return kubectl.of(facts{"name": manifest.ShellQuote(p.Name), "namespace": manifest.ShellQuote(p.Namespace)})
	}
	return kumactl.of(facts{"name": manifest.ShellQuote(p.Name), "mesh": manifest.ShellQuote(p.Mesh)})
}

// remarkBuiltin notes the builtin gateways, which no label selects and 3.0 does not have.
func (r *relabelling) remarkBuiltin() notes {
	if len(r.builtin) == 0 || r.target().HasBuiltinGateways() { // the comparison then shows those that lose their tracing
		return nil
	}
	gateways := counted(lists.Each(r.builtin, (*cluster.Dataplane).String), "builtin gateway")
	return notes{builtinRemoved.note(r.builtin[0].Place, r.mesh, facts{"gateways": gateways, "version": r.target()})}
}

// remarkUnlabelled notes the sidecars and delegated gateways that no labels select, because
// a MeshGateway matches them.
func (r *relabelling) remarkUnlabelled() notes {
	version := r.o.Version
	if cluster.SinceDataplane.Compare(version) > 0 {
		return nil
	}
	matched := lists.Keep(r.sidecars, func(dp *cluster.Dataplane) bool { return r.gateways.CountsFor(version, dp) != nil })
	if len(matched) == 0 {
		return nil
	}
	proxies := counted(lists.Each(matched, (*cluster.Dataplane).String), "proxy")
	return notes{gatewayUnlabelled.note(matched[0].Place, r.mesh, facts{"proxies": proxies, "version": version})}
}

// remarkStage notes when the policies can be applied.
func remarkStage(in *input, plan *Plan) notes {
	f := facts{"version": plan.oldest, "target": in.o.To}
	switch {
	case len(plan.Policies) == 0 || in.o.To == cluster.Version{}:
		return nil
	case plan.oldest.Compare(cluster.SinceDataplane) < 0:
		return notes{dataplaneUnsupported.note(plan.Policies[0].Place, theControlPlane, f)}
	case len(plan.Backends) > 0 && plan.oldest.Compare(cluster.SinceBackendRef) < 0:
		return notes{backendRefUnsupported.note(plan.Policies[0].Place, theControlPlane, f)}
	}
	return nil
}

// AppliesBefore reports whether policies by labels can be applied before an upgrade, on
// the versions that the control planes of all zones have.
func (r *Plan) AppliesBefore() bool {
	return r.oldest.Compare(cluster.SinceDataplane) >= 0 && (len(r.Backends) == 0 || r.oldest.Compare(cluster.SinceBackendRef) >= 0)
}

// remarkPlace notes where the policies must be created, and what of the control plane
// could not be read.
func remarkPlace(in *input, all []*relabelling) notes {
	s := in.Snapshot
	if s.Origin == nil || !slices.ContainsFunc(all, func(r *relabelling) bool { return len(r.layers) > 0 }) {
		return nil
	}
	found := remarkUnread(s)
	switch s.Origin.Mode {
	case cluster.ModeFederatedZone:
		if len(s.TrafficTraces) > 0 {
			found = append(found, remarkFederated(s, in.o, nil))
		}
	case cluster.ModeGlobal:
		found = append(found, remarkZonesUnread(s)...)
	}
	return found
}

// unavoidable are the codes of what an upgrade changes whatever the policies say.
var unavoidable = []envoydiff.Code{
	envoydiff.ProtocolFromField, envoydiff.WorkloadServiceName, envoydiff.OutboundNeedsBackendRef, envoydiff.ProtocolRefused,
	envoydiff.BuiltinGatewayRemoved, envoydiff.MeshUnreadable, envoydiff.InboundsMerged, envoydiff.OutboundNeedsService,
	envoydiff.OutboundProtocol, envoydiff.ServicesUnread,
}

// prove compares every proxy before and after, on the target version and, where the
// policies are applied before the upgrade, on the version that runs.
func (r *Plan) prove(in *input, after []*meshtrace.Policy) notes {
	before := in.StateOf(in.Meshes, r.Before(in.compared))
	state := in.StateOf(nil, after)
	how := envoydiff.Options{Version: in.o.Version, To: in.o.To, Migrated: true, Accept: in.o.Accept, Doubt: r.Doubt}
	r.Comparisons = envoydiff.CompareZones(in.Snapshot, before, state, how)
	found := remarkDiffering(in.o, r.Comparisons, differsByLabels, facts{"version": cmp.Or(in.o.To, in.o.Version)})
	found = append(found, remarkModified(r.Comparisons)...)
	if in.o.To == (cluster.Version{}) {
		return found
	}
	found = append(found, remarkUnavoidable(r.Comparisons, in.o.To)...)
	if !r.AppliesBefore() || len(r.Policies)+len(r.Obsolete) == 0 {
		return found
	}
	how.To = cluster.Version{}
	state.Legacy = in.Meshes // TrafficTraces stay until the upgrade
	between := envoydiff.CompareZones(in.Snapshot, before, state, how)
	return append(found, remarkDiffering(in.o, between, differsBeforeUpgrade, facts{"version": in.o.Version})...)
}

// remarkDiffering notes the proxies of each mesh that differ.
func remarkDiffering(o *Options, comparisons []*envoydiff.Comparison, about *sentence, f facts) notes {
	type differing struct {
		first             *envoydiff.Proxy
		proxies           []string
		codes             names
		reasons, remedies []string
	}
	byMesh := make(map[string]*differing)
	for c, p := range envoydiff.All(comparisons) {
		if p.Verdict != envoydiff.Different || !slices.ContainsFunc(p.Differences, isAvoidable) {
			continue
		}
		d := byMesh[p.Mesh]
		if d == nil {
			d = &differing{first: p}
			byMesh[p.Mesh] = d
		}
		d.proxies = append(d.proxies, p.Dataplane.String())
		if reason, remedy := whyByLabels(o, cmp.Or(c.To, c.Version), p.Dataplane); !slices.Contains(d.reasons, reason) {
			d.reasons, d.remedies = append(d.reasons, reason), append(d.remedies, remedy)
		}
		for _, difference := range p.Differences {
			if code := string(difference.Code); !slices.Contains(d.codes, code) && isAvoidable(difference) {
				d.codes = append(d.codes, code)
			}
		}
	}
	var found notes
	for _, mesh := range slices.Sorted(maps.Keys(byMesh)) {
		d := byMesh[mesh]
		values := maps.Clone(f)
		slices.Sort(d.codes)
		values["proxies"], values["codes"] = counted(d.proxies, "proxy"), strings.Join(d.codes, ", ")
		if about == differsByLabels {
			values["reasons"], values["remedies"] = strings.Join(d.reasons, ". "), strings.Join(d.remedies, "; ")
		}
		found = append(found, about.note(d.first.Dataplane.Place, subject("Mesh "+quoted(mesh)), values))
	}
	return found
}

// whyByLabels returns why a proxy differs by labels on a version, and what to do.
func whyByLabels(o *Options, version cluster.Version, dp *cluster.Dataplane) (reason, remedy string) {
	switch {
	case version.Compare(cluster.SinceDataplane) < 0:
		return string(zoneWithoutKind), zoneWithoutKindRemedy.with(facts{"since": cluster.SinceDataplane.MajorMinor()})
	case dp.Builtin():
		return string(builtinUnselected), string(builtinUnselectedRemedy)
	case dp.Delegated() && !version.DataplaneKindSelectsDelegatedGateways():
		return string(gatewayUnselected), string(gatewayUnselectedRemedy)
	case o.DisplayNames && !version.SelectsByDisplayName() && dp.LabelsOn(version).Get(cluster.DisplayNameLabel) == "":
		return string(nameUnselected), string(nameUnselectedRemedy)
	}
	return string(otherReason), string(otherRemedy)
}

// isAvoidable reports whether other policies would not give the difference.
func isAvoidable(d *envoydiff.Difference) bool {
	return envoydiff.Codes[d.Code] == envoydiff.Different && !slices.Contains(unavoidable, d.Code)
}

// remarkUnavoidable notes the proxies that an upgrade changes whatever the policies say.
func remarkUnavoidable(comparisons []*envoydiff.Comparison, to cluster.Version) notes {
	var found notes
	for _, code := range unavoidable {
		if code == envoydiff.BuiltinGatewayRemoved {
			continue // remarkBuiltin names the gateways
		}
		var proxies []*cluster.Dataplane
		for _, p := range envoydiff.All(comparisons) {
			if p.Has(code) {
				proxies = append(proxies, p.Dataplane)
			}
		}
		if len(proxies) > 0 {
			all := counted(lists.Each(proxies, (*cluster.Dataplane).String), "proxy")
			f := facts{"proxies": all, "version": to, "change": unavoidableChanges[code], "code": code}
			found = append(found, changedByUpgrade.note(proxies[0].Place, theControlPlane, f))
		}
	}
	return found
}
