package convert

import (
	"fmt"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// maxResumed is how often what an earlier run made is narrowed down. Twice will
// do, unless policies were changed since.
const maxResumed = 8

// resume converts, and takes a migration up where it was left: an existing
// policy that is made here again, to the letter, is what an earlier run made, and
// not what was there before it. Were the two not told apart, then of an apply
// that broke off half way what did arrive would pass for the tracing to keep.
func (in *input) resume() *Result {
	earlier := make(map[*meshtrace.Policy]bool)
	for _, p := range in.standing {
		if p.System && !p.Shadow(in.o.Version) && !ofOneZone(p, in.Origin, in.o) && (p.Labels[cluster.OriginLabel] == "zone") == in.o.ZoneOrigin {
			earlier[p] = true
		}
	}
	// Names and what shields against others depend on who the others are, so it
	// takes a few rounds to tell them: by the proxies first, by all there is at last.
	for like := range maxResumed {
		result, meshes := in.convert(earlier)
		again := make(map[*meshtrace.Policy]bool)
		for _, m := range meshes {
			for _, p := range m.earlier {
				if m.madeAgain(p, likeness(like)) != nil {
					again[p] = true
				}
			}
		}
		if len(earlier) == 0 || likeness(like) >= inAll && len(again) == len(earlier) {
			return result
		}
		earlier = again
	}
	result, _ := in.convert(nil)
	return result
}

// likeness is how far a new policy is like one that stands.
type likeness int

const (
	inProxies likeness = iota // they are for the same ones
	inTracing                 // and give these the same
	inAll                     // and have one name
)

// madeAgain returns the candidate that is like p, or nil. A copy in a zone has
// the original's name as its display name.
func (m *mesh) madeAgain(p *meshtrace.Policy, like likeness) *candidate {
	for _, c := range m.byTarget[p.TargetRef.String()] {
		made := &c.policy.TargetRef
		if !maps.Equal(made.Tags, p.TargetRef.Tags) || !slices.Equal(made.ProxyTypes, p.TargetRef.ProxyTypes) || p.TargetRef.Kind != made.Kind ||
			c.policy.Format == p.Format && c.policy.Namespace != p.Namespace ||
			like >= inTracing && !saysAgain(c.policy, p) ||
			like >= inAll && c.name != p.Name && c.name != p.DisplayName() {
			continue
		}
		return c
	}
	return nil
}

// saysAgain says whether p gives what made gives wherever it is merged: it sets
// what made sets, and to the same.
func saysAgain(made, p *meshtrace.Policy) bool {
	a, b := &made.Default, &p.Default
	return a.Key() == b.Key() &&
		(a.Backends == nil) == (b.Backends == nil) &&
		(a.Sampling.Overall == nil) == (b.Sampling.Overall == nil) &&
		(a.Sampling.Client == nil || b.Sampling.Client != nil) &&
		(a.Sampling.Random == nil || b.Sampling.Random != nil) &&
		(a.Tags == nil || b.Tags != nil)
}

// remarkEarlier finds the candidates that an earlier run made, and says how far
// that run was applied, and what of it is something else by now.
func (m *mesh) remarkEarlier(result *Result) {
	sources := make(map[string]bool)
	for _, pair := range m.Pairs {
		sources[annotated(pair)] = true
	}
	for _, p := range m.existing {
		if sources[p.Source] {
			m.notes.warn(EarlierRun, p.Place, p, fmt.Sprintf("was made by an earlier run, from %s, and is not made again: it, the TrafficTraces or another MeshTrace were changed since; its proxies keep what it gives them", p.Source),
				"if they are to have what the TrafficTraces say, delete what earlier runs made and convert again")
		}
	}
	stand := 0
	for _, p := range m.earlier {
		if c := m.madeAgain(p, inAll); c != nil {
			result.stands[c.policy] = true
			stand++
		}
	}
	switch {
	case stand == 0:
		return
	case stand == len(m.candidates):
		all := "the MeshTrace made here stands"
		if stand > 1 {
			all = fmt.Sprintf("all %d MeshTraces made here stand", stand)
		}
		m.notes.inform(EarlierRun, m.Place, m, all+" already with the same content; each proxy is compared with what its TrafficTraces say", "")
		return
	}
	verb := "stand"
	if stand == 1 {
		verb = "stands"
	}
	message := fmt.Sprintf("%d of the %d MeshTraces made here %s already with the same content, as after an apply that broke off", stand, len(m.candidates), verb)
	remedy := "apply all of them; where a proxy is to keep what it has today, delete the TrafficTrace that says otherwise first, and convert again"
	if len(m.dataplanes) == 0 {
		m.notes.warn(EarlierRun, m.Place, m, message+"; until the others do, proxies can have other tracing today than their TrafficTraces say", remedy)
		return
	}
	today := meshtrace.NewMatcher(m.o.Version, slices.Concat(m.existing, m.earlier), m.gateways)
	before := meshtrace.NewMatcher(m.o.Version, m.existing, m.gateways)
	var other []string
	for _, dp := range m.dataplanes {
		if m.tracing(today, dp) != m.tracing(before, dp) {
			other = append(other, dp.String())
		}
	}
	if len(other) == 0 {
		m.notes.inform(EarlierRun, m.Place, m, message+"; every known proxy has the tracing today that its TrafficTraces say", "")
		return
	}
	m.notes.warn(EarlierRun, m.Place, m, fmt.Sprintf("%s; until the others do, these have other tracing than their TrafficTraces say: %s", message, list(other)), remedy)
}

// tracing is the key of what policies give dp, or where they give nothing its
// TrafficTrace.
func (m *mesh) tracing(policies *meshtrace.Matcher, dp *cluster.Dataplane) string {
	conf := meshtrace.Merge(policies.Matching(dp))
	if position := m.Wins(dp.TagSets()...); len(conf.Backends) == 0 && position >= 0 {
		return m.confOf(m.Pairs[position].TrafficTrace).key
	}
	return conf.Key()
}

// Before returns those of the existing policies that were there before the
// migration: all but those that an earlier run made and this one makes again.
func (r *Result) Before(existing []*meshtrace.Policy) []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(existing), r.Earlier)
}

// Earlier says whether an existing policy is one that an earlier run made and
// this one makes again.
func (r *Result) Earlier(existing *meshtrace.Policy) bool { return r.earlier[existing.Identity()] }

// Stands says whether a policy of Policies exists already, made by an earlier run.
func (r *Result) Stands(p *meshtrace.Policy) bool { return r.stands[p] }

// New returns those of Policies that do not exist yet.
func (r *Result) New() []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(r.Policies), r.Stands)
}
