package cluster

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"tracemigrate/cluster/manifest"
)

// Snapshot is what a source holds of a cluster. Every list is in the order of
// the source, without repetitions.
type Snapshot struct {
	Meshes        []*Resource
	TrafficTraces []*Resource
	MeshTraces    []*Resource
	Dataplanes    []*Dataplane
	MeshGateways  []*MeshGateway
	// TrafficRoutes has the meshes with at least one TrafficRoute.
	TrafficRoutes map[string]bool
	// Origin is what is known of the control plane; nil for files that do not tell.
	Origin      *Origin
	live        bool            // read from a cluster
	originFiles map[string]bool // where an origin stands
	// What could not be read, by mesh; "" for what may be of any.
	lost, lostGateways map[string]string
	systemNamespaces   []string             // of control planes whose Deployments are in the texts
	others             []string             // names of MeshTraces that [Snapshot.Only] left out, on Kubernetes
	zones              map[string]*Snapshot // of zones' own control planes, by name; see AddZone
	otherTraces        []TraceName          // of TrafficTraces that it left out
	// Problems of the texts and of the kinds decoded here.
	Problems []*manifest.Problem
	// Skipped are the errors of resources that were left out, see Skipping.
	Skipped []*manifest.Problem
}

// Empty reports whether the source held nothing that is read here.
func (s *Snapshot) Empty() bool {
	return len(s.Meshes)+len(s.TrafficTraces)+len(s.MeshTraces)+len(s.Dataplanes)+len(s.MeshGateways)+len(s.TrafficRoutes) == 0
}

// entry is one decoded document on its way into the snapshot.
type entry struct {
	*Resource
	dataplane *Dataplane
	gateway   *MeshGateway
	origin    *Origin
	problems  []*manifest.Problem
}

// identity is what the entry is to the control plane.
func (e *entry) identity() identity {
	if dp := e.dataplane; dp != nil {
		return identity{KindDataplane, dp.Mesh, dp.Namespace, dp.Name}
	}
	return e.Resource.identity()
}

// register finds entries by their identities. It keeps hashes of these, since a
// large mesh's identities take more memory than what is kept of it.
type register struct {
	seed   maphash.Seed
	byHash map[uint64]int32 // position of the first entry
	others map[identity]int // those that share their hash with another identity
}

func newRegister(n int) *register {
	return &register{seed: maphash.MakeSeed(), byHash: make(map[uint64]int32, n), others: make(map[identity]int)}
}

// enter returns the position of the first entry with an identity and true, or
// makes position that.
func (r *register) enter(id identity, position int, identityOf func(position int) identity) (first int, again bool) {
	hash := maphash.Comparable(r.seed, id)
	known, ok := r.byHash[hash]
	switch {
	case !ok:
		r.byHash[hash] = int32(position)
		return position, false
	case identityOf(int(known)) == id:
		return int(known), true
	}
	if first, again = r.others[id]; !again {
		r.others[id] = position
	}
	return first, again
}

// dataplaneResource replaces the resources of Dataplanes, which are not kept.
var dataplaneResource = &Resource{kind: KindDataplane}

// unread is the resource of documents that are none.
var unread = &Resource{}

// Read takes a snapshot of manifests.
func Read(inputs []manifest.Input) *Snapshot { return read(slices.Values(inputs)) }

