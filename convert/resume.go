package convert

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// maxResumed is how often what an earlier run made is narrowed down. Twice will
// do, unless policies were changed since.
const maxResumed = 8

// resume converts, and takes a migration up where it was left: an existing
// policy that is made here again, for the same proxies and with the same tracing,
// is what an earlier run made, and not what was there before it. Were the two not
// told apart, then of an apply that broke off half way what did arrive would pass
// for the tracing to keep.
func (in *input) resume() (*Result, []*mesh) {
	earlier := make(map[*meshtrace.Policy]bool)
	in.arrived = in.arrivedPolicies()
	for _, p := range in.standing {
		if in.arrived[p] {
			earlier[p] = true
			continue
		}
		annotated := p.Source != "" || p.Format == cluster.Universal // which keeps no annotation
		if annotated && p.System && !p.Shadow(in.o.Version) && !ofOneZone(p, in.Origin, in.o) && (p.Labels[cluster.OriginLabel] == "zone") == in.o.ZoneOrigin {
			earlier[p] = true
		}
	}
	// What others set new policies set as well, so at first, while it is not
	// known who is another, the proxies are all there is to go by.
	for round := range maxResumed {
		result, meshes := in.convert(earlier)
		again := make(map[*meshtrace.Policy]bool)
		for _, m := range meshes {
			for _, p := range m.earlier {
				if c := m.again[p]; in.arrived[p] || c != nil && (round == 0 || saysAgain(c.policy, p)) {
					again[p] = true
				}
			}
		}
		if len(earlier) == 0 || round > 0 && len(again) == len(earlier) {
			return result, meshes
		}
		earlier = again
	}
	return in.convert(nil)
}

// madeAgain says whether c is for the same proxies as p, and p may have its name
// from c's TrafficTrace.
func (m *mesh) madeAgain(p *meshtrace.Policy, c *candidate) bool {
	made := &c.policy.TargetRef
	return maps.Equal(made.Tags, p.TargetRef.Tags) && slices.Equal(made.ProxyTypes, p.TargetRef.ProxyTypes) && p.TargetRef.Kind == made.Kind &&
		(c.policy.Format != p.Format || c.policy.Namespace == p.Namespace) &&
		(p.Source != "" || m.mayBeNamed(p.Name, c.pair.TrafficTrace) || m.mayBeNamed(p.DisplayName(), c.pair.TrafficTrace))
}

var (
	rankInFront = regexp.MustCompile(`^[0-9]+-`)
	rank        = regexp.MustCompile(`\b[0-9]+-`) // also after the name of another policy
	numberAtEnd = regexp.MustCompile(`^(-[0-9]+){0,2}$`)
)

// mayBeNamed says whether a policy of a TrafficTrace can get a name, whatever
// the others are: nameCandidates and prefixNames give it.
func (m *mesh) mayBeNamed(name string, trace *legacy.TrafficTrace) bool {
	base := validName(displayName(trace.Resource))
	plain := []string{name}
	for _, at := range rank.FindAllStringIndex(name, -1) {
		plain = append(plain, name[at[1]:])
	}
	for _, without := range plain {
		for _, begin := range []string{base, withHash(base, m.Name, trace.Name)} {
			if rest, ok := strings.CutPrefix(without, begin); ok && numberAtEnd.MatchString(rest) {
				return true
			}
		}
	}
	return false
}

// stands says whether p, which is made again as c, is c under its own name. A copy
// in a zone has the original's name as its display name.
func stands(p *meshtrace.Policy, c *candidate) bool {
	return p.Name == c.name || p.DisplayName() == c.name
}

