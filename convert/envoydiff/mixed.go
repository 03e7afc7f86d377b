package envoydiff

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// pool is a MeshGateway and the zone of the proxies that it configures together.
type pool struct {
	gateway *cluster.MeshGateway
	zone    string
}

// mixedTags finds proxies for which the order in which a control plane configures builtin
// gateways decides whether a MeshTrace or a route applies.
//
// It adds the tags of a builtin gateway to the listeners of its MeshGateway, in memory that all
// proxies of the mesh share. Then the tags of that gateway select every proxy for which the
// MeshGateway counts, and override those of its other gateways
// (gatewayListenerInfoFromProxy in pkg/plugins/runtime/gateway of Kuma's tags 2.0 to 2.14; seen
// on 2.5.11 and 2.12.3).
type mixedTags struct {
	sides []*Renderer
	pools map[pool][]cluster.Tags // of the builtin gateways, without repetitions
}

func newMixedTags(sides ...*Renderer) *mixedTags {
	m := &mixedTags{sides: sides, pools: make(map[pool][]cluster.Tags)}
	r := sides[0]
	seen := make(map[pool]map[string]bool)
	for _, dp := range r.snapshot.Dataplanes {
		gateway := r.gateways.Configures(dp)
		if gateway == nil {
			continue
		}
		of := pool{gateway, dp.Zone()}
		if seen[of] == nil {
			seen[of] = make(map[string]bool)
		}
		if content := dp.Gateway.Tags.String(); !seen[of][content] {
			seen[of][content] = true
			m.pools[of] = append(m.pools[of], dp.Gateway.Tags)
		}
	}
	return m
}

// doubt returns why it is not known which MeshTraces apply to dp, before or after.
func (m *mixedTags) doubt(dp *cluster.Dataplane) cluster.Doubt {
	var doubt cluster.Doubt
	if len(m.pools) == 0 {
		return doubt
	}
	for _, r := range m.sides {
		gateway := r.gateways.CountsFor(r.version, dp)
		if gateway == nil || !r.version.HasBuiltinGateways() {
			continue
		}
		others := m.pools[pool{gateway, dp.Zone()}]
		if p := r.matcher.Mixed(dp, gateway, others); p != nil {
			doubt = doubt.And(mixedDoubt(gateway, "MeshTrace", p))
		}
		for _, routes := range []*meshtrace.Matcher{r.router, r.ofGateway, r.tcpRouter} {
			if p := routes.Mixed(dp, gateway, others); p != nil && m.traces(dp) {
				doubt = doubt.And(mixedDoubt(gateway, "route", p))
			}
		}
	}
	return doubt
}

func mixedDoubt(gateway *cluster.MeshGateway, kind string, p *meshtrace.Policy) cluster.Doubt {
	return cluster.Doubt{Code: string(GatewayTagsMixed), Reason: fmt.Sprintf(
		"the control plane adds the tags of each gateway that MeshGateway %q configures to its listeners, for all proxies, "+
			"so that %s %q applies or not depending on which gateway it configures first", gateway.Name, kind, p.Name)}
}

// traces reports whether dp is traced, before or after.
func (m *mixedTags) traces(dp *cluster.Dataplane) bool {
	return slices.ContainsFunc(m.sides, func(r *Renderer) bool {
		d := r.Decide(dp)
		return d.Traces()
	})
}

// MixedTags returns a function that returns why it is not known which of the MeshTraces of
// states apply to a proxy, although all could be read.
func MixedTags(version cluster.Version, s *cluster.Snapshot, states ...State) func(dp *cluster.Dataplane) cluster.Doubt {
	r := newRenderer(s)
	sides := make([]*Renderer, 0, len(states))
	for _, state := range states {
		sides = append(sides, r.In(version, state))
	}
	return newMixedTags(sides...).doubt
}
