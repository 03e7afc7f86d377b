package legacy

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Mesh is a mesh with its legacy tracing.
type Mesh struct {
	*cluster.Resource
	Backends       []*Backend
	DefaultBackend string
	TrafficTraces  []*TrafficTrace
	// Pairs has every selector of every TrafficTrace, highest precedence first.
	Pairs []*Pair

	backends map[string]*Backend
	alike    [][]int32      // positions in Pairs of equal selectors, by the first of each
	all      *cluster.Index // of alike
	zones    map[string]zone
}

// Backend is an entry of Mesh.tracing.backends.
type Backend struct {
	manifest.Place
	Name     string
	Type     string   // zipkin or datadog, as written
	Sampling *float64 // percent, 0 to 100; nil: not set, so 100
	Zipkin   *Zipkin  // exactly one of Zipkin and Datadog is set when Problems is empty
	Datadog  *Datadog
	// Problems are why no proxy can use the backend. They are errors of the input only
	// if a TrafficTrace uses it.
	Problems []*manifest.Problem
}

// Zipkin is the conf of a backend of type zipkin,
// https://kuma.io/docs/2.9.x/policies/traffic-trace/
type Zipkin struct {
	URL               string // with a port
	TraceID128Bit     bool
	APIVersion        string // httpJson, httpJsonV1, httpProto or empty for httpJson
	SharedSpanContext *bool  // nil: true
}

// Datadog is the conf of a backend of type datadog.
type Datadog struct {
	Address      string // host name or IP address, without brackets
	Port         uint32 // 1 to 65535
	SplitService bool
}

// TrafficTrace selects proxies and names the backend of their traces.
type TrafficTrace struct {
	*cluster.Resource
	Backend   string // empty: the mesh's default
	Selectors []Selector
}

// Selector is one entry of a TrafficTrace's selectors.
type Selector struct {
	manifest.Place
	Tags cluster.Tags
}

// Pair is a TrafficTrace with one of its selectors.
type Pair struct {
	*TrafficTrace
	Selector
	Number int    // of the selector within its TrafficTrace, from 1
	Zone   string // the zone that the selector was narrowed to, see Within; empty: none

	tags, exact int // the selector's rank
}

// Position returns the place of the selector.
func (p *Pair) Position() manifest.Place { return p.Selector.Place }

// Read decodes all meshes, sorted by name, and their TrafficTraces. A TrafficTrace whose
// mesh is missing is a problem.
func Read(s *cluster.Snapshot) ([]*Mesh, []*manifest.Problem) {
	var problems []*manifest.Problem
	// A mesh may be missing because its text is broken.
	broken := slices.ContainsFunc(s.Problems, func(p *manifest.Problem) bool { return p.Severity == manifest.Error })
	meshes := lists.Each(s.Meshes, func(r *cluster.Resource) *Mesh { return decodeMesh(r, &problems) })
	byName := ByName(meshes)
	for _, r := range s.TrafficTraces {
		trace := decodeTrafficTrace(r, &problems)
		mesh := byName[r.Mesh]
		if mesh == nil {
			if broken {
				continue
			}
			r.Spec.Into(&problems).FailResource("add the Mesh to the input",
				"mesh %.253q is not in the input, so its tracing backends are missing", r.Mesh)
			continue
		}
		mesh.TrafficTraces = append(mesh.TrafficTraces, trace)
	}
	for _, mesh := range meshes {
		mesh.order()
		mesh.orderZones(s.Zones())
	}
	slices.SortFunc(meshes, func(a, b *Mesh) int { return strings.Compare(a.Name, b.Name) })
	return meshes, problems
}

