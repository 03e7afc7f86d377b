package convert

import (
	"cmp"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/cover"
	"tracemigrate/meshtrace"
)

// relabelled is a policy that selects by labels, before it has a name.
type relabelled struct {
	*layer
	labels cluster.Tags // empty: every proxy
	nth    int          // of the layer's policies, from 0
	kept   bool         // an existing policy stays as it is
	mesh   bool         // it is of kind Mesh
	name   string
	policy *meshtrace.Policy
}

// relabelling is a layering with its policies.
type relabelling struct {
	*layering
	policies []*relabelled       // highest precedence first
	reasons  reasons             // why selectors have no policy
	gone     []*meshtrace.Policy // existing ones that must not stay
	first    []*meshtrace.Policy // those of gone that have no effect today
	notes    notes
	made     []*made                     // the policies of selectors, once they are built
	repeated map[*meshtrace.Policy]*made // see findAgain

	existing map[string][]*meshtrace.Policy // by the key of their content
}

// relabel finds the fewest labels that select what each layer decides on.
func relabel(l *layering) *relabelling {
	r := &relabelling{layering: l, reasons: make(reasons), existing: make(map[string][]*meshtrace.Policy)}
	for _, of := range l.layers {
		if p := of.existing; p != nil {
			r.existing[p.Default.Key()] = append(r.existing[p.Default.Key()], p)
		}
	}
	kept := l.keepable()
	covers := l.covers(kept)
	later := l.forLater()
	used := make(map[string]bool) // backends
	for i, of := range l.layers {
		switch {
		case kept[of]:
			r.policies = append(r.policies, &relabelled{layer: of, labels: of.existing.TargetRef.Labels, kept: true})
			continue
		case of.copied:
			r.remarkCopy(of)
			continue
		case of.existing != nil && isEmptyConf(&of.conf):
			continue // it has no effect
		case len(of.served) == 0 && len(l.sidecars) > 0 && of != later:
			r.unserved(of)
			continue
		}
		if l.needsBackend(&of.conf) && !r.hasEndpoint(of) {
			continue
		}
		if of.pair != nil {
			if b := l.BackendOf(of.pair.TrafficTrace); b != nil && !used[b.Name] {
				used[b.Name] = true
				r.notes = append(r.notes, remarkUse(l.mesh, b, of.pair.TrafficTrace)...)
			}
			if l.confOf(of.pair.TrafficTrace).refused {
				r.reasons[of.position] = string(backendRefused)
				continue
			}
		}
		r.add(of, covers[i])
	}
	r.dropEmpty()
	r.chooseKinds()
	return r
}

// forLater returns the layer of the selector for every proxy, if it decides on none of those
// that exist: its policy is for later ones. It is nil if a MeshTrace for every proxy decides
// on these, or if some of those that exist would inherit from the policy.
func (l *layering) forLater() *layer {
	var first *layer
	for _, of := range l.layers {
		switch {
		case of.everyone && of.existing != nil:
			return nil
		case of.everyone && first == nil:
			first = of
		}
	}
	if first == nil || len(first.served) > 0 || !l.maySelect(first, l.byRank) {
		return nil
	}
	return first
}

// unserved says why a layer that decides on no proxy has no policy.
func (r *relabelling) unserved(of *layer) {
	if of.pair != nil {
		switch {
		case of.taken:
			r.reasons[of.position] = string(decidedByMeshTraces)
		case r.neverDecides(of):
		case of.ofBuiltin:
			r.reasons[of.position] = string(servesBuiltin)
		default:
			r.reasons[of.position] = string(servesNobody)
			r.notes = append(r.notes, laterUnknown.noteOn(of.pair, facts{"selector": of.fact()}))
		}
		return
	}
	about := existingServesNobody
	switch ref := &of.existing.TargetRef; {
	case of.idle && of.masks:
		about = existingMasks
	case of.idle:
		about = existingIdle
	case ref.IsIn(cluster.Newest):
		return
	case !ref.IsIn(r.target()) && !ref.RemovedIn(r.target()):
		about = existingSelectsMore
	case of.ofBuiltin:
		about = existingServesBuiltin
	case len(of.free) > 0:
		about = existingWithoutEffect
	}
	switch about {
	case existingIdle, existingSelectsMore:
		r.gone, r.first = append(r.gone, of.existing), append(r.first, of.existing)
	case existingMasks:
		r.gone = append(r.gone, of.existing)
	}
	r.notes = append(r.notes, about.note(of.existing.Place, of.existing, facts{
		"target": cluster.Newest, "command": deletion(of.existing),
	}))
}

