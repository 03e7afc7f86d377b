package convert

import (
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// reduction is the candidates of a selection that are needed, and why the others are not.
type reduction struct {
	*selection
	candidates []*candidate
	reasons    reasons
	refused    map[int]bool // positions of candidates that cannot be carried over, which a note says
	notes      notes
}

// kept is what one way to drop candidates leaves.
type kept struct {
	candidates []*candidate
	reasons    reasons
	refused    map[int]bool
	notes      notes
}

// reasons say why selectors have no policy, by position.
type reasons map[int]string

// reduce drops the candidates of a selection that are not needed.
func reduce(s *selection) *reduction {
	r := &reduction{selection: s, candidates: s.candidates, reasons: make(reasons), refused: make(map[int]bool)}
	if len(s.Pairs) == 0 {
		return r
	}
	for _, drop := range []func(*selection, []*candidate) kept{excludeGateways, merge, dropEmpty, dropMadeInZones, dropArrived} {
		left := drop(s, r.candidates)
		r.candidates = left.candidates
		r.notes = append(r.notes, left.notes...)
		maps.Copy(r.reasons, left.reasons)
		maps.Copy(r.refused, left.refused)
	}
	return r
}

// merge drops every candidate that a less specific one of the same TrafficTrace
// replaces: it selects all its proxies, and nothing that differs is between them.
func merge(_ *selection, candidates []*candidate) kept {
	r := kept{reasons: make(reasons)}
	dropped := make(map[*candidate]bool)
	for from := 0; from < len(candidates); {
		to := from + 1
		for to < len(candidates) && candidates[to].conf.key == candidates[from].conf.key {
			to++
		}
		for _, group := range lists.Group(candidates[from:to], func(c *candidate) *legacy.TrafficTrace { return c.pair.TrafficTrace }) {
			for i, by := range covering(group) {
				if by == nil {
					continue
				}
				c := group[i]
				dropped[c] = true
				if by.position != c.position {
					r.reasons[c.position] = coveredBySelector.with(facts{"number": by.pair.Number})
				}
			}
		}
		from = to
	}
	for _, c := range candidates {
		if !dropped[c] {
			r.candidates = append(r.candidates, c)
		} else if reason := r.reasons[c.position]; reason != "" {
			f := facts{"selector": selectorFact(c.pair), "cover": phrase(reason)}
			r.notes = append(r.notes, mergedSelector.noteOn(c.pair, f))
		}
	}
	return r
}

// covering returns, for each candidate of a group, a later one that selects all its
// proxies too, nil where there is none.
func covering(group []*candidate) []*candidate {
	by := make([]*candidate, len(group))
	if len(group) == 1 {
		return by
	}
	index := cluster.NewIndex(tagsOf(group))
	for i, c := range group {
		for _, j := range slices.Backward(index.Matching(nil, c.tags)) {
			if int(j) > i && !group[j].sidecarsOnly {
				by[i] = group[j]
				break
			}
		}
	}
	return by
}

// dropEmpty keeps a candidate without a backend only where something less specific would
// otherwise trace its proxies.
func dropEmpty(s *selection, candidates []*candidate) kept {
	if !slices.ContainsFunc(candidates, func(c *candidate) bool { return !c.conf.traces() }) {
		return kept{candidates: candidates}
	}
	m := s.mesh
	needed := neededEmpty(m, candidates)
	r := kept{reasons: make(reasons), refused: make(map[int]bool)}
	written := make(map[int]int) // policies, by position
	var empty []*candidate       // the first of each position
	for _, c := range candidates {
		if c.conf.traces() {
			r.candidates = append(r.candidates, c)
			continue
		}
		if _, known := written[c.position]; !known {
			written[c.position], empty = 0, append(empty, c)
		}
		if needed[c] {
			written[c.position]++
			if m.o.Version.TakesEmptyBackends() {
				r.candidates = append(r.candidates, c)
			}
		}
	}
	for _, c := range empty { // one note, though a wildcard has several candidates
		about, n := noBackend, written[c.position]
		switch {
		case n == 0:
			about, r.reasons[c.position] = noBackendNoPolicy, string(untracedAnyway)
		case !m.o.Version.TakesEmptyBackends():
			about, r.refused[c.position] = emptyBackendsUnsupported, true
			r.reasons[c.position] = emptyUnsupported.with(facts{"version": m.o.Version})
		}
		f := facts{"selector": selectorFact(c.pair), "cause": whyNoBackend(m, c.pair.TrafficTrace)}
		r.notes = append(r.notes, about.noteOn(c.pair, f))
		if expanded := s.considered[c.position].expanded; expanded != nil && !r.refused[c.position] {
			r.notes = append(r.notes, expanded.noteOn(c.pair, expandedTo(c.pair, n)))
		}
	}
	return r
}

// neededEmpty returns the candidates without a backend that prevent others from tracing
// their proxies.
func neededEmpty(m *mesh, candidates []*candidate) map[*candidate]bool {
	needed := make(map[*candidate]bool)
	empty := 0
	var traced []*candidate // those below c that trace, the lowest first
	for _, c := range slices.Backward(candidates) {
		if c.conf.traces() {
			traced = append(traced, c)
			continue
		}
		empty++
		// Several inbounds can satisfy any two selectors.
		if slices.ContainsFunc(traced, func(lower *candidate) bool {
			return len(m.dataplanes) == 0 || c.tags.Meets(lower.tags)
		}) {
			needed[c] = true
		}
	}
	if len(needed) == empty {
		return needed
	}
	index := cluster.NewIndex(tagsOf(candidates))
	var found []int32
	for _, dp := range m.dataplanes {
		found = index.Matching(found[:0], dp.TagSets()...)
		traced := false
		for _, i := range slices.Backward(found) {
			c := candidates[i]
			if traced && !c.conf.traces() {
				needed[c] = true
			}
			traced = traced || c.conf.traces()
		}
	}
	return needed
}

func whyNoBackend(m *mesh, t *legacy.TrafficTrace) clause {
	switch {
	case t.Backend != "":
		return backendMissing.of(facts{"mesh": quoted(m.Name), "backend": quoted(t.Backend)})
	case m.DefaultBackend != "":
		return defaultBackendMissing.of(facts{"mesh": quoted(m.Name), "backend": quoted(m.DefaultBackend)})
	}
	return noDefaultBackend.of(facts{"mesh": quoted(m.Name)})
}

// dropMadeInZones drops the candidates that every zone has made for itself already, with
// --zone-origin.
func dropMadeInZones(s *selection, candidates []*candidate) kept {
	m := s.mesh
	if len(m.ofZones) == 0 || len(m.zoneNames) == 0 {
		return kept{candidates: candidates}
	}
	r := kept{reasons: make(reasons)}
	for _, c := range candidates {
		if slices.ContainsFunc(m.zoneNames, func(zone string) bool {
			return (c.pair.Zone == "" || c.pair.Zone == zone) && !m.hasOwn(zone, c)
		}) {
			r.candidates = append(r.candidates, c)
		} else {
			r.reasons[c.position] = string(everyZoneHasIt)
		}
	}
	made := len(candidates) - len(r.candidates)
	switch f := (facts{"count": Plural(made, "MeshTrace")}); {
	case made == 0:
	case len(r.candidates) == 0:
		r.notes = notes{madeInZonesComplete.note(m.Place, m, f)}
	default:
		r.notes = notes{madeInZones.note(m.Place, m, f)}
	}
	return r
}

// hasOwn reports whether a zone has a policy of its own with the content of c.
func (m *mesh) hasOwn(zone string, c *candidate) bool {
	ref := c.targetRef()
	return slices.ContainsFunc(m.ofZones, func(p *meshtrace.Policy) bool {
		return p.Labels.Get(cluster.ZoneLabel) == zone && p.TargetRef.String() == ref.String() && p.Default.Key() == c.conf.Key() &&
			mayBeNamed(p.DisplayName(), m.Name, c.pair.TrafficTrace)
	})
}

// dropArrived drops all candidates where the global control plane's own have arrived, for
// no zone can apply them for it. It says that all are here, or for which TrafficTraces
// something is missing.
func dropArrived(s *selection, candidates []*candidate) kept {
	if !s.arrived {
		return kept{candidates: candidates}
	}
	today := s.matcher(slices.Concat(s.existing, s.previous)...)
	before := s.matcher(s.existing...)
	lacking := make(map[int]names) // proxies, by position of the selector that decides
	for _, dp := range s.dataplanes {
		got := meshtrace.Merge(today.Matching(nil, dp))
		if position := s.wins(dp); position >= 0 && got.Key() != s.tracing(before, dp) {
			lacking[position] = append(lacking[position], dp.String())
		}
	}
	r := kept{reasons: make(reasons)}
	for _, c := range candidates {
		r.reasons[c.position] = string(sameFromGlobal)
		if len(lacking[c.position]) > 0 {
			r.reasons[c.position] = string(notArrived)
		}
	}
	var missing []string
	for position, pair := range s.ranked.Pairs {
		if proxies := lacking[position]; len(proxies) > 0 {
			missing = append(missing, missingForProxies.with(facts{"source": source(pair), "proxies": proxies}))
		}
	}
	f := facts{"count": Plural(len(s.previous), "MeshTrace")}
	about := arrivedComplete
	switch {
	case len(missing) > 0:
		about, f["missing"] = arrivedInPart, strings.Join(missing, "; ")
	case len(s.dataplanes) == 0:
		about = arrivedUnchecked
	}
	r.notes = notes{about.note(s.Place, s.mesh, f)}
	return r
}

// tracing is the key of what policies give dp, or where they give nothing its
// TrafficTrace.
func (s *selection) tracing(policies *meshtrace.Matcher, dp *cluster.Dataplane) string {
	conf := meshtrace.Merge(policies.Matching(nil, dp))
	if position := s.wins(dp); len(conf.Backends) == 0 && position >= 0 {
		return s.confOf(s.ranked.Pairs[position].TrafficTrace).key
	}
	return conf.Key()
}
