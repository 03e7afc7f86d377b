package convert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// maxName is the longest name of a Kubernetes object, in bytes. Names are kept
// shorter by what numbers and prefixes may add.
const (
	maxName = 253
	maxBase = 200
)

// naming is a reduction with the names of its policies.
type naming struct {
	*reduction
	policies []named
	notes    notes
}

// named is a candidate with the name of its policy.
type named struct {
	*candidate
	name string
}

// name names all candidates of all meshes: uniquely among each other and the existing
// policies, and so that the order of names is the order of precedence. The names of what
// a previous run made are free, those of shadow policies from --shadow too. The names on
// Kubernetes that other meshes' policies have, or would get, are taken, whether these
// meshes are converted or not.
func name(in *input, needs []*reduction, previous map[*meshtrace.Policy]bool) []*naming {
	taken := takenNames(in, needs, previous)
	bases := basesOfAll(lists.Each(needs, func(n *reduction) *mesh { return n.mesh }), in.OtherTrafficTraces())
	all := make([]*naming, len(needs))
	for i, r := range needs {
		plain, renamed := nameByTrace(r, taken, bases)
		all[i] = &naming{reduction: r, policies: plain, notes: renamed}
		if !namesInOrder(r.mesh, plain) {
			all[i].policies = rankNames(r.mesh, plain, taken)
			all[i].notes = append(all[i].notes, remarkRank(r.mesh, len(plain)))
		}
	}
	return all
}

// takenNames returns the names that no new policy can have, with their scope.
func takenNames(in *input, needs []*reduction, previous map[*meshtrace.Policy]bool) map[string]bool {
	free := shadowsOf(needs, in.existing, in.o.Version)
	isFree := func(i int) bool { return free[in.existing[i]] || previous[in.compared[i]] }
	taken := in.existingNames(isFree)
	global := dependsOnZone(in.Origin, in.o) // where copies of a global control plane's own have their display names
	for i, p := range in.existing {
		if global && p.Labels.Get(cluster.OriginLabel) != "zone" && !isFree(i) {
			for _, format := range []cluster.Format{cluster.Kubernetes, cluster.Universal} {
				taken[scope(format, p.Mesh)+p.DisplayName()] = true
			}
		}
	}
	return taken
}

// existingNames returns the names of the existing policies of all meshes, with their scope,
// but for those of in.existing whose positions are free.
func (in *input) existingNames(isFree func(i int) bool) map[string]bool {
	taken := make(map[string]bool)
	for _, name := range in.OtherMeshTraces() {
		taken[scope(cluster.Kubernetes, "")+name] = true
	}
	for i, p := range in.existing {
		if !isFree(i) {
			taken[scope(p.Format, p.Mesh)+p.Name] = true
		}
	}
	return taken
}

// scope is what names must be unique in: a mesh, or the namespace of all
// MeshTraces on Kubernetes.
func scope(format cluster.Format, mesh string) string {
	if format == cluster.Kubernetes {
		return "\x00"
	}
	return mesh + "\x00"
}

func (m *mesh) scopeOf(c *candidate) string { return scope(m.formatOf(c.pair), m.Name) }

// nameByTrace gives each candidate the name of its TrafficTrace, of a copy in
// a zone that of the original, numbered where one gives several. It takes the names.
func nameByTrace(n *reduction, taken map[string]bool, bases map[string][]base) ([]named, notes) {
	byTrace := make(map[*legacy.TrafficTrace][]int) // positions of candidates
	for i, c := range n.candidates {
		byTrace[c.pair.TrafficTrace] = append(byTrace[c.pair.TrafficTrace], i)
	}
	traces := slices.SortedFunc(maps.Keys(byTrace), func(a, b *legacy.TrafficTrace) int {
		return cmp.Or(strings.Compare(a.DisplayName(), b.DisplayName()), strings.Compare(a.Name, b.Name))
	})
	isInvalid := func(t *legacy.TrafficTrace) bool { return validName(t.DisplayName()) != t.DisplayName() }
	policies := make([]named, len(n.candidates))
	var found notes
	// Names that are valid as they are go first, so that no other becomes one of them.
	for _, trace := range lists.Last(traces, isInvalid) {
		group := lists.Each(byTrace[trace], func(position int) *candidate { return n.candidates[position] })
		name := trace.DisplayName()
		base := validName(name)
		all := numbered(group, base)
		shared := n.formatOf(group[0].pair) == cluster.Kubernetes && n.sharesName(base, bases)
		for of := trace.Name; shared || n.anyTaken(group, all, taken); of += "'" {
			all, shared = numbered(group, withHash(base, n.Name, of)), false
		}
		for i, position := range byTrace[trace] {
			policies[position] = named{group[i], all[i]}
			taken[n.scopeOf(group[i])+all[i]] = true
		}
		if first := all[0]; !strings.HasPrefix(first, name) || len(group) == 1 && first != name {
			about := renamedInvalid
			if base == name {
				about = renamedTaken
			}
			found = append(found, about.note(trace.Place, trace, facts{"policies": names(lists.Each(all, quoted))}))
		}
	}
	return policies, found
}

