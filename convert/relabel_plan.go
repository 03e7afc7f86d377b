package convert

import (
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// convertByLabels makes policies that select by labels of all legacy tracing and of the
// existing MeshTraces that 3.0 would refuse or read otherwise: both together, because
// MeshSubset outranks Dataplane whatever the names.
func (in *input) convertByLabels() *Plan {
	meshes := in.meshesWithout(nil)
	layers := each(meshes, func(m *mesh) *layering { return layersOf(in, m) })
	all := each(layers, func(l *layering) *relabelling { return relabel(in, l) })
	nameByLayer(in, all)
	backends := make(map[meshtrace.Identity]*meshtrace.OTelBackend)
	for _, r := range all {
		r.build(backends)
	}
	return newPlanByLabels(in, all, backends)
}

// newPlanByLabels returns what the meshes give together, with the proof for each proxy.
func newPlanByLabels(in *input, all []*relabelling, backends map[meshtrace.Identity]*meshtrace.OTelBackend) *Plan {
	plan := &Plan{
		Meshes: in.Meshes, Existing: in.compared, version: in.o.Version, Complete: true,
		previous: make(map[meshtrace.Identity]bool), existing: make(map[*meshtrace.Policy]bool),
		ties: make(map[string]func(*cluster.Dataplane) cluster.Doubt),
	}
	found := slices.Clone(in.notes)
	after := slices.Clone(in.compared)
	for _, r := range all {
		if r.timesElsewhere || r.undated {
			plan.ties[r.Name] = r.ties.doubt
		}
		for _, p := range r.policies {
			if !p.kept || p.name != p.existing.Name {
				plan.Policies = append(plan.Policies, p.policy)
			}
		}
		obsolete := r.obsolete()
		plan.Obsolete = append(plan.Obsolete, obsolete...)
		after = slices.DeleteFunc(after, func(p *meshtrace.Policy) bool { return slices.Contains(obsolete, p) })
		plan.Fates = append(plan.Fates, r.fates()...)
		found = slices.Concat(found, r.notes, r.remarkSelection(), r.remarkObsolete(obsolete), r.remarkBuiltin())
		switch {
		case len(r.layers) == 0:
			found = append(found, remarkNothing(r.mesh))
		case len(r.dataplanes) == 0 && len(r.policies) > 0:
			found = append(found, r.withoutDataplanes(notVerified, notVerifiedUnlisted, notVerifiedEmptyMesh).note(r.Place, r.mesh, nil))
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(backends), meshtrace.Identity.Compare) {
		plan.Backends = append(plan.Backends, backends[key])
	}
	found = append(found, remarkStage(in, plan)...)
	found = append(found, plan.prove(in, Applied(after, plan.Policies))...)
	plan.Notes = found.sorted()
	return plan
}

// fates says what became of every selector of the mesh.
func (r *relabelling) fates() []*Fate {
	byPosition := make([][]*meshtrace.Policy, len(r.Pairs))
	for _, p := range r.policies {
		if p.pair != nil {
			byPosition[p.position] = append(byPosition[p.position], p.policy)
		}
	}
	fates := make([]*Fate, 0, len(r.Pairs))
	for position, pair := range r.Pairs {
		fate := &Fate{
			Mesh: r.Name, TrafficTrace: pair.Name, Selector: pair.Number, Selectors: len(pair.Selectors),
			Tags: pair.Tags, Place: pair.Position(), Policies: byPosition[position],
		}
		if len(fate.Policies) == 0 {
			fate.Reason = r.reasons[position]
		}
		fates = append(fates, fate)
	}
	for _, trace := range r.TrafficTraces {
		if len(trace.Selectors) == 0 {
			fates = append(fates, &Fate{Mesh: r.Name, TrafficTrace: trace.Name, Place: trace.Place, Reason: string(withoutSelector)})
		}
	}
	return fates
}

// remarkObsolete notes the existing policies that must be deleted, because policies of
// other names replace them.
func (r *relabelling) remarkObsolete(obsolete []*meshtrace.Policy) notes {
	var found notes
	for _, p := range obsolete {
		command := deleteKumactl.of(facts{"name": p.Name, "mesh": p.Mesh})
		if p.Format == cluster.Kubernetes {
			command = deleteKubectl.of(facts{"name": p.Name, "namespace": p.Namespace})
		}
		found = append(found, existingReplaced.note(p.Place, p, facts{"command": command}))
	}
	return found
}

// remarkBuiltin notes the builtin gateways, which no label selects and 3.0 does not have.
func (r *relabelling) remarkBuiltin() notes {
	if len(r.builtin) == 0 {
		return nil
	}
	var gateways []string
	for _, dp := range r.builtin {
		gateways = append(gateways, dp.String())
	}
	f := facts{"gateways": counted(gateways, "builtin gateway"), "version": r.target()}
	if r.target().HasBuiltinGateways() {
		return nil // the comparison shows those that lose their tracing
	}
	return notes{builtinRemoved.note(r.builtin[0].Place, r.mesh, f)}
}

// remarkStage notes when the policies can be applied.
func remarkStage(in *input, plan *Plan) notes {
	f := facts{"version": in.o.Version, "target": in.o.To}
	switch {
	case len(plan.Policies) == 0 || in.o.To == cluster.Version{}:
		return nil
	case in.o.Version.Compare(cluster.SinceDataplane) < 0:
		return notes{dataplaneUnsupported.note(plan.Policies[0].Place, theControlPlane, f)}
	case len(plan.Backends) > 0 && in.o.Version.Compare(cluster.SinceBackendRef) < 0:
		return notes{backendRefUnsupported.note(plan.Policies[0].Place, theControlPlane, f)}
	}
	return nil
}

// AppliesBefore reports whether the policies can be applied before the upgrade, on the
// version that the control plane has.
func (r *Plan) AppliesBefore() bool {
	return r.version.Compare(cluster.SinceDataplane) >= 0 && (len(r.Backends) == 0 || r.version.Compare(cluster.SinceBackendRef) >= 0)
}

// unavoidable are the codes of what an upgrade changes whatever the policies say.
var unavoidable = []envoydiff.Code{
	envoydiff.ProtocolFromField, envoydiff.WorkloadServiceName, envoydiff.OutboundNeedsBackendRef, envoydiff.BuiltinGatewayRemoved,
}

// prove compares every proxy before and after, on the target version and, where the
// policies are applied before the upgrade, on the version that runs.
func (r *Plan) prove(in *input, after []*meshtrace.Policy) notes {
	before := envoydiff.State{Legacy: in.Meshes, Policies: in.compared}
	state := envoydiff.State{Policies: each(after, unshadowed)}
	how := envoydiff.Options{Version: in.o.Version, To: in.o.To, Migrated: true, Accept: in.o.Accept, Doubt: r.Doubt}
	if in.o.To != (cluster.Version{}) {
		how.Accept = slices.Concat(how.Accept, unavoidable)
	}
	r.Comparisons = envoydiff.CompareZones(in.Snapshot, before, state, how)
	found := remarkDiffering(r.Comparisons, differsByLabels, facts{"version": how.Version})
	if in.o.To == (cluster.Version{}) {
		return found
	}
	found = remarkDiffering(r.Comparisons, differsByLabels, facts{"version": in.o.To})
	found = append(found, remarkUnavoidable(r.Comparisons, in.o.To)...)
	if !r.AppliesBefore() || len(r.Policies)+len(r.Obsolete) == 0 {
		return found
	}
	how.To, how.Accept = cluster.Version{}, in.o.Accept
	state.Legacy = in.Meshes // TrafficTraces stay until the upgrade
	return append(found, remarkDiffering(envoydiff.CompareZones(in.Snapshot, before, state, how), differsBeforeUpgrade, facts{"version": in.o.Version})...)
}

// remarkDiffering notes the proxies of each mesh that differ.
func remarkDiffering(comparisons []*envoydiff.Comparison, about *sentence, f facts) notes {
	type differing struct {
		first   *envoydiff.Proxy
		proxies []string
		codes   names
	}
	byMesh := make(map[string]*differing)
	for _, c := range comparisons {
		for i := range c.Proxies {
			p := &c.Proxies[i]
			if p.Verdict != envoydiff.Different {
				continue
			}
			d := byMesh[p.Mesh]
			if d == nil {
				d = &differing{first: p}
				byMesh[p.Mesh] = d
			}
			d.proxies = append(d.proxies, p.Dataplane.String())
			for _, difference := range p.Differences {
				if code := string(difference.Code); !slices.Contains(d.codes, code) && envoydiff.Codes[difference.Code] == envoydiff.Different {
					d.codes = append(d.codes, code)
				}
			}
		}
	}
	var found notes
	for _, mesh := range slices.Sorted(maps.Keys(byMesh)) {
		d := byMesh[mesh]
		values := maps.Clone(f)
		slices.Sort(d.codes)
		values["proxies"], values["codes"] = counted(d.proxies, "proxy"), strings.Join(d.codes, ", ")
		found = append(found, about.note(d.first.Dataplane.Place, subject("Mesh "+quoted(mesh)), values))
	}
	return found
}

// remarkUnavoidable notes the proxies that an upgrade changes whatever the policies say.
func remarkUnavoidable(comparisons []*envoydiff.Comparison, to cluster.Version) notes {
	var found notes
	for _, code := range unavoidable {
		if code == envoydiff.BuiltinGatewayRemoved {
			continue // remarkBuiltin names the gateways
		}
		var proxies []string
		var first *envoydiff.Proxy
		for _, c := range comparisons {
			for i := range c.Proxies {
				p := &c.Proxies[i]
				if !slices.ContainsFunc(p.Differences, func(d *envoydiff.Difference) bool { return d.Code == code }) {
					continue
				}
				if first == nil {
					first = p
				}
				proxies = append(proxies, p.Dataplane.String())
			}
		}
		if first != nil {
			f := facts{"proxies": counted(proxies, "proxy"), "version": to, "change": unavoidableChanges[code], "code": code}
			found = append(found, changedByUpgrade.note(first.Dataplane.Place, theControlPlane, f))
		}
	}
	return found
}