func read(inputs iter.Seq[manifest.Input]) *Snapshot {
	// Words a worker: sharing them would make the workers wait for each other.
	shared := newSets()
	pool := sync.Pool{New: func() any { return &words{all: make(map[string]string), sets: shared} }}
	var exports []export
	var namespaces []string
	entries, problems := manifest.Read(noteExports(inputs, &exports, &namespaces), wanted, func(doc *manifest.Document, entries []entry) []entry {
		var e entry
		words := pool.Get().(*words)
		defer pool.Put(words)
		switch textAt(doc.Root, "kind") {
		case originKind:
			e.origin, e.Resource = decodeOrigin(doc, &e.problems), &Resource{Place: doc.Place}
			return append(entries, e)
		case endKind:
			return append(entries, entry{Resource: &Resource{Place: doc.Place, kind: endKind}})
		}
		_, kind := formOf(doc)
		if kind != KindDataplane && isRead("", kind) {
			doc.Keep()
		}
		if e.Resource = decodeResource(doc, words, &e.problems); e.Resource == nil {
			if len(e.problems) > 0 {
				return append(entries, entry{Resource: unread, problems: e.problems})
			}
			return entries
		}
		switch e.kind {
		case KindDataplane:
			e.dataplane = decodeDataplane(e.Resource, words)
			e.Resource, words.spare = dataplaneResource, e.Resource
		case KindMeshGateway:
			e.gateway = decodeMeshGateway(e.Resource)
		}
		return append(entries, e)
	})
	zones := zoneFiles(entries)
	byZone := map[string][]entry{"": entries}
	if zones != nil {
		clear(byZone)
		for _, e := range entries {
			zone := zones[e.place().File]
			byZone[zone] = append(byZone[zone], e)
		}
	}
	s := assemble(byZone[""])
	s.systemNamespaces = namespaces
	s.Problems = append(problems, s.Problems...)
	if s.Origin == nil {
		s.Origin = exportOrigin(exports)
	}
	for _, name := range slices.Sorted(maps.Keys(byZone)) {
		if name != "" {
			s.addZoneFile(name, assemble(byZone[name]))
		}
	}
	return s
}

// place is the place of e.
func (e *entry) place() manifest.Place {
	if e.dataplane != nil {
		return e.dataplane.Place
	}
	if e.Resource == unread {
		return e.problems[0].Place
	}
	return e.Place
}

// assemble makes a snapshot of decoded documents.
func assemble(entries []entry) *Snapshot {
	s := &Snapshot{TrafficRoutes: make(map[string]bool)}
	seen := newRegister(len(entries))
	ended := make(map[string]bool) // files that hold a whole snapshot
	for i, e := range entries {
		s.Problems = append(s.Problems, e.problems...)
		if e.origin != nil {
			s.addOrigin(e.origin, e.Place)
		}
		if e.kind == endKind {
			ended[e.Place.File] = true
			continue
		}
		id := e.identity()
		if id.name == "" {
			continue // a problem says so
		}
		if first, ok := seen.enter(id, i, func(i int) identity { return entries[i].identity() }); ok {
			s.Problems = append(s.Problems, repeated(entries[first], e))
			continue
		}
		switch e.kind {
		case KindMesh:
			s.Meshes = append(s.Meshes, e.Resource)
		case KindTrafficTrace:
			s.TrafficTraces = append(s.TrafficTraces, e.Resource)
		case KindMeshTrace:
			s.MeshTraces = append(s.MeshTraces, e.Resource)
		case KindDataplane:
			s.Dataplanes = append(s.Dataplanes, e.dataplane)
		case KindMeshGateway:
			s.MeshGateways = append(s.MeshGateways, e.gateway)
		case KindTrafficRoute:
			s.TrafficRoutes[e.Mesh] = true
		}
	}
	for _, file := range slices.Sorted(maps.Keys(s.originFiles)) {
		if ended[file] {
			continue
		}
		s.Problems = append(s.Problems, &manifest.Problem{
			Place: manifest.Place{File: file}, Severity: manifest.Error, Of: theOrigin,
			Fault: "the snapshot is cut off: its last document, of kind " + endKind + ", is missing", Remedy: "take it again",
		})
	}
	return s
}

// addOrigin takes up the origin of a snapshot that is read from a file.
func (s *Snapshot) addOrigin(origin *Origin, place manifest.Place) {
	if s.originFiles == nil {
		s.originFiles = make(map[string]bool)
	}
	s.originFiles[place.File] = true
	switch {
	case s.Origin == nil:
		s.Origin = origin
	case !reflect.DeepEqual(s.Origin, origin):
		s.Problems = append(s.Problems, &manifest.Problem{
			Place: place, Severity: manifest.Error, Of: theOrigin,
			Fault: fmt.Sprintf("is a snapshot of %s, and there is another, of %s", origin, s.Origin), Remedy: "they may disagree on version and zones, so give one at a time",
		})
	}
}

// ReadOnce is the code of what the input contains twice, with equal content.
const ReadOnce = "read-once"

