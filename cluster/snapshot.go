package cluster

import (
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"reflect"
	"slices"
	"sync"

	"tracemigrate/cluster/manifest"
)

// Snapshot is the content of a source. Every list has the order of the source, without
// repetitions.
type Snapshot struct {
	Meshes        []*Resource
	TrafficTraces []*Resource
	MeshTraces    []*Resource
	Dataplanes    []*Dataplane
	MeshGateways  []*MeshGateway
	MeshServices  []*MeshService
	OTelBackends  []*Resource
	// ExternalServices and Routes, which are MeshHTTPRoutes and MeshTCPRoutes, change the
	// listeners of outbounds.
	ExternalServices, Routes []*Resource
	ProxyPatches             []*Resource // MeshProxyPatches and ProxyTemplates
	Services                 []Service   // of Kubernetes
	// TrafficRoutes has the meshes with at least one TrafficRoute.
	TrafficRoutes map[string]bool
	rerouted      map[string]bool        // meshes with one that sends to services by name
	serviceModes  map[string]serviceMode // of meshes
	zoned         map[string]zoneUse     // by mesh
	// Origin is what is known of the control plane; nil for files that do not name it.
	Origin                         *Origin
	live                           bool            // read from a cluster
	originFiles                    map[string]bool // files that contain an origin
	unreadable, unreadableGateways unreadable
	leaving, leavingGateways       unreadable              // what is being deleted
	tiedGateways                   func(*Dataplane) string // why it is not known which MeshGateway configures a gateway; may be nil
	systemNamespaces               []string                // of control planes whose Deployments are in the texts
	namespaced                     bool                    // systemNamespaces has the control plane's, see InNamespace
	others                         []string                // names of MeshTraces that [Snapshot.Only] left out, on Kubernetes
	zones                          map[string]*Snapshot    // of zones' own control planes, by name; see AddZone
	otherTraces                    []TraceName             // of TrafficTraces that it left out
	// Recorded is set if a file is a snapshot, whose resources do not have all their fields.
	Recorded bool
	// Problems of the texts and of the kinds decoded here.
	Problems []*manifest.Problem
	// Skipped are the errors of resources that were left out, see Skipping.
	Skipped []*manifest.Problem
}

// Empty reports whether the source has nothing that is read here.
func (s *Snapshot) Empty() bool {
	return len(s.Meshes)+len(s.TrafficTraces)+len(s.MeshTraces)+len(s.Dataplanes)+len(s.MeshGateways)+len(s.TrafficRoutes)+
		len(s.MeshServices)+len(s.OTelBackends)+len(s.ExternalServices)+len(s.Routes)+len(s.ProxyPatches) == 0
}

// entry is one decoded document on its way into the snapshot.
type entry struct {
	*Resource
	dataplane *Dataplane
	gateway   *MeshGateway
	service   *MeshService
	core      *Service
	origin    *Origin
	problems  []*manifest.Problem
}

// identity returns the identity of the entry for the control plane.
func (e *entry) identity() identity {
	if dp := e.dataplane; dp != nil {
		return dp.identity()
	}
	return e.Resource.identity()
}

// register finds entries by identity. It keeps hashes, because the identities of a large
// mesh take more memory than its entries.
type register struct {
	seed   maphash.Seed
	byHash map[uint64]int32 // position of the first entry
	others map[identity]int // those that share their hash with another identity
}

func newRegister(n int) *register {
	return &register{seed: maphash.MakeSeed(), byHash: make(map[uint64]int32, n), others: make(map[identity]int)}
}

// enter returns the position of the first entry with an identity, and true. If there is
// none, it records position as the first.
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

// unread is the resource of entries that are not resources.
var unread = &Resource{}

// Read takes a snapshot of manifests.
func Read(inputs []manifest.Input) *Snapshot { return read(slices.Values(inputs)) }

