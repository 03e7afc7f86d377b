package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// served returns an existing policy that gives all proxies with tags their
// tracing, so that the legacy one has no say; nil when there is none for certain.
func (m *mesh) served(tags cluster.Tags) *meshtrace.Policy {
	var by *meshtrace.Policy
	existing := m.existing
	if zone := tags[cluster.ZoneLabel]; zone != "" {
		for _, p := range m.ofZones {
			if p.Labels[cluster.ZoneLabel] == zone {
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

// verify compares the tracing of every known proxy before and after, and that
// of made-up proxies where existing policies meet the new ones. It withholds the
// new policies that conflict with existing ones, until none of the rest does.
func (m *mesh) verify() {
	if len(m.Pairs) == 0 {
		return
	}
	m.conflicting = make(map[*meshtrace.Policy]bool)
	// Without a policy that is withheld, another can conflict.
	v := m.verifier()
	for range maxRounds {
		v.known()
		if v.withhold() == 0 {
			break
		}
		v.match()
	}
	v.report(false)
	known := v.wrong
	if len(m.dataplanes) == 0 && len(m.candidates) > 0 {
		m.notes.inform(NotVerified, m.Place, m, "has no known Dataplane, so the policies follow from the rules alone and were held against no proxy", m.addDataplanes("add the Dataplanes with another -f to have each proxy's tracing compared before and after"))
	}
	for round := range maxRounds {
		v.unknown(known, round == 0)
		if v.withhold() == 0 {
			break
		}
		v.match()
	}
	v.report(true)
	v.remarkConflicts()
}

// maxRounds is how often policies are withheld at most, each time since
// others were; what conflicts then still is reported with the proxies.
const maxRounds = 20

// verifier compares the tracing of proxies before and after.
type verifier struct {
	*mesh
	before, after, taken *meshtrace.Matcher               // taken: those that are withheld
	candidate            map[*meshtrace.Policy]*candidate // that a policy of after is
	wrong                map[finding][]string             // proxies that differ
	described            map[meshtrace.Parts]string       // the key of each combination
	conflicts            map[*candidate]*conflict
	existingOf, matching []*meshtrace.Policy // of the proxy that is checked; scratch space
}

// conflict is what a new policy would do together with existing ones.
type conflict struct {
	existing []*meshtrace.Policy
	proxies  []string // known ones
}

// verifier returns one for the candidates as they are now.
func (m *mesh) verifier() *verifier {
	v := &verifier{
		mesh: m, before: meshtrace.NewMatcher(m.o.Version, m.existing, m.gateways),
		described: make(map[meshtrace.Parts]string), conflicts: make(map[*candidate]*conflict),
	}
	v.match()
	return v
}

// match prepares the policies that are written, and those that are withheld.
func (v *verifier) match() {
	policies := slices.Concat(v.existing, v.stale())
	v.candidate = make(map[*meshtrace.Policy]*candidate, len(v.candidates))
	for _, c := range v.candidates {
		p := c.policy
		if v.o.Shadow {
			live := *p
			live.Labels = maps.Clone(live.Labels)
			delete(live.Labels, cluster.EffectLabel) // what would be, were it applied
			p = &live
		}
		policies = append(policies, p)
		v.candidate[p] = c
	}
	v.after, v.taken = meshtrace.NewMatcher(v.o.Version, policies, v.gateways), nil
	if len(v.withheld) > 0 {
		v.taken = meshtrace.NewMatcher(v.o.Version, v.withheld, v.gateways)
	}
}

// known checks the known proxies.
func (v *verifier) known() {
	v.wrong = make(map[finding][]string)
	for _, dp := range v.dataplanes {
		v.check(dp, false)
	}
}

// unknown checks proxies that existing and new policies can select, for what is
// not known of those that exist.
func (v *verifier) unknown(known map[finding][]string, first bool) {
	v.wrong = make(map[finding][]string)
	made := 0
	for dp := range v.madeUp() {
		if made++; made > maxMadeUp {
			if first {
				v.notes.inform(NotVerified, v.Place, v.mesh, fmt.Sprintf("has so many MeshTraces and selectors that only the first %d of their meetings were looked at", maxMadeUp), "")
			}
			break
		}
		v.check(dp, true)
	}
	maps.DeleteFunc(v.wrong, func(f finding, _ []string) bool { return known[f] != nil })
}

// withhold takes the policies back that conflict with existing ones, so that
// they are not among what is written, and returns how many there were.
func (v *verifier) withhold() int {
	before := len(v.candidates)
	v.candidates = slices.DeleteFunc(v.candidates, func(c *candidate) bool {
		if found := v.conflicts[c]; found == nil || len(found.proxies) == 0 && len(v.dataplanes) > 0 {
			return false
		}
		fate := v.fates[c.position]
		fate.Policies = slices.DeleteFunc(fate.Policies, func(p *meshtrace.Policy) bool { return p == c.policy })
		fate.Reason = "it cannot be carried over: " + string(MeshTraceConflict)
		v.withheld = append(v.withheld, c.policy)
		return true
	})
	return before - len(v.candidates)
}

// maxMadeUp is how many meetings of existing and new policies are looked at.
const maxMadeUp = 50_000

// describe is c's key, made once for each combination of policies' parts.
func (v *verifier) describe(c *meshtrace.Conf) string {
	parts := c.Parts()
	said, ok := v.described[parts]
	if !ok {
		said = c.Key()
		v.described[parts] = said
	}
	return said
}

// finding is a way to differ that is no new policy's conflict.
type finding struct {
	code     Code
	position int // of the pair that decides today; -1 for none
	existing *meshtrace.Policy
}

// check compares dp's tracing before and after, and records how it differs.
func (v *verifier) check(dp *cluster.Dataplane, madeUp bool) {
	v.existingOf = v.before.Matching(v.existingOf[:0], dp)
	existing := v.existingOf
	want := meshtrace.Merge(existing)
	position := v.wins(dp)
	wanted := v.describe(&want)
	if len(want.Backends) == 0 && position >= 0 {
		if v.refused[position] {
			return // a note says why
		}
		if madeUp && asksForAny(v.Pairs[position].Tags) {
			return // only known values were enumerated
		}
		wanted = v.confOf(v.Pairs[position].TrafficTrace).key
	}
	if doubt := v.tieDoubt(dp); doubt.Reason != "" {
		return // a note says why
	}
	v.matching = v.after.Matching(v.matching[:0], dp)
	matching := v.matching
	got := meshtrace.Merge(matching)
	if v.describe(&got) == wanted {
		return
	}
	if len(existing) > 0 && v.conflict(dp, matching, existing[len(existing)-1], madeUp) {
		return
	}
	f := finding{code: ProxyDiffers, position: position}
	switch {
	case v.taken != nil && len(v.taken.Matching(nil, dp)) > 0:
		return // a note on the policy says why
	case !slices.ContainsFunc(dp.TagSets(), func(set cluster.Tags) bool { return set[cluster.ServiceTag] != "" }):
		f.code = ServiceTagMissing
	case position >= 0 && v.Pairs[position].Zone != "" && slices.ContainsFunc(dp.TagSets(), func(set cluster.Tags) bool { return set[cluster.ZoneLabel] == "" }):
		f.code = ZoneTagMissing
	case dp.Builtin():
		f.code = GatewayConflict
	case dp.Delegated() && !v.o.Version.SelectsDelegatedGateways():
		f.code = DelegatedGateway
	case slices.ContainsFunc(dp.Inbounds, func(in cluster.Inbound) bool { return in.Ignored }) && v.o.Version.SkipsIgnoredInbounds():
		f.code = InboundIgnored
	case len(existing) > 0:
		f.code, f.existing = MeshTraceConflict, existing[len(existing)-1]
	}
	v.wrong[f] = append(v.wrong[f], dp.String())
}

// conflict records what the new ones of the policies that select dp do to it
// together with an existing one. It reports whether there are any.
func (v *verifier) conflict(dp *cluster.Dataplane, matching []*meshtrace.Policy, existing *meshtrace.Policy, madeUp bool) bool {
	found := false
	for _, p := range matching {
		c := v.candidate[p]
		if c == nil {
			continue
		}
		found = true
		with := v.conflicts[c]
		if with == nil {
			with = &conflict{}
			v.conflicts[c] = with
		}
		if !slices.Contains(with.existing, existing) {
			with.existing = append(with.existing, existing)
		}
		if !madeUp {
			with.proxies = append(with.proxies, dp.String())
		}
	}
	return found
}

// asksForAny reports whether a selector has a wildcard other than that of
// kuma.io/service.
func asksForAny(tags cluster.Tags) bool {
	for key, value := range tags {
		if value == cluster.Any && key != cluster.ServiceTag {
			return true
		}
	}
	return false
}

// remarkConflicts notes each new policy that conflicts with existing ones.
func (v *verifier) remarkConflicts() {
	found := slices.SortedFunc(maps.Keys(v.conflicts), func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.position, b.position), strings.Compare(a.name, b.name))
	})
	for _, c := range found {
		with := v.conflicts[c]
		places := make([]string, 0, len(with.existing))
		for _, p := range with.existing {
			v.conflicting[p] = true
			places = append(places, fmt.Sprintf("%s (%s)", v.whose(p), p.Place))
		}
		who := "a proxy that both select"
		if len(with.proxies) > 0 {
			who = fmt.Sprintf("%s (%s)", plural(len(with.proxies), "proxy"), list(with.proxies))
		}
		about := fmt.Sprintf("together with the existing %s, MeshTrace %q of selector %d (%s) would change the tracing of %s: policies of both apply and merge, by precedence",
			list(places), c.name, c.pair.Number, c.pair.Tags, who)
		remedy := v.conflictRemedy(with.existing)
		if slices.Contains(v.withheld, c.policy) {
			v.notes.refuse(MeshTraceConflict, c.pair.Position(), c.pair.TrafficTrace, about+"; the policy is withheld", remedy)
		} else {
			v.notes.warn(MeshTraceConflict, c.pair.Position(), c.pair.TrafficTrace, about+"; no known proxy is concerned", remedy)
		}
	}
}

// whose names an existing policy, one of a zone's own with the zone and its name
// there.
func (m *mesh) whose(p *meshtrace.Policy) string {
	if m.ofZone(p) {
		return fmt.Sprintf("MeshTrace %q of zone %q", p.DisplayName(), p.Labels[cluster.ZoneLabel])
	}
	return p.String()
}

// ofZone reports whether an existing policy was made in a zone, and is seen at its
// global control plane as a copy that cannot be changed there.
func (m *mesh) ofZone(p *meshtrace.Policy) bool {
	return slices.Contains(m.ofZones, p) && p.Labels[cluster.ZoneLabel] != ""
}

// conflictRemedy says what to do about existing policies with which new ones
// conflict, where each can be changed.
func (m *mesh) conflictRemedy(existing []*meshtrace.Policy) string {
	var names, zones, copies []string
	for _, p := range existing {
		switch {
		case m.ofZone(p):
			zones = append(zones, fmt.Sprintf("%q at the control plane of zone %q", p.DisplayName(), p.Labels[cluster.ZoneLabel]))
		case m.o.ZoneOrigin && p.Labels[cluster.OriginLabel] == "global":
			copies = append(copies, fmt.Sprintf("%q", p.DisplayName()))
		default:
			names = append(names, p.String())
		}
	}
	const change = "say all that is in effect today (sampling.overall, client, random, tags), and where the new policy would take precedence by its kind or name, narrow or rename the existing one, or delete it"
	var parts []string
	if len(names) > 0 {
		parts = append(parts, fmt.Sprintf("let %s %s", list(names), change))
	}
	if len(zones) > 0 {
		parts = append(parts, fmt.Sprintf("change %s, not the copy here, which the zone restores: let it %s", list(zones), change))
	}
	if len(copies) > 0 {
		parts = append(parts, fmt.Sprintf("apply a copy of %s with the label %s: zone to this zone, under another name, since the global control plane's own cannot be changed here", list(copies), cluster.OriginLabel))
	}
	return strings.Join(parts, "; ") + "; then convert again"
}

// report makes notes of what check found, one for each way to differ.
func (v *verifier) report(madeUp bool) {
	findings := slices.SortedFunc(maps.Keys(v.wrong), func(a, b finding) int {
		return strings.Compare(fmt.Sprintf("%s %09d %p", a.code, a.position, a.existing), fmt.Sprintf("%s %09d %p", b.code, b.position, b.existing))
	})
	for _, f := range findings {
		at, resource := v.Place, fmt.Stringer(v.mesh)
		if f.position >= 0 {
			pair := v.Pairs[f.position]
			at, resource = pair.Position(), pair.TrafficTrace
		}
		who := fmt.Sprintf("%s (%s)", plural(len(v.wrong[f]), "proxy"), list(v.wrong[f]))
		if madeUp {
			who = "a proxy that both select"
		}
		switch f.code {
		case MeshTraceConflict:
			v.conflicting[f.existing] = true
			message := fmt.Sprintf("together with the existing %s (%s), %s would not keep today's tracing: policies of both apply and merge, by precedence", v.whose(f.existing), f.existing.Place, who)
			remedy := v.conflictRemedy([]*meshtrace.Policy{f.existing})
			if madeUp && len(v.dataplanes) > 0 {
				v.notes.warn(f.code, at, resource, message+"; no known proxy is concerned", remedy)
			} else {
				v.notes.refuse(f.code, at, resource, message, remedy)
			}
		case InboundIgnored:
			upgrade := "2.14"
			if newest := cluster.V(v.o.Version.Minor); !newest.SkipsIgnoredInbounds() {
				upgrade = "the newest patch release of " + newest.String()
			}
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing while an inbound is in state Ignored: MeshTrace skips such inbounds on Kuma %s", who, v.o.Version),
				fmt.Sprintf("upgrade first to %s, which counts them; or accept the change, and convert with --keep-going", upgrade))
		case ServiceTagMissing:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing: without a tag set that has kuma.io/service, it is selected otherwise by TrafficTrace than by MeshTrace", who), "give the Dataplane an inbound or a gateway with that tag, as the control plane demands, or leave it out of the input")
		case ZoneTagMissing:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing: zones decide differently between TrafficTraces of equal rank, so the policies select by the tag %s, which is missing", who, cluster.ZoneLabel), "add the tag with the zone's name to every inbound of the Dataplane")
		case DelegatedGateway:
			v.notes.refuse(f.code, at, resource, lostDelegated(v.wrong[f], v.o.Version), delegatedRemedy)
		case GatewayConflict:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing: MeshTrace selects builtin gateways by the tags of their MeshGateway and its listeners too", who), "rename those tags of the MeshGateway, or write a policy for the gateway by hand")
		default:
			v.notes.refuse(ProxyDiffers, at, resource, who+" would not keep today's tracing", "do not apply the policies, and report this as a bug of tracemigrate with the input")
		}
	}
}

