package convert

import (
	"iter"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
)

// maxPairs is how many pairs of selectors are looked at, one by one, for what
// only a hostile input has more of.
const maxPairs = 100_000

// contested returns groups of selectors of equal rank between which creation times
// decide, each in the order of Pairs: a known proxy satisfies two of them, or one
// tag set can, and they give different tracing.
func contested(m *mesh, t *ties) [][]*legacy.Pair {
	parent := make([]int, len(m.Pairs))
	for i := range parent {
		parent[i] = i
	}
	var root func(i int) int
	root = func(i int) int {
		if parent[i] != i {
			parent[i] = root(parent[i])
		}
		return parent[i]
	}
	link := func(i, j int) {
		if t.differ(int32(i), int32(j)) {
			a, b := root(i), root(j)
			parent[max(a, b)] = min(a, b)
		}
	}
	var found []int32
	for _, dp := range m.dataplanes {
		found = m.Highest(found[:0], dp.TagSets()...)
		for i := 1; i < len(found); i++ {
			for j := range i {
				link(int(found[i]), int(found[j]))
			}
		}
	}
	for i, j := range samePlaces(m.Mesh) {
		link(i, j) // those that known proxies satisfy are found, where these are too many
	}
	byRoot := make(map[int][]*legacy.Pair)
	for i, pair := range m.Pairs {
		byRoot[root(i)] = append(byRoot[root(i)], pair)
	}
	var groups [][]*legacy.Pair
	for _, first := range slices.Sorted(maps.Keys(byRoot)) {
		if len(byRoot[first]) > 1 {
			groups = append(groups, byRoot[first])
		}
	}
	return groups
}

// Contested returns the groups of selectors of all meshes between which creation times
// decide, each in the order of precedence: a known proxy satisfies two of them, or one tag
// set can, and they give different tracing.
func Contested(c *Current, o Options) [][]*legacy.Pair {
	var groups [][]*legacy.Pair
	for _, m := range newInput(c, &o).meshesWithout(nil) {
		groups = append(groups, contested(m, newTies(m))...)
	}
	return groups
}

// samePlaces yields the positions of selectors of equal rank that one tag set can satisfy
// both, maxPairs of them at most.
func samePlaces(ranked *legacy.Mesh) func(yield func(i, j int) bool) {
	return func(yield func(i, j int) bool) {
		looked := 0
		for from, group := range ranks(ranked) {
			selectors := lists.Each(group, func(pair *legacy.Pair) cluster.Tags { return pair.Tags })
			for i, j := range meeting(selectors) {
				if looked++; looked > maxPairs || !yield(from+i, from+j) {
					return
				}
			}
		}
	}
}

// ranks yields the selectors of each rank, with the position of the first.
func ranks(ranked *legacy.Mesh) iter.Seq2[int, []*legacy.Pair] {
	return func(yield func(int, []*legacy.Pair) bool) {
		for from, to := 0, 0; from < len(ranked.Pairs); from = to {
			for to < len(ranked.Pairs) && ranked.Pairs[to].CompareRank(ranked.Pairs[from]) == 0 {
				to++
			}
			if !yield(from, ranked.Pairs[from:to]) {
				return
			}
		}
	}
}

// remarkTies notes selectors of equal rank that can select one proxy and differ, where
// the input does not have the creation times, and those that a known proxy satisfies both
// even where it does.
func remarkTies(m *mesh, ranked *legacy.Mesh) notes {
	if m.timesElsewhere || m.arrived {
		return nil // remarkZoneTies notes it, or what the global control plane made settles it
	}
	type tie struct{ higher, lower int }
	onProxy := make(map[tie]*cluster.Dataplane)
	var satisfied []int32
	for _, dp := range m.dataplanes {
		satisfied = ranked.Satisfied(satisfied[:0], dp.TagSets()...)
		for i := 1; i < len(satisfied) && ranked.Pairs[satisfied[i]].CompareRank(ranked.Pairs[satisfied[0]]) == 0; i++ {
			if key := (tie{int(satisfied[0]), int(satisfied[i])}); onProxy[key] == nil {
				onProxy[key] = dp
			}
		}
	}
	var found notes
	seen := make(map[[2]*legacy.TrafficTrace]bool)
	remark := func(higher, lower int, dp *cluster.Dataplane) {
		both := [2]*legacy.TrafficTrace{ranked.Pairs[higher].TrafficTrace, ranked.Pairs[lower].TrafficTrace}
		if seen[both] || !matters(m, ranked, higher, lower, dp) {
			return
		}
		seen[both] = true
		found = append(found, tieNote(m, ranked.Pairs[higher], ranked.Pairs[lower], dp))
	}
	for _, key := range slices.SortedFunc(maps.Keys(onProxy), func(a, b tie) int {
		return slices.Compare([]int{a.higher, a.lower}, []int{b.higher, b.lower})
	}) {
		remark(key.higher, key.lower, onProxy[key])
	}
	looked := 0
	for i, j := range samePlaces(ranked) {
		remark(i, j, nil)
		looked++
	}
	ofInbounds, all := remarkTiesOfInbounds(m, ranked)
	if looked == maxPairs || !all {
		found = append(found, tiesNotSearched.note(m.Place, m, facts{"pairs": maxPairs}))
	}
	return append(found, ofInbounds...)
}

