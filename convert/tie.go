package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// differ reports whether creation times decide between two selectors of equal
// rank, by their positions in real.Pairs: they are of two TrafficTraces that give
// different tracing.
func (m *mesh) differ(a, b int32) bool {
	return m.real.Pairs[a].TrafficTrace != m.real.Pairs[b].TrafficTrace && m.keyAt(a) != m.keyAt(b)
}

// keyAt is keyOf of a selector's TrafficTrace, looked up once.
func (m *mesh) keyAt(position int32) string {
	if m.keys == nil {
		m.keys = make([]string, len(m.real.Pairs))
	}
	if m.keys[position] == "" {
		m.keys[position] = m.keyOf(m.real.Pairs[position].TrafficTrace)
	}
	return m.keys[position]
}

// highest finds the selectors of the highest rank that dp satisfies, as positions in
// real.Pairs that are valid until the next search. It reports whether one differs
// from the first, and is undecided against it if asked.
func (m *mesh) highest(dp *cluster.Dataplane, undecided bool) (found []int32, differ bool) {
	m.found = m.real.Highest(m.found[:0], dp.TagSets()...)
	return m.found, slices.ContainsFunc(m.found, func(i int32) bool {
		return m.differ(i, m.found[0]) && (!undecided || m.real.Pairs[i].Undecided(m.real.Pairs[m.found[0]]))
	})
}

// pairsAt returns the selectors at positions in real.Pairs.
func (m *mesh) pairsAt(positions []int32) []*legacy.Pair {
	pairs := make([]*legacy.Pair, len(positions))
	for i, position := range positions {
		pairs[i] = m.real.Pairs[position]
	}
	return pairs
}

// keyOf is equal for TrafficTraces that give the same tracing.
func (m *mesh) keyOf(t *legacy.TrafficTrace) string {
	if c := m.confOf(t); !c.refused {
		return c.key
	}
	return "refused " + m.BackendOf(t).Name
}

