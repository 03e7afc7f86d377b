package legacy

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// zone is a mesh in one zone's own control plane. Among selectors that rank equally, the
// creation times of the zone's copies decide.
type zone struct {
	mesh    *Mesh
	differs string // how its copies differ from those of the global control plane
	doubt   string // why the order is unknown
}

// orderZones sorts the selectors for each zone whose own copies are known.
func (m *Mesh) orderZones(snapshots map[string]*cluster.Snapshot) {
	if len(snapshots) == 0 {
		return
	}
	m.zones = make(map[string]zone, len(snapshots))
	for name, s := range snapshots {
		copies := make(map[string]*TrafficTrace)
		var problems []*manifest.Problem // are reported for the original, or a difference
		z := zone{mesh: m, differs: m.meshDiffers(name, s)}
		for _, r := range s.TrafficTraces {
			if r.Mesh != m.Name {
				continue
			}
			if copies[r.DisplayName()] != nil {
				z.differs = fmt.Sprintf("its zone %q has two copies of TrafficTrace %q", name, r.DisplayName())
			}
			copies[r.DisplayName()] = decodeTrafficTrace(r, &problems)
		}
		z.differs = cmp.Or(z.differs, m.copiesDiffer(name, copies))
		if z.doubt = z.differs; z.doubt == "" {
			z.doubt = m.doubtTimes(name, copies)
		}
		if z.doubt == "" {
			z.mesh = m.Reordered(slices.Clone(m.Pairs), func(a, b *Pair) int {
				x, y := copies[a.DisplayName()], copies[b.DisplayName()]
				return cmp.Or(y.Created.Compare(x.Created), strings.Compare(x.Name, y.Name))
			})
		}
		m.zones[name] = z
	}
}

// meshDiffers returns how a zone's copy of the mesh differs, else "".
func (m *Mesh) meshDiffers(zone string, s *cluster.Snapshot) string {
	i := slices.IndexFunc(s.Meshes, func(r *cluster.Resource) bool { return r.Name == m.Name })
	if i < 0 {
		if len(m.Pairs) == 0 {
			return ""
		}
		return fmt.Sprintf("its zone %q does not have %s yet", zone, m)
	}
	var problems []*manifest.Problem // are reported for the original, or a difference
	copied := decodeMesh(s.Meshes[i], &problems)
	same := copied.DefaultBackend == m.DefaultBackend && len(copied.Backends) == len(m.Backends)
	for _, b := range m.Backends {
		other := copied.backends[b.Name]
		same = same && other != nil && strings.EqualFold(b.Type, other.Type) && reflect.DeepEqual(b.Sampling, other.Sampling) &&
			reflect.DeepEqual(b.Zipkin, other.Zipkin) && reflect.DeepEqual(b.Datadog, other.Datadog)
	}
	if !same {
		return fmt.Sprintf("its zone %q has %s with other tracing backends", zone, m)
	}
	return ""
}

// copiesDiffer returns how a zone's copies of the TrafficTraces differ, else "".
func (m *Mesh) copiesDiffer(zone string, copies map[string]*TrafficTrace) string {
	for _, trace := range m.TrafficTraces {
		copied := copies[trace.DisplayName()]
		switch {
		case copied == nil:
			return fmt.Sprintf("its zone %q does not have %s yet", zone, trace)
		case !copied.Equal(trace):
			return fmt.Sprintf("its zone %q has %s with other content", zone, trace)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		if !slices.ContainsFunc(m.TrafficTraces, func(t *TrafficTrace) bool { return t.DisplayName() == name }) {
			return fmt.Sprintf("its zone %q has the TrafficTrace %q, which the global control plane does not have", zone, name)
		}
	}
	return ""
}

// doubtTimes returns why it is unknown which of a zone's copies wins, else "".
func (m *Mesh) doubtTimes(zone string, copies map[string]*TrafficTrace) string {
	for _, trace := range m.TrafficTraces {
		if copies[trace.DisplayName()].Created.IsZero() {
			return fmt.Sprintf("zone %q does not say when its copy of %s was created", zone, trace)
		}
	}
	return ""
}

// Equal reports whether two TrafficTraces have the same backend and selectors.
func (t *TrafficTrace) Equal(other *TrafficTrace) bool {
	sameTags := func(a, b Selector) bool { return slices.Equal(a.Tags, b.Tags) }
	return t.Backend == other.Backend && slices.EqualFunc(t.Selectors, other.Selectors, sameTags)
}

// Reordered returns m with other Pairs, sorted by rank, then by order.
func (m *Mesh) Reordered(pairs []*Pair, order func(a, b *Pair) int) *Mesh {
	other := *m
	other.Pairs = pairs
	slices.SortStableFunc(other.Pairs, func(a, b *Pair) int { return cmp.Or(a.CompareRank(b), order(a, b)) })
	other.index()
	return &other
}

// In returns the mesh in a zone's control plane, or m itself if that is unknown.
func (m *Mesh) In(zone string) *Mesh {
	return cmp.Or(m.zones[zone].mesh, m)
}

// Ordered returns the zones whose order of selectors is known, by name.
func (m *Mesh) Ordered() []string {
	return lists.Keep(slices.Sorted(maps.Keys(m.zones)), func(name string) bool { return m.zones[name].doubt == "" })
}

// Doubt returns why it is unknown which TrafficTrace wins in a zone whose control plane
// was read, else "".
func (m *Mesh) Doubt(zone string) string { return m.zones[zone].doubt }

// Differs returns how the copies in a zone whose control plane was read differ from the
// mesh and its TrafficTraces, else "". If they differ, the tracing of the zone's proxies
// is unknown.
func (m *Mesh) Differs(zone string) string { return m.zones[zone].differs }

// Highest appends to found, in ascending order, the positions in Pairs of the selectors
// of the highest rank that one of sets satisfies. Creation times decide which of several
// wins.
func (m *Mesh) Highest(found []int32, sets ...cluster.Tags) []int32 {
	var space [16]int32
	from := len(found)
	for _, place := range m.all.Matching(space[:0], sets...) {
		positions := m.alike[place]
		if len(found) > from && m.Pairs[positions[0]].CompareRank(m.Pairs[found[from]]) != 0 {
			break
		}
		found = append(found, positions...)
	}
	slices.Sort(found[from:])
	return found
}

// Within returns p narrowed to one zone by the tag kuma.io/zone, with p's rank, or nil
// if p never matches in that zone.
func (p *Pair) Within(zone string) *Pair {
	if value, ok := p.Tags.Lookup(cluster.ZoneLabel); ok && value != zone && value != cluster.Any {
		return nil
	}
	narrowed := *p
	narrowed.Tags = p.Tags.With(cluster.ZoneLabel, zone)
	narrowed.Zone = zone
	return &narrowed
}