// remarkTiesOfInbounds notes, where no Dataplane is known, that a proxy with several inbounds can
// satisfy selectors of equal rank that no tag set satisfies both, so that their creation times, which
// the input does not have, decide on it. It also reports whether it looked at all pairs of selectors.
func remarkTiesOfInbounds(m *mesh, ranked *legacy.Mesh) (found notes, all bool) {
	if len(m.dataplanes) > 0 {
		return nil, true
	}
	tied := make(map[*legacy.TrafficTrace]bool)
	looked := 0
	key := func(pair *legacy.Pair) string { return m.confOf(pair.TrafficTrace).key }
	undated := func(pair *legacy.Pair) bool { return pair.Created.IsZero() }
	for _, group := range ranks(ranked) {
		differ := func(pair *legacy.Pair) bool { return key(pair) != key(group[0]) }
		if !slices.ContainsFunc(group, differ) || !slices.ContainsFunc(group, undated) {
			continue // their order does not matter, or is known
		}
		for i, pair := range group {
			for _, other := range group[i+1:] {
				if looked++; looked > maxPairs {
					break
				}
				if pair.Undecided(other) && key(pair) != key(other) && onTwoInbounds(pair.Tags, other.Tags) {
					tied[pair.TrafficTrace], tied[other.TrafficTrace] = true, true
				}
			}
		}
	}
	all = looked <= maxPairs
	if len(tied) == 0 {
		return nil, all
	}
	var traces names
	for trace := range tied {
		traces = append(traces, quoted(trace.DisplayName()))
	}
	slices.Sort(traces)
	return notes{tieOfInbounds.note(m.Place, m, facts{"traces": traces})}, all
}

// onTwoInbounds reports whether a proxy, which is in one zone, may satisfy two selectors that no tag
// set satisfies both.
func onTwoInbounds(a, b cluster.Tags) bool {
	in, other := a.Get(cluster.ZoneLabel), b.Get(cluster.ZoneLabel)
	return !a.Meets(b) && (in == other || in == "" || in == cluster.Any || other == "" || other == cluster.Any)
}

// matters reports whether it matters which of two selectors of equal rank has precedence;
// dp satisfies both, if it is not nil.
func matters(m *mesh, ranked *legacy.Mesh, higher, lower int, dp *cluster.Dataplane) bool {
	a, b := ranked.Pairs[higher], ranked.Pairs[lower]
	if a.TrafficTrace == b.TrafficTrace || m.confOf(a.TrafficTrace).key == m.confOf(b.TrafficTrace).key {
		return false
	}
	if dp == nil && !a.Undecided(b) && (!m.otherTimes || len(m.dataplanes) > 0) {
		return false
	}
	return ranked.Covering(lower, b.Tags) == nil
}

// tieNote says which of two selectors of equal rank has precedence, and by what; dp
// satisfies both, if it is not nil.
func tieNote(m *mesh, higher, lower *legacy.Pair, dp *cluster.Dataplane) *Note {
	tie, f := tieOnAny, facts{"selector": selectorFact(lower), "higher": higherFact(higher)}
	if dp != nil {
		tie, f["proxy"] = tieOnProxy, dp
	}
	about := facts{"tie": tie.of(f), "winner": quoted(higher.Name)}
	undecided, sameTime := higher.Undecided(lower), higher.Created.Equal(lower.Created)
	switch {
	case m.otherTimes && !undecided:
		about["cause"] = laterHere
		if sameTime {
			about["cause"] = smallerNameHere
		}
		return tieOtherInZones.noteOn(lower, about)
	case undecided && (dp != nil || len(m.dataplanes) == 0):
		return tieUndecided.noteOn(lower, about)
	case undecided:
		return tieUndecidedOfNone.noteOn(lower, about)
	case sameTime:
		return tieSameTime.noteOn(lower, about)
	}
	return tieDecided.noteOn(lower, about)
}