// traceNames are the quoted names of the selectors' TrafficTraces, each once.
func traceNames(pairs []*legacy.Pair) []string {
	var names []string
	for _, pair := range pairs {
		if name := fmt.Sprintf("%q", pair.DisplayName()); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// wins returns the position in Pairs of the selector that decides for dp today in
// its own zone; -1 when none does.
func (m *mesh) wins(dp *cluster.Dataplane) int {
	there := m.real.In(dp.Zone())
	position := there.Wins(dp.TagSets()...)
	if position < 0 {
		return -1
	}
	if m.positions == nil {
		return position // no zone has an order of its own
	}
	pair := there.Pairs[position]
	if at, narrowed := m.positions[selectorOf{pair.TrafficTrace, pair.Number, dp.Zone()}]; narrowed {
		return at
	}
	return m.positions[selectorOf{pair.TrafficTrace, pair.Number, ""}]
}

// zoneTie is TrafficTraces of equal rank between which a zone's own copies decide,
// and the proxies for which they do.
type zoneTie struct {
	pairs   []*legacy.Pair
	proxies map[string][]string // by zone
	doubts  []string            // why the order in a zone that was read is not known
}

// tieOf returns the selectors of equal rank between which creation times decide for
// dp that only its zone knows, and says so; nil where its tracing is known, or a
// MeshTrace gives it.
func (m *mesh) tieOf(dp *cluster.Dataplane) ([]*legacy.Pair, cluster.Doubt) {
	if !m.timesElsewhere {
		return nil, m.undatedTie(dp)
	}
	if reason := m.real.Differs(dp.Zone()); reason != "" && !m.alwaysServed(dp) {
		return nil, cluster.Doubt{Code: string(ZoneDiffers), Reason: reason}
	}
	if len(m.Pairs) == 0 || slices.Contains(m.orderedZones, dp.Zone()) {
		return nil, cluster.Doubt{}
	}
	found, differ := m.highest(dp, false)
	if !differ || m.alwaysServed(dp) {
		return nil, cluster.Doubt{}
	}
	pairs := m.pairsAt(found)
	doubt := cluster.Doubt{Code: string(TieDependsOnZone), Reason: m.real.Doubt(dp.Zone())}
	if doubt.Reason == "" {
		doubt.Reason = fmt.Sprintf("TrafficTraces %s rank equally, and the creation times of its zone's own copies decide, which are not known", strings.Join(traceNames(pairs), " and "))
	}
	return pairs, doubt
}

// undatedTie says that creation times decide for dp that the input does not have.
func (m *mesh) undatedTie(dp *cluster.Dataplane) cluster.Doubt {
	if !m.undated || m.arrived {
		return cluster.Doubt{}
	}
	found, differ := m.highest(dp, true)
	if !differ || m.alwaysServed(dp) {
		return cluster.Doubt{}
	}
	pairs := m.pairsAt(found)
	return cluster.Doubt{
		Code:   string(TieByCreationTime),
		Reason: fmt.Sprintf("TrafficTraces %s rank equally, and the one created last wins, which the input does not tell", strings.Join(traceNames(pairs), " and ")),
	}
}

// alwaysServed reports whether existing MeshTraces trace dp on every version that its
// zone may have, so that no TrafficTrace decides.
func (m *mesh) alwaysServed(dp *cluster.Dataplane) bool {
	if m.serving == nil {
		m.serving = make(map[cluster.Version]*meshtrace.Matcher)
	}
	versions, _ := m.judge(dp)
	for _, version := range versions {
		serving := m.serving[version]
		if serving == nil {
			serving = meshtrace.NewMatcher(version, slices.Concat(m.existing, m.ofZones), m.gateways)
			m.serving[version] = serving
		}
		if len(meshtrace.Merge(serving.Matching(nil, dp)).Backends) == 0 {
			return false
		}
	}
	return true
}

// tieDoubt returns what tieOf says of dp, without another search for proxies that
// findZoneTies has seen.
func (m *mesh) tieDoubt(dp *cluster.Dataplane) cluster.Doubt {
	doubt, ok := m.tieDoubts[dp]
	if !ok {
		_, doubt = m.tieOf(dp)
	}
	return doubt
}

// findZoneTies notes the ties that decide for known proxies or, where none is known,
// could.
func (m *mesh) findZoneTies() {
	if !m.timesElsewhere {
		return
	}
	m.orderedZones = m.real.Ordered()
	m.tieDoubts = make(map[*cluster.Dataplane]cluster.Doubt, len(m.dataplanes))
	ties := make(map[string]*zoneTie)
	differing := make(map[string][]string) // proxies, by how their zone differs
	for _, dp := range m.dataplanes {
		pairs, doubt := m.tieOf(dp)
		m.tieDoubts[dp] = doubt
		if doubt.Code == string(ZoneDiffers) {
			differing[doubt.Reason] = append(differing[doubt.Reason], dp.FullName())
			continue
		}
		if len(pairs) == 0 {
			continue
		}
		key := tieKey(pairs)
		tie := ties[key]
		if tie == nil {
			tie = &zoneTie{pairs: pairs, proxies: make(map[string][]string)}
			ties[key] = tie
		}
		zone := dp.Zone()
		tie.proxies[zone] = append(tie.proxies[zone], dp.FullName())
		if doubt := m.real.Doubt(zone); doubt != "" && !slices.Contains(tie.doubts, doubt) {
			tie.doubts = append(tie.doubts, doubt)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(ties)) {
		m.remarkZoneTie(ties[key])
	}
	for _, reason := range slices.Sorted(maps.Keys(differing)) {
		names := differing[reason]
		m.notes.refuse(ZoneDiffers, m.Place, m.Mesh, fmt.Sprintf("it is not known what %s (%s) would keep: %s", plural(len(names), "proxy"), list(names), reason),
			"see to it that the zone receives what the global control plane has, and read both again")
	}
	m.remarkPossibleTies()
}

// tieKey is equal for selectors of the same TrafficTraces.
func tieKey(pairs []*legacy.Pair) string {
	return strings.Join(slices.Sorted(slices.Values(traceNames(pairs))), "\x00")
}

// remarkZoneTie notes one tie, with the proxies by zone.
func (m *mesh) remarkZoneTie(tie *zoneTie) {
	n := 0
	var where []string
	for _, zone := range slices.Sorted(maps.Keys(tie.proxies)) {
		names := tie.proxies[zone]
		n += len(names)
		where = append(where, fmt.Sprintf("%s: %s", cmp.Or(zone, "no zone known"), list(names)))
	}
	message := fmt.Sprintf("TrafficTraces %s rank equally for %s (%s); the creation times of each zone's own copies decide which one wins there, and they are not known",
		strings.Join(traceNames(tie.pairs), " and "), plural(n, "proxy"), strings.Join(where, "; "))
	if len(tie.doubts) > 0 {
		message += ": " + list(tie.doubts)
	}
	m.notes.refuse(TieDependsOnZone, tie.pairs[0].Position(), tie.pairs[0].TrafficTrace, message, zoneTieRemedy)
}

// remarkPossibleTies notes, where no Dataplane is known, the selectors of equal rank
// that one proxy can satisfy.
func (m *mesh) remarkPossibleTies() {
	if len(m.dataplanes) > 0 || len(m.orderedZones) > 0 && m.allOrdered(m.orderedZones) {
		return
	}
	for _, group := range m.contested() {
		m.notes.refuse(TieDependsOnZone, group[0].Position(), group[0].TrafficTrace,
			fmt.Sprintf("TrafficTraces %s rank equally, and a proxy can satisfy both; the creation times of each zone's own copies decide which one wins there, and they are not known", strings.Join(traceNames(group), " and ")), zoneTieRemedy)
	}
}

// zoneTieRemedy is what to do about times that only zones know.
const zoneTieRemedy = "read the zones' control planes as well, with --zone NAME=SOURCE for each; or make the TrafficTraces differ in rank"
