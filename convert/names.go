package convert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// maxName is the longest name of a Kubernetes object, in bytes. Names are kept
// shorter by what numbers and prefixes may add.
const (
	maxName = 253
	maxBase = 200
)

// nameAll names all candidates: uniquely among each other and the existing
// policies, and so that the order of names is the order of precedence. The
// names of replaceable policies are free; s tells the names on Kubernetes that
// other meshes' policies have, or would get, whether these are converted or not.
// global says that the policies are for
// a global control plane, where copies of its own have their display names.
func nameAll(meshes []*mesh, existing []*meshtrace.Policy, replaceable map[*meshtrace.Policy]bool, s *cluster.Snapshot, global bool) {
	taken := make(map[string]bool)
	for _, name := range s.OtherMeshTraces() {
		taken[scope(cluster.Kubernetes, "")+name] = true
	}
	for _, p := range existing {
		if replaceable[p] {
			continue
		}
		taken[scope(p.Format, p.Mesh)+p.Name] = true
		if global && p.Labels[cluster.OriginLabel] != "zone" {
			for _, format := range []cluster.Format{cluster.Kubernetes, cluster.Universal} {
				taken[scope(format, p.Mesh)+p.DisplayName()] = true
			}
		}
	}
	bases := basesOfAll(meshes, s.OtherTrafficTraces())
	for _, m := range meshes {
		m.nameCandidates(taken, bases)
		if !m.namesInOrder() {
			m.prefixNames(taken)
		}
	}
}

// scope is what names must be unique in: a mesh, or the namespace of all
// MeshTraces on Kubernetes.
func scope(format cluster.Format, mesh string) string {
	if format == cluster.Kubernetes {
		return "\x00"
	}
	return mesh + "\x00"
}

// nameCandidates gives each candidate the name of its TrafficTrace, of a copy in
// a zone that of the original, numbered where one gives several.
func (m *mesh) nameCandidates(taken map[string]bool, bases map[string][]cluster.TraceName) {
	byTrace := make(map[*legacy.TrafficTrace][]*candidate)
	var traces []*legacy.TrafficTrace
	for _, c := range m.candidates {
		if byTrace[c.pair.TrafficTrace] == nil {
			traces = append(traces, c.pair.TrafficTrace)
		}
		byTrace[c.pair.TrafficTrace] = append(byTrace[c.pair.TrafficTrace], c)
	}
	// Names that are valid as they are go first, so that no other becomes one of them.
	slices.SortFunc(traces, func(a, b *legacy.TrafficTrace) int {
		return cmp.Or(strings.Compare(displayName(a.Resource), displayName(b.Resource)), strings.Compare(a.Name, b.Name))
	})
	var invalid []*legacy.TrafficTrace
	traces = slices.DeleteFunc(traces, func(trace *legacy.TrafficTrace) bool {
		if name := displayName(trace.Resource); validName(name) == name {
			return false
		}
		invalid = append(invalid, trace)
		return true
	})
	for _, trace := range append(traces, invalid...) {
		group, name := byTrace[trace], displayName(trace.Resource)
		base := validName(name)
		if m.format(group[0]) == cluster.Kubernetes && m.sharedName(base, bases) || !m.claim(group, base, taken) {
			m.claim(group, withHash(base, m.Name, trace.Name), taken)
		}
		if first := group[0].name; !strings.HasPrefix(first, name) || len(group) == 1 && first != name {
			why := "since a Kubernetes name has lower-case letters, digits, dashes and dots only, 253 at most"
			if base == name {
				why = "since another MeshTrace has that name"
			}
			m.notes.inform(Renamed, trace.Place, trace, fmt.Sprintf("becomes %s, %s", quoteNames(group), why), "")
		}
	}
}

// basesOfAll returns the TrafficTraces of all meshes, those that are converted and
// others, by what their policies' names consist of.
func basesOfAll(meshes []*mesh, others []cluster.TraceName) map[string][]cluster.TraceName {
	if len(meshes)+len(others) < 2 {
		return nil
	}
	bases := make(map[string][]cluster.TraceName)
	add := func(trace cluster.TraceName) {
		base := validName(trace.Name)
		bases[base] = append(bases[base], trace)
	}
	for _, trace := range others {
		add(trace)
	}
	for _, m := range meshes {
		for _, trace := range m.TrafficTraces {
			matches := make([]map[string]string, len(trace.Selectors))
			for i := range trace.Selectors {
				matches[i] = trace.Selectors[i].Tags
			}
			add(cluster.TraceName{Mesh: m.Name, Name: displayName(trace.Resource), Several: cluster.SeveralPolicies(matches), Format: trace.Format})
		}
	}
	return bases
}

