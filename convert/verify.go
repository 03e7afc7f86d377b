package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// verification is a building without the policies that conflict with existing ones.
type verification struct {
	*building
	policies    []*made
	withheld    []*meshtrace.Policy
	reasons     reasons                     // of selectors with a withheld policy
	conflicting map[*meshtrace.Policy]bool  // existing policies that new ones conflict with
	again       map[*meshtrace.Policy]*made // see findAgain
	untagged    findings                    // known proxies without kuma.io/service, see remarkUntagged
	notes       notes
}

// verify compares the tracing of every known proxy before and after, and that
// of made-up proxies where existing policies meet the new ones. It withholds the
// new policies that conflict with existing ones, until none of the rest does.
func verify(b *building) *verification {
	done := &verification{building: b, policies: b.policies, again: findAgain(b.mesh.previous, b.policies)}
	if len(b.Pairs) == 0 || b.arrived {
		return done
	}
	v := newVerifier(b, done.again)
	// Without a policy that is withheld, another can conflict.
	known := v.known()
	for round := 1; round < maxRounds && v.withhold(); round++ {
		known = v.known()
	}
	expected := v.policies
	unknown, all := v.unknown(known)
	for round := 1; round < maxRounds && v.withhold(); round++ {
		unknown, _ = v.unknown(known)
	}
	done.policies, done.withheld, done.reasons = v.policies, v.withheld, v.reasons
	if len(b.dataplanes) == 0 && len(expected) > 0 {
		done.notes = append(done.notes, remarkNotVerified(b.mesh))
	}
	if !all {
		done.notes = append(done.notes, notAllMeetingsVerified.note(b.Place, b.mesh, facts{"count": maxMadeUp}))
	}
	done.untagged = known.cut(ServiceTagMissing)
	done.notes = slices.Concat(done.notes, remarkFindings(b, known, false), remarkFindings(b, unknown, true), v.remarkConflicts())
	done.conflicting = v.conflicting(known, unknown)
	return done
}

// maxRounds is how often policies are withheld at most, each time since
// others were; what conflicts then still is reported with the proxies.
const maxRounds = 20

// maxMadeUp is how many meetings of existing and new policies are looked at.
const maxMadeUp = 50_000

// findings are proxies that differ, by how they do.
type findings map[finding][]string

// cut removes the findings of a code, and returns them.
func (f findings) cut(code Code) findings {
	found := make(findings)
	for key, proxies := range f {
		if key.code == code {
			found[key] = proxies
			delete(f, key)
		}
	}
	return found
}

// remarkUntagged notes the proxies without kuma.io/service whose Envoy tracing changes. A
// proxy without a listener that is traced keeps what it has, whatever selects it.
func remarkUntagged(all []*conversion, comparisons []*envoydiff.Comparison) notes {
	if !slices.ContainsFunc(all, func(m *conversion) bool { return len(m.untagged) > 0 }) {
		return nil
	}
	same, traced := make(map[string]bool), make(map[string]bool)
	for _, p := range envoydiff.All(comparisons) {
		same[p.Dataplane.String()], traced[p.Dataplane.String()] = p.Verdict == envoydiff.Same, p.Before.Traces()
	}
	var found notes
	for _, m := range all {
		changed := make(findings)
		for key, proxies := range m.untagged {
			for _, name := range proxies {
				if key.traced = traced[name]; !same[name] {
					changed[key] = append(changed[key], name)
				}
			}
		}
		found = append(found, remarkFindings(m.building, changed, false)...)
	}
	return found
}

// finding is a way to differ that is no new policy's conflict.
type finding struct {
	code     Code
	position int // of the pair that decides today; -1 for none
	existing *meshtrace.Policy
	traced   bool // today; known of proxies without kuma.io/service only
}

// verifier compares the tracing of proxies before and after.
type verifier struct {
	*building
	again                  map[*meshtrace.Policy]*made // see findAgain
	policies               []*made                     // that are not withheld
	withheld               []*meshtrace.Policy
	reasons                reasons
	before, after, without *meshtrace.Matcher          // without: the policies that are withheld
	byPolicy               map[*meshtrace.Policy]*made // of after
	conflicts              map[*made]*conflict
	sight                  sight // of the proxies that are checked one by one
}

