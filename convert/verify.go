package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// verify compares the tracing of every known proxy before and after, and that
// of made-up proxies where existing policies meet the new ones. It withholds the
// new policies that conflict with existing ones, until none of the rest does.
func (m *mesh) verify() {
	if len(m.Pairs) == 0 || m.arrived {
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
	case dp.HasIgnoredInbound() && v.o.Version.SkipsIgnoredInbounds():
		f.code = InboundIgnored
	case len(existing) > 0:
		f.code, f.existing = MeshTraceConflict, existing[len(existing)-1]
	}
	v.wrong[f] = append(v.wrong[f], dp.String())
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