// repeated is what to say of a resource that was there before.
func repeated(first, again entry) *manifest.Problem {
	place, firstPlace, subject := again.Place, first.Place, again.Subject()
	var same bool
	if again.dataplane != nil {
		place, firstPlace = again.dataplane.Place, first.dataplane.Place
		subject = manifest.Subject{Kind: KindDataplane, Name: again.dataplane.Name, Mesh: again.dataplane.Mesh}
		same = again.dataplane.equal(first.dataplane)
	} else {
		same = sameSpec(again.Resource, first.Resource)
	}
	if same {
		return &manifest.Problem{
			Place: place, Severity: manifest.Info, Code: ReadOnce, Of: subject,
			Fault: fmt.Sprintf("stands at %s already, with the same content", firstPlace), Remedy: "read once",
		}
	}
	return &manifest.Problem{
		Place: place, Severity: manifest.Error, Of: subject,
		Fault: fmt.Sprintf("stands at %s already, with other content", firstPlace), Remedy: "keep the one that the control plane has",
	}
}

// sameSpec compares what policies read; the rest is bookkeeping of the API server.
func sameSpec(a, b *Resource) bool {
	if a.Format != b.Format || a.kind == KindMeshTrace || a.Format == Kubernetes {
		return a.Format == b.Format && a.Spec.Node().Equal(b.Spec.Node()) && a.Created.Equal(b.Created)
	}
	for _, field := range []string{"selectors", "conf", "tracing", "tags"} {
		if !a.Spec.Node().Get(field).Equal(b.Spec.Node().Get(field)) {
			return false
		}
	}
	return a.Created.Equal(b.Created)
}

// words keeps one copy of every word, and of every set of tags or labels: the
// replicas of a workload have the same. Nobody may change a set.
type words struct {
	all  map[string]string
	sets *sets
	key  []byte // scratch space

	spare *Resource // is not used any more
}

// resource returns a new resource.
func (w *words) resource(place manifest.Place) *Resource {
	r := w.spare
	if w.spare = nil; r == nil {
		r = new(Resource)
	}
	*r = Resource{Place: place}
	return r
}

// maxWords is how many words are kept: those of a mesh are few, but for what
// names one proxy.
const maxWords = 100_000

// maxSets is how many sets of tags are kept: those of replicas are equal, and
// where most are not, looking for equal ones costs more than it saves.
const maxSets = 20_000

func (w *words) keep(word string) string {
	if word == "" {
		return ""
	}
	if kept, ok := w.all[word]; ok {
		return kept
	}
	word = strings.Clone(word)
	if len(w.all) < maxWords {
		w.all[word] = word
	}
	return word
}

// tags reads an object of strings; nil when it is absent or empty.
func (w *words) tags(v manifest.Value) map[string]string {
	w.key = w.key[:0]
	for key, value := range v.Node().Pairs() {
		if value.Kind != manifest.String {
			w.key = w.key[:0] // there will be a problem
			break
		}
		w.key = append(append(w.key, key.Text...), 0)
		w.key = append(append(w.key, value.Text...), 0)
	}
	if len(w.key) == 0 || bytes.Contains(w.key, []byte("{{")) {
		return v.Map()
	}
	sum := maphash.Bytes(w.sets.seed, w.key)
	known := w.sets.get(sum)
	if known != nil && holds(known, v.Node()) {
		return known
	}
	tags := make(map[string]string, v.Len())
	for key, value := range v.Node().Pairs() {
		tags[w.keep(key.Text)] = w.keep(value.Text)
	}
	if known == nil {
		w.sets.put(sum, tags)
	}
	return tags
}

// sets keeps sets of tags, by a checksum of keys and values in the order of the
// input, for all workers. It is cut into parts so that they seldom wait.
type sets struct {
	seed  maphash.Seed
	parts [64]struct {
		sync.Mutex
		bySum map[uint64]map[string]string
	}
}

func newSets() *sets {
	s := &sets{seed: maphash.MakeSeed()}
	for i := range s.parts {
		s.parts[i].bySum = make(map[uint64]map[string]string)
	}
	return s
}