// sight is what one goroutine needs to compare proxies.
type sight struct {
	keys               confKeys
	existing, matching []*meshtrace.Policy // of the proxy that is compared
}

func newVerifier(b *building, again map[*meshtrace.Policy]*made) *verifier {
	v := &verifier{
		building: b, again: again, policies: b.policies, reasons: make(reasons),
		before: b.matcher(b.allExisting()...), sight: sight{keys: make(confKeys)}, conflicts: make(map[*made]*conflict),
	}
	v.match()
	return v
}

// match prepares the policies that are written, and those that are withheld.
func (v *verifier) match() {
	policies := slices.Concat(v.allExisting(), outdated(v.mesh, v.policies, v.again))
	v.byPolicy = make(map[*meshtrace.Policy]*made, len(v.policies))
	for _, c := range v.policies {
		p := Unshadowed(c.policy)
		policies = append(policies, p)
		v.byPolicy[p] = c
	}
	v.after, v.without = v.matcher(policies...), v.matcher(v.withheld...)
}

// known compares the known proxies: all on all processors, then one by one those whose tracing
// changes, which are few.
func (v *verifier) known() findings {
	changed := lists.InShares(v.dataplanes, func(share []*cluster.Dataplane) []*cluster.Dataplane {
		s := sight{keys: make(confKeys)}
		return lists.Keep(share, func(dp *cluster.Dataplane) bool {
			_, changes := v.changes(&s, dp, false)
			return changes
		})
	})
	found := make(findings)
	for _, dp := range slices.Concat(changed...) {
		if f := v.check(dp, false); f != nil {
			found[*f] = append(found[*f], dp.String())
		}
	}
	return found
}

// unknown compares proxies that existing and new policies can select, for what is
// not known of those that exist. It reports whether it compared all.
func (v *verifier) unknown(known findings) (found findings, all bool) {
	found = make(findings)
	count := 0
	for dp := range madeUpProxies(v.mesh, v.policies) {
		if count++; count > maxMadeUp {
			return found, false
		}
		if f := v.check(dp, true); f != nil && known[*f] == nil {
			found[*f] = append(found[*f], dp.String())
		}
	}
	return found, true
}

// withhold takes the policies back that conflict with existing ones, so that
// they are not among what is written, and reports whether there were any.
func (v *verifier) withhold() bool {
	if len(v.conflicts) == 0 {
		return false
	}
	var left []*made
	for _, c := range v.policies {
		if found := v.conflicts[c]; found == nil || len(found.proxies) == 0 && len(v.dataplanes) > 0 {
			left = append(left, c)
			continue
		}
		v.reasons[c.position] = notCarriedOver.with(facts{"code": MeshTraceConflict})
		v.withheld = append(v.withheld, c.policy)
	}
	if len(left) == len(v.policies) {
		return false
	}
	v.policies = left
	v.match()
	return true
}

// confKeys are the keys of merged confs, made once for each combination of policies' parts.
type confKeys map[meshtrace.Parts]string

// of returns the key of what policies are merged to.
func (k confKeys) of(policies []*meshtrace.Policy) (key string, traces bool) {
	c := meshtrace.Merge(policies)
	parts := c.Parts()
	key, ok := k[parts]
	if !ok {
		key = c.Key()
		k[parts] = key
	}
	return key, len(c.Backends) > 0
}

// changes reports whether dp's tracing changes, without a note that says why. It returns the
// position of the selector that decides today.
func (v *verifier) changes(s *sight, dp *cluster.Dataplane, madeUp bool) (position int, changes bool) {
	s.existing = v.before.Matching(s.existing[:0], dp)
	position = v.wins(dp)
	wanted, traced := s.keys.of(s.existing)
	if !traced && position >= 0 {
		if v.refused[position] || v.considered[position].refused {
			return position, false // a note says why
		}
		if madeUp && hasWildcard(v.ranked.Pairs[position].Tags) {
			return position, false // only known values were expanded
		}
		wanted = v.confOf(v.ranked.Pairs[position].TrafficTrace).key
	}
	s.matching = v.after.Matching(s.matching[:0], dp)
	got, _ := s.keys.of(s.matching)
	return position, got != wanted
}

