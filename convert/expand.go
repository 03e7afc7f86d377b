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

// selectorOf names a selector of a mesh, or what it was narrowed to in a zone.
type selectorOf struct {
	trace  *legacy.TrafficTrace
	number int
	zone   string
}

// expandZones narrows selectors of equal rank by the tag kuma.io/zone where zones
// whose copies are known order them differently, so that one set of policies gives
// each zone its own order. Narrowed selectors stand before those that they come
// from, which are for all other zones.
func (m *mesh) expandZones() {
	m.real = m.Mesh
	zones := m.real.Ordered()
	if len(zones) == 0 {
		return
	}
	m.Mesh = m.expanded(zones)
	m.positions = make(map[selectorOf]int, len(m.Pairs))
	for i, pair := range m.Pairs {
		m.positions[selectorOf{pair.TrafficTrace, pair.Number, pair.Zone}] = i
	}
}

// expanded returns the mesh with narrowed selectors for zones.
func (m *mesh) expanded(zones []string) *legacy.Mesh {
	places := make(map[string]map[*legacy.Pair]int, len(zones)) // of the selectors in each zone's order
	for _, zone := range zones {
		places[zone] = placesOf(m.real.In(zone).Pairs)
	}
	var narrowed []*legacy.Pair
	general := slices.Clone(m.real.Pairs)
	slots := placesOf(general)
	for _, group := range m.contested() {
		orders := make(map[string][]*legacy.Pair, len(zones))
		for _, zone := range zones {
			order := slices.Clone(group)
			slices.SortFunc(order, func(a, b *legacy.Pair) int { return cmp.Compare(places[zone][a], places[zone][b]) })
			orders[zone] = order
		}
		reference := group // in the order of the global control plane
		if m.allOrdered(zones) {
			reference = mostCommon(zones, orders)
		}
		var deviating []string
		for _, zone := range zones {
			if slices.Equal(orders[zone], reference) {
				continue
			}
			deviating = append(deviating, zone)
			for _, pair := range orders[zone] {
				if within := pair.Within(zone); within != nil {
					narrowed = append(narrowed, within)
				}
			}
		}
		for i, pair := range group {
			general[slots[pair]] = reference[i]
		}
		if len(deviating) > 0 {
			m.notes.inform(NarrowedByZone, group[0].Position(), group[0].TrafficTrace, fmt.Sprintf("%s rank equally, and zones decide differently between them; policies for %s are narrowed by the tag %s",
				strings.Join(traceNames(group), " and "), list(deviating), cluster.ZoneLabel), "")
		}
	}
	sequence := placesOf(slices.Concat(narrowed, general))
	return m.real.Reordered(slices.Concat(narrowed, general), func(a, b *legacy.Pair) int { return cmp.Compare(sequence[a], sequence[b]) })
}

func placesOf(pairs []*legacy.Pair) map[*legacy.Pair]int {
	places := make(map[*legacy.Pair]int, len(pairs))
	for i, pair := range pairs {
		places[pair] = i
	}
	return places
}

// allOrdered reports whether the order in every zone that is known to exist is
// known.
func (m *mesh) allOrdered(zones []string) bool {
	for _, dp := range m.dataplanes {
		if !slices.Contains(zones, dp.Zone()) {
			return false
		}
	}
	return !slices.ContainsFunc(m.zoneNames, func(name string) bool { return !slices.Contains(zones, name) })
}

// mostCommon returns the order that most zones have, of several the one of the
// zone with the smallest name.
func mostCommon(zones []string, orders map[string][]*legacy.Pair) []*legacy.Pair {
	var best []*legacy.Pair
	most := 0
	for _, zone := range zones {
		same := 0
		for _, other := range zones {
			if slices.Equal(orders[zone], orders[other]) {
				same++
			}
		}
		if same > most {
			best, most = orders[zone], same
		}
	}
	return best
}

// contested returns groups of selectors of equal rank between which creation times
// decide, each in the order of Pairs: a known proxy satisfies two of them, or one
// tag set can, and they give different tracing.
func (m *mesh) contested() [][]*legacy.Pair {
	parent := make([]int, len(m.real.Pairs))
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
		if m.differ(int32(i), int32(j)) {
			a, b := root(i), root(j)
			parent[max(a, b)] = min(a, b)
		}
	}
	for _, dp := range m.dataplanes {
		m.found = m.real.Highest(m.found[:0], dp.TagSets()...)
		for i := 1; i < len(m.found); i++ {
			for j := range i {
				link(int(m.found[i]), int(m.found[j]))
			}
		}
	}
	looked := 0
	for from := 0; from < len(m.real.Pairs) && looked <= maxPairs; {
		to := from
		var selectors []cluster.Tags
		for to < len(m.real.Pairs) && m.real.Pairs[to].CompareRank(m.real.Pairs[from]) == 0 {
			selectors = append(selectors, m.real.Pairs[to].Tags)
			to++
		}
		for i, j := range meeting(selectors) {
			if looked++; looked > maxPairs {
				break // those that known proxies satisfy are found
			}
			link(from+i, from+j)
		}
		from = to
	}
	byRoot := make(map[int][]*legacy.Pair)
	for i, pair := range m.real.Pairs {
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
