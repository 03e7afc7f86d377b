package convert

import (
	"fmt"
	"maps"
	"slices"

	"tracemigrate/cluster"
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
		if len(c.tags) > 0 && !hasWildcard(withoutService(c.pair.Tags)) {
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
	known := m.knownTags()
	done := make(map[int]bool) // positions, some of which have several candidates
	for i, c := range selecting {
		done[c.position] = done[c.position] || matched[i]
	}
	for _, c := range selecting {
		if done[c.position] {
			continue
		}
		done[c.position] = true
		about := fmt.Sprintf("selector %d (%s) matches no known Dataplane", c.pair.Number, c.pair.Tags)
		missing := slices.DeleteFunc(c.tags.Keys(), func(key string) bool { return known[key] })
		if len(missing) == 0 {
			m.notes.inform(SelectorUnmatched, c.pair.Position(), c.pair.TrafficTrace, about, "nothing, if such Dataplanes are to come; otherwise delete the selector")
			continue
		}
		key := missing[0]
		about += fmt.Sprintf(": none has the tag %.253q", key)
		for _, other := range slices.Sorted(maps.Keys(known)) {
			if differByOne(key, other) {
				m.notes.warn(SelectorUnmatched, c.pair.Position(), c.pair.TrafficTrace, fmt.Sprintf("%s, which differs from %q by one letter", about, other),
					fmt.Sprintf("correct the tag if %q is meant, which changes what is traced; otherwise nothing", other))
				key = ""
				break
			}
		}
		if key != "" {
			m.notes.inform(SelectorUnmatched, c.pair.Position(), c.pair.TrafficTrace, about, "nothing, if such Dataplanes are to come; otherwise delete the selector")
		}
	}
}

// knownTags has the names of all tags that Dataplanes of the mesh have.
func (m *mesh) knownTags() map[string]bool {
	known := make(map[string]bool)
	for _, dp := range m.dataplanes {
		for _, set := range dp.TagSets() {
			for key := range set {
				known[key] = true
			}
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
