package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// namesInOrder reports whether the names already are in the order of precedence,
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

// ordered reports whether, of any two candidates that differ, the first has the
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

// precedes reports whether, other things being equal, a policy named a takes
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
