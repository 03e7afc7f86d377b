package convert

import (
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
	for _, p := range m.existing {
		if p.Default.Backends != nil && len(p.Default.Backends) == 0 {
			return nil // it may take the tracing away from some of them
		}
		if by != nil || len(p.Default.Backends) == 0 || len(p.TargetRef.ProxyTypes) > 0 || !p.System {
			continue
		}
		switch ref := p.TargetRef; ref.Kind {
		case meshtrace.Mesh:
			by = p
		case meshtrace.MeshSubset:
			if ref.Tags.Match(tags) {
				by = p
			}
		case meshtrace.MeshService, meshtrace.MeshServiceSubset:
			if tags[cluster.ServiceTag] == ref.Name && ref.Tags.Match(tags) {
				by = p
			}
		case meshtrace.Dataplane, meshtrace.MeshGateway: // they look at something else than tags
		}
	}
	return by
}

// verify holds the tracing of every known proxy before against that after, and
// that of made-up proxies where existing policies meet the new ones.
func (m *mesh) verify() {
	if len(m.Pairs) == 0 {
		return
	}
	before := meshtrace.NewMatcher(m.o.Version, m.existing, m.gateways)
	policies := slices.Concat(m.existing, m.stale())
	for _, c := range m.candidates {
		live := *c.policy
		if m.o.Shadow {
			live.Labels = maps.Clone(live.Labels)
			delete(live.Labels, cluster.EffectLabel) // what would be, were it applied
		}
		policies = append(policies, &live)
	}
	v := &verifier{
		mesh: m, before: before, after: meshtrace.NewMatcher(m.o.Version, policies, m.gateways),
		wrong: make(map[finding][]string), described: make(map[meshtrace.Parts]string), culprits: make(map[string]bool),
	}
	for _, dp := range m.dataplanes {
		if v.check(dp, false) {
			m.same++
		}
	}
	v.report(false)
	if len(m.dataplanes) == 0 && len(m.candidates) > 0 {
		m.notes.inform(NotVerified, m.Place, m, "has no known Dataplane, so the policies follow from the rules alone and were held against no proxy", m.addDataplanes("add the Dataplanes with another -f to have each proxy's tracing compared before and after"))
	}
	known := v.wrong
	v.wrong = make(map[finding][]string)
	made := 0
	for dp := range m.madeUp() {
		if made++; made > maxMadeUp {
			m.notes.inform(NotVerified, m.Place, m, fmt.Sprintf("has so many MeshTraces and selectors that only the first %d of their meetings were looked at", maxMadeUp), "")
			break
		}
		v.check(dp, true)
	}
	maps.DeleteFunc(v.wrong, func(f finding, _ []string) bool { return known[f] != nil })
	v.report(true)
	v.withhold()
}

// withhold takes the policies back that conflict with existing ones, so that
// they are not among what --keep-going writes.
func (v *verifier) withhold() {
	v.candidates = slices.DeleteFunc(v.candidates, func(c *candidate) bool {
		if !v.culprits[c.name] {
			return false
		}
		fate := v.fates[c.position]
		fate.Policies = slices.DeleteFunc(fate.Policies, func(p *meshtrace.Policy) bool { return p == c.policy })
		fate.Reason = "it cannot be carried over: " + string(MeshTraceConflict)
		v.withheld = append(v.withheld, c.policy)
		return true
	})
}

// maxMadeUp is how many meetings of existing and new policies are looked at.
const maxMadeUp = 50_000

type verifier struct {
	*mesh
	before, after *meshtrace.Matcher
	wrong         map[finding][]string       // proxies that differ
	described     map[meshtrace.Parts]string // the key of each combination
	culprits      map[string]bool            // names of new policies that conflict with existing ones
}

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

// finding is a way to differ.
type finding struct {
	code     Code
	position int // of the pair that decides today; -1 for none
	existing *meshtrace.Policy
}

// check says whether dp's tracing after is that before, and records it if not.
func (v *verifier) check(dp *cluster.Dataplane, madeUp bool) bool {
	existing := v.before.Matching(dp)
	want := meshtrace.Merge(existing)
	position := v.wins(dp)
	wanted := v.describe(&want)
	if len(want.Backends) == 0 && position >= 0 {
		if v.refused[position] {
			return false // a note says why
		}
		if madeUp && hasWildcard(withoutService(v.Pairs[position].Tags)) {
			return false // only known values were enumerated
		}
		wanted = v.confOf(v.Pairs[position].TrafficTrace).key
	}
	if _, doubt := v.tieOf(dp); doubt.Reason != "" {
		v.unknown++
		return false // a note says why
	}
	matching := v.after.Matching(dp)
	got := meshtrace.Merge(matching)
	if v.describe(&got) == wanted {
		return true
	}
	f := finding{code: ProxyDiffers, position: position}
	switch {
	case len(existing) > 0:
		f.code, f.existing = MeshTraceConflict, existing[len(existing)-1]
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
	}
	v.wrong[f] = append(v.wrong[f], dp.String())
	if f.code == MeshTraceConflict && (!madeUp || len(v.dataplanes) == 0) {
		for _, p := range matching {
			if !slices.Contains(existing, p) {
				v.culprits[p.Name] = true
			}
		}
	}
	return false
}

func withoutService(tags cluster.Tags) cluster.Tags {
	tags = maps.Clone(tags)
	delete(tags, cluster.ServiceTag)
	return tags
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
			message := fmt.Sprintf("together with the existing %s (%s), %s would not keep today's tracing: policies of both apply and merge, by precedence", f.existing, f.existing.Place, who)
			remedy := fmt.Sprintf("let %s say all that is in effect today (sampling.overall, client, random, tags), and where the new policy would take precedence by its kind or name, narrow or rename the existing one, or delete it; then convert again. `diff` shows what would change", f.existing)
			if madeUp && len(v.dataplanes) > 0 {
				v.notes.warn(f.code, at, resource, message+"; no known proxy is concerned", remedy)
			} else {
				v.notes.refuse(f.code, at, resource, message, remedy)
			}
		case InboundIgnored:
			v.notes.warn(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing while an inbound is in state Ignored: MeshTrace skips such inbounds on Kuma %s", who, v.o.Version), "check that those inbounds are meant to be ignored, or upgrade to 2.14 first, which counts them")
		case ServiceTagMissing:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing: without a tag set that has kuma.io/service, it is selected otherwise by TrafficTrace than by MeshTrace", who), "give the Dataplane an inbound or a gateway with that tag, as the control plane demands, or leave it out of the input")
		case ZoneTagMissing:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would not keep today's tracing: zones decide differently between TrafficTraces of equal rank, so the policies select by the tag %s, which is missing", who, cluster.ZoneLabel), "add the tag with the zone's name to every inbound of the Dataplane")
		case DelegatedGateway:
			v.notes.refuse(f.code, at, resource, fmt.Sprintf("%s would lose the tracing: a delegated gateway, which no MeshTrace selects on Kuma %s", who, v.o.Version), "upgrade to 2.6 or later first; or accept that it is not traced, and convert with --keep-going")
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
