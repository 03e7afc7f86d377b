package envoydiff

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// pool is a MeshGateway and the zone of the proxies that it configures together.
type pool struct {
	gateway *cluster.MeshGateway
	zone    string
}

// mixedTags finds proxies for which the order in which a control plane configures builtin
// gateways decides whether a MeshTrace, a route or a MeshProxyPatch applies.
//
// It adds the tags of a builtin gateway to the listeners of its MeshGateway, in memory that all
// proxies of the mesh share. Then the tags of that gateway select every proxy for which the
// MeshGateway counts, and override those of its other gateways
// (gatewayListenerInfoFromProxy in pkg/plugins/runtime/gateway of Kuma's tags 2.0 to 2.14; seen
// on 2.5.11 and 2.12.3).
type mixedTags struct {
	sides []*Renderer
	pools map[pool]*pooled
	known map[mixing][]*meshtrace.Policy
}

// pooled has the tags of a pool's builtin gateways.
type pooled struct {
	first  cluster.Tags
	differ bool
	values cluster.MixedTags
}

// mixing has everything that the mixed policies of a proxy depend on.
type mixing struct {
	pool
	by   *meshtrace.Matcher
	mesh string
	own  string // tags
}

func newMixedTags(sides ...*Renderer) *mixedTags {
	m := &mixedTags{sides: sides, pools: make(map[pool]*pooled), known: make(map[mixing][]*meshtrace.Policy)}
	r := sides[0]
	for _, dp := range r.snapshot.Dataplanes {
		gateway := r.gateways.Configures(dp)
		if gateway == nil {
			continue
		}
		of, tags := pool{gateway, dp.Zone()}, dp.Gateway.Tags
		if m.pools[of] == nil {
			m.pools[of] = &pooled{first: tags, values: make(cluster.MixedTags)}
		}
		m.pools[of].differ = m.pools[of].differ || !slices.Equal(m.pools[of].first, tags)
		m.pools[of].values.Add(tags)
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
		if p := m.first(r.matcher, dp, gateway); p != nil {
			doubt = doubt.And(mixedDoubt(gateway, "MeshTrace", p))
		}
		for _, routes := range []*meshtrace.Matcher{r.router, r.ofGateway, r.tcpRouter} {
			if p := m.first(routes, dp, gateway); p != nil && m.traces(dp) {
				doubt = doubt.And(mixedDoubt(gateway, "route", p))
			}
		}
		if p := m.first(r.patcher.matcher, dp, gateway); p != nil && m.traces(dp) {
			doubt = doubt.And(mixedDoubt(gateway, cluster.KindMeshProxyPatch, p))
		}
	}
	return doubt
}

// first returns the policy of highest precedence that the tags of dp's pool may or may not let
// apply to dp, nil if there is none.
func (m *mixedTags) first(by *meshtrace.Matcher, dp *cluster.Dataplane, gateway *cluster.MeshGateway) *meshtrace.Policy {
	of := pool{gateway, dp.Zone()}
	others := m.pools[of]
	if others == nil || dp.Builtin() && !others.differ { // most often
		return nil
	}
	var own cluster.Tags
	if dp.Gateway != nil {
		own = dp.Gateway.Tags
	}
	key := mixing{of, by, dp.Mesh, own.String()}
	mixed, ok := m.known[key]
	if !ok {
		mixed = by.Mixed(dp.Mesh, gateway, own, others.values)
		m.known[key] = mixed
	}
	return by.FirstOf(mixed, dp)
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
	return newMixedTags(lists.Each(states, func(state State) *Renderer { return r.In(version, state) })...).doubt
}