// base is a TrafficTrace by what its policies' names consist of, or a MeshTrace, which exists.
type base struct {
	cluster.TraceName
	exists bool
}

// basesOfAll returns the TrafficTraces of all meshes, those that are converted and others.
func basesOfAll(meshes []*mesh, others []cluster.TraceName) map[string][]base {
	bases := make(map[string][]base)
	if len(meshes)+len(others) < 2 {
		return bases // mostly, and a mesh shares no name with itself
	}
	add := func(trace cluster.TraceName) {
		name := validName(trace.Name)
		bases[name] = append(bases[name], base{trace, false})
	}
	for _, trace := range others {
		add(trace)
	}
	for _, n := range meshes {
		for _, trace := range n.TrafficTraces {
			matches := lists.Each(trace.Selectors, func(s legacy.Selector) cluster.Tags { return s.Tags })
			add(cluster.TraceName{
				Mesh: n.Name, Name: trace.DisplayName(), Several: cluster.SeveralPolicies(matches), Format: trace.Format,
			})
		}
	}
	return bases
}

// sharesName reports whether a policy of another mesh may get name, by what numbered and
// rankNames add to names, or has the same base and goes first.
func (m *mesh) sharesName(name string, bases map[string][]base) bool {
	others := func(name string, gives func(base) bool) bool {
		return slices.ContainsFunc(bases[name], func(of base) bool {
			shared := m.o.Format == cluster.Kubernetes || m.o.Format == "" && of.Format != cluster.Universal
			return of.Mesh != m.Name && shared && gives(of)
		})
	}
	if others(name, func(of base) bool { return of.exists || of.Mesh < m.Name }) {
		return true
	}
	unranked := rankInFront.ReplaceAllString(name, "")
	if unranked != name && others(unranked, func(base) bool { return true }) {
		return true
	}
	for _, whole := range []string{name, unranked} {
		for range 2 { // numbers at the end
			i := strings.LastIndexByte(whole, '-')
			if i < 0 || strings.Trim(whole[i+1:], "0123456789") != "" || whole[i+1:] == "" {
				break
			}
			whole = whole[:i]
			if others(whole, func(of base) bool { return of.Several }) {
				return true
			}
		}
	}
	return false
}

// numbered returns the names of a group after base.
func numbered(group []*candidate, base string) []string {
	given := make([]string, len(group))
	count := lists.Count(group, func(c *candidate) int { return c.pair.Number }) // candidates of each selector
	nth := make(map[int]int)
	for i, c := range group {
		given[i] = base
		switch {
		case len(group) == 1:
		case len(count) == 1:
			given[i] = fmt.Sprintf("%s-%d", base, i+1)
		case count[c.pair.Number] == 1:
			given[i] = fmt.Sprintf("%s-%d", base, c.pair.Number)
		default:
			nth[c.pair.Number]++
			given[i] = fmt.Sprintf("%s-%d-%d", base, c.pair.Number, nth[c.pair.Number])
		}
	}
	return given
}

// anyTaken reports whether one of the names of a group is taken.
func (m *mesh) anyTaken(group []*candidate, given []string, taken map[string]bool) bool {
	for i, name := range given {
		if taken[m.scopeOf(group[i])+name] {
			return true
		}
	}
	return false
}

// validName is name as an RFC 1123 subdomain, name itself when it is one.
func validName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	labels := lists.Each(strings.Split(b.String(), "."), func(label string) string { return strings.Trim(label, "-") })
	labels = slices.DeleteFunc(labels, func(label string) bool { return label == "" })
	valid := strings.Join(labels, ".")
	switch {
	case valid == "":
		return withHash("trace", "", name)
	case len(valid) > maxBase:
		return withHash(strings.TrimRight(valid[:maxBase-10], "-."), "", name)
	}
	return valid
}

// withHash makes base unlike the base of any other TrafficTrace.
func withHash(base, mesh, name string) string {
	sum := sha256.Sum256([]byte(mesh + "\x00" + name))
	return base + "-" + hex.EncodeToString(sum[:4])
}