func read(inputs iter.Seq[manifest.Input]) *Snapshot {
	// Each worker has its own words: with shared ones the workers would wait for each
	// other.
	shared := &sets{seed: maphash.MakeSeed()}
	pool := sync.Pool{New: func() any { return &words{all: make(map[string]word), sets: shared} }}
	var exports []export
	var namespaces []string
	inputs = noteExports(inputs, &exports, &namespaces)
	entries, problems := manifest.Read(inputs, wanted, func(doc *manifest.Document, entries []entry) []entry {
		words := pool.Get().(*words)
		defer pool.Put(words)
		if e := decodeEntry(doc, words); e.Resource != nil {
			entries = append(entries, e)
		}
		return entries
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

// decodeEntry decodes a document. The entry has no resource if nothing is read of it.
func decodeEntry(doc *manifest.Document, words *words) entry {
	var problems []*manifest.Problem
	switch textAt(doc.Root, "kind") {
	case originKind:
		origin := decodeOrigin(doc, &problems)
		return entry{Resource: &Resource{Place: doc.Place}, origin: origin, problems: problems}
	case endKind:
		return entry{Resource: &Resource{Place: doc.Place, kind: endKind}}
	}
	if isService(textAt(doc.Root, "apiVersion"), textAt(doc.Root, "kind")) {
		return entry{Resource: &Resource{Place: doc.Place, kind: KindService}, core: decodeService(doc)}
	}
	if _, kind := formOf(doc); kind != KindDataplane && isRead("", kind) {
		doc.Keep()
	}
	e := entry{Resource: decodeResource(doc, words, &problems)}
	if e.Resource == nil {
		if len(problems) > 0 {
			e.Resource = unread
		}
		e.problems = problems
		return e
	}
	switch e.kind {
	case KindDataplane:
		e.dataplane = decodeDataplane(e.Resource, words)
		e.Resource, words.spare = dataplaneResource, e.Resource
	case KindMeshGateway:
		e.gateway = decodeMeshGateway(e.Resource)
	case KindMeshService:
		e.service = decodeMeshService(e.Resource)
	}
	e.problems = problems
	return e
}

// place returns the place of e.
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
	s := &Snapshot{
		TrafficRoutes: make(map[string]bool), rerouted: make(map[string]bool),
		serviceModes: make(map[string]serviceMode), zoned: make(map[string]zoneUse),
	}
	seen := newRegister(len(entries))
	ended := make(map[string]bool) // files with a complete snapshot
	for i, e := range entries {
		s.Problems = append(s.Problems, e.problems...)
		if e.origin != nil {
			s.addOrigin(e.origin, e.Place)
		}
		switch e.kind {
		case endKind:
			ended[e.Place.File], s.Recorded = true, true
			continue
		case KindService: // overlays may have one several times
			s.Services = append(s.Services, *e.core)
			continue
		}
		id := e.identity()
		if id.name == "" {
			continue // a problem is recorded
		}
		if first, ok := seen.enter(id, i, func(i int) identity { return entries[i].identity() }); ok {
			s.Problems = append(s.Problems, repeated(entries[first], e))
			continue
		}
		s.add(&entries[i])
	}
	for _, file := range slices.Sorted(maps.Keys(s.originFiles)) {
		if ended[file] {
			continue
		}
		s.Problems = append(s.Problems, &manifest.Problem{
			Place: manifest.Place{File: file}, Severity: manifest.Error, Of: theOrigin,
			Fault: "the snapshot is cut off: its last document, of kind " + endKind + ", is missing", Remedy: "save it again",
		})
	}
	s.separateTags()
	return s
}

// add stores a resource by its kind.
func (s *Snapshot) add(e *entry) {
	switch e.kind {
	case KindMesh:
		s.Meshes = append(s.Meshes, e.Resource)
		s.serviceModes[e.Name] = serviceModeOf(e.Spec.Node())
	case KindTrafficTrace:
		s.TrafficTraces = append(s.TrafficTraces, e.Resource)
		s.zoned[e.Mesh] = s.zoned[e.Mesh].add(e.Resource)
	case KindMeshTrace:
		s.MeshTraces = append(s.MeshTraces, e.Resource)
		s.zoned[e.Mesh] = s.zoned[e.Mesh].add(e.Resource)
	case KindDataplane:
		s.Dataplanes = append(s.Dataplanes, e.dataplane)
	case KindMeshGateway:
		s.MeshGateways = append(s.MeshGateways, e.gateway)
	case KindTrafficRoute:
		s.TrafficRoutes[e.Mesh] = true
		s.rerouted[e.Mesh] = s.rerouted[e.Mesh] || reroutes(e.Spec.Node().Get("conf"))
	case KindMeshService:
		s.MeshServices = append(s.MeshServices, e.service)
	case KindOTelBackend:
		s.OTelBackends = append(s.OTelBackends, e.Resource)
	case KindExternalService:
		s.ExternalServices = append(s.ExternalServices, e.Resource)
	case KindMeshHTTPRoute, KindMeshTCPRoute:
		s.Routes = append(s.Routes, e.Resource)
	case KindMeshProxyPatch, KindProxyTemplate:
		s.ProxyPatches = append(s.ProxyPatches, e.Resource)
	}
}

// addOrigin records the origin of a snapshot that is read from a file.
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
			Fault:  fmt.Sprintf("is a snapshot of %s, and another input is a snapshot of %s", origin, s.Origin),
			Remedy: "pass one at a time, because they may disagree on version and zones",
		})
	}
}

// ReadOnce is the code of problems about resources that the input contains twice with
// equal content.
const ReadOnce = "read-once"

// repeated returns the problem of a resource that the input contains twice.
func repeated(first, again entry) *manifest.Problem {
	subject := again.Subject()
	var same bool
	if dp := again.dataplane; dp != nil {
		subject = manifest.Subject{Kind: KindDataplane, Name: dp.Name, Mesh: dp.Mesh}
		same = dp.equal(first.dataplane)
	} else {
		same = sameSpec(again.Resource, first.Resource)
	}
	if same {
		return &manifest.Problem{
			Place: again.place(), Severity: manifest.Info, Code: ReadOnce, Of: subject,
			Fault: fmt.Sprintf("is already defined at %s, with the same content", first.place()), Remedy: "read once",
		}
	}
	return &manifest.Problem{
		Place: again.place(), Severity: manifest.Error, Of: subject,
		Fault: fmt.Sprintf("is already defined at %s, with other content", first.place()), Remedy: "keep the one that the control plane has",
	}
}

// sameSpec reports whether two resources have the same fields that policies read. Other
// fields are managed by the API server.
func sameSpec(a, b *Resource) bool {
	switch {
	case a.Format != b.Format || !a.Created.Equal(b.Created):
		return false
	case a.Format == Kubernetes || HasSpec(a.kind):
		return a.Spec.Node().Equal(b.Spec.Node())
	}
	return sameFields(a, b, "selectors", "conf", "tracing", "tags")
}

func sameFields(a, b *Resource, fields ...string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool {
		return !a.Spec.Node().Get(field).Equal(b.Spec.Node().Get(field))
	})
}

// fingerprint returns a text that is equal for Dataplanes that are the same for tracing.
func (dp *Dataplane) fingerprint() string {
	return fmt.Sprintf("%q %+v %+v %v %+v %q %v", dp.Labels.AppendContent(nil), dp.Inbounds, dp.Outbounds, dp.Transparent, dp.Gateway,
		dp.ZoneEgresses, dp.zoneProxy)
}
