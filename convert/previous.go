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

// maxResumed is how often what a previous run made is narrowed down. Twice will
// do, unless policies were changed since.
const maxResumed = 8

// resume converts, and takes a migration up where it was left: an existing
// policy that is made here as well, for the same proxies and with the same tracing,
// is what a previous run made, and not what was there before it. Otherwise,
// after a partial apply, our own policies would be mistaken for tracing to preserve.
func (in *input) resume() (*Plan, []*mesh) {
	previous := make(map[*meshtrace.Policy]bool)
	in.arrived = in.arrivedPolicies()
	for _, p := range in.compared {
		if in.arrived[p] {
			previous[p] = true
			continue
		}
		annotated := p.Source != "" || p.Format == cluster.Universal // which keeps no annotation
		if annotated && p.System && !p.Shadow(in.o.Version) && !ofOneZone(p, in.Origin, in.o) && (p.Labels[cluster.OriginLabel] == "zone") == in.o.ZoneOrigin {
			previous[p] = true
		}
	}
	// New policies set what other policies set as well. In the first round the others
	// are not known, so only the selected proxies are compared.
	for round := range maxResumed {
		result, meshes := in.convert(previous)
		again := make(map[*meshtrace.Policy]bool)
		for _, m := range meshes {
			for _, p := range m.previous {
				if c := m.again[p]; in.arrived[p] || c != nil && (round == 0 || givesSame(c.policy, p)) {
					again[p] = true
				}
			}
		}
		if len(previous) == 0 || round > 0 && len(again) == len(previous) {
			return result, meshes
		}
		previous = again
	}
	return in.convert(nil)
}

