package convert

import (
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// isWildcard reports whether a tag of a selector has a wildcard other than that of
// kuma.io/service, which every proxy satisfies.
func isWildcard(tag cluster.Tag) bool {
	return tag.Value == cluster.Any && tag.Key != cluster.ServiceTag
}

func hasWildcard(tags cluster.Tags) bool { return slices.ContainsFunc(tags, isWildcard) }

// considerWildcard finds what a selector with a wildcard becomes: MeshSubset has no
// wildcards, so each is expanded to the known values that no higher selector covers.
func considerWildcard(m *mesh, ranked *legacy.Mesh, position int, values []cluster.Tags) considered {
	pair := ranked.Pairs[position]
	f := facts{"selector": selectorFact(pair)}
	traces := m.confOf(pair.TrafficTrace).traces()
	// If no selector of lower precedence has a backend, proxies without one need no policy to stay so.
	hasBackend := func(p *legacy.Pair) bool { return m.BackendOf(p.TrafficTrace) != nil }
	tracedBelow := traces || slices.ContainsFunc(ranked.Pairs[position+1:], hasBackend)
	if !tracedBelow && len(values) == 0 {
		f["cause"] = whyNoBackend(m, pair.TrafficTrace)
		return considered{converts: true, reason: string(untracedAnyway), notes: notes{noBackendNoPolicy.noteOn(pair, f)}}
	}
	if len(m.dataplanes) == 0 {
		f["mesh"] = quoted(m.Name)
		about := m.withoutDataplanes(wildcardWithoutDataplanes, wildcardUnlisted, wildcardOfEmptyMesh)
		return considered{converts: true, refused: true, reason: string(noDataplanes), notes: notes{about.noteOn(pair, f)}}
	}
	if len(values) == 0 {
		return considered{converts: true, reason: string(noValue), notes: notes{wildcardUnmatched.noteOn(pair, f)}}
	}
	var uncovered, open []cluster.Tags
	var by *meshtrace.Policy
	for _, tags := range values {
		if ranked.Covering(position, tags) != nil {
			continue
		}
		uncovered = append(uncovered, tags)
		if p := m.serving(tags); p != nil {
			by = p
			continue
		}
		open = append(open, tags)
	}
	if len(uncovered) == 0 {
		found := considered{converts: true, reason: string(everyValueCovered)}
		if tracedBelow {
			found.notes = notes{wildcardCovered.noteOn(pair, f)}
		}
		return found
	}
	found := considered{converts: true, targets: open}
	expanded := wildcardExpanded
	if by != nil {
		expanded, f["existing"] = wildcardPartlyExpanded, by
		served := servedAlready
		if len(open) == 0 {
			found.reason = allServed.with(facts{"existing": by})
		} else {
			served, f["count"] = servedInPart, Plural(len(uncovered)-len(open), "value")
		}
		found.notes = notes{served.noteOn(pair, f)}
	}
	switch {
	case traces:
		found.notes = append(found.notes, expanded.noteOn(pair, expandedTo(pair, len(open))))
	case tracedBelow:
		found.expanded = expanded
	}
	return found
}

// expandedTo returns the facts of a note on a wildcard that becomes n policies.
func expandedTo(pair *legacy.Pair, n int) facts {
	policies := Plural(n, "policy")
	if n == 0 {
		policies = "no policy"
	}
	return facts{"selector": selectorFact(pair), "policies": policies}
}

// remarkNotVerified notes that no proxy of a mesh without Dataplanes was compared.
func remarkNotVerified(m *mesh) *Note {
	return m.withoutDataplanes(notVerified, notVerifiedUnlisted, notVerifiedEmptyMesh).note(m.Place, m, nil)
}

// withoutDataplanes returns the sentence that fits a mesh without Dataplanes: of files, of
// a cluster whose Dataplanes could not be listed, or of one that has none.
func (m *mesh) withoutDataplanes(files, unlisted, empty *sentence) *sentence {
	switch {
	case m.unlisted:
		return unlisted
	case m.live:
		return empty
	}
	return files
}

// wildcardValues returns, for every pair with a wildcard, its tags with the values of
// each known tag set that satisfies it, by position.
func wildcardValues(ranked *legacy.Mesh, dataplanes []*cluster.Dataplane) map[int][]cluster.Tags {
	var positions []int
	var selectors []cluster.Tags
	var keys [][]string // with a wildcard
	for position, pair := range ranked.Pairs {
		if hasWildcard(pair.Tags) && ranked.Covering(position, pair.Tags) == nil {
			positions, selectors = append(positions, position), append(selectors, pair.Tags)
			keys = append(keys, lists.Each(lists.Keep(pair.Tags, isWildcard), func(tag cluster.Tag) string { return tag.Key }))
		}
	}
	if len(positions) == 0 {
		return nil
	}
	index := cluster.NewIndex(selectors)
	values := make(map[int][]cluster.Tags, len(positions))
	seen := make(map[string]bool)
	var known []byte // what was seen, in one form
	var found []int32
	for _, dp := range dataplanes {
		for _, set := range dp.TagSets() {
			found = index.Matching(found[:0], set)
			for _, i := range found {
				known = strconv.AppendInt(known[:0], int64(i), 10)
				for _, key := range keys[i] {
					known = append(append(known, 0), set.Get(key)...)
				}
				if seen[string(known)] {
					continue
				}
				seen[string(known)] = true
				tags := withoutAnyService(selectors[i])
				for _, key := range keys[i] {
					tags = tags.With(key, set.Get(key))
				}
				values[positions[i]] = append(values[positions[i]], tags)
			}
		}
	}
	for _, list := range values {
		slices.SortFunc(list, cluster.Tags.Compare)
	}
	return values
}