// sharedName reports whether a policy of another mesh may get base as its name,
// by what claim and prefixNames add to names, or has the same base and goes first.
func (m *mesh) sharedName(base string, bases map[string][]cluster.TraceName) bool {
	others := func(base string, gives func(cluster.TraceName) bool) bool {
		return slices.ContainsFunc(bases[base], func(trace cluster.TraceName) bool {
			shared := m.o.Format == cluster.Kubernetes || m.o.Format == "" && trace.Format != cluster.Universal
			return trace.Mesh != m.Name && shared && gives(trace)
		})
	}
	if others(base, func(trace cluster.TraceName) bool { return trace.Mesh < m.Name }) {
		return true
	}
	unranked := rankInFront.ReplaceAllString(base, "")
	if unranked != base && others(unranked, func(cluster.TraceName) bool { return true }) {
		return true
	}
	for _, whole := range []string{base, unranked} {
		for range 2 { // numbers at the end
			i := strings.LastIndexByte(whole, '-')
			if i < 0 || strings.Trim(whole[i+1:], "0123456789") != "" || whole[i+1:] == "" {
				break
			}
			whole = whole[:i]
			if others(whole, func(trace cluster.TraceName) bool { return trace.Several }) {
				return true
			}
		}
	}
	return false
}

func quoteNames(group []*candidate) string {
	names := make([]string, len(group))
	for i, c := range group {
		names[i] = fmt.Sprintf("%q", c.name)
	}
	return list(names)
}