// isFrom reports whether c is for the same proxies as p, and p may have its name
// from c's TrafficTrace.
func (m *mesh) isFrom(p *meshtrace.Policy, c *candidate) bool {
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

// mayBeNamed reports whether a policy of a TrafficTrace can get a name, whatever
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

// hasSameName reports whether existing policy p already has the name of candidate c. A copy
// in a zone has the original's name as its display name.
func hasSameName(p *meshtrace.Policy, c *candidate) bool {
	return p.Name == c.name || p.DisplayName() == c.name
}

// stale returns the policies of a previous run that are made under another name
// now: they still exist when all is applied.
func (m *mesh) stale() []*meshtrace.Policy {
	replaced := make(map[meshtrace.Identity]bool, len(m.candidates))
	for _, c := range m.candidates {
		replaced[c.policy.Identity()] = true
	}
	var stale []*meshtrace.Policy
	for _, p := range m.previous {
		if c := m.again[p]; !replaced[p.Identity()] && (c == nil || !hasSameName(p, c)) {
			stale = append(stale, p)
		}
	}
	return stale
}

// givesSame reports whether p gives what made gives wherever it is merged: it sets
// what made sets, and to the same.
func givesSame(made, p *meshtrace.Policy) bool {
	a, b := &made.Default, &p.Default
	return a.Key() == b.Key() &&
		(a.Backends == nil) == (b.Backends == nil) &&
		(a.Sampling.Overall == nil) == (b.Sampling.Overall == nil) &&
		(a.Sampling.Client == nil || b.Sampling.Client != nil) &&
		(a.Sampling.Random == nil || b.Sampling.Random != nil) &&
		(a.Tags == nil || b.Tags != nil)
}

// remarkEarlier finds the candidates that a previous run made, and says how far
// that run was applied, and what of it is something else by now.
func (m *mesh) remarkEarlier(result *Plan) {
	if m.arrived {
		return // settleArrived has done so
	}
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
	for _, p := range m.previous {
		certain = certain && p.Source != ""
		c := m.again[p]
		if c != nil && hasSameName(p, c) && !result.existing[c.policy] {
			result.existing[c.policy] = true
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
	if len(m.previous) == 0 && certain {
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

// remarkPart reports that only some of a previous run\'s policies exist.
func (m *mesh) remarkPart(result *Plan, changed []*meshtrace.Policy, standing int, certain bool) {
	message := fmt.Sprintf("%d of the %s made here %s already with the same content, as after an apply that broke off", standing, plural(len(m.candidates), "MeshTrace"), map[bool]string{true: "stands", false: "stand"}[standing == 1])
	if len(m.previous) == 0 {
		message = "MeshTraces of an earlier run were changed since"
	}
	remedy := "apply all of them; where a proxy is to keep what it has today, delete the TrafficTrace that says otherwise first, and convert again"
	today := meshtrace.NewMatcher(m.o.Version, slices.Concat(m.existing, m.previous), m.gateways)
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

// arrivedPolicies returns the existing policies of a federated zone that a
// migration made at its global control plane: they come from there, and have the
// name and the tracing of a TrafficTrace. A zone keeps no annotation of them.
func (in *input) arrivedPolicies() map[*meshtrace.Policy]bool {
	arrived := make(map[*meshtrace.Policy]bool)
	if in.Origin == nil || in.Origin.Mode != cluster.ModeFederatedZone || in.o.ZoneOrigin {
		return arrived
	}
	byName := make(map[string]*mesh, len(in.meshes))
	for _, from := range in.meshes {
		var unused notes
		byName[from.Name] = &mesh{Mesh: from, real: from, o: in.o, notes: &unused, confs: make(map[string]*conf)}
	}
	for i, p := range in.compared {
		m := byName[p.Mesh]
		if m == nil || in.existing[i].Labels[cluster.OriginLabel] != "global" || p.Shadow(in.o.Version) || !p.System {
			continue
		}
		if !p.TargetRef.Kind.IsWritten() {
			continue
		}
		arrived[p] = slices.ContainsFunc(m.TrafficTraces, func(t *legacy.TrafficTrace) bool {
			return m.mayBeNamed(p.DisplayName(), t) && m.keyOf(t) == p.Default.Key() && selectsLike(p.TargetRef.Tags, t)
		})
	}
	return arrived
}

// selectsLike reports whether a policy with tags can be made from a selector of t:
// a wildcard has a value, and the tag kuma.io/zone may have been added.
func selectsLike(tags cluster.Tags, t *legacy.TrafficTrace) bool {
	return slices.ContainsFunc(t.Selectors, func(s legacy.Selector) bool {
		left := len(tags)
		for key, want := range s.Tags {
			value, ok := tags[key]
			switch {
			case !ok && key == cluster.ServiceTag && want == cluster.Any:
				continue
			case !ok || want != cluster.Any && want != value:
				return false
			}
			left--
		}
		_, asked := s.Tags[cluster.ZoneLabel]
		_, narrowed := tags[cluster.ZoneLabel]
		return left == 0 || left == 1 && narrowed && !asked
	})
}

// settle records what a previous run made, and judges what came from the global
// control plane.
func (in *input) settle(meshes []*mesh, result *Plan) {
	for _, m := range meshes {
		for _, p := range m.previous {
			result.previous[p.Identity()] = true
		}
		if m.timesElsewhere || m.undated {
			result.ties[m.Name] = m.tieDoubt
		}
		if m.arrived {
			m.settleArrived()
		}
		m.existing = append(m.existing, m.ofZones...)
	}
}

// settleArrived judges what came from the global control plane instead of making
// policies, which no zone can apply for it: it says that all is there, or for
// which TrafficTraces something is missing.
func (m *mesh) settleArrived() {
	today := meshtrace.NewMatcher(m.o.Version, slices.Concat(m.existing, m.previous), m.gateways)
	before := meshtrace.NewMatcher(m.o.Version, m.existing, m.gateways)
	lacking := make(map[int][]string) // proxies, by position of the selector that decides
	for _, dp := range m.dataplanes {
		got := meshtrace.Merge(today.Matching(nil, dp))
		if position := m.wins(dp); position >= 0 && got.Key() != m.tracing(before, dp) {
			lacking[position] = append(lacking[position], dp.String())
		}
	}
	for _, c := range m.candidates {
		fate := m.fates[c.position]
		fate.Reason = "the global control plane's MeshTraces give its proxies the same"
		if len(lacking[c.position]) > 0 {
			fate.Reason = "its MeshTrace has not come from the global control plane yet"
		}
	}
	m.candidates = nil
	came := plural(len(m.previous), "MeshTrace") + " came from the global control plane"
	var missing []string
	for position, pair := range m.Pairs {
		if names := lacking[position]; len(names) > 0 {
			missing = append(missing, fmt.Sprintf("%s for %s", source(pair), list(names)))
		}
	}
	switch {
	case len(missing) > 0:
		m.notes.refuse(EarlierRun, m.Place, m, came+", and these are missing: "+strings.Join(missing, "; "), "apply all of them at the global control plane, wait until they have come, then look again")
	case len(m.dataplanes) == 0:
		m.notes.warn(EarlierRun, m.Place, m, came+"; whether they are all is not known, since no Dataplane is", "compare them with what the global control plane has")
	default:
		m.notes.inform(EarlierRun, m.Place, m, came+", and give every known proxy what its TrafficTraces say; only the deletion is left, at the global control plane", "")
	}
}
