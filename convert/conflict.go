package convert

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// conflict is what a new policy would do together with existing ones.
type conflict struct {
	existing []*meshtrace.Policy
	proxies  []string // known ones
}

// conflict records what the new ones of the policies that select dp, in matching, do to
// it together with an existing one. It reports whether there are any.
func (v *verifier) conflict(dp *cluster.Dataplane, existing *meshtrace.Policy, madeUp bool) bool {
	found := false
	for _, p := range v.sight.matching {
		c := v.byPolicy[p]
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

// remarkConflicts notes each new policy that conflicts with existing ones.
func (v *verifier) remarkConflicts() notes {
	conflicts := slices.SortedFunc(maps.Keys(v.conflicts), func(a, b *made) int {
		return cmp.Or(cmp.Compare(a.position, b.position), strings.Compare(a.policy.Name, b.policy.Name))
	})
	var found notes
	for _, c := range conflicts {
		with := v.conflicts[c]
		existing := lists.Each(with.existing, v.existingFact)
		var proxies any = anyProxy
		if len(with.proxies) > 0 {
			proxies = counted(with.proxies, "proxy")
		}
		f := facts{
			"policy": quoted(c.policy.Name), "selector": selectorFact(c.pair), "existing": names(existing),
			"proxies": proxies, "remedy": v.conflictRemedy(with.existing),
		}
		about := conflictOfNoProxy
		if slices.Contains(v.withheld, c.policy) {
			about = conflictWithheld
		}
		found = append(found, about.noteOn(c.pair, f))
	}
	return found
}

// conflicting returns the existing policies that new ones conflict with.
func (v *verifier) conflicting(all ...findings) map[*meshtrace.Policy]bool {
	found := make(map[*meshtrace.Policy]bool)
	for _, with := range v.conflicts {
		for _, p := range with.existing {
			found[p] = true
		}
	}
	for _, findings := range all {
		for f := range findings {
			if f.existing != nil {
				found[f.existing] = true
			}
		}
	}
	return found
}

// existingFact names an existing policy with its place.
func (m *mesh) existingFact(p *meshtrace.Policy) string {
	return existingAt.with(facts{"existing": m.whose(p), "place": p.Place})
}

// whose names an existing policy, one of a zone's own with the zone and its name
// there.
func (m *mesh) whose(p *meshtrace.Policy) string {
	if m.isOfZone(p) {
		return existingOfZone.with(facts{"policy": quoted(p.DisplayName()), "zone": quoted(p.Labels.Get(cluster.ZoneLabel))})
	}
	return p.String()
}

// isOfZone reports whether an existing policy was made in a zone, and is seen at its
// global control plane as a copy that cannot be changed there.
func (m *mesh) isOfZone(p *meshtrace.Policy) bool {
	return slices.Contains(m.ofZones, p) && p.Labels.Get(cluster.ZoneLabel) != ""
}

// conflictRemedy says what to do about existing policies with which new ones
// conflict, where each can be changed.
func (m *mesh) conflictRemedy(existing []*meshtrace.Policy) phrase {
	var here, zones, copies names
	for _, p := range existing {
		switch {
		case m.isOfZone(p):
			f := facts{"policy": quoted(p.DisplayName()), "zone": quoted(p.Labels.Get(cluster.ZoneLabel))}
			zones = append(zones, existingAtZone.with(f))
		case m.o.ZoneOrigin && p.Labels.Get(cluster.OriginLabel) == "global":
			copies = append(copies, quoted(p.DisplayName()))
		default:
			here = append(here, p.String())
		}
	}
	var parts []string
	for _, part := range []struct {
		remedy   phrase
		existing names
	}{{changeExisting, here}, {changeInZone, zones}, {copyToZone, copies}} {
		if len(part.existing) > 0 {
			parts = append(parts, part.remedy.with(facts{"existing": part.existing}))
		}
	}
	return phrase(strings.Join(parts, "; ") + "; then convert again")
}

// madeUpProxies yields a sidecar for every meeting of an existing policy with a new one.
func madeUpProxies(m *mesh, policies []*made) func(yield func(*cluster.Dataplane) bool) {
	return func(yield func(*cluster.Dataplane) bool) {
		for _, p := range m.allExisting() {
			if p.TargetRef.Kind == meshtrace.MeshGateway {
				continue
			}
			for _, c := range policies {
				if dp := meetingOf(m, p, c); dp != nil && !yield(dp) {
					return
				}
			}
		}
	}
}

// meetingOf returns a proxy that an existing policy and a new one select; nil when none
// can be.
func meetingOf(m *mesh, p *meshtrace.Policy, c *made) *cluster.Dataplane {
	of := &p.TargetRef
	tags := of.Selector()
	dp := &cluster.Dataplane{Mesh: m.Name, Name: of.Name, Namespace: cmp.Or(of.Namespace, p.Namespace), Labels: of.Labels}
	if c.tags.Meets(tags) {
		dp.Inbounds = []cluster.Inbound{{Tags: withService(c.tags).And(tags)}}
	} else {
		dp.Inbounds = []cluster.Inbound{{Tags: withService(tags)}, {Tags: withService(c.tags)}}
	}
	if len(p.TargetRef.ProxyTypes) == 1 && p.TargetRef.ProxyTypes[0] == meshtrace.Gateway {
		dp.Gateway = &cluster.Gateway{Tags: dp.Inbounds[0].Tags}
		if len(dp.Inbounds) > 1 || c.sidecarsOnly {
			return nil
		}
		dp.Inbounds = nil
	}
	return dp
}

// withService is tags with a service, which every tag set has.
func withService(tags cluster.Tags) cluster.Tags {
	return cluster.Tags{{Key: cluster.ServiceTag, Value: "any"}}.And(tags)
}
