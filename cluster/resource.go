package cluster

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tracemigrate/cluster/manifest"
)

// Format is the form of a resource.
type Format string

// Kubernetes objects have apiVersion and metadata; Universal resources have
// type and name at top level.
const (
	Kubernetes Format = "kubernetes"
	Universal  Format = "universal"
)

// Resource is what all kinds have in common, and the rest still to decode.
type Resource struct {
	manifest.Place
	kind      string
	Mesh      string // empty for a Mesh
	Name      string
	Namespace string // empty on Universal and for cluster-scoped kinds
	Labels    map[string]string
	// Annotations are a TrafficTrace's own on Kubernetes, see IsOwn.
	Annotations map[string]string
	Created     time.Time // zero when unknown
	Source      string    // of a MeshTrace that this tool made: what from, see SourceAnnotation
	Format      Format
	// Spec holds the kind's own fields: `spec`, or the top level of a
	// Universal resource of the older kinds.
	Spec manifest.Value
}

// Bare returns a copy of r without its own fields, so that their text can be released
// once they are decoded.
func (r *Resource) Bare() *Resource {
	bare := *r
	bare.Spec = r.Spec.WithoutNodes()
	return &bare
}

// The kinds that tracing depends on.
const (
	KindMesh         = "Mesh"
	KindTrafficTrace = "TrafficTrace"
	KindMeshTrace    = "MeshTrace"
	KindDataplane    = "Dataplane"
	KindMeshGateway  = "MeshGateway"
	KindTrafficRoute = "TrafficRoute"
)

// SourceAnnotation names on Kubernetes what this tool made a MeshTrace from.
const SourceAnnotation = "tracemigrate/source"

// SystemNamespaces are where the charts of Kuma and of Kong Mesh install the
// control plane by default.
var SystemNamespaces = []string{"kuma-system", "kong-mesh-system"}

// Labels of Kuma's resources, https://kuma.io/docs/2.14.x/introduction/architecture/
const (
	MeshLabel        = "kuma.io/mesh"
	OriginLabel      = "kuma.io/origin"
	EffectLabel      = "kuma.io/effect"
	RoleLabel        = "kuma.io/policy-role"
	DisplayNameLabel = "kuma.io/display-name"
	WorkloadLabel    = "kuma.io/workload"
	accountLabel     = "k8s.kuma.io/service-account"
	namespaceLabel   = "k8s.kuma.io/namespace"
	ZoneLabel        = "kuma.io/zone" // of a resource that a zone made; as a tag, of a proxy there
)

var kinds = []string{KindMesh, KindTrafficTrace, KindMeshTrace, KindDataplane, KindMeshGateway, KindTrafficRoute}

// tracingKinds are the kinds of which a field in the wrong place is said.
var tracingKinds = []string{KindMesh, KindTrafficTrace, KindMeshTrace}

// group is Kuma's API group; other meshes have a kind Mesh, too. All of Kuma's
// CustomResourceDefinitions have the one version of apiVersion.
const (
	group      = "kuma.io"
	apiVersion = group + "/v1alpha1"
)

// wanted reports whether a document can be of a kind that is read here, or looks
// like a misspelt one, so that it is parsed and said.
func wanted(api, kind string) bool {
	return isRead(api, kind) || isOrigin(api, kind) || looksLike(api, kind) != ""
}

func isOrigin(api, kind string) bool {
	return (kind == originKind || kind == endKind) && api == originAPIVersion
}

// isRead reports whether documents of a kind are read here, whatever its letters' case.
func isRead(api, kind string) bool {
	return (api == "" || api == apiVersion) && slices.ContainsFunc(kinds, func(known string) bool { return strings.EqualFold(known, kind) })
}

// Subject is the resource in a problem.
func (r *Resource) Subject() manifest.Subject {
	return manifest.Subject{Kind: r.kind, Name: r.Name, Mesh: r.Mesh}
}

// String names the resource in a message: `TrafficTrace "all" of mesh "default"`.
func (r *Resource) String() string { return r.Subject().String() }

// identity is what two resources must share to be the same one.
type identity struct{ kind, mesh, namespace, name string }

func (r *Resource) identity() identity { return identity{r.kind, r.Mesh, r.Namespace, r.Name} }

// IsOwn reports whether a label or annotation is its author's, and neither Kuma's,
// nor kubectl's copy of the object, nor this tool's.
func IsOwn(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain != "kuma.io" && !strings.HasSuffix(domain, ".kuma.io") && key != lastApplied && key != SourceAnnotation
}

// lastApplied is where kubectl keeps a copy of the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// labelAnnotations are the annotations that count as labels.
var labelAnnotations = []string{DisplayNameLabel, WorkloadLabel, accountLabel}

// Namespaced reports whether a kind has a namespace on Kubernetes.
func Namespaced(kind string) bool { return kind == KindDataplane || kind == KindMeshTrace }

// LabelsOnKubernetes are the labels that an object has to the control plane, as
// its API shows them: the object's own, those that Kuma keeps as annotations, and
// its name and namespace where they do not say otherwise (KubernetesMetaAdapter
// in pkg/plugins/resources/k8s/store.go of Kuma's tags 2.7 to 2.14). The mesh of
// a MeshTrace is a label, too, which may be left out for the mesh default.
func LabelsOnKubernetes(kind, name, namespace, mesh string, labels, annotations map[string]string) map[string]string {
	all := make(map[string]string, len(labels)+len(labelAnnotations)+2)
	maps.Copy(all, labels)
	for _, key := range labelAnnotations {
		if value, ok := annotations[key]; ok {
			all[key] = value
		}
	}
	if all[DisplayNameLabel] == "" {
		all[DisplayNameLabel] = name
	}
	if namespace != "" && all[namespaceLabel] == "" {
		all[namespaceLabel] = namespace
	}
	if kind == KindMeshTrace && mesh != "" {
		all[MeshLabel] = mesh
	}
	return all
}

// ReadsAnnotation reports whether an annotation of a kind is read, but for those
// that count as labels.
func ReadsAnnotation(kind, key string) bool {
	return key == SourceAnnotation || kind == KindTrafficTrace && IsOwn(key)
}
