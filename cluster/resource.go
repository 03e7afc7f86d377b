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

// Resource has the fields that all kinds share, and the rest for the kind's own decoder.
type Resource struct {
	manifest.Place
	kind      string
	Mesh      string // empty for a Mesh
	Name      string
	Namespace string // empty on Universal and for cluster-scoped kinds
	Labels    Tags
	// Annotations are a TrafficTrace's own on Kubernetes, see IsOwn.
	Annotations map[string]string
	Created     time.Time // zero when unknown
	Source      string    // of a MeshTrace that this tool made: what from, see SourceAnnotation
	Format      Format
	// Spec has the kind's own fields: `spec`, or the top level of a
	// Universal resource of the older kinds.
	Spec manifest.Value
}

// WithoutSpec returns a copy of r without its own fields, so that their text can be
// released once they are decoded.
func (r *Resource) WithoutSpec() *Resource {
	copied := *r
	copied.Spec = r.Spec.WithoutNodes()
	return &copied
}

// The kinds that tracing depends on.
const (
	KindMesh         = "Mesh"
	KindTrafficTrace = "TrafficTrace"
	KindMeshTrace    = "MeshTrace"
	KindDataplane    = "Dataplane"
	KindMeshGateway  = "MeshGateway"
	KindTrafficRoute = "TrafficRoute"
	// KindMeshService decides on the protocol and the name of outbounds with a
	// backendRef; KindOTelBackend has the address of an OpenTelemetry collector.
	KindMeshService = "MeshService"
	// KindService is Kubernetes' own, whose selector has the labels behind a value of
	// kuma.io/service.
	KindService     = "Service"
	KindOTelBackend = "MeshOpenTelemetryBackend"
	// KindExternalService has the protocol of outbounds to outside the mesh;
	// KindMeshHTTPRoute takes outbounds over from the TrafficRoutes; KindMeshTCPRoute
	// makes an outbound for HTTP one for TCP.
	KindExternalService = "ExternalService"
	KindMeshHTTPRoute   = "MeshHTTPRoute"
	KindMeshTCPRoute    = "MeshTCPRoute"
	// KindMeshProxyPatch and KindProxyTemplate change what the control plane has written for
	// Envoy, the collector's cluster among it.
	KindMeshProxyPatch = "MeshProxyPatch"
	KindProxyTemplate  = "ProxyTemplate"
)

// SourceAnnotation is the annotation, on Kubernetes, that names what this tool made a
// MeshTrace from.
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
	NamespaceLabel   = "k8s.kuma.io/namespace"
	ZoneLabel        = "kuma.io/zone" // of a resource that a zone made; as a tag, of a proxy there
)

var kinds = []string{
	KindMesh, KindTrafficTrace, KindMeshTrace, KindDataplane, KindMeshGateway, KindTrafficRoute, KindMeshService, KindOTelBackend,
	KindExternalService, KindMeshHTTPRoute, KindMeshTCPRoute, KindMeshProxyPatch, KindProxyTemplate,
}

// tracingKinds are the kinds whose unknown fields are reported.
var tracingKinds = []string{KindMesh, KindTrafficTrace, KindMeshTrace}

// group is Kuma's API group; other products have a kind Mesh too. All of Kuma's
// CustomResourceDefinitions have the one version of apiVersion.
const (
	group      = "kuma.io"
	apiVersion = group + "/v1alpha1"
)

// wanted reports whether a document must be parsed: it may be of a kind that is read
// here, or looks like a misspelt one.
func wanted(api, kind string) bool {
	return isRead(api, kind) || isOrigin(api, kind) || isService(api, kind) || guessKind(api, kind) != ""
}

func isOrigin(api, kind string) bool {
	return (kind == originKind || kind == endKind) && api == originAPIVersion
}

// isService reports whether documents of a kind are Kubernetes' Services. They are read if
// they can be, and never reported.
func isService(api, kind string) bool { return api == "v1" && kind == KindService }

// isRead reports whether documents of a kind are read here, in upper or lower case.
func isRead(api, kind string) bool {
	return kind != "" && (api == "" || api == apiVersion) && slices.ContainsFunc(kinds, func(known string) bool { return strings.EqualFold(known, kind) })
}

// IsHTTPRoute reports whether a route is a MeshHTTPRoute, and not a MeshTCPRoute.
func (r *Resource) IsHTTPRoute() bool { return r.kind == KindMeshHTTPRoute }

// IsProxyTemplate reports whether one of ProxyPatches is a ProxyTemplate, and not a
// MeshProxyPatch.
func (r *Resource) IsProxyTemplate() bool { return r.kind == KindProxyTemplate }

// Subject returns r as the subject of a problem.
func (r *Resource) Subject() manifest.Subject {
	return manifest.Subject{Kind: r.kind, Name: r.Name, Mesh: r.Mesh}
}

// String names the resource in a message: `TrafficTrace "all" of mesh "default"`.
func (r *Resource) String() string { return r.Subject().String() }

// identity is what two inputs have in common if they are the same resource.
type identity struct{ kind, mesh, namespace, name string }

func (r *Resource) identity() identity { return identity{r.kind, r.Mesh, r.Namespace, r.Name} }

// IsOwn reports whether a label or annotation belongs to the author, and not to Kuma,
// kubectl or this tool.
func IsOwn(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain != "kuma.io" && !strings.HasSuffix(domain, ".kuma.io") && key != lastApplied && key != SourceAnnotation
}

// lastApplied is the annotation in which kubectl keeps a copy of the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// labelAnnotations are the annotations that count as labels.
var labelAnnotations = []string{DisplayNameLabel, WorkloadLabel, accountLabel}

// Namespaced reports whether a kind has a namespace on Kubernetes.
func Namespaced(kind string) bool {
	return kind == KindDataplane || HasSpec(kind)
}

// HasSpec reports whether a kind has its fields in spec on Universal as well.
func HasSpec(kind string) bool {
	switch kind {
	case KindMeshTrace, KindMeshService, KindOTelBackend, KindMeshHTTPRoute, KindMeshTCPRoute, KindMeshProxyPatch:
		return true
	}
	return false
}

// LabelsOnKubernetes returns the labels that an object has for the control plane, as its
// API shows them: the object's own, those that Kuma keeps as annotations, and by default
// its name and namespace (KubernetesMetaAdapter in pkg/plugins/resources/k8s/store.go of
// Kuma's tags 2.7 to 2.14). The mesh of a MeshTrace is a label too, which may be missing
// for the mesh default.
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
	if namespace != "" && all[NamespaceLabel] == "" {
		all[NamespaceLabel] = namespace
	}
	if HasSpec(kind) && mesh != "" {
		all[MeshLabel] = mesh
	}
	return all
}

// ReadsAnnotation reports whether an annotation of a kind is read, besides those that
// count as labels.
func ReadsAnnotation(kind, key string) bool {
	return key == SourceAnnotation || kind == KindTrafficTrace && IsOwn(key)
}
