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

// conflict is what a new policy would do together with existing ones.
type conflict struct {
	existing []*meshtrace.Policy
	proxies  []string // known ones
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
