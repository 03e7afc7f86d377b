package convert

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// ties finds the selectors of equal rank between which creation times decide. It
// remembers what it found, and may be used by one goroutine at a time.
type ties struct {
	*mesh
	keys   []string // of selectors' tracing, see keyAt
	found  []int32  // scratch space
	always map[cluster.Version]*meshtrace.Matcher
	doubts map[*cluster.Dataplane]*cluster.Doubt // nil for none, which most have
}

func newTies(m *mesh) *ties {
	return &ties{
		mesh: m, keys: make([]string, len(m.Pairs)),
		always: make(map[cluster.Version]*meshtrace.Matcher),
	}
}

// differ reports whether creation times decide between two selectors of equal
// rank, by their positions: they are of two TrafficTraces that give different tracing.
func (t *ties) differ(a, b int32) bool {
	return t.Pairs[a].TrafficTrace != t.Pairs[b].TrafficTrace && t.keyAt(a) != t.keyAt(b)
}

// keyAt is the key of the tracing that the selector at a position gives.
func (t *ties) keyAt(position int32) string {
	if t.keys[position] == "" {
		t.keys[position] = t.confs.keyOf(t.Mesh, t.Pairs[position].TrafficTrace)
	}
	return t.keys[position]
}

// highest finds the selectors of the highest rank that dp satisfies, as positions that are
// valid until the next search. It reports whether one differs from the first, and is
// undecided against it if asked.
func (t *ties) highest(dp *cluster.Dataplane, undecided bool) (found []int32, differ bool) {
	t.found = t.Highest(t.found[:0], dp.TagSets()...)
	return t.found, slices.ContainsFunc(t.found, func(i int32) bool {
		return t.differ(i, t.found[0]) && (!undecided || t.Pairs[i].Undecided(t.Pairs[t.found[0]]))
	})
}

// of returns the selectors of equal rank between which creation times decide for dp that
// only its zone knows, and says so; nil where its tracing is known, or a MeshTrace gives
// it.
func (t *ties) of(dp *cluster.Dataplane) ([]*legacy.Pair, cluster.Doubt) {
	if !t.timesElsewhere {
		return nil, t.undatedTie(dp)
	}
	if reason := t.Differs(dp.Zone()); reason != "" && !t.alwaysServed(dp) {
		return nil, cluster.Doubt{Code: string(ZoneDiffers), Reason: reason}
	}
	if len(t.Pairs) == 0 || slices.Contains(t.orderedZones, dp.Zone()) {
		return nil, cluster.Doubt{}
	}
	found, differ := t.highest(dp, false)
	if !differ || t.alwaysServed(dp) {
		return nil, cluster.Doubt{}
	}
	pairs := t.pairsAt(found)
	doubt := cluster.Doubt{Code: string(TieDependsOnZone), Reason: t.Doubt(dp.Zone())}
	if doubt.Reason == "" {
		doubt.Reason = zoneTimesUnknown.with(facts{"traces": tracesFact(pairs)})
	}
	return pairs, doubt
}

// undatedTie says that creation times decide for dp that the input does not have.
func (t *ties) undatedTie(dp *cluster.Dataplane) cluster.Doubt {
	if !t.undated || t.arrived {
		return cluster.Doubt{}
	}
	found, differ := t.highest(dp, true)
	if !differ || t.alwaysServed(dp) {
		return cluster.Doubt{}
	}
	return cluster.Doubt{Code: string(TieByCreationTime), Reason: timesUnknown.with(facts{"traces": tracesFact(t.pairsAt(found))})}
}

// pairsAt returns the selectors at positions.
func (t *ties) pairsAt(positions []int32) []*legacy.Pair {
	return lists.Each(positions, func(position int32) *legacy.Pair { return t.Pairs[position] })
}

// alwaysServed reports whether existing MeshTraces trace dp on every version that its
// zone may have, so that no TrafficTrace decides.
func (t *ties) alwaysServed(dp *cluster.Dataplane) bool {
	versions, _ := t.versions(dp)
	for _, version := range versions {
		matcher := t.always[version]
		if matcher == nil {
			matcher = meshtrace.NewMatcher(version, t.allExisting(), t.gateways)
			t.always[version] = matcher
		}
		if len(meshtrace.Merge(matcher.Matching(nil, dp)).Backends) == 0 {
			return false
		}
	}
	return true
}

