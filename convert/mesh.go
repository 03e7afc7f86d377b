package convert

import (
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// mesh is what a conversion knows of one mesh. No step changes it.
type mesh struct {
	*legacy.Mesh
	o          *Options
	gateways   cluster.Gateways
	dataplanes []*cluster.Dataplane
	confs      confs
	namespace  string // of new policies, empty on Universal

	// The live policies that exist, by what they are to the conversion.
	existing []*meshtrace.Policy // in all zones
	ofZones  []*meshtrace.Policy // of single zones, which serve no proxy elsewhere
	previous []*meshtrace.Policy // made by a previous run, in part or whole

	zoneNames      []string // of the global control plane, where they are known
	orderedZones   []string // zones whose own order of selectors is known
	versions       func(*cluster.Dataplane) ([]cluster.Version, string)
	timesElsewhere bool                // creation times of zones' own copies decide
	otherTimes     bool                // creation times can differ in each zone
	undated        bool                // the input does not have all creation times
	arrived        bool                // previous came from the global control plane
	routed         bool                // has a TrafficRoute
	mayNameUnified bool                // see cluster.Snapshot.MayNameUnified
	httpRoutes     []*meshtrace.Policy // MeshHTTPRoutes that take outbounds over
	unlisted       bool                // may have Dataplanes, which could not be listed
	live           bool                // was read from a cluster, or from its snapshot
}

// meshesWithout returns each mesh with what existed in it before a previous run, and
// separately what that run made.
func (in *input) meshesWithout(previous map[*meshtrace.Policy]bool) []*mesh {
	s, o := in.Snapshot, in.o
	gateways, versions, zones := cluster.NewGateways(s.MeshGateways), s.Judge(o.Version), zoneNames(s)
	dataplanes := lists.Group(s.Dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh })
	routes := lists.Group(in.Routes.HTTP, func(p *meshtrace.Policy) string { return p.Mesh })
	meshes := lists.Each(in.Meshes, func(from *legacy.Mesh) *mesh {
		return &mesh{
			Mesh: from, o: o, gateways: gateways, dataplanes: dataplanes[from.Name], confs: in.confs, namespace: namespaceOf(from, o),
			versions: versions, zoneNames: zones, orderedZones: from.Ordered(), httpRoutes: routes[from.Name],
			routed: s.TrafficRoutes[from.Name], mayNameUnified: s.MayNameUnified(o.Version, from.Name),
			unlisted: s.Lacks(cluster.KindDataplane), live: s.FromCluster(),
			otherTimes: dependsOnZone(s.Origin, o), timesElsewhere: s.MayBeGlobal() && !o.ZoneOrigin,
			undated: slices.ContainsFunc(from.TrafficTraces, func(t *legacy.TrafficTrace) bool { return t.Created.IsZero() }),
		}
	})
	byName := lists.By(meshes, func(m *mesh) string { return m.Name })
	for _, p := range in.compared {
		switch m := byName[p.Mesh]; {
		case m == nil || p.Shadow(o.Version):
		case previous[p]:
			m.previous = append(m.previous, p)
			m.arrived = m.arrived || in.arrived[p]
		case ofOneZone(p, s.Origin, o):
			m.ofZones = append(m.ofZones, p)
		default:
			m.existing = append(m.existing, p)
		}
	}
	return meshes
}

// String names the mesh in notes.
func (m *mesh) String() string { return m.Resource.String() }

// allExisting returns the existing policies of all zones and of single ones.
func (m *mesh) allExisting() []*meshtrace.Policy { return slices.Concat(m.existing, m.ofZones) }

// matcher matches policies as the control plane does.
func (m *mesh) matcher(policies ...*meshtrace.Policy) *meshtrace.Matcher {
	return meshtrace.NewMatcher(m.o.Version, policies, m.gateways)
}

// confOf returns the conf of a TrafficTrace's backend.
func (m *mesh) confOf(t *legacy.TrafficTrace) *conf { return m.confs.of(m.Mesh, t) }

// formatOf returns the format of the policies that a selector becomes.
func (m *mesh) formatOf(pair *legacy.Pair) cluster.Format {
	if m.o.Format != "" {
		return m.o.Format
	}
	return pair.Format
}

// namespaceOf returns the namespace of the new policies of a mesh, empty on Universal.
func namespaceOf(m *legacy.Mesh, o *Options) string {
	onKubernetes := func(t *legacy.TrafficTrace) bool { return t.Format == cluster.Kubernetes }
	if o.Format == cluster.Universal || o.Format == "" && !slices.ContainsFunc(m.TrafficTraces, onKubernetes) {
		return ""
	}
	return o.namespace()
}

// candidate is a selector with tags for a policy, in which wildcards have a value.
type candidate struct {
	pair         *legacy.Pair
	position     int // of the pair
	tags         cluster.Tags
	conf         *conf
	sidecarsOnly bool
}

// String names the TrafficTrace and selector that the candidate comes from.
func (c *candidate) String() string { return source(c.pair) }

// selectorFact names a selector within the notes of its TrafficTrace.
func selectorFact(p *legacy.Pair) string {
	return selectorWith(p.Number, p.Tags)
}

func selectorWith(number int, tags cluster.Tags) string {
	return "selector " + strconv.Itoa(number) + " (" + tags.String() + ")"
}

// source names a selector by its TrafficTrace.
func source(p *legacy.Pair) string {
	if len(p.TrafficTrace.Selectors) == 1 {
		return p.TrafficTrace.String()
	}
	return annotation(p)
}

// annotation is what a policy says of the selector that it comes from.
func annotation(p *legacy.Pair) string {
	text := p.TrafficTrace.String() + ", selector " + strconv.Itoa(p.Number)
	if p.Zone != "" {
		text += ", in zone " + quoted(p.Zone)
	}
	return text
}
