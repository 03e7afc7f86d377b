package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// reduce drops the candidates that are not needed.
func (m *mesh) reduce() {
	if len(m.Pairs) == 0 {
		return
	}
	m.merge()
	m.dropEmpty()
	m.dropMadeInZones()
}

// merge drops every candidate that a less specific one of the same
// TrafficTrace replaces: it selects all its proxies, and nothing that
// differs is between them.
func (m *mesh) merge() {
	dropped := make(map[*candidate]bool)
	for from := 0; from < len(m.candidates); {
		to := from + 1
		for to < len(m.candidates) && m.candidates[to].conf.key == m.candidates[from].conf.key {
			to++
		}
		byTrace := make(map[*legacy.TrafficTrace][]*candidate)
		for _, c := range m.candidates[from:to] {
			byTrace[c.pair.TrafficTrace] = append(byTrace[c.pair.TrafficTrace], c)
		}
		for _, group := range byTrace {
			if len(group) == 1 {
				continue
			}
			selectors := make([]cluster.Tags, len(group))
			for i, c := range group {
				selectors[i] = c.tags
			}
			index := cluster.NewIndex(selectors)
			for i, c := range group {
				for _, j := range slices.Backward(index.Matching(nil, c.tags)) {
					if by := group[j]; int(j) > i && !by.sidecarsOnly {
						dropped[c] = true
						m.fates[c.position].Reason = fmt.Sprintf("selector %d of the same TrafficTrace covers it", by.pair.Number)
						if by.position == c.position {
							m.fates[c.position].Reason = ""
						}
						break
					}
				}
			}
		}
		from = to
	}
	for _, c := range m.candidates {
		if reason := m.fates[c.position].Reason; dropped[c] && reason != "" {
			m.notes.inform(MergedSelector, c.pair.Position(), c.pair.TrafficTrace,
				fmt.Sprintf("selector %d (%s) needs no policy of its own: %s, with the same tracing", c.pair.Number, c.pair.Tags, reason), "")
		}
	}
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool { return dropped[c] })
}

// dropEmpty keeps a candidate without a backend only where something less
// specific would otherwise trace its proxies.
func (m *mesh) dropEmpty() {
	needed := make(map[*candidate]bool)
	selectors := make([]cluster.Tags, 0, len(m.candidates))
	empty := 0
	for _, c := range m.candidates {
		selectors = append(selectors, c.tags)
		if !c.conf.traces() {
			empty++
		}
	}
	if empty == 0 {
		return
	}
	for i, c := range m.candidates {
		if c.conf.traces() {
			continue
		}
		for _, lower := range slices.Backward(m.candidates[i+1:]) {
			// Several inbounds can satisfy any two selectors.
			if lower.conf.traces() && (len(m.dataplanes) == 0 || c.tags.Meets(lower.tags)) {
				needed[c] = true
				break
			}
		}
	}
	if len(needed) < empty {
		index := cluster.NewIndex(selectors)
		for _, dp := range m.dataplanes {
			m.found = index.Matching(m.found[:0], dp.TagSets()...)
			traced := false
			for _, i := range slices.Backward(m.found) {
				c := m.candidates[i]
				if traced && !c.conf.traces() {
					needed[c] = true
				}
				traced = traced || c.conf.traces()
			}
		}
	}
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool {
		if c.conf.traces() {
			return false
		}
		about := fmt.Sprintf("selector %d (%s) decides for its proxies but %s, so they are not traced today", c.pair.Number, c.pair.Tags, m.whyNone(c.pair.TrafficTrace))
		switch {
		case !needed[c]:
			m.fates[c.position].Reason = "its proxies are not traced today, and no other policy would trace them"
			m.notes.warn(NoBackend, c.pair.Position(), c.pair.TrafficTrace, about+"; nothing else would trace them, so there is no policy", "nothing, if that is intended").Actionable = false
			return true
		case !m.o.Version.TakesEmptyBackends():
			m.refused[c.position] = true
			m.fates[c.position].Reason = "2.0 cannot switch tracing off"
			m.notes.refuse(EmptyBackendsUnsupported, c.pair.Position(), c.pair.TrafficTrace,
				about+"; keeping that takes `backends: []`, on which the 2.0 control plane crashes", "upgrade to 2.1 or later first, or name a backend that exists")
			return true
		}
		m.notes.warn(NoBackend, c.pair.Position(), c.pair.TrafficTrace, about+"; the policy says so with `backends: []`", "nothing, if that is intended").Actionable = false
		return false
	})
}

func (m *mesh) whyNone(t *legacy.TrafficTrace) string {
	switch {
	case t.Backend != "":
		return fmt.Sprintf("mesh %q has no tracing backend %.253q", m.Name, t.Backend)
	case m.DefaultBackend != "":
		return fmt.Sprintf("the default backend %.253q of mesh %q does not exist", m.DefaultBackend, m.Name)
	}
	return fmt.Sprintf("names no backend, and mesh %q has no default one", m.Name)
}

// dropMadeInZones drops the candidates that every zone has made for itself
// already, with --zone-origin.
func (m *mesh) dropMadeInZones() {
	if len(m.ofZones) == 0 || len(m.zoneNames) == 0 {
		return
	}
	made := 0
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool {
		for _, zone := range m.zoneNames {
			if (c.pair.Zone == "" || c.pair.Zone == zone) && !m.hasOwn(zone, c) {
				return false
			}
		}
		made++
		m.fates[c.position].Reason = "every zone has it already, of its own (kuma.io/origin: zone)"
		return true
	})
	if made > 0 {
		left := ""
		if len(m.candidates) == 0 {
			left = "; only the deletion of the TrafficTraces is left"
		}
		m.notes.inform(EarlierRun, m.Place, m, fmt.Sprintf("every zone has %s of its own (kuma.io/origin: zone) for what the TrafficTraces say%s", plural(made, "MeshTrace"), left), "")
	}
}

// hasOwn reports whether a zone has a policy of its own that says what c says.
func (m *mesh) hasOwn(zone string, c *candidate) bool {
	ref := c.targetRef()
	return slices.ContainsFunc(m.ofZones, func(p *meshtrace.Policy) bool {
		return p.Labels[cluster.ZoneLabel] == zone && p.TargetRef.String() == ref.String() && p.Default.Key() == c.conf.Key() &&
			m.mayBeNamed(p.DisplayName(), c.pair.TrafficTrace)
	})
}
