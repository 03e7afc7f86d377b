package convert

import (
	"cmp"
	"maps"
	"slices"

	"github.com/xrash/smetrics"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
)

// remarkUnmatched notes the selectors without a wildcard that no known Dataplane
// satisfies. A tag that is misspelt by one letter is named.
func remarkUnmatched(m *mesh, policies []*made) notes {
	if len(m.dataplanes) == 0 {
		return nil
	}
	var selecting []*candidate
	for _, c := range policies {
		if len(c.tags) > 0 && !hasWildcard(c.pair.Tags) {
			selecting = append(selecting, c.candidate)
		}
	}
	matched := matchedBy(m.dataplanes, selecting)
	var unmet []cluster.Tags
	done := make(map[int]bool) // positions, some of which have several candidates
	for i, c := range selecting {
		done[c.position] = done[c.position] || matched[i]
		if !matched[i] {
			unmet = append(unmet, c.tags)
		}
	}
	if len(unmet) == 0 {
		return nil
	}
	var found notes
	known := knownTags(m.dataplanes, unmet)
	unmatched := make(map[*legacy.TrafficTrace][]*legacy.Pair)
	for _, c := range selecting {
		if done[c.position] {
			continue
		}
		done[c.position] = true
		if misspelt := remarkMisspelt(c, known); misspelt != nil {
			found = append(found, misspelt)
		} else {
			unmatched[c.pair.TrafficTrace] = append(unmatched[c.pair.TrafficTrace], c.pair)
		}
	}
	for _, trace := range m.TrafficTraces {
		if pairs := unmatched[trace]; len(pairs) > 0 {
			found = append(found, remarkAbsent(trace, pairs, known))
		}
	}
	return found
}

// matchedBy reports which candidates a Dataplane satisfies.
func matchedBy(dataplanes []*cluster.Dataplane, candidates []*candidate) []bool {
	index := cluster.NewIndex(tagsOf(candidates))
	matched := make([]bool, len(candidates))
	shares := lists.InShares(dataplanes, func(share []*cluster.Dataplane) []bool { return satisfied(index, len(candidates), share) })
	for _, of := range shares {
		for i, is := range of {
			matched[i] = matched[i] || is
		}
	}
	return matched
}

// satisfied reports which selectors of an index some Dataplanes satisfy.
func satisfied(index *cluster.Index, selectors int, dataplanes []*cluster.Dataplane) []bool {
	matched := make([]bool, selectors)
	left := selectors
	var found []int32
	for _, dp := range dataplanes {
		if left == 0 {
			break
		}
		found = index.Matching(found[:0], dp.TagSets()...)
		for _, i := range found {
			if !matched[i] {
				matched[i] = true
				left--
			}
		}
	}
	return matched
}

// remarkMisspelt notes a selector that asks for a tag that no known Dataplane has,
// and whose name is one letter off that of one which they have; nil when it does not.
func remarkMisspelt(c *candidate, known map[string]bool) *Note {
	for _, tag := range c.tags {
		key := tag.Key
		if known[key] {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(known)) {
			if smetrics.WagnerFischer(key, other, 1, 1, 1) == 1 {
				f := facts{"selector": selectorFact(c.pair), "key": quoted(key), "known": quoted(other)}
				return tagMisspelt.noteOn(c.pair, f)
			}
		}
	}
	return nil
}

// remarkAbsent notes the selectors of a TrafficTrace that match no known Dataplane.
func remarkAbsent(trace *legacy.TrafficTrace, pairs []*legacy.Pair, known map[string]bool) *Note {
	sorted := slices.SortedFunc(slices.Values(pairs), func(a, b *legacy.Pair) int { return cmp.Compare(a.Number, b.Number) })
	list := make(names, len(sorted))
	for i, pair := range sorted[:min(len(sorted), shownNames)] {
		list[i] = absentSelector.with(facts{"number": pair.Number, "tags": pair.Tags})
		for _, tag := range pair.Tags {
			if !known[tag.Key] && tag.Key != cluster.ServiceTag {
				list[i] = absentTag.with(facts{"number": pair.Number, "tags": pair.Tags, "key": quoted(tag.Key)})
				break
			}
		}
	}
	about := selectorUnmatched
	if len(sorted) > 1 {
		about = selectorsUnmatched
	}
	return about.note(sorted[0].Position(), trace, facts{"selectors": list})
}

// knownTags has the names of tags that Dataplanes have: those that
// selectors ask for or, where one of these is missing, all.
func knownTags(dataplanes []*cluster.Dataplane, selectors []cluster.Tags) map[string]bool {
	missing := make(map[string]bool)
	for _, selector := range selectors {
		for _, tag := range selector {
			missing[tag.Key] = true
		}
	}
	known := make(map[string]bool)
	for _, dp := range dataplanes {
		for _, set := range dp.TagSets() {
			for _, tag := range set {
				if !known[tag.Key] {
					known[tag.Key] = true
					delete(missing, tag.Key)
				}
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	return known
}
