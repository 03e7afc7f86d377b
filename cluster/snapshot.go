package cluster

import (
	"cmp"
	"fmt"
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
	// Problems of the texts and of the kinds decoded here.
	Problems []*manifest.Problem
}

// Empty says whether the source held nothing that is read here.
func (s *Snapshot) Empty() bool {
	return len(s.Meshes)+len(s.TrafficTraces)+len(s.MeshTraces)+len(s.Dataplanes)+len(s.MeshGateways)+len(s.TrafficRoutes) == 0
}

// entry is one decoded document on its way into the snapshot.
type entry struct {
	*Resource
	dataplane *Dataplane
	gateway   *MeshGateway
	problems  []*manifest.Problem
}

// dataplaneResource stands for the resources of Dataplanes, which are not kept.
var dataplaneResource = &Resource{Kind: KindDataplane}

// unread stands for documents that are no resources.
var unread = &Resource{}

// Read takes a snapshot of manifests.
func Read(inputs []manifest.Input) *Snapshot {
	// A set of words a worker: sharing one would make the workers wait for it.
	pool := sync.Pool{New: func() any { return &words{} }}
	entries, problems := manifest.Read(inputs, wanted, func(doc *manifest.Document) []entry {
		var e entry
		words := pool.Get().(*words)
		defer pool.Put(words)
		if e.Resource = decodeResource(doc, words, &e.problems); e.Resource == nil {
			if len(e.problems) > 0 {
				return []entry{{Resource: unread, problems: e.problems}}
			}
			return nil
		}
		switch e.Kind {
		case KindDataplane:
			e.dataplane = decodeDataplane(e.Resource, words)
			e.Resource = dataplaneResource
		case KindMeshGateway:
			e.gateway = decodeMeshGateway(e.Resource)
		}
		return []entry{e}
	})
	s := &Snapshot{TrafficRoutes: make(map[string]bool), Problems: problems}
	seen := make(map[identity]entry, len(entries))
	for _, e := range entries {
		s.Problems = append(s.Problems, e.problems...)
		id := e.identity()
		if dp := e.dataplane; dp != nil {
			id = identity{KindDataplane, dp.Mesh, dp.Namespace, dp.Name}
		}
		if id.name == "" {
			continue // a problem says so
		}
		if first, ok := seen[id]; ok {
			s.Problems = append(s.Problems, repeated(first, e))
			continue
		}
		seen[id] = e
		switch e.Kind {
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
	return s
}

// ReadOnce is the code of what stands in the input twice, with equal content.
const ReadOnce = "read-once"

// repeated is what to say of a resource that was there before.
func repeated(first, again entry) *manifest.Problem {
	place, firstPlace, name := again.Place, first.Place, again.String()
	var same bool
	if again.dataplane != nil {
		place, firstPlace = again.dataplane.Place, first.dataplane.Place
		name = resourceName(KindDataplane, again.dataplane.Name, again.dataplane.Mesh)
		same = again.dataplane.equal(first.dataplane)
	} else {
		same = sameSpec(again.Resource, first.Resource)
	}
	if same {
		return &manifest.Problem{
			Place: place, Severity: manifest.Info, Code: ReadOnce, Resource: name,
			Message: fmt.Sprintf("stands at %s already, with the same content; read once", firstPlace),
		}
	}
	return &manifest.Problem{
		Place: place, Severity: manifest.Error, Resource: name,
		Message: fmt.Sprintf("stands at %s already, with other content; keep the one that the control plane has", firstPlace),
	}
}

// sameSpec compares what policies read; the rest is bookkeeping of the API server.
func sameSpec(a, b *Resource) bool {
	if a.Format != b.Format || a.Kind == KindMeshTrace || a.Format == Kubernetes {
		return a.Format == b.Format && a.Spec.Node().Equal(b.Spec.Node()) && a.Created.Equal(b.Created)
	}
	for _, field := range []string{"selectors", "conf", "tracing", "tags"} {
		if !a.Spec.Node().Get(field).Equal(b.Spec.Node().Get(field)) {
			return false
		}
	}
	return a.Created.Equal(b.Created)
}

// words keeps one copy of every word.
type words struct{ all map[string]string }

func (w *words) keep(word string) string {
	if word == "" {
		return ""
	}
	if kept, ok := w.all[word]; ok {
		return kept
	}
	if w.all == nil {
		w.all = make(map[string]string)
	}
	word = strings.Clone(word)
	w.all[word] = word
	return word
}

func (w *words) tags(v manifest.Value) map[string]string {
	var tags map[string]string
	for key, value := range v.Strings() {
		if tags == nil {
			tags = make(map[string]string, v.Len())
		}
		tags[w.keep(key)] = w.keep(value)
	}
	return tags
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
