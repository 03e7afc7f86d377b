package convert

import (
	"slices"
	"sync"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// selection has what each selector becomes.
type selection struct {
	*mesh
	ranked     *legacy.Mesh       // with selectors narrowed to zones, see rankByZone
	positions  map[selectorOf]int // in ranked.Pairs; nil where no zone has an order of its own
	considered []considered       // by position
	candidates []*candidate       // highest precedence first
	ties       *ties
	notes      notes
}

// selectPolicies finds the candidates of a mesh, in order of precedence.
func selectPolicies(m *mesh) *selection {
	s := &selection{mesh: m, ranked: m.Mesh, ties: newTies(m)}
	if len(m.Pairs) == 0 {
		if len(m.TrafficTraces) == 0 {
			s.notes = notes{remarkNothing(m)}
		}
		return s
	}
	var narrowed notes
	s.ranked, s.positions, narrowed = rankByZone(m)
	// Each looks at every proxy by itself, so they share the cores.
	var zoneTies, otherTies notes
	var looking sync.WaitGroup
	looking.Go(func() { zoneTies = remarkZoneTies(m, s.ties) })
	looking.Go(func() { otherTies = remarkTies(m, s.ranked) })
	users := make(map[*legacy.Backend]*legacy.TrafficTrace)
	var used, found notes
	values := wildcardValues(s.ranked, m.dataplanes)
	for position, pair := range s.ranked.Pairs {
		becomes := consider(m, s.ranked, position, values[position])
		s.considered = append(s.considered, becomes)
		found = append(found, becomes.notes...)
		if b := m.BackendOf(pair.TrafficTrace); becomes.converts && b != nil && users[b] == nil {
			users[b] = pair.TrafficTrace
			used = append(used, remarkUse(m, b, pair.TrafficTrace)...)
		}
		for _, tags := range becomes.targets {
			s.candidates = append(s.candidates, &candidate{pair: pair, position: position, tags: tags, conf: m.confOf(pair.TrafficTrace)})
		}
	}
	looking.Wait()
	s.notes = slices.Concat(narrowed, used, found, zoneTies, otherTies)
	return s
}

// remarkNothing notes that the mesh has no TrafficTrace, and what traces instead.
func remarkNothing(m *mesh) *Note {
	traces := func(p *meshtrace.Policy) bool { return len(p.Default.Backends) > 0 }
	tracing := len(lists.Keep(slices.Concat(m.existing, m.previous), traces))
	backends := Plural(len(m.Backends), "tracing backend")
	var policies any = oneTraces
	if tracing > 1 {
		policies = severalTraces.of(facts{"count": tracing})
	}
	switch {
	case len(m.Backends) > 0 && tracing > 0:
		return backendsWithPolicies.note(m.Place, m, facts{"backends": backends, "policies": policies})
	case len(m.Backends) > 0:
		return backendsAlone.note(m.Place, m, facts{"backends": backends})
	case tracing > 0:
		return policiesAlone.note(m.Place, m, facts{"policies": policies})
	}
	return nothingTraced.note(m.Place, m, nil)
}

// considered is what one selector becomes.
type considered struct {
	targets  []cluster.Tags // of candidates
	converts bool           // its backend is needed
	refused  bool           // a note says that it cannot be carried over
	reason   string         // why there is no candidate
	expanded *sentence      // on a wildcard without a backend, see dropEmpty
	notes    notes
}

// consider finds what the selector at a position becomes. values has, for one with a
// wildcard, the tags that replace its own.
func consider(m *mesh, ranked *legacy.Mesh, position int, values []cluster.Tags) considered {
	pair := ranked.Pairs[position]
	for _, tag := range pair.Tags {
		key, value := tag.Key, tag.Value
		if cluster.IsTag(key, value) || value == cluster.Any && cluster.IsTag(key, "any") {
			continue
		}
		return considered{
			reason: impossibleTag.with(facts{"key": key}),
			notes:  notes{noSuchTag.noteOn(pair, facts{"number": pair.Number, "key": clipped(key), "value": clipped(value)})},
		}
	}
	if higher := ranked.Covering(position, pair.Tags); higher != nil {
		return neverDeciding(m, pair, higher)
	}
	if m.confOf(pair.TrafficTrace).refused {
		return considered{converts: true, refused: true, reason: string(backendRefused)}
	}
	if hasWildcard(pair.Tags) {
		return considerWildcard(m, ranked, position, values)
	}
	tags := withoutAnyService(pair.Tags)
	if by := m.serving(tags); by != nil {
		return considered{
			converts: true, reason: allServed.with(facts{"existing": by}),
			notes: notes{servedAlready.noteOn(pair, facts{"selector": selectorFact(pair), "existing": by})},
		}
	}
	return considered{converts: true, targets: []cluster.Tags{tags}}
}

// withoutAnyService returns tags without kuma.io/service: '*', which every proxy satisfies.
func withoutAnyService(tags cluster.Tags) cluster.Tags {
	if tags.Get(cluster.ServiceTag) != cluster.Any {
		return tags
	}
	return tags.Without(cluster.ServiceTag)
}

// neverDeciding is what a selector becomes whose proxies a higher one decides for.
func neverDeciding(m *mesh, pair, higher *legacy.Pair) considered {
	found := considered{reason: decidedByHigher.with(facts{"higher": source(higher)})}
	var precedence any = moreSpecific
	if pair.CompareRank(higher) == 0 {
		rank := sameRank
		if pair.Tags.Compare(higher.Tags) == 0 {
			rank = sameTags
		}
		precedence = byTime(pair, higher, rank)
	}
	if m.timesElsewhere && differAsTied(m, pair, higher) {
		found.reason = decidedByHigherHere.with(facts{"higher": source(higher)})
		return found // remarkZoneTies notes it
	}
	f := facts{"selector": selectorFact(pair), "higher": higherFact(higher), "precedence": precedence}
	s := neverDecides
	switch {
	case pair.Undecided(higher) && m.confOf(pair.TrafficTrace).key != m.confOf(higher.TrafficTrace).key:
		s = neverDecidesByName
	case m.otherTimes && differAsTied(m, pair, higher):
		s = neverDecidesHere
	}
	found.notes = notes{s.noteOn(pair, f)}
	return found
}

// byTime says by what higher has precedence over a selector of the same rank.
func byTime(pair, higher *legacy.Pair, rank phrase) any {
	decides := sameTimeAndName
	switch {
	case pair.TrafficTrace == higher.TrafficTrace:
		return rank
	case pair.Undecided(higher):
		decides = smallerName
	case !pair.Created.Equal(higher.Created):
		decides = createdLater
	}
	return decides.of(facts{"rank": rank})
}

// higherFact names a selector of another TrafficTrace with its tags.
func higherFact(p *legacy.Pair) string {
	return source(p) + " (" + p.Tags.String() + ")"
}

// differAsTied reports whether two selectors of equal rank give different tracing.
func differAsTied(m *mesh, a, b *legacy.Pair) bool {
	return a.TrafficTrace != b.TrafficTrace && a.CompareRank(b) == 0 && m.confOf(a.TrafficTrace).key != m.confOf(b.TrafficTrace).key
}

// serving returns an existing policy that gives all proxies with tags their tracing, so
// that the legacy one does not apply; nil when none certainly does.
func (m *mesh) serving(tags cluster.Tags) *meshtrace.Policy {
	var by *meshtrace.Policy
	existing := m.existing
	if zone := tags.Get(cluster.ZoneLabel); zone != "" {
		for _, p := range m.ofZones {
			if p.Labels.Get(cluster.ZoneLabel) == zone {
				existing = append(slices.Clip(existing), p)
			}
		}
	}
	for _, p := range existing {
		if p.Default.Backends != nil && len(p.Default.Backends) == 0 {
			return nil // it may take the tracing away from some of them
		}
		if by != nil || len(p.Default.Backends) == 0 || len(p.TargetRef.ProxyTypes) > 0 || !p.System {
			continue
		}
		if p.TargetRef.SelectsEvery(tags) {
			by = p
		}
	}
	return by
}
