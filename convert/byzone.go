package convert

import (
	"cmp"
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

// rankByZone narrows selectors of equal rank by the tag kuma.io/zone where zones whose
// copies are known order them differently, so that one set of policies gives each zone
// its own order. Narrowed selectors precede those that they come from, which are for all
// other zones. It returns the positions of all, nil where no zone has an order of its own.
func rankByZone(m *mesh) (*legacy.Mesh, map[selectorOf]int, notes) {
	zones := m.orderedZones
	if len(zones) == 0 {
		return m.Mesh, nil, nil
	}
	places := make(map[string]map[*legacy.Pair]int, len(zones)) // of the selectors in each zone's order
	for _, zone := range zones {
		places[zone] = placesOf(m.In(zone).Pairs)
	}
	var narrowed []*legacy.Pair
	var found notes
	general := slices.Clone(m.Pairs)
	slots := placesOf(general)
	for _, group := range contested(m, newTies(m)) {
		orders := make(map[string][]*legacy.Pair, len(zones))
		for _, zone := range zones {
			order := slices.Clone(group)
			slices.SortFunc(order, func(a, b *legacy.Pair) int { return cmp.Compare(places[zone][a], places[zone][b]) })
			orders[zone] = order
		}
		reference := group // in the order of the global control plane
		if m.ordersAllZones() {
			reference = mostCommon(zones, orders)
		}
		var deviating names
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
			f := facts{"traces": tracesFact(group), "zones": deviating}
			found = append(found, narrowedByZone.noteOn(group[0], f))
		}
	}
	all := slices.Concat(narrowed, general)
	sequence := placesOf(all)
	ranked := m.Reordered(all, func(a, b *legacy.Pair) int { return cmp.Compare(sequence[a], sequence[b]) })
	positions := make(map[selectorOf]int, len(ranked.Pairs))
	for i, pair := range ranked.Pairs {
		positions[selectorOf{pair.TrafficTrace, pair.Number, pair.Zone}] = i
	}
	return ranked, positions, found
}

func placesOf(pairs []*legacy.Pair) map[*legacy.Pair]int {
	places := make(map[*legacy.Pair]int, len(pairs))
	for i, pair := range pairs {
		places[pair] = i
	}
	return places
}

// ordersAllZones reports whether the order in every zone that is known to exist is known.
func (m *mesh) ordersAllZones() bool {
	isUnknown := func(zone string) bool { return !slices.Contains(m.orderedZones, zone) }
	return !slices.ContainsFunc(m.zoneNames, isUnknown) &&
		!slices.ContainsFunc(m.dataplanes, func(dp *cluster.Dataplane) bool { return isUnknown(dp.Zone()) })
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

// wins returns the position in ranked.Pairs of the selector that decides for dp today in
// its own zone; -1 when none does.
func (s *selection) wins(dp *cluster.Dataplane) int {
	there := s.In(dp.Zone())
	position := there.Wins(dp.TagSets()...)
	if position < 0 || s.positions == nil {
		return position
	}
	pair := there.Pairs[position]
	if at, narrowed := s.positions[selectorOf{pair.TrafficTrace, pair.Number, dp.Zone()}]; narrowed {
		return at
	}
	return s.positions[selectorOf{pair.TrafficTrace, pair.Number, ""}]
}

// traceNames are the quoted names of the selectors' TrafficTraces, each once.
func traceNames(pairs []*legacy.Pair) []string {
	var found []string
	for _, pair := range pairs {
		if name := quoted(pair.DisplayName()); !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

func tracesFact(pairs []*legacy.Pair) string { return strings.Join(traceNames(pairs), " and ") }