// check compares dp's tracing before and after, and records the conflicts of new
// policies. It returns how dp differs otherwise; nil when it does not, or a note says why.
func (v *verifier) check(dp *cluster.Dataplane, madeUp bool) *finding {
	position, changes := v.changes(&v.sight, dp, madeUp)
	if !changes || v.ties.doubt(dp).Reason != "" { // a note says why
		return nil
	}
	existing := v.sight.existing
	if len(existing) > 0 && v.conflict(dp, existing[len(existing)-1], madeUp) {
		return nil
	}
	if len(v.without.Matching(nil, dp)) > 0 {
		return nil // a note on the policy says why
	}
	return v.finding(dp, position, existing)
}

// finding says why the tracing of dp differs, where position decides today.
func (v *verifier) finding(dp *cluster.Dataplane, position int, existing []*meshtrace.Policy) *finding {
	f := &finding{code: ProxyDiffers, position: position}
	hasService := func(set cluster.Tags) bool { return set.Get(cluster.ServiceTag) != "" }
	hasNoZone := func(set cluster.Tags) bool { return set.Get(cluster.ZoneLabel) == "" }
	switch {
	case !slices.ContainsFunc(dp.TagSets(), hasService):
		f.code = ServiceTagMissing
	case position >= 0 && v.ranked.Pairs[position].Zone != "" && slices.ContainsFunc(dp.TagSets(), hasNoZone):
		f.code = ZoneTagMissing
	case dp.Builtin(), v.gateways.CountsFor(v.o.Version, dp) != nil:
		f.code = GatewayConflict
	case dp.Delegated() && !v.o.Version.SelectsDelegatedGateways():
		f.code = DelegatedGateway
	case dp.HasIgnoredInbound() && v.o.Version.SkipsIgnoredInbounds():
		f.code = InboundIgnored
	case len(existing) > 0:
		f.code, f.existing = MeshTraceConflict, existing[len(existing)-1]
	}
	return f
}

// remarkFindings notes how proxies differ, each way once.
func remarkFindings(b *building, found findings, madeUp bool) notes {
	order := slices.SortedFunc(maps.Keys(found), func(x, y finding) int {
		byExisting := strings.Compare(fmt.Sprint(x.existing), fmt.Sprint(y.existing))
		byTracing := strings.Compare(fmt.Sprint(x.traced), fmt.Sprint(y.traced))
		return cmp.Or(cmp.Compare(x.code, y.code), cmp.Compare(x.position, y.position), byExisting, byTracing)
	})
	var all notes
	for _, f := range order {
		at, resource := b.Place, fmt.Stringer(b.mesh)
		if f.position >= 0 {
			pair := b.ranked.Pairs[f.position]
			at, resource = pair.Position(), pair.TrafficTrace
		}
		var proxies any = counted(found[f], "proxy")
		if madeUp {
			proxies = anyProxy
		}
		about, values := remarkFinding(b, f, madeUp)
		values["proxies"] = proxies
		all = append(all, about.note(at, resource, values))
	}
	return all
}

// remarkFinding returns the sentence of a finding, with its facts but the proxies.
func remarkFinding(b *building, f finding, madeUp bool) (*sentence, facts) {
	switch f.code {
	case MeshTraceConflict:
		about := conflictOfAll
		if madeUp && len(b.dataplanes) > 0 {
			about = conflictOfNone
		}
		return about, facts{
			"existing": b.existingFact(f.existing),
			"remedy":   b.conflictRemedy([]*meshtrace.Policy{f.existing}),
		}
	case InboundIgnored:
		upgrade := cluster.Latest.String()
		if newest := cluster.V(b.o.Version.Minor); !newest.SkipsIgnoredInbounds() {
			upgrade = "the newest patch release of " + newest.String()
		}
		return inboundIgnored, facts{"version": b.o.Version, "upgrade": upgrade}
	case ServiceTagMissing:
		if !f.traced {
			return untaggedGains, facts{}
		}
		return serviceTagMissing, facts{}
	case ZoneTagMissing:
		return zoneTagMissing, facts{}
	case DelegatedGateway:
		return delegatedGateway, facts{"version": b.o.Version}
	case GatewayConflict:
		return gatewaySelectedOtherwise, facts{}
	}
	return proxyDiffers, facts{}
}
