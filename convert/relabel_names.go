package convert

import (
	"cmp"
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// nameByLayer names all policies of all meshes: those of a MeshTrace keep its name and
// those of a selector get that of its TrafficTrace, as far as the order of names is then
// that of precedence. Otherwise every policy of the mesh gets its rank in front.
func nameByLayer(in *input, all []*relabelling) {
	free := make(map[*meshtrace.Policy]bool)
	for _, r := range all {
		for _, p := range slices.Concat(r.again, r.mesh.previous) {
			free[p] = true
		}
		for _, p := range r.policies {
			if p.existing != nil && p.nth == 0 && validName(p.existing.Name) == p.existing.Name {
				p.name = p.existing.Name
			}
		}
	}
	taken := in.existingNames(func(i int) bool { return free[in.compared[i]] })
	bases := basesByLabels(in, all)
	for _, r := range all {
		r.nameOthers(taken, bases)
		if !r.inOrder() {
			r.rankAll(taken)
		} else {
			r.keepNames(taken)
		}
	}
}

// basesByLabels returns what the names of all meshes' policies by labels consist of: each may
// become several policies, those that exist as well.
func basesByLabels(in *input, all []*relabelling) map[string][]base {
	bases := basesOfAll(lists.Each(all, func(r *relabelling) *mesh { return r.mesh }), in.OtherTrafficTraces())
	for _, of := range bases {
		for i := range of {
			of[i].Several = true
		}
	}
	exists := func(mesh, name string) {
		bases[name] = append(bases[name], base{cluster.TraceName{Mesh: mesh, Name: name, Several: true}, true})
	}
	for _, name := range in.OtherMeshTraces() {
		exists("", name)
	}
	for _, p := range in.existing {
		if p.Format == cluster.Kubernetes {
			exists(p.Mesh, p.Name)
		}
	}
	return bases
}

// baseOf returns what the names of the policies of a layer consist of: on Kubernetes, what no
// policy of another mesh gets, in whatever order the meshes are converted.
func (r *relabelling) baseOf(of *layer, name, unique string, bases map[string][]base) string {
	valid := validName(name)
	if r.scopeOfLayer(of) == scope(cluster.Kubernetes, r.mesh.Name) && r.sharesName(valid, bases) {
		return withHash(valid, r.mesh.Name, unique)
	}
	return valid
}

// keepNames gives policies the names that a previous run gave them, such as with a rank that is
// not needed any more, unless another policy has the name now, or they are then out of order.
func (r *relabelling) keepNames(taken map[string]bool) {
	previous := lists.By(r.mesh.previous, func(p *meshtrace.Policy) string { return p.TargetRef.String() })
	now := make(map[*relabelled]string)
	for _, p := range r.policies {
		if p.pair == nil {
			continue
		}
		ref := p.targetRef()
		old := previous[ref.String()]
		if old == nil || taken[r.scopeOfLayer(p.layer)+old.Name] {
			continue
		}
		taken[r.scopeOfLayer(p.layer)+old.Name] = true
		now[p], p.name = p.name, old.Name
	}
	if len(now) > 0 && !r.inOrder() {
		for p, name := range now {
			p.name = name
		}
	}
}

func (m *mesh) scopeOfLayer(of *layer) string {
	if of.existing != nil {
		return scope(of.existing.Format, m.Name)
	}
	return scope(m.formatOf(of.pair), m.Name)
}

// nameOthers names the policies of selectors, and the further ones of MeshTraces.
func (r *relabelling) nameOthers(taken map[string]bool, bases map[string][]base) {
	ofSelectors := lists.Keep(r.policies, func(p *relabelled) bool { return p.pair != nil })
	groups := lists.Group(ofSelectors, func(p *relabelled) *legacy.TrafficTrace { return p.pair.TrafficTrace })
	unique := func(of *layer, name string) string {
		free := name
		for n := 2; taken[r.scopeOfLayer(of)+free]; n++ {
			free = fmt.Sprintf("%s-%d", name, n)
		}
		taken[r.scopeOfLayer(of)+free] = true
		return free
	}
	for _, trace := range r.TrafficTraces {
		group := groups[trace]
		if len(group) == 0 {
			continue
		}
		candidates := lists.Each(group, func(p *relabelled) *candidate {
			return &candidate{pair: p.pair, position: p.position}
		})
		for i, name := range numbered(candidates, r.baseOf(group[0].layer, trace.DisplayName(), trace.Name, bases)) {
			group[i].name = unique(group[i].layer, name)
		}
	}
	for _, p := range r.policies {
		if p.name == "" {
			name := r.baseOf(p.layer, p.existing.Name, p.existing.Name, bases)
			if p.nth > 0 {
				name = fmt.Sprintf("%s-%d", name, p.nth+1)
			}
			p.name = unique(p.layer, name)
		}
	}
}

// rankAll puts the rank in front of every name, in equally many digits.
func (r *relabelling) rankAll(taken map[string]bool) {
	for width := len(fmt.Sprint(len(r.policies))); ; width++ {
		ranked := make([]string, len(r.policies))
		unique := true
		for i, p := range r.policies {
			// A previous run may have put a rank in front already.
			ranked[i] = fmt.Sprintf("%0*d-%s", width, i+1, validName(rankInFront.ReplaceAllString(p.name, "")))
			own := p.existing != nil && p.existing.Name == ranked[i]
			unique = unique && (own || !taken[r.scopeOfLayer(p.layer)+ranked[i]])
		}
		if !unique && width < maxName-maxBase {
			continue
		}
		for i, p := range r.policies {
			p.name = ranked[i]
			taken[r.scopeOfLayer(p.layer)+p.name] = true
		}
		r.notes = append(r.notes, renamedForOrder.note(r.Place, r.mesh, facts{
			"policies": Plural(len(r.policies), "policy"), "order": "smallest", "version": r.target(),
		}))
		return
	}
}

// inOrder reports whether, of any two policies that one Dataplane can have the labels of
// and that differ, the higher one has the smaller name.
func (r *relabelling) inOrder() bool {
	return r.inOrderAmong(false) && r.inOrderAmong(true)
}

// inOrderAmong reports it for the policies of kind Mesh, or of kind Dataplane.
func (r *relabelling) inOrderAmong(mesh bool) bool {
	var policies []*relabelled
	var labels []cluster.Tags
	for _, p := range r.policies {
		if p.mesh == mesh {
			policies = append(policies, p)
			labels = append(labels, p.labels)
		}
	}
	if slices.IsSortedFunc(policies, func(a, b *relabelled) int { return cmp.Compare(a.name, b.name) }) {
		return true
	}
	compared := 0
	for i, j := range meeting(labels) {
		if compared++; compared > maxPairs {
			return false
		}
		a, b := policies[i], policies[j]
		if a.name >= b.name && a.layer != b.layer && (a.existing != nil || b.existing != nil || a.conf.Key() != b.conf.Key()) {
			return false
		}
	}
	return true
}

// obsolete returns the existing policies that other names replace, and those that must
// not stay.
func (r *relabelling) obsolete() []*meshtrace.Policy {
	names := make(map[*meshtrace.Policy]bool)
	gone := slices.Clone(r.gone)
	for _, p := range r.again {
		if !slices.ContainsFunc(r.policies, func(made *relabelled) bool { return made.name == p.Name }) {
			gone = append(gone, p)
		}
	}
	for _, p := range r.policies {
		if p.existing != nil {
			names[p.existing] = names[p.existing] || p.name == p.existing.Name
		}
	}
	for _, of := range r.layers {
		if same, has := names[of.existing]; has && !same {
			gone = append(gone, of.existing)
		}
	}
	meshtrace.Sort(r.o.Version, gone)
	return slices.Compact(gone)
}

// inOrderOfApply returns what to apply so that each proxy has, at every moment, what it had or
// what it gets: first what replaces no existing policy, highest precedence first, as long as those
// that exist have precedence by their kind; then the others, lowest first.
func (r *relabelling) inOrderOfApply() []*meshtrace.Policy {
	existing := lists.Set(r.allExisting(), (*meshtrace.Policy).Identity)
	var added, replacing []*meshtrace.Policy
	for _, p := range r.policies {
		switch {
		case p.kept && p.name == p.existing.Name:
		case existing[p.policy.Identity()]:
			replacing = append(replacing, p.policy)
		default:
			added = append(added, p.policy)
		}
	}
	slices.Reverse(replacing)
	return append(added, replacing...)
}
