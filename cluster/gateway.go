package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"tracemigrate/cluster/lists"
)

// MeshGateway configures builtin gateways.
type MeshGateway struct {
	*Resource
	Selectors []Tags
	tags      Tags
	listeners []gatewayListener
}

// gatewayListener is a port of a MeshGateway.
type gatewayListener struct {
	port      uint32
	protocol  string
	crossMesh bool
	tags      Tags
}

// isHTTP reports whether a listener is one for HTTP: one for other meshes is, whatever its protocol
// (generateLDS in pkg/plugins/runtime/gateway of Kuma's tags 2.0 to 2.14; seen on 2.14.3).
func (l *gatewayListener) isHTTP() bool {
	return l.crossMesh || strings.EqualFold(l.protocol, "HTTP") || strings.EqualFold(l.protocol, "HTTPS")
}

func decodeMeshGateway(r *Resource) *MeshGateway {
	g := &MeshGateway{Resource: r, tags: TagsOf(r.Spec.Field("tags"))}
	r.Spec.Misspelt("selectors", "conf", "tags")
	r.Spec.Field("conf").Misspelt("listeners")
	for _, v := range r.Spec.Field("selectors").Items() {
		v.Misspelt("match")
		g.Selectors = append(g.Selectors, TagsOf(v.Field("match")))
	}
	for _, v := range r.Spec.Field("conf").Field("listeners").Items() {
		v.Misspelt("port", "protocol", "crossMesh", "tags")
		g.listeners = append(g.listeners, gatewayListener{
			port:      v.Field("port").Port(),
			protocol:  v.Field("protocol").Str(),
			crossMesh: v.Field("crossMesh").Bool(),
			tags:      TagsOf(v.Field("tags")),
		})
	}
	return g
}

// TagSets returns one tag set per listener: those by which MeshTraces select a builtin
// gateway with tags that g configures.
func (g *MeshGateway) TagSets(tags Tags) []Tags {
	return lists.Each(g.listeners, func(l gatewayListener) Tags { return tags.And(g.tags).And(l.tags) })
}

// separateTags removes from the listeners of MeshGateways the tags of the gateways that they
// configure. A control plane on Kubernetes adds those of the gateway that it configures first in
// memory, and its REST API shows them (seen on 2.14.3; generator.go of pkg/plugins/runtime/gateway
// of Kuma's tags 2.0 to 2.14). Such listeners have a service, which a user cannot give them
// (validateMeshGatewayConf in pkg/core/resources/apis/mesh).
func (s *Snapshot) separateTags() {
	mixed := lists.Set(lists.Keep(s.MeshGateways, func(g *MeshGateway) bool {
		return slices.ContainsFunc(g.listeners, func(l gatewayListener) bool { return l.tags.Get(ServiceTag) != "" })
	}), func(g *MeshGateway) *MeshGateway { return g })
	if len(mixed) == 0 {
		return
	}
	gateways := NewGateways(s.MeshGateways)
	for _, dp := range s.Dataplanes {
		g := gateways.Configures(dp)
		if !mixed[g] {
			continue
		}
		for i, l := range g.listeners {
			g.listeners[i].tags = lists.Keep(l.tags, func(tag Tag) bool { return !slices.Contains(dp.Gateway.Tags, tag) })
		}
	}
	for g := range mixed { // of a gateway that is gone
		for i, l := range g.listeners {
			g.listeners[i].tags = l.tags.Without(ServiceTag).Without(ZoneLabel)
		}
	}
}

// MixedTags are the values that gateways of one MeshGateway have of each tag.
type MixedTags map[string]map[string]bool

// Add adds the tags of a gateway.
func (m MixedTags) Add(tags Tags) {
	for _, tag := range tags {
		if m[tag.Key] == nil {
			m[tag.Key] = make(map[string]bool)
		}
		m[tag.Key][tag.Value] = true
	}
}

// MaySelect reports whether a selector may match a listener of g for a gateway with own tags,
// if the listeners of g also have tags of some of the others, and whether it always does. It
// looks at each tag by itself, and so reports too often that the two differ.
func (g *MeshGateway) MaySelect(selector, own Tags, others MixedTags) (may, always bool) {
	for _, listener := range g.listeners {
		fixed := g.tags.And(listener.tags)
		mayMatch, matches := true, true
		for _, tag := range selector {
			if value, ok := fixed.Lookup(tag.Key); ok {
				mayMatch, matches = mayMatch && value == tag.Value, matches && value == tag.Value
				continue
			}
			has, values := slices.Contains(own, tag), others[tag.Key]
			mayMatch = mayMatch && (has || values[tag.Value])
			matches = matches && has && (len(values) == 0 || len(values) == 1 && values[tag.Value])
		}
		may, always = may || mayMatch, always || matches
	}
	return may, always
}

// Gateways finds the MeshGateway of a builtin gateway.
type Gateways map[string]*meshGateways // by mesh

type meshGateways struct {
	all []*MeshGateway
	// owners has the MeshGateway of each selector in index, highest precedence first.
	owners []*MeshGateway
	index  *Index
}

// NewGateways prepares to look up gateways. As with every legacy policy, the MeshGateway
// with the highest-ranking selector wins, among equal ones the one created last, among
// those the one with the smallest name.
func NewGateways(all []*MeshGateway) Gateways {
	g := make(Gateways)
	for _, gateway := range all {
		mesh := g[gateway.Mesh]
		if mesh == nil {
			mesh = &meshGateways{}
			g[gateway.Mesh] = mesh
		}
		mesh.all = append(mesh.all, gateway)
	}
	for _, mesh := range g {
		mesh.order()
	}
	return g
}