// stale are the policies of an earlier run that are made again under another
// name: when all is applied, they are still there.
func (m *mesh) stale() []*meshtrace.Policy {
	replaced := make(map[meshtrace.Identity]bool, len(m.candidates))
	for _, c := range m.candidates {
		replaced[c.policy.Identity()] = true
	}
	var stale []*meshtrace.Policy
	for _, p := range m.earlier {
		if c := m.again[p]; !replaced[p.Identity()] && (c == nil || !stands(p, c)) {
			stale = append(stale, p)
		}
	}
	return stale
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
	var changed []*meshtrace.Policy
	sources := make(map[string]bool)
	for _, pair := range m.Pairs {
		sources[annotated(pair)] = true
	}
	for _, p := range m.existing {
		if sources[p.Source] {
			changed = append(changed, p)
			m.notes.warn(EarlierRun, p.Place, p, fmt.Sprintf("was made by an earlier run, from %s, and is not made again: it, the TrafficTraces or another MeshTrace were changed since", p.Source),
				"if its proxies are to have what the TrafficTraces say, delete what earlier runs made and convert again; if they are to keep what it gives them, delete its TrafficTrace first")
		}
	}
	certain, standing := len(changed) == 0, 0
	for _, p := range m.earlier {
		certain = certain && p.Source != ""
		c := m.again[p]
		if c != nil && stands(p, c) && !result.stands[c.policy] {
			result.stands[c.policy] = true
			standing++
		}
	}
	for _, p := range m.stale() {
		what := "what is made here again under another name"
		if c := m.again[p]; c != nil {
			what = fmt.Sprintf("what is made here again as %q", c.name)
		}
		m.notes.warn(EarlierRun, p.Place, p, "says "+what+", as though an earlier run had made it when there were other Dataplanes, TrafficTraces or MeshTraces, or for another version", "delete it once the new ones are applied")
	}
	if len(m.earlier) == 0 && certain {
		return
	}
	if certain = certain || standing == len(m.candidates) && len(changed) == 0; standing == len(m.candidates) && standing > 0 {
		all := "the MeshTrace made here stands"
		if standing > 1 {
			all = fmt.Sprintf("all %d MeshTraces made here stand", standing)
		}
		m.notes.inform(EarlierRun, m.Place, m, all+" already with the same content; each proxy is compared with what its TrafficTraces say", "")
		if certain {
			return
		}
	}
	m.remarkPart(result, changed, standing, certain)
}

// remarkPart says what is the case where not all stands that is made here.
func (m *mesh) remarkPart(result *Result, changed []*meshtrace.Policy, standing int, certain bool) {
	message := fmt.Sprintf("%d of the %s made here %s already with the same content, as after an apply that broke off", standing, plural(len(m.candidates), "MeshTrace"), map[bool]string{true: "stands", false: "stand"}[standing == 1])
	if len(m.earlier) == 0 {
		message = "MeshTraces of an earlier run were changed since"
	}
	remedy := "apply all of them; where a proxy is to keep what it has today, delete the TrafficTrace that says otherwise first, and convert again"
	today := meshtrace.NewMatcher(m.o.Version, slices.Concat(m.existing, m.earlier), m.gateways)
	before := meshtrace.NewMatcher(m.o.Version, slices.DeleteFunc(slices.Clone(m.existing), func(p *meshtrace.Policy) bool { return slices.Contains(changed, p) }), m.gateways)
	other := func(dp *cluster.Dataplane) bool { return m.tracing(today, dp) != m.tracing(before, dp) }
	var names []string
	for _, dp := range m.dataplanes {
		if other(dp) {
			names = append(names, dp.String())
		}
	}
	if !certain {
		result.doubts[m.Name] = func(dp *cluster.Dataplane) string {
			if other(dp) {
				return "it has other tracing today than its TrafficTrace says, from what may be an earlier run's MeshTraces; see the note earlier-run"
			}
			return ""
		}
	}
	switch {
	case len(m.dataplanes) > 0 && len(names) == 0:
		m.notes.inform(EarlierRun, m.Place, m, message+"; every known proxy has the tracing today that its TrafficTraces say", "")
		return
	case len(m.dataplanes) == 0:
		message += "; proxies can have other tracing today than their TrafficTraces say"
	default:
		message += "; these have other tracing today than their TrafficTraces say: " + list(names)
	}
	if certain {
		m.notes.warn(EarlierRun, m.Place, m, message, remedy)
		return
	}
	m.notes.refuse(EarlierRun, m.Place, m, message+"; whether that is to stay cannot be told",
		"if an earlier run was not applied in whole, apply all that it wrote, or what --keep-going writes; if the proxies are to keep what they have, delete the TrafficTraces that say otherwise, and convert again")
}

// tracing is the key of what policies give dp, or where they give nothing its
// TrafficTrace.
func (m *mesh) tracing(policies *meshtrace.Matcher, dp *cluster.Dataplane) string {
	conf := meshtrace.Merge(policies.Matching(nil, dp))
	if position := m.wins(dp); len(conf.Backends) == 0 && position >= 0 {
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

// Doubt says why it cannot be told what is right for dp: the times of its zone's
// own copies decide, which are not known, or policies that may be a previous run's
// give it something else than its TrafficTrace.
func (r *Result) Doubt(dp *cluster.Dataplane) cluster.Doubt {
	if tieOf := r.ties[dp.Mesh]; tieOf != nil {
		if doubt := tieOf(dp); doubt.Reason != "" {
			return doubt
		}
	}
	if doubt := r.doubts[dp.Mesh]; doubt != nil {
		return cluster.Doubt{Reason: doubt(dp)}
	}
	return cluster.Doubt{}
}

// New returns those of Policies that do not exist yet.
func (r *Result) New() []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(r.Policies), r.Stands)
}