// madeUp yields a sidecar for every meeting of an existing policy with a new one.
func (m *mesh) madeUp() func(yield func(*cluster.Dataplane) bool) {
	return func(yield func(*cluster.Dataplane) bool) {
		for _, p := range m.existing {
			if p.TargetRef.Kind == meshtrace.MeshGateway {
				continue
			}
			tags := p.TargetRef.Selector()
			for _, c := range m.candidates {
				dp := &cluster.Dataplane{Mesh: m.Name, Name: p.TargetRef.Name, Namespace: p.Namespace, Labels: p.TargetRef.Labels}
				if c.tags.Meets(tags) {
					both := maps.Clone(c.tags)
					if both == nil {
						both = cluster.Tags{}
					}
					maps.Copy(both, tags)
					dp.Inbounds = []cluster.Inbound{{Tags: withService(both)}}
				} else {
					dp.Inbounds = []cluster.Inbound{{Tags: withService(tags)}, {Tags: withService(c.tags)}}
				}
				if len(p.TargetRef.ProxyTypes) == 1 && p.TargetRef.ProxyTypes[0] == meshtrace.Gateway {
					dp.Gateway = &cluster.Gateway{Tags: dp.Inbounds[0].Tags}
					if len(dp.Inbounds) > 1 || c.sidecarsOnly {
						continue
					}
					dp.Inbounds = nil
				}
				if !yield(dp) {
					return
				}
			}
		}
	}
}

// withService is tags with a service, which every tag set has.
func withService(tags cluster.Tags) cluster.Tags {
	if _, ok := tags[cluster.ServiceTag]; ok {
		return tags
	}
	tags = maps.Clone(tags)
	if tags == nil {
		tags = cluster.Tags{}
	}
	tags[cluster.ServiceTag] = "any"
	return tags
}