// claim names a group after base, unless one of the names is taken.
func (m *mesh) claim(group []*candidate, base string, taken map[string]bool) bool {
	names := make([]string, len(group))
	count := make(map[int]int) // candidates of each selector
	for _, c := range group {
		count[c.pair.Number]++
	}
	nth := make(map[int]int)
	for i, c := range group {
		names[i] = base
		switch {
		case len(group) == 1:
		case len(count) == 1:
			names[i] = fmt.Sprintf("%s-%d", base, i+1)
		case count[c.pair.Number] == 1:
			names[i] = fmt.Sprintf("%s-%d", base, c.pair.Number)
		default:
			nth[c.pair.Number]++
			names[i] = fmt.Sprintf("%s-%d-%d", base, c.pair.Number, nth[c.pair.Number])
		}
	}
	for i, name := range names {
		if taken[scope(m.format(group[i]), m.Name)+name] {
			return false
		}
	}
	for i, c := range group {
		c.name = names[i]
		taken[scope(m.format(c), m.Name)+c.name] = true
	}
	return true
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
	labels := strings.Split(b.String(), ".")
	for i, label := range labels {
		labels[i] = strings.Trim(label, "-")
	}
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

// namesInOrder says whether the names already are in the order of precedence,
// for every two candidates that can select one proxy and differ.
func (m *mesh) namesInOrder() bool {
	subsets := m.subsets()
	if m.ordered(subsets) {
		return true
	}
	if len(m.dataplanes) == 0 {
		// A proxy with several inbounds can satisfy any two selectors.
		return false
	}
	selectors := make([]cluster.Tags, len(subsets))
	for i, c := range subsets {
		selectors[i] = c.tags
	}
	looked := 0
	for i, j := range meeting(selectors) {
		if looked++; looked > maxPairs {
			return false // prefixes are always right
		}
		if !m.ordered([]*candidate{subsets[i], subsets[j]}) {
			return false
		}
	}
	index := cluster.NewIndex(selectors)
	var together []*candidate
	for _, dp := range m.dataplanes {
		m.found = index.Matching(m.found[:0], dp.TagSets()...)
		together = together[:0]
		for _, i := range m.found {
			together = append(together, subsets[i])
		}
		if !m.ordered(together) {
			return false
		}
	}
	return true
}

// subsets are the candidates whose names matter: kind Mesh is below them all.
func (m *mesh) subsets() []*candidate {
	var subsets []*candidate
	for _, c := range m.candidates {
		if len(c.tags) > 0 {
			subsets = append(subsets, c)
		}
	}
	return subsets
}

// ordered says whether, of any two candidates that differ, the first has the
// name that takes precedence. It remembers the least name so far, and the
// least of those that differ from its owner, so it need not compare all.
func (m *mesh) ordered(candidates []*candidate) bool {
	var worst, second *candidate // names that a later one must come after
	for _, c := range candidates {
		for _, before := range [...]*candidate{worst, second} {
			if before != nil && before.conf.key != c.conf.key && !m.precedes(before.name, c.name) {
				return false
			}
		}
		switch {
		case worst == nil || m.precedes(worst.name, c.name):
			if worst != nil && worst.conf.key != c.conf.key {
				second = worst
			}
			worst = c
		case worst.conf.key != c.conf.key && (second == nil || m.precedes(second.name, c.name)):
			second = c
		}
	}
	return true
}

// precedes says whether, other things being equal, a policy named a takes
// precedence over one named b: by the smaller name from 2.6 on, by the larger before.
func (m *mesh) precedes(a, b string) bool {
	if m.o.Version.SmallestNameWins() {
		return a < b
	}
	return a > b
}

// prefixNames puts the rank in front of every name, in equally many digits; and in
// front of that, where it takes that to keep the order in which the plain names
// are to those of existing policies, the name of one of these.
func (m *mesh) prefixNames(taken map[string]bool) {
	for _, c := range m.candidates {
		delete(taken, scope(m.format(c), m.Name)+c.name)
	}
	names := m.rankedNames(taken, nil)
	for _, rivals := range [][]*meshtrace.Policy{m.rivals(false), m.rivals(true)} {
		if len(rivals) == 0 || m.sameOrder(names, rivals) {
			break
		}
		if between := m.rankedNames(taken, rivals); m.sameOrder(between, rivals) && m.ranked(between) {
			names = between
			break
		}
	}
	for i, c := range m.candidates {
		c.name = names[i]
		taken[scope(m.format(c), m.Name)+c.name] = true
	}
	order := "smallest"
	if !m.o.Version.SmallestNameWins() {
		order = "largest"
	}
	m.notes.inform(Renamed, m.Place, m, fmt.Sprintf("its %s get their rank in front of the name, since MeshTraces of one kind take precedence by the %s name on Kuma %s, and the TrafficTraces' own names are in another order",
		plural(len(m.candidates), "policy"), order, m.o.Version), "keep the prefixes when you edit the policies")
}

// rankedNames returns the names of the candidates with their rank in front, and
// in front of that the last of the rivals' names that come before the plain name of
// one that the candidate's must follow.
func (m *mesh) rankedNames(taken map[string]bool, rivals []*meshtrace.Policy) []string {
	names := make([]string, len(m.candidates))
	for width := len(fmt.Sprint(len(m.candidates))); ; width++ {
		unique, after := true, ""
		for rank := 1; rank <= len(m.candidates); rank++ {
			i := rank - 1
			if !m.o.Version.SmallestNameWins() {
				i = len(m.candidates) - rank
			}
			c := m.candidates[i]
			for _, p := range rivals {
				if m.rival(p, c) && p.DisplayName() < c.name && p.DisplayName() > after {
					after = p.DisplayName()
				}
			}
			names[i] = fmt.Sprintf("%0*d-%s", width, rank, c.name)
			if after != "" {
				names[i] = after + "-" + names[i]
			}
			unique = unique && !taken[scope(m.format(c), m.Name)+names[i]]
		}
		if unique || slices.ContainsFunc(names, func(name string) bool { return len(name) > maxName }) {
			return names
		}
	}
}

// rival reports whether the names of an existing policy and a candidate can decide
// which has precedence: they are of one kind.
func (m *mesh) rival(p *meshtrace.Policy, c *candidate) bool {
	if len(c.tags) == 0 {
		return p.TargetRef.Kind == meshtrace.Mesh
	}
	return p.TargetRef.Kind == meshtrace.MeshSubset
}

// rivals are the existing policies that are of a candidate's kind, or of these the
// ones that meet it on a tag set.
func (m *mesh) rivals(meeting bool) []*meshtrace.Policy {
	var rivals []*meshtrace.Policy
	looked := 0
	for _, p := range m.existing {
		if slices.ContainsFunc(m.candidates, func(c *candidate) bool {
			looked++
			return looked <= maxPairs && m.rival(p, c) && (!meeting || c.tags.Meets(p.TargetRef.Selector()))
		}) {
			rivals = append(rivals, p)
		}
	}
	return rivals
}

// sameOrder reports whether names are to those of rivals in the order in which the
// candidates' plain names are.
func (m *mesh) sameOrder(names []string, rivals []*meshtrace.Policy) bool {
	for _, p := range rivals {
		for i, c := range m.candidates {
			if name := p.DisplayName(); m.rival(p, c) && (name < c.name) != (name < names[i]) {
				return false
			}
		}
	}
	return true
}

// ranked reports whether names are valid, and in the order of precedence.
func (m *mesh) ranked(names []string) bool {
	for i, name := range names {
		if validName(name) != name || i > 0 && !m.precedes(names[i-1], name) {
			return false
		}
	}
	return true
}

// meeting yields the positions i < j of selectors that one tag set can satisfy
// both. Selectors that ask for different values of the key that most of them
// have are never compared.
func meeting(selectors []cluster.Tags) func(yield func(i, j int) bool) {
	return func(yield func(i, j int) bool) {
		uses := make(map[string]int)
		for _, selector := range selectors {
			for key, value := range selector {
				if value != cluster.Any {
					uses[key]++
				}
			}
		}
		key := ""
		for candidate, n := range uses {
			if n > uses[key] || n == uses[key] && candidate < key {
				key = candidate
			}
		}
		byValue := make(map[string][]int)
		var open []int // those without a value of key
		pair := func(i, j int) bool {
			return !selectors[i].Meets(selectors[j]) || yield(min(i, j), max(i, j))
		}
		for i, selector := range selectors {
			value, ok := selector[key]
			exact := ok && value != cluster.Any
			if exact {
				for _, j := range byValue[value] {
					if !pair(i, j) {
						return
					}
				}
			}
			for _, j := range open {
				if !pair(i, j) {
					return
				}
			}
			if exact {
				byValue[value] = append(byValue[value], i)
				continue
			}
			for j := range i {
				if _, isOpen := slices.BinarySearch(open, j); !isOpen && !pair(i, j) {
					return
				}
			}
			open = append(open, i)
		}
	}
}