func (s *sets) get(sum uint64) map[string]string {
	part := &s.parts[sum%uint64(len(s.parts))]
	part.Lock()
	defer part.Unlock()
	return part.bySum[sum]
}

func (s *sets) put(sum uint64, set map[string]string) {
	part := &s.parts[sum%uint64(len(s.parts))]
	part.Lock()
	defer part.Unlock()
	if len(part.bySum) < maxSets/len(s.parts) {
		part.bySum[sum] = set
	}
}

// holds reports whether tags are what an object of strings has.
func holds(tags map[string]string, object *manifest.Node) bool {
	n := 0
	for key, value := range object.Pairs() {
		if known, ok := tags[key.Text]; !ok || known != value.Text {
			return false
		}
		n++
	}
	return n == len(tags)
}

// fingerprint is equal for Dataplanes that are the same to tracing.
func (dp *Dataplane) fingerprint() string {
	labels := make([]string, 0, len(dp.Labels))
	for key, value := range dp.Labels {
		labels = append(labels, key+"="+value)
	}
	slices.SortFunc(labels, cmp.Compare)
	return fmt.Sprintf("%q %+v %+v %+v", labels, dp.Inbounds, dp.Outbounds, dp.Gateway)
}

// Only is s without the resources of other meshes than those named; all when
// none is. It returns an error when s has meshes, and not one of those named.
func (s *Snapshot) Only(meshes []string) (*Snapshot, error) {
	if len(meshes) == 0 {
		return s, nil
	}
	known := make([]string, 0, len(s.Meshes))
	for _, mesh := range s.Meshes {
		known = append(known, mesh.Name)
	}
	if len(known) > 0 {
		if err := CheckMeshes("the input", meshes, known); err != nil {
			return nil, err
		}
	}
	wanted := make(map[string]bool, len(meshes))
	for _, name := range meshes {
		wanted[name] = true
	}
	of := func(r *Resource) bool { return wanted[r.Mesh] }
	rest := *s
	rest.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p *manifest.Problem) bool {
		mesh, ok := p.Of.InMesh()
		return ok && !wanted[mesh]
	})
	if namespace := s.SystemNamespace(); namespace != "" {
		rest.systemNamespaces = []string{namespace} // also where only others tell
	}
	rest.others = slices.Clone(s.others)
	for _, r := range s.MeshTraces {
		if !of(r) && r.Format == Kubernetes {
			rest.others = append(rest.others, r.Name)
		}
	}
	rest.otherTraces = slices.Clone(s.otherTraces)
	for _, r := range s.TrafficTraces {
		if !of(r) {
			rest.otherTraces = append(rest.otherTraces, r.traceName())
		}
	}
	rest.Meshes = keep(s.Meshes, func(r *Resource) bool { return wanted[r.Name] })
	rest.TrafficTraces, rest.MeshTraces = keep(s.TrafficTraces, of), keep(s.MeshTraces, of)
	rest.Dataplanes = keep(s.Dataplanes, func(dp *Dataplane) bool { return wanted[dp.Mesh] })
	rest.MeshGateways = keep(s.MeshGateways, func(g *MeshGateway) bool { return wanted[g.Mesh] })
	rest.TrafficRoutes = make(map[string]bool)
	for mesh, routed := range s.TrafficRoutes {
		if wanted[mesh] {
			rest.TrafficRoutes[mesh] = routed
		}
	}
	return &rest, nil
}

// traceName is what the names of a TrafficTrace's policies depend on.
func (r *Resource) traceName() TraceName {
	var problems []*manifest.Problem // whoever converts its mesh is told of them
	var matches []map[string]string
	for _, v := range r.Spec.Into(&problems).Field("selectors").Items() {
		matches = append(matches, v.Field("match").Map())
	}
	return TraceName{Mesh: r.Mesh, Name: cmp.Or(r.Labels[DisplayNameLabel], r.Name), Several: SeveralPolicies(matches), Format: r.Format}
}

// OtherTrafficTraces are the TrafficTraces of meshes that were left out.
func (s *Snapshot) OtherTrafficTraces() []TraceName {
	if s.Origin == nil {
		return s.otherTraces
	}
	return slices.Concat(s.otherTraces, s.Origin.OtherTrafficTraces)
}