// neverDecides reports whether a selector decides on no proxy because of a higher one, and says so.
func (r *relabelling) neverDecides(of *layer) bool {
	higher := r.Covering(of.position, of.pair.Tags)
	if higher == nil {
		return false
	}
	found := neverDeciding(r.mesh, of.pair, higher)
	r.reasons[of.position], r.notes = found.reason, append(r.notes, found.notes...)
	return true
}

// hasEndpoint reports whether the OpenTelemetry endpoint of a layer can be that of a
// MeshOpenTelemetryBackend, and notes why it cannot.
func (r *relabelling) hasEndpoint(of *layer) bool {
	endpoint := of.conf.Backends[0].OpenTelemetry.Endpoint
	_, _, err := splitEndpoint(endpoint)
	if err != nil {
		r.notes = append(r.notes, endpointUnsupported.note(of.place(), of.resource(), facts{
			"endpoint": clipped(manifest.RedactURL(endpoint)), "problem": err.Error(),
		}))
	}
	return err == nil
}

// remarkCopy notes a copy that 3.0 refuses: only the control plane that has the original
// can change it.
func (r *relabelling) remarkCopy(of *layer) {
	if !of.existing.TargetRef.IsIn(r.target()) || r.needsBackend(&of.conf) {
		r.notes = append(r.notes, copyRefused.note(of.existing.Place, of.existing, facts{"target": r.target()}))
	}
}

// isEmptyConf reports whether c sets nothing.
func isEmptyConf(c *meshtrace.Conf) bool {
	return c.Backends == nil && c.Tags == nil && c.Sampling == (meshtrace.Sampling{})
}

// target is the version that policies must work on at last.
func (l *layering) target() cluster.Version { return cmp.Or(l.o.To, l.o.Version) }

// add adds the policies of a layer, and notes the proxies that no labels distinguish.
func (r *relabelling) add(of *layer, found cover.Result) {
	switch {
	case len(r.sidecars) == 0:
		r.addUnseen(of)
		return
	case len(of.served) == 0: // see forLater
		r.policies = append(r.policies, &relabelled{layer: of, labels: cluster.Tags{}})
		return
	}
	if len(found.Alike) > 0 {
		r.notes = append(r.notes, r.remarkAlike(of, found.Alike))
	}
	if !found.Proved && len(found.Sets) > 1 {
		r.notes = append(r.notes, coverNotMinimal.note(of.place(), of.resource(), facts{"selector": of.fact(), "count": len(found.Sets)}))
	}
	for i, labels := range found.Sets {
		r.policies = append(r.policies, &relabelled{layer: of, labels: labels, nth: i})
	}
	if len(found.Sets) == 0 && of.pair != nil {
		r.reasons[of.position] = notCarriedOver.with(facts{"code": LabelsAlike})
	}
}

// addUnseen adds the policy of a layer in a mesh without known Dataplanes: on Kubernetes
// the labels of its tags.
func (r *relabelling) addUnseen(of *layer) {
	var ref *meshtrace.TargetRef
	var format cluster.Format
	switch {
	case of.existing != nil:
		ref, format = &of.existing.TargetRef, of.existing.Format
	case r.neverDecides(of):
		return
	case r.existsAlready(of):
		r.reasons[of.position] = string(existsAlready)
		return
	default:
		ref, format = &meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: of.pair.Tags}, r.formatOf(of.pair)
	}
	labels, missing := labelsOfTags(r.withoutService(ref.Selector()))
	switch {
	case of.everyone:
		labels, missing = cluster.Tags{}, nil
	case len(labels) == 0 && len(missing) == 0 || len(ref.ProxyTypes) > 0:
		missing = []string{ref.String()}
	case format == cluster.Universal && len(labels) > 0:
		missing = nil
		for _, tag := range ref.Selector() {
			missing = append(missing, tag.Key+"="+tag.Value)
		}
	}
	if len(missing) > 0 {
		r.notes = append(r.notes, labelsUnknown.note(of.place(), of.resource(), facts{
			"selector": of.fact(), "tags": names(missing), "mesh": quoted(r.Name),
		}))
		if of.pair != nil {
			r.reasons[of.position] = notCarriedOver.with(facts{"code": LabelsUnknown})
		}
		return
	}
	r.policies = append(r.policies, &relabelled{layer: of, labels: labels})
}