func (m *meshGateways) order() {
	type owned struct {
		selector Tags
		owner    *MeshGateway
	}
	var list []owned
	for _, gateway := range m.all {
		for _, selector := range gateway.Selectors {
			list = append(list, owned{selector, gateway})
		}
	}
	slices.SortStableFunc(list, func(a, b owned) int {
		return cmp.Or(compareRanks(b.selector, a.selector), b.owner.Created.Compare(a.owner.Created), cmp.Compare(a.owner.Name, b.owner.Name))
	})
	m.owners = lists.Each(list, func(o owned) *MeshGateway { return o.owner })
	m.index = NewIndex(lists.Each(list, func(o owned) Tags { return o.selector }))
}

// tiesOfGateways returns a function that says why it is not known which MeshGateway configures a
// builtin gateway, else "": between selectors of equal rank the time of creation decides, in a zone
// that of its copies, which a global control plane does not know (seen on 2.14.3), unless the zone
// was read as well, and decides as the global one would.
func tiesOfGateways(s *Snapshot) func(*Dataplane) string {
	gateways, elsewhere := NewGateways(s.MeshGateways), s.MayBeGlobal()
	contents := make(map[*MeshGateway]string, len(s.MeshGateways))
	for _, g := range s.MeshGateways {
		contents[g] = fmt.Sprint(g.tags, g.listeners)
		if s.zoned[g.Mesh].byGateway {
			contents[g] += g.DisplayName() // which a MeshTrace selects by
		}
	}
	mayTie := make(map[string]bool)
	for mesh, m := range gateways {
		for i := 1; i < len(m.owners); i++ { // those of one rank follow each other
			mayTie[mesh] = mayTie[mesh] || m.sameRank(i-1, i) && contents[m.owners[i-1]] != contents[m.owners[i]]
		}
	}
	decidesAlike := sync.OnceValue(func() func(*Dataplane, *MeshGateway) bool { return zonesDecide(s.zones) })
	return func(dp *Dataplane) string {
		if !mayTie[dp.Mesh] {
			return "" // mostly
		}
		a, b := gateways.tie(dp, contents)
		switch {
		case b == nil:
			return ""
		case elsewhere && decidesAlike()(dp, a):
			return ""
		case elsewhere:
			return fmt.Sprintf("%s and %s select it by equally ranking selectors, between which the times of its zone's copies decide; "+
				"delete one, or give it a selector with more tags", a, b)
		case a.Created.IsZero() || b.Created.IsZero():
			return fmt.Sprintf("%s and %s select it by equally ranking selectors, and the input does not have the times of their creation, "+
				"which decide", a, b)
		}
		return ""
	}
}

// zonesDecide returns a function that reports whether a proxy's own zone, if it was read, chooses the
// same MeshGateway, by its display name.
func zonesDecide(zones map[string]*Snapshot) func(*Dataplane, *MeshGateway) bool {
	gateways, ties := make(map[string]Gateways, len(zones)), make(map[string]func(*Dataplane) string, len(zones))
	for name, zone := range zones {
		gateways[name], ties[name] = NewGateways(zone.MeshGateways), tiesOfGateways(zone)
	}
	return func(dp *Dataplane, as *MeshGateway) bool {
		zone := dp.Zone()
		chosen := gateways[zone].selecting(dp)
		return chosen != nil && ties[zone](dp) == "" && chosen.DisplayName() == as.DisplayName()
	}
}

// sameRank reports whether the selectors at two positions rank equally.
func (m *meshGateways) sameRank(i, j int) bool {
	return compareRanks(m.index.selectors[i], m.index.selectors[j]) == 0
}

// tie returns the MeshGateway of a builtin gateway and another with an equally ranking selector
// for it and other contents, nil without one.
func (g Gateways) tie(dp *Dataplane, contents map[*MeshGateway]string) (first, other *MeshGateway) {
	m, at := g[dp.Mesh], 0
	for _, i := range m.index.Matching(nil, dp.TagSets()...) {
		owner := m.owners[i]
		switch {
		case owner == first || !IsInZone(owner.Labels, dp.Zone()):
		case first == nil:
			first, at = owner, int(i)
		case !m.sameRank(at, int(i)):
			return nil, nil // all others rank lower
		case contents[owner] != contents[first]:
			return first, owner
		}
	}
	return nil, nil
}

// Of returns the MeshGateways of a mesh.
func (g Gateways) Of(mesh string) []*MeshGateway {
	if m := g[mesh]; m != nil {
		return m.all
	}
	return nil
}

// Configures returns the MeshGateway that configures dp, nil when none does or dp is not
// a builtin gateway.
func (g Gateways) Configures(dp *Dataplane) *MeshGateway {
	if !dp.Builtin() {
		return nil
	}
	return g.selecting(dp)
}

// CountsFor returns the MeshGateway that counts for dp in MeshTraces of a version, nil when
// none does. dp may be a sidecar.
func (g Gateways) CountsFor(version Version, dp *Dataplane) *MeshGateway {
	if !dp.Builtin() && !version.MatchesMeshGatewaysOfSidecars() {
		return nil
	}
	return g.selecting(dp)
}

// selecting returns the MeshGateway whose selector matches dp, nil when none does.
func (g Gateways) selecting(dp *Dataplane) *MeshGateway {
	m := g[dp.Mesh]
	if m == nil {
		return nil
	}
	zone := dp.Zone()
	first := m.index.firstOf(func(i int32) bool { return IsInZone(m.owners[i].Labels, zone) }, dp.TagSets())
	if first < 0 {
		return nil
	}
	return m.owners[first]
}