// doubt returns what of says of dp, without another search for a proxy that was seen.
func (t *ties) doubt(dp *cluster.Dataplane) cluster.Doubt {
	known, ok := t.doubts[dp]
	switch {
	case !ok:
		_, doubt := t.of(dp)
		return doubt
	case known == nil:
		return cluster.Doubt{}
	}
	return *known
}

// zoneTie is TrafficTraces of equal rank between which a zone's own copies decide, and
// the proxies for which they do.
type zoneTie struct {
	pairs   []*legacy.Pair
	proxies map[string][]string // by zone
	doubts  names               // why the order in a zone that was read is not known
}

// remarkZoneTies notes the ties that decide for known proxies or, where none is known,
// could.
func remarkZoneTies(m *mesh, t *ties) notes {
	if !m.timesElsewhere || len(m.Pairs) == 0 {
		return nil
	}
	t.doubts = make(map[*cluster.Dataplane]*cluster.Doubt, len(m.dataplanes))
	byTraces := make(map[string]*zoneTie)
	differing := make(map[string][]string) // proxies, by how their zone differs
	for dp, tied := range tiesOf(m) {
		t.doubts[dp] = tied.doubt
		if tied.doubt != nil && tied.doubt.Code == string(ZoneDiffers) {
			differing[tied.doubt.Reason] = append(differing[tied.doubt.Reason], dp.FullName())
			continue
		}
		if len(tied.pairs) == 0 {
			continue
		}
		key := strings.Join(slices.Sorted(slices.Values(traceNames(tied.pairs))), "\x00")
		tie := byTraces[key]
		if tie == nil {
			tie = &zoneTie{pairs: tied.pairs, proxies: make(map[string][]string)}
			byTraces[key] = tie
		}
		zone := dp.Zone()
		tie.proxies[zone] = append(tie.proxies[zone], dp.FullName())
		if doubt := m.Doubt(zone); doubt != "" && !slices.Contains(tie.doubts, doubt) {
			tie.doubts = append(tie.doubts, doubt)
		}
	}
	var found notes
	for _, key := range slices.Sorted(maps.Keys(byTraces)) {
		found = append(found, byTraces[key].note())
	}
	for _, reason := range slices.Sorted(maps.Keys(differing)) {
		found = append(found, zoneDiffers.note(m.Place, m, facts{"proxies": counted(differing[reason], "proxy"), "cause": phrase(reason)}))
	}
	return append(found, remarkPossibleTies(m, t)...)
}

// tied is what [ties.of] returns.
type tied struct {
	pairs []*legacy.Pair
	doubt *cluster.Doubt // nil for none, which most have
}

// tiesOf yields every known proxy with its ties.
func tiesOf(m *mesh) iter.Seq2[*cluster.Dataplane, tied] {
	found := lists.InShares(m.dataplanes, func(share []*cluster.Dataplane) []tied {
		t := newTies(m)
		return lists.Each(share, func(dp *cluster.Dataplane) tied {
			pairs, doubt := t.of(dp)
			if doubt.Reason == "" {
				return tied{pairs: pairs}
			}
			kept := doubt // a variable of its own, because most proxies need none
			return tied{pairs, &kept}
		})
	})
	return func(yield func(*cluster.Dataplane, tied) bool) {
		i := 0
		for _, share := range found {
			for _, tied := range share {
				if i++; !yield(m.dataplanes[i-1], tied) {
					return
				}
			}
		}
	}
}

// note says which proxies the tie decides for, by zone.
func (t *zoneTie) note() *Note {
	n := 0
	var where []string
	for _, zone := range slices.Sorted(maps.Keys(t.proxies)) {
		n += len(t.proxies[zone])
		where = append(where, cmp.Or(zone, string(noZoneKnown))+": "+names(t.proxies[zone]).String())
	}
	var doubts phrase
	if len(t.doubts) > 0 {
		doubts = phrase(": " + t.doubts.String())
	}
	return tieOfZones.noteOn(t.pairs[0], facts{
		"traces": tracesFact(t.pairs), "count": Plural(n, "proxy"), "zones": strings.Join(where, "; "), "doubts": doubts,
	})
}

// remarkPossibleTies notes, where no Dataplane is known, the selectors of equal rank
// that one proxy can satisfy.
func remarkPossibleTies(m *mesh, t *ties) notes {
	if len(m.dataplanes) > 0 || len(m.orderedZones) > 0 && m.ordersAllZones() {
		return nil
	}
	var found notes
	for _, group := range contested(m, t) {
		found = append(found, tieOfUnknownZones.noteOn(group[0], facts{"traces": tracesFact(group)}))
	}
	return found
}
