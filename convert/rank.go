package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// namesInOrder reports whether the names already are in the order of precedence,
// for every two policies that can select one proxy and differ.
func namesInOrder(m *mesh, policies []named) bool {
	subsets := subsetsOf(policies)
	if m.ordered(subsets) {
		return true
	}
	if len(m.dataplanes) == 0 {
		// A proxy with several inbounds can satisfy any two selectors.
		return false
	}
	selectors := lists.Each(subsets, func(c named) cluster.Tags { return c.tags })
	looked := 0
	for i, j := range meeting(selectors) {
		if looked++; looked > maxPairs {
			return false // prefixes are always right
		}
		if !m.ordered([]named{subsets[i], subsets[j]}) {
			return false
		}
	}
	index := cluster.NewIndex(selectors)
	var found []int32
	var together []named
	for _, dp := range m.dataplanes {
		found = index.Matching(found[:0], dp.TagSets()...)
		together = together[:0]
		for _, i := range found {
			together = append(together, subsets[i])
		}
		if !m.ordered(together) {
			return false
		}
	}
	return true
}

// subsetsOf returns the policies whose names matter: kind Mesh is below them all.
func subsetsOf(policies []named) []named {
	return slices.DeleteFunc(slices.Clone(policies), func(c named) bool { return len(c.tags) == 0 })
}

// ordered reports whether, of any two policies that differ, the first has the
// name that takes precedence. It remembers the least name so far, and the
// least of those that differ from its owner, so it need not compare all.
func (m *mesh) ordered(policies []named) bool {
	var worst, second *named // names that a later one must come after
	for i := range policies {
		c := &policies[i]
		for _, before := range [...]*named{worst, second} {
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
	return m.sortable(a) > m.sortable(b)
}

// sortable returns what a policy's name is compared by.
func (m *mesh) sortable(name string) string {
	if m.o.Version.SmallestNameWins() {
		return name
	}
	return cluster.FullName(name, m.namespace)
}

// rankNames puts the rank in front of every name, in equally many digits; and in
// front of that, where only this keeps the order of the plain names and those of existing
// policies, the name of one of these. It takes the names instead of the plain ones.
func rankNames(m *mesh, plain []named, taken map[string]bool) []named {
	for _, c := range plain {
		delete(taken, m.scopeOf(c.candidate)+c.name)
	}
	best := m.rankedNames(plain, taken, nil)
	for _, rivals := range [][]*meshtrace.Policy{m.rivals(plain, false), m.rivals(plain, true)} {
		if len(rivals) == 0 || m.sameOrder(plain, best, rivals) {
			break
		}
		if between := m.rankedNames(plain, taken, rivals); m.sameOrder(plain, between, rivals) && m.ranked(between) {
			best = between
			break
		}
	}
	policies := make([]named, len(plain))
	for i, c := range plain {
		policies[i] = named{c.candidate, best[i]}
		taken[m.scopeOf(c.candidate)+best[i]] = true
	}
	return policies
}

// remarkRank notes that policies have their rank in front of the name.
func remarkRank(m *mesh, policies int) *Note {
	order := "smallest"
	if !m.o.Version.SmallestNameWins() {
		order = "largest"
	}
	return renamedForOrder.note(m.Place, m, facts{"policies": Plural(policies, "policy"), "order": order, "version": m.o.Version})
}

// rankedNames returns the names of policies with their rank in front, and
// in front of that the last of the rivals' names that come before the plain name of
// one that the policy's must follow.
func (m *mesh) rankedNames(plain []named, taken map[string]bool, rivals []*meshtrace.Policy) []string {
	ranked := make([]string, len(plain))
	for width := len(fmt.Sprint(len(plain))); ; width++ {
		unique, after := true, ""
		for rank := 1; rank <= len(plain); rank++ {
			i := rank - 1
			if !m.o.Version.SmallestNameWins() {
				i = len(plain) - rank
			}
			c := plain[i]
			for _, p := range rivals {
				if isRival(p, c) && m.sortable(p.DisplayName()) < m.sortable(c.name) && p.DisplayName() > after {
					after = p.DisplayName()
				}
			}
			ranked[i] = fmt.Sprintf("%0*d-%s", width, rank, c.name)
			if after != "" {
				ranked[i] = after + "-" + ranked[i]
			}
			unique = unique && !taken[m.scopeOf(c.candidate)+ranked[i]]
		}
		if unique || slices.ContainsFunc(ranked, func(name string) bool { return len(name) > maxName }) {
			return ranked
		}
	}
}

// isRival reports whether the names of an existing policy and a new one can decide
// which has precedence: they are of one kind.
func isRival(p *meshtrace.Policy, c named) bool {
	if len(c.tags) == 0 {
		return p.TargetRef.Kind == meshtrace.Mesh
	}
	return p.TargetRef.Kind == meshtrace.MeshSubset
}

// rivals are the existing policies that are of a new one's kind, or of these the
// ones that meet it on a tag set.
func (m *mesh) rivals(policies []named, meeting bool) []*meshtrace.Policy {
	var rivals []*meshtrace.Policy
	looked := 0
	for _, p := range m.allExisting() {
		if slices.ContainsFunc(policies, func(c named) bool {
			looked++
			return looked <= maxPairs && isRival(p, c) && (!meeting || c.tags.Meets(p.TargetRef.Selector()))
		}) {
			rivals = append(rivals, p)
		}
	}
	return rivals
}

// sameOrder reports whether ranked names and those of rivals are in the order of the plain
// names and those of rivals.
func (m *mesh) sameOrder(plain []named, ranked []string, rivals []*meshtrace.Policy) bool {
	for _, p := range rivals {
		for i, c := range plain {
			if name := m.sortable(p.DisplayName()); isRival(p, c) && (name < m.sortable(c.name)) != (name < m.sortable(ranked[i])) {
				return false
			}
		}
	}
	return true
}

// ranked reports whether names are valid, and in the order of precedence.
func (m *mesh) ranked(all []string) bool {
	for i, name := range all {
		if validName(name) != name || i > 0 && !m.precedes(all[i-1], name) {
			return false
		}
	}
	return true
}

// meeting yields the positions i < j of selectors that one tag set can satisfy
// both. Selectors that ask for different values of one key, by which fewest are left, are
// never compared.
func meeting(selectors []cluster.Tags) func(yield func(i, j int) bool) {
	return func(yield func(i, j int) bool) {
		key := cluster.DividingKey(selectors)
		byValue := make(map[string][]int)
		var open []int // those without a value of key
		pair := func(i, j int) bool {
			return !selectors[i].Meets(selectors[j]) || yield(min(i, j), max(i, j))
		}
		for i, selector := range selectors {
			value, ok := selector.Lookup(key)
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