// withoutService replaces kuma.io/service in tags by the selector of the Kubernetes Service
// that it names. Kuma keeps it in a MeshService as well (meshservice_controller.go in
// pkg/plugins/runtime/k8s/controllers of Kuma's tag 2.13.10).
func (r *relabelling) withoutService(tags cluster.Tags) cluster.Tags {
	selector, namespace := r.selectorOf(r.Name, tags.Get(cluster.ServiceTag))
	if len(selector) == 0 {
		return tags
	}
	rest := tags.Without(cluster.ServiceTag)
	for _, tag := range selector {
		if own, ok := rest.Lookup(tag.Key); ok && own != tag.Value {
			return tags // no Dataplane has both
		}
	}
	return rest.And(selector).With(cluster.NamespaceLabel, namespace)
}

// existsAlready reports whether an existing policy has the content that a selector's would
// get in a mesh without known Dataplanes.
func (r *relabelling) existsAlready(of *layer) bool {
	if len(r.existing) == 0 {
		return false // mostly, for many selectors
	}
	labels, _ := labelsOfTags(r.withoutService(of.pair.Tags))
	return slices.ContainsFunc(r.existing[of.conf.Key()], func(p *meshtrace.Policy) bool {
		if of.everyone {
			return p.TargetRef.Kind == meshtrace.Mesh
		}
		return p.TargetRef.Kind == meshtrace.Dataplane && slices.Equal(p.TargetRef.Labels, labels)
	})
}

// dropEmpty drops the policies of selectors without a backend from which no lower policy
// takes proxies, and notes the selectors.
func (r *relabelling) dropEmpty() {
	isEmpty := func(p *relabelled) bool { return p.pair != nil && len(p.conf.Backends) == 0 }
	if !slices.ContainsFunc(r.policies, isEmpty) {
		return
	}
	needed := r.overriding()
	var left []*relabelled
	written := make(map[int]bool) // by position
	var empty []*relabelled       // the first of each position
	for i, p := range r.policies {
		if !isEmpty(p) {
			left = append(left, p)
			continue
		}
		if _, known := written[p.position]; !known {
			empty = append(empty, p)
		}
		written[p.position] = written[p.position] || needed[i]
		if needed[i] {
			left = append(left, p)
		}
	}
	r.policies = left
	for _, p := range empty { // one note, though a selector may have several policies
		about := noBackend
		if !written[p.position] {
			about, r.reasons[p.position] = noBackendNoPolicy, string(untracedAnyway)
		}
		f := facts{"selector": selectorFact(p.pair), "cause": whyNoBackend(r.mesh, p.pair.TrafficTrace)}
		r.notes = append(r.notes, about.noteOn(p.pair, f))
	}
}

// overriding reports which policies select a sidecar that a lower one selects, too: all, if
// no sidecar is known.
func (r *relabelling) overriding() []bool {
	if len(r.sidecars) == 0 {
		return slices.Repeat([]bool{true}, len(r.policies))
	}
	overrides := make([]bool, len(r.policies))
	index := cluster.NewIndex(lists.Each(r.policies, func(p *relabelled) cluster.Tags { return p.labels }))
	var found []int32
	for _, dp := range r.sidecars {
		labels := dp.Labels
		if r.o.DisplayNames && labels.Get(cluster.DisplayNameLabel) == "" {
			labels = labels.With(cluster.DisplayNameLabel, dp.Name)
		}
		found = index.Matching(found[:0], labels)
		lowest := slices.Max(append(found, -1))
		for _, i := range found {
			overrides[i] = overrides[i] || i < lowest
		}
	}
	return overrides
}

// chooseKinds decides which policies for every proxy are of kind Mesh: those below all
// others, if builtin gateways, which kind Mesh selects as well, are to have the same.
func (r *relabelling) chooseKinds() {
	for _, p := range slices.Backward(r.policies) {
		if len(p.labels) > 0 || p.kept && p.existing.TargetRef.Kind == meshtrace.Dataplane {
			return
		}
		if p.mesh = p.kept; p.kept {
			continue
		}
		p.mesh = !slices.ContainsFunc(r.builtin, func(dp *cluster.Dataplane) bool {
			d := r.decide(dp)
			position, ok := r.positionOf(d.Pair)
			return !slices.Contains(d.Policies, p.existing) && (len(d.Conf.Backends) > 0 || !ok || position != p.position)
		})
		if !p.mesh {
			return
		}
	}
}