// OtherMeshTraces are names that MeshTraces of meshes which s has not have in the
// one namespace of Kubernetes.
func (s *Snapshot) OtherMeshTraces() []string {
	if s.Origin == nil {
		return s.others
	}
	return slices.Concat(s.others, s.Origin.OtherMeshTraces)
}

// Live reports whether s was read from a cluster, not from files.
func (s *Snapshot) Live() bool { return s.live }

// FromCluster reports whether s was read from a cluster, directly or by way of a
// snapshot.
func (s *Snapshot) FromCluster() bool { return s.live || len(s.originFiles) > 0 }

// Skippable reports whether a problem concerns a resource that was read from a
// cluster, directly or by way of a snapshot, and not a manifest at hand.
func (s *Snapshot) Skippable(p *manifest.Problem) bool {
	return s.live || s.originFiles[p.File] && p.Of != theOrigin
}

// Skipping is s without the resources that its own problems, or the given ones,
// say have an error. Those problems become Skipped.
func (s *Snapshot) Skipping(problems []*manifest.Problem) *Snapshot {
	type document struct {
		file   string
		number int
	}
	broken := make(map[document]bool)
	rest := *s
	rest.Problems = nil
	for i, p := range slices.Concat(s.Problems, problems) {
		switch {
		case p.Severity == manifest.Error:
			broken[document{p.File, p.Place.Document}] = true
			rest.Skipped = append(rest.Skipped, p)
		case i < len(s.Problems):
			rest.Problems = append(rest.Problems, p)
		}
	}
	stays := func(p manifest.Place) bool { return !broken[document{p.File, p.Document}] }
	rest.lost, rest.lostGateways = make(map[string]string), make(map[string]string)
	maps.Copy(rest.lost, s.lost)
	maps.Copy(rest.lostGateways, s.lostGateways)
	known := make(map[document]bool)
	for _, list := range [][]*Resource{s.Meshes, s.TrafficTraces, s.MeshTraces} {
		for _, r := range list {
			if !stays(r.Place) {
				known[document{r.File, r.Place.Document}] = true
				mesh := r.Mesh
				if r.kind == KindMesh {
					mesh = r.Name
				}
				lose(rest.lost, mesh, r.String())
			}
		}
	}
	for _, g := range s.MeshGateways {
		if !stays(g.Place) {
			known[document{g.File, g.Place.Document}] = true
			lose(rest.lostGateways, g.Mesh, g.String())
		}
	}
	for _, p := range rest.Skipped {
		switch {
		case known[document{p.File, p.Place.Document}], s.isOf(KindDataplane, p):
		case s.isOf(KindMeshGateway, p):
			lose(rest.lostGateways, "", cmp.Or(p.Resource(), p.File))
		default:
			mesh, _ := p.Of.InMesh() // none: any
			lose(rest.lost, mesh, cmp.Or(p.Resource(), "a document"))
		}
	}
	rest.Meshes = keep(s.Meshes, func(r *Resource) bool { return stays(r.Place) })
	rest.TrafficTraces = keep(s.TrafficTraces, func(r *Resource) bool { return stays(r.Place) })
	rest.MeshTraces = keep(s.MeshTraces, func(r *Resource) bool { return stays(r.Place) })
	rest.Dataplanes = keep(s.Dataplanes, func(dp *Dataplane) bool { return stays(dp.Place) })
	rest.MeshGateways = keep(s.MeshGateways, func(g *MeshGateway) bool { return stays(g.Place) })
	return &rest
}

// Decoded returns s without the text of what package legacy decodes, which can be
// released then.
func (s *Snapshot) Decoded() *Snapshot {
	decoded := *s
	decoded.Meshes, decoded.TrafficTraces = bare(s.Meshes), bare(s.TrafficTraces)
	return &decoded
}

func bare(resources []*Resource) []*Resource {
	var all []*Resource
	for _, r := range resources {
		all = append(all, r.Bare())
	}
	return all
}

func keep[T any](list []T, stays func(T) bool) []T {
	var kept []T
	for _, item := range list {
		if stays(item) {
			kept = append(kept, item)
		}
	}
	return kept
}
