package cluster

import "maps"

// MeshGateway configures builtin gateways.
type MeshGateway struct {
	*Resource
	Selectors []Tags
	Tags      Tags
	Listeners []Listener
}

// Listener is a port of a MeshGateway.
type Listener struct {
	Port     uint32
	Protocol string
	Tags     Tags
}

func decodeMeshGateway(r *Resource) *MeshGateway {
	g := &MeshGateway{Resource: r, Tags: r.Spec.Field("tags").Map()}
	for _, v := range r.Spec.Field("selectors").Items() {
		g.Selectors = append(g.Selectors, v.Field("match").Map())
	}
	for _, v := range r.Spec.Field("conf").Field("listeners").Items() {
		g.Listeners = append(g.Listeners, Listener{
			Port:     v.Field("port").Port(),
			Protocol: v.Field("protocol").Str(),
			Tags:     v.Field("tags").Map(),
		})
	}
	return g
}

// TagSets returns, one for each listener, the tag sets by which MeshTraces
// select a builtin gateway with tags that g configures.
func (g *MeshGateway) TagSets(tags Tags) []Tags {
	sets := make([]Tags, 0, len(g.Listeners))
	for _, listener := range g.Listeners {
		set := maps.Clone(tags)
		if set == nil {
			set = Tags{}
		}
		maps.Copy(set, g.Tags)
		maps.Copy(set, listener.Tags)
		sets = append(sets, set)
	}
	return sets
}

// Gateways finds the MeshGateway of a builtin gateway.
type Gateways struct {
	byMesh map[string][]*MeshGateway
}

// NewGateways prepares to look up gateways.
func NewGateways(all []*MeshGateway) Gateways {
	g := Gateways{byMesh: make(map[string][]*MeshGateway)}
	for _, gateway := range all {
		g.byMesh[gateway.Mesh] = append(g.byMesh[gateway.Mesh], gateway)
	}
	return g
}

// Of returns the MeshGateways of a mesh.
func (g Gateways) Of(mesh string) []*MeshGateway { return g.byMesh[mesh] }

// Configures returns the MeshGateway that configures dp: like every legacy policy
// the one whose selector ranks highest, or of equal ones the one created last.
// It is nil when there is none or dp is no builtin gateway.
func (g Gateways) Configures(dp *Dataplane) *MeshGateway {
	if !dp.Builtin() {
		return nil
	}
	var best *MeshGateway
	bestTags, bestExact := -1, -1
	for _, gateway := range g.byMesh[dp.Mesh] {
		for _, selector := range gateway.Selectors {
			if !selector.Match(dp.Gateway.Tags) {
				continue
			}
			tags, exact := selector.Rank()
			higher := tags > bestTags || tags == bestTags && exact > bestExact
			if tags == bestTags && exact == bestExact {
				higher = gateway.Created.After(best.Created) ||
					gateway.Created.Equal(best.Created) && gateway.Name < best.Name
			}
			if higher {
				best, bestTags, bestExact = gateway, tags, exact
			}
		}
	}
	return best
}
