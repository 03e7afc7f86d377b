package envoydiff

import (
	"fmt"

	"tracemigrate/cluster"
)

// pool is a MeshGateway and the zone of the proxies that it configures together.
type pool struct {
	gateway *cluster.MeshGateway
	zone    string
}

// mixedTags finds proxies for which the order in which a control plane configures builtin
// gateways decides whether a MeshTrace applies.
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
		if p := r.matcher.Mixed(dp, gateway, m.pools[pool{gateway, dp.Zone()}]); p != nil {
			doubt = doubt.And(cluster.Doubt{Code: string(GatewayTagsMixed), Reason: fmt.Sprintf(
				"the control plane adds the tags of each gateway that MeshGateway %q configures to its listeners, for all proxies, "+
					"so that MeshTrace %q applies or not depending on which gateway it configures first", gateway.Name, p.Name)})
		}
	}
	return doubt
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
