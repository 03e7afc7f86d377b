package convert

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// mesh is one mesh on its way.
type mesh struct {
	*legacy.Mesh                                          // with selectors narrowed to zones, see expandZones
	real           *legacy.Mesh                           // as it was read
	positions      map[selectorOf]int                     // in Pairs
	zoneNames      []string                               // of the global control plane, where they are known
	timesElsewhere bool                                   // creation times of zones' own copies decide
	orderedZones   []string                               // zones whose own order is known
	arrived        bool                                   // earlier are those that came from the global control plane
	serving        map[cluster.Version]*meshtrace.Matcher // see alwaysServed
	undated        bool                                   // the input does not tell when a TrafficTrace was created
	judge          func(*cluster.Dataplane) ([]cluster.Version, string)
	keys           []string // see keyAt
	o              *Options
	gateways       cluster.Gateways
	dataplanes     []*cluster.Dataplane
	existing       []*meshtrace.Policy // live ones
	ofZones        []*meshtrace.Policy // those of single zones, which serve no proxy elsewhere
	previous       []*meshtrace.Policy // those that a previous run made, in part or whole
	routed         bool                // has a TrafficRoute
	zoned          bool                // creation times may be others in each zone
	unlisted       bool                // there may be Dataplanes, which could not be read
	live           bool                // all was read from a cluster, or its snapshot
	notes          *notes

	confs      map[string]*conf                 // by name of the backend
	fates      []*Fate                          // by position of the pair
	refused    []bool                           // by position: not carried over
	candidates []*candidate                     // highest precedence first
	again      map[*meshtrace.Policy]*candidate // those of earlier that are made again
	withheld   []*meshtrace.Policy
	// conflicting has the existing policies that new ones conflict with.
	conflicting map[*meshtrace.Policy]bool
	found       []int32 // scratch space

	tieDoubts map[*cluster.Dataplane]cluster.Doubt // see tieDoubt
}

// newMeshes returns each mesh with what exists in it, apart from what a previous run
// made. Their notes are appended to all.
func (in *input) newMeshes(previous map[*meshtrace.Policy]bool, all *notes) []*mesh {
	s, o := in.Snapshot, in.o
	gateways, judge, zones := cluster.NewGateways(s.MeshGateways), s.Judge(o.Version), zoneNames(s)
	meshes := make([]*mesh, 0, len(in.meshes))
	byName := make(map[string]*mesh, len(in.meshes))
	for _, from := range in.meshes {
		m := &mesh{
			Mesh: from, real: from, o: o, gateways: gateways, notes: all, judge: judge, zoneNames: zones,
			routed: s.TrafficRoutes[from.Name], unlisted: unlisted(s.Origin), live: s.FromCluster(),
			zoned: dependsOnZone(s.Origin, o), timesElsewhere: s.MayBeGlobal() && !o.ZoneOrigin,
			undated: slices.ContainsFunc(from.TrafficTraces, func(t *legacy.TrafficTrace) bool { return t.Created.IsZero() }),
		}
		meshes = append(meshes, m)
		byName[m.Name] = m
	}
	for _, dp := range s.Dataplanes {
		if m := byName[dp.Mesh]; m != nil {
			m.dataplanes = append(m.dataplanes, dp)
		}
	}
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

// conf is a TrafficTrace's backend as the conf of a MeshTrace. None is no tracing.
type conf struct {
	meshtrace.Conf
	key     string // equal for equal confs
	refused bool   // a note says why it cannot be expressed
}

var none = &conf{Conf: meshtrace.Conf{Backends: []meshtrace.Backend{}}, key: "none"}

func (c *conf) traces() bool { return len(c.Backends) > 0 }

// candidate is a policy in the making.
type candidate struct {
	pair         *legacy.Pair
	position     int // of the pair
	tags         cluster.Tags
	conf         *conf
	sidecarsOnly bool
	name         string
	policy       *meshtrace.Policy
}

// String names the TrafficTrace and selector that the candidate comes from.
func (c *candidate) String() string { return source(c.pair) }

func source(p *legacy.Pair) string {
	if len(p.TrafficTrace.Selectors) == 1 {
		return p.TrafficTrace.String()
	}
	return fmt.Sprintf("%s, selector %d", p.TrafficTrace, p.Number)
}

// annotated is what a policy says of where it came from.
func annotated(p *legacy.Pair) string {
	text := fmt.Sprintf("%s, selector %d", p.TrafficTrace, p.Number)
	if p.Zone != "" {
		text += fmt.Sprintf(", in zone %q", p.Zone)
	}
	return text
}

// String names the mesh in notes.
func (m *mesh) String() string { return m.Resource.String() }

// list joins up to three names and counts the rest.
func list(names []string) string {
	const shown = 3
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

func pluralPolicies(n int) string {
	if n == 0 {
		return "no policy"
	}
	return plural(n, "policy")
}

// addDataplanes is the remedy for a mesh without Dataplanes: otherwise, but
// where a cluster was read, whether it has them and did not give them or has none.
func (m *mesh) addDataplanes(otherwise string) string {
	switch {
	case m.unlisted:
		return "see to it that the Dataplanes can be listed, see kind-unread"
	case m.live:
		return "nothing, if the mesh has no proxies yet; otherwise find out why the control plane knows none of them"
	}
	return otherwise
}

// unlisted reports whether a cluster's Dataplanes could not be read.
func unlisted(origin *cluster.Origin) bool {
	if origin == nil {
		return false
	}
	_, lacks := origin.Lacks(cluster.KindDataplane)
	return lacks
}

// refuse notes that a candidate cannot be carried over.
func (m *mesh) refuse(c *candidate, code Code, message, remedy string) {
	m.refused[c.position] = true
	m.fates[c.position].Reason = "it cannot be carried over: " + string(code)
	m.notes.refuse(code, c.pair.Position(), c.pair.TrafficTrace, message, remedy)
}