// order sorts the mesh's selectors by precedence: more tags, then more exact tags, then
// the latest creation, then the smallest name
// (https://kuma.io/docs/2.9.x/policies/how-kuma-chooses-the-right-policy-to-apply/). An
// unknown creation time counts as the oldest: see Pair.Undecided.
func (m *Mesh) order() {
	for _, trace := range m.TrafficTraces {
		for i, selector := range trace.Selectors {
			pair := &Pair{TrafficTrace: trace, Selector: selector, Number: i + 1}
			pair.tags, pair.exact = selector.Tags.Rank()
			m.Pairs = append(m.Pairs, pair)
		}
	}
	slices.SortStableFunc(m.Pairs, func(a, b *Pair) int {
		return cmp.Or(a.CompareRank(b), b.Created.Compare(a.Created), strings.Compare(a.Name, b.Name))
	})
	m.index()
}

// index prepares to look up Pairs, which are sorted.
func (m *Mesh) index() {
	known := make(map[uint64]int, len(m.Pairs)) // places in alike, by a hash of the tags
	seed := maphash.MakeSeed()
	distinct := make([]cluster.Tags, 0, len(m.Pairs))
	var content []byte
	m.alike = make([][]int32, 0, len(m.Pairs))
	for i, pair := range m.Pairs {
		content = pair.Tags.AppendContent(content[:0])
		hash := maphash.Bytes(seed, content)
		place, ok := known[hash]
		for ; ok && !slices.Equal(distinct[place], pair.Tags); place, ok = known[hash] {
			hash++ // other tags have the hash
		}
		if !ok {
			place = len(distinct)
			known[hash] = place
			distinct, m.alike = append(distinct, pair.Tags), append(m.alike, nil)
		}
		m.alike[place] = append(m.alike[place], int32(i))
	}
	m.all = cluster.NewIndex(distinct)
}

// CompareRank returns a negative number when p outranks q by its tags alone.
func (p *Pair) CompareRank(q *Pair) int {
	return cmp.Or(cmp.Compare(q.tags, p.tags), cmp.Compare(q.exact, p.exact))
}

// Undecided reports whether p precedes q only by name: they rank equally, belong to two
// TrafficTraces, and a creation time is unknown.
func (p *Pair) Undecided(q *Pair) bool {
	return p.TrafficTrace != q.TrafficTrace && p.CompareRank(q) == 0 && (p.Created.IsZero() || q.Created.IsZero())
}

// Wins returns the position in Pairs of the selector that decides for a proxy with these
// tag sets: the first that one of them satisfies, -1 when none is satisfied.
func (m *Mesh) Wins(sets ...cluster.Tags) int {
	first := m.all.First(sets...)
	if first < 0 {
		return -1
	}
	return int(m.alike[first][0])
}

// ByName returns meshes by their names.
func ByName(meshes []*Mesh) map[string]*Mesh {
	return lists.By(meshes, func(m *Mesh) string { return m.Name })
}

// BackendOf returns the backend that a TrafficTrace sends traces to. It is nil when the
// TrafficTrace names none and the mesh has no default, or when no backend has that name:
// then its proxies are not traced.
func (m *Mesh) BackendOf(t *TrafficTrace) *Backend {
	return m.backends[cmp.Or(t.Backend, m.DefaultBackend)] // none has an empty name
}

// Covering returns the selector of highest precedence, among those before position in
// Pairs, that every proxy satisfies which satisfies tags, or nil. A wildcard is
// satisfied when tags contains its key, or when the key is kuma.io/service, which every
// tag set has.
func (m *Mesh) Covering(position int, tags cluster.Tags) *Pair {
	if _, ok := tags.Lookup(cluster.ServiceTag); !ok {
		tags = tags.With(cluster.ServiceTag, cluster.Any)
	}
	if first := m.Wins(tags); first >= 0 && first < position {
		return m.Pairs[first]
	}
	return nil
}

// Satisfied appends to found, in ascending order, the positions in Pairs of the
// selectors that one of sets satisfies. Of equal selectors it has the first, because the
// others never decide.
func (m *Mesh) Satisfied(found []int32, sets ...cluster.Tags) []int32 {
	var space [16]int32
	for _, place := range m.all.Matching(space[:0], sets...) {
		found = append(found, m.alike[place][0])
	}
	return found
}
