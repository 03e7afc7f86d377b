package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
)

// remarkUnmatched notes the selectors without a wildcard that no known Dataplane
// satisfies. A tag that is misspelt by one letter is named.
func (m *mesh) remarkUnmatched() {
	if len(m.dataplanes) == 0 {
		return
	}
	var selecting []*candidate
	var selectors []cluster.Tags
	for _, c := range m.candidates {
		if len(c.tags) > 0 && !asksForAny(c.pair.Tags) {
			selecting, selectors = append(selecting, c), append(selectors, c.tags)
		}
	}
	index := cluster.NewIndex(selectors)
	matched := make([]bool, len(selecting))
	left := len(selecting)
	for _, dp := range m.dataplanes {
		if left == 0 {
			return
		}
		m.found = index.Matching(m.found[:0], dp.TagSets()...)
		for _, i := range m.found {
			if !matched[i] {
				matched[i] = true
				left--
			}
		}
	}
	if left == 0 {
		return
	}
	var unmet []cluster.Tags
	for i, c := range selecting {
		if !matched[i] {
			unmet = append(unmet, c.tags)
		}
	}
	known := m.knownTags(unmet)
	done := make(map[int]bool) // positions, some of which have several candidates
	for i, c := range selecting {
		done[c.position] = done[c.position] || matched[i]
	}
	unmatched := make(map[*legacy.TrafficTrace][]*legacy.Pair)
	for _, c := range selecting {
		if done[c.position] {
			continue
		}
		done[c.position] = true
		if !m.remarkMisspelt(c, known) {
			unmatched[c.pair.TrafficTrace] = append(unmatched[c.pair.TrafficTrace], c.pair)
		}
	}
	for _, trace := range m.TrafficTraces {
		if pairs := unmatched[trace]; len(pairs) > 0 {
			m.remarkAbsent(trace, pairs, known)
		}
	}
}

// remarkMisspelt notes a selector that asks for a tag that no known Dataplane has,
// and whose name is one letter off that of one which they have. It reports whether
// it does.
func (m *mesh) remarkMisspelt(c *candidate, known map[string]bool) bool {
	for _, key := range c.tags.Keys() {
		if known[key] {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(known)) {
			if differByOne(key, other) {
				m.notes.warn(SelectorUnmatched, c.pair.Position(), c.pair.TrafficTrace,
					fmt.Sprintf("selector %d (%s) matches no known Dataplane: none has the tag %.253q, which differs from %q by one letter", c.pair.Number, c.pair.Tags, key, other),
					fmt.Sprintf("correct the tag if %q is meant, which changes what is traced; otherwise nothing", other))
				return true
			}
		}
	}
	return false
}

// remarkAbsent notes the selectors of a TrafficTrace that match no known Dataplane.
func (m *mesh) remarkAbsent(trace *legacy.TrafficTrace, pairs []*legacy.Pair, known map[string]bool) {
	slices.SortFunc(pairs, func(a, b *legacy.Pair) int { return cmp.Compare(a.Number, b.Number) })
	const shown = 3
	var names []string
	for i, pair := range pairs {
		if i == shown {
			names = append(names, fmt.Sprintf("%d more", len(pairs)-shown))
			break
		}
		name := fmt.Sprintf("%d (%s", pair.Number, pair.Tags)
		for _, key := range pair.Tags.Keys() {
			if !known[key] && key != cluster.ServiceTag {
				name += fmt.Sprintf("; none has the tag %.253q", key)
				break
			}
		}
		names = append(names, name+")")
	}
	word, match := "selector", "matches"
	if len(pairs) > 1 {
		word, match = "selectors", "match"
	}
	m.notes.inform(SelectorUnmatched, pairs[0].Position(), trace, fmt.Sprintf("%s %s %s no known Dataplane", word, strings.Join(names, ", "), match),
		"nothing, if such Dataplanes are to come; otherwise delete the selector")
}

// knownTags has the names of tags that Dataplanes of the mesh have: those that
// selectors ask for or, where one of these is missing, all.
func (m *mesh) knownTags(selectors []cluster.Tags) map[string]bool {
	missing := make(map[string]bool)
	for _, selector := range selectors {
		for key := range selector {
			missing[key] = true
		}
	}
	known := make(map[string]bool)
	for _, dp := range m.dataplanes {
		for _, set := range dp.TagSets() {
			for key := range set {
				if !known[key] {
					known[key] = true
					delete(missing, key)
				}
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	return known
}

// differByOne reports whether one letter, put in, taken out or replaced, makes a
// of b.
func differByOne(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
