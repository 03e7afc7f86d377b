package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// excludeGateways narrows candidates to sidecars that would select a builtin gateway only
// as a MeshTrace: those of a tag that its MeshGateway or a listener has, which
// TrafficTraces ignore.
func excludeGateways(s *selection, candidates []*candidate) kept {
	gateways := s.gateways.Of(s.Name)
	if len(gateways) == 0 {
		return kept{candidates: candidates}
	}
	today, gained := selectedGateways(s.mesh, candidates)
	r := kept{reasons: make(reasons), refused: make(map[int]bool)}
	for i, c := range candidates {
		gateway := havingTag(gateways, c.tags)
		if gateway == nil && gained[i] == nil || today[i] != nil && gained[i] == nil {
			r.candidates = append(r.candidates, c)
			continue
		}
		name := "a MeshGateway"
		if gateway != nil {
			name = gateway.String()
		}
		f := facts{"selector": selectorWith(c.pair.Number, c.tags), "gateway": name}
		switch {
		case today[i] != nil:
			f["selected"] = today[i]
			r.refused[c.position], r.reasons[c.position] = true, notCarriedOver.with(facts{"code": GatewayConflict})
			r.notes = append(r.notes, gatewayConflict.noteOn(c.pair, f))
		case !s.o.Version.HonoursProxyTypes():
			r.refused[c.position], r.reasons[c.position] = true, notCarriedOver.with(facts{"code": GatewayExcluded})
			r.notes = append(r.notes, gatewayNotExcluded.noteOn(c.pair, f))
		default:
			narrowed := *c
			narrowed.sidecarsOnly = true
			r.candidates = append(r.candidates, &narrowed)
			r.notes = append(r.notes, gatewayExcluded.noteOn(c.pair, f))
		}
	}
	return r
}

// selectedGateways returns, by position of the candidate, a gateway's Dataplane that it
// selects as a TrafficTrace, and one that it would select only as a MeshTrace.
func selectedGateways(m *mesh, candidates []*candidate) (today, gained map[int]*cluster.Dataplane) {
	index := cluster.NewIndex(tagsOf(candidates))
	today, gained = make(map[int]*cluster.Dataplane), make(map[int]*cluster.Dataplane)
	for _, dp := range m.dataplanes {
		if dp.Gateway == nil {
			continue
		}
		selected := make(map[int32]bool)
		for _, i := range index.Matching(nil, dp.TagSets()...) {
			selected[i] = true
			today[int(i)] = dp
		}
		if gateway := m.gateways.Configures(dp); gateway != nil {
			for _, i := range index.Matching(nil, gateway.TagSets(dp.Gateway.Tags)...) {
				if !selected[i] {
					gained[int(i)] = dp
				}
			}
		}
	}
	return today, gained
}

func tagsOf(candidates []*candidate) []cluster.Tags {
	return lists.Each(candidates, func(c *candidate) cluster.Tags { return c.tags })
}

// havingTag returns a MeshGateway that has one of tags, itself or on a listener, and
// contradicts none; nil when there is none.
func havingTag(gateways []*cluster.MeshGateway, tags cluster.Tags) *cluster.MeshGateway {
	for _, gateway := range gateways {
		selectors := gateway.Selectors
		if len(selectors) == 0 {
			selectors = []cluster.Tags{nil}
		}
		for _, own := range gateway.TagSets(nil) {
			shared := slices.ContainsFunc(tags, func(tag cluster.Tag) bool { return own.Get(tag.Key) == tag.Value })
			if !shared || !tags.Meets(own) {
				continue
			}
			for _, selector := range selectors {
				rest := lists.Keep(selector, func(tag cluster.Tag) bool {
					_, ok := own.Lookup(tag.Key)
					return !ok
				})
				if tags.Meets(rest) {
					return gateway
				}
			}
		}
	}
	return nil
}
