package cluster

import (
	"fmt"
	"regexp"
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
	Kind      string
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

// The kinds that tracing depends on.
const (
	KindMesh         = "Mesh"
	KindTrafficTrace = "TrafficTrace"
	KindMeshTrace    = "MeshTrace"
	KindDataplane    = "Dataplane"
	KindMeshGateway  = "MeshGateway"
	KindTrafficRoute = "TrafficRoute"
)

// SourceAnnotation tells on Kubernetes what this tool made a MeshTrace from.
const SourceAnnotation = "tracemigrate/source"

// SystemNamespaces are where the charts of Kuma and of Kong Mesh install the
// control plane unless told otherwise.
var SystemNamespaces = []string{"kuma-system", "kong-mesh-system"}

// Labels of Kuma's resources, https://kuma.io/docs/2.14.x/introduction/architecture/
const (
	MeshLabel        = "kuma.io/mesh"
	OriginLabel      = "kuma.io/origin"
	EffectLabel      = "kuma.io/effect"
	RoleLabel        = "kuma.io/policy-role"
	DisplayNameLabel = "kuma.io/display-name"
	WorkloadLabel    = "kuma.io/workload"
	ZoneLabel        = "kuma.io/zone" // of a resource that a zone made; as a tag, of a proxy there
)

var kinds = []string{KindMesh, KindTrafficTrace, KindMeshTrace, KindDataplane, KindMeshGateway, KindTrafficRoute}

// tracingKinds are the kinds of which a field in the wrong place is said.
var tracingKinds = []string{KindMesh, KindTrafficTrace, KindMeshTrace}

// group is Kuma's API group; other meshes have a kind Mesh, too.
const group = "kuma.io/"

// wanted says whether a document can be of a kind that is read here, or a
// misspelt one.
func wanted(apiVersion, kind string) bool {
	if kind == originKind || kind == endKind {
		return apiVersion == originAPIVersion
	}
	if apiVersion != "" && !strings.HasPrefix(apiVersion, group) {
		return false
	}
	return slices.ContainsFunc(kinds, func(known string) bool { return strings.EqualFold(known, kind) })
}

// String names the resource in a message: `TrafficTrace "all" of mesh "default"`.
func (r *Resource) String() string { return resourceName(r.Kind, r.Name, r.Mesh) }

func resourceName(kind, name, mesh string) string {
	if kind == KindMesh || mesh == "" || mesh == "default" {
		return fmt.Sprintf("%s %.253q", kind, name)
	}
	return fmt.Sprintf("%s %.253q of mesh %.253q", kind, name, mesh)
}

// identity is what two resources must share to be the same one.
type identity struct{ kind, mesh, namespace, name string }

func (r *Resource) identity() identity { return identity{r.Kind, r.Mesh, r.Namespace, r.Name} }

// decodeResource reads what all kinds have in common. It returns nil for a
// document of a kind that is not read here.
func decodeResource(doc *manifest.Document, words *words, problems *[]*manifest.Problem) *Resource {
	if doc.Root.Kind != manifest.Mapping {
		doc.Value("", problems).Fail("the document is %s, not a resource", doc.Root.Kind)
		return nil
	}
	text := func(keys ...string) string { return textAt(doc.Root, keys...) }
	r := &Resource{Place: doc.Place}
	r.Format, r.Kind = formOf(doc)
	apiVersion := text("apiVersion")
	if r.Kind == "" {
		kindMissing(doc, r.Format, apiVersion, problems)
		return nil
	}
	if strings.Contains(r.Kind, "{{") {
		doc.Value("", problems).Field("kind").Str() // says what is wrong
	}
	if strings.HasSuffix(r.Kind, "List") && doc.Root.Get("items") != nil {
		doc.Value("", problems).Field("items").List() // a list's items are documents of their own
		return nil
	}
	if !wanted(apiVersion, r.Kind) {
		return nil
	}
	if !slices.Contains(kinds, r.Kind) {
		known := kinds[slices.IndexFunc(kinds, func(known string) bool { return strings.EqualFold(known, r.Kind) })]
		doc.Value("", problems).Fail("kind %s is spelt %s", r.Kind, known)
		return nil
	}
	r.Mesh = text("mesh")
	name, mesh := text("name"), r.Mesh
	if r.Format == Kubernetes {
		name = text("metadata", "name")
	}
	root := doc.Value(resourceName(r.Kind, name, mesh), problems)
	meta := root
	if r.Format == Kubernetes {
		meta = root.Field("metadata")
		if slices.Contains(tracingKinds, r.Kind) {
			root.Known("apiVersion", "kind", "mesh", "metadata", "spec", "status")
		}
	} else if r.Kind == KindMeshTrace {
		root.Known("type", "mesh", "name", "labels", "creationTime", "modificationTime", "kri", "spec", "status")
	}
	if field := meta.Need("name"); field.Present() {
		if r.Name = field.Str(); r.Name == "" && field.Node().Kind == manifest.String && field.Node().Text == "" {
			field.Fail("is empty")
		}
	}
	root.Field("mesh").Str()
	r.Labels = words.tags(meta.Field("labels"))
	created := "creationTime"
	if r.Format == Kubernetes {
		r.Namespace = meta.Field("namespace").Str()
		created = "creationTimestamp"
	}
	r.Created = timestamp(meta.Field(created))
	if r.Format == Kubernetes {
		annotations := meta.Field("annotations").Node()
		r.Source = strings.Clone(textAt(annotations, SourceAnnotation))
		r.fold(annotations, words)
		if r.Kind == KindTrafficTrace {
			r.Annotations = ownAnnotations(annotations)
		}
	}
	if r.Kind == KindMesh {
		if r.Mesh = ""; r.Name != "" && !meshName.MatchString(r.Name) {
			meta.Field("name").Fail("cannot be the name of a mesh: lower-case letters, digits and -._, 63 at most")
		}
	} else if r.Mesh == "" {
		if r.Mesh = r.Labels[MeshLabel]; r.Mesh == "" {
			r.Mesh = "default"
		}
	}
	r.Spec = root
	if r.Format == Kubernetes || r.Kind == KindMeshTrace {
		r.Spec = root.Field("spec")
	}
	return r
}

// fold takes in the labels that Kuma keeps as annotations on Kubernetes, where
// labels are short: kuma.io/display-name, and kuma.io/workload of Dataplanes.
func (r *Resource) fold(annotations *manifest.Node, words *words) {
	for _, key := range labelAnnotations {
		value := textAt(annotations, key)
		if _, labelled := r.Labels[key]; labelled || value == "" {
			continue
		}
		if r.Labels == nil {
			r.Labels = make(map[string]string)
		}
		r.Labels[key] = words.keep(value)
	}
}

// IsOwn reports whether a label or annotation is its author's, and neither Kuma's,
// nor kubectl's copy of the object, nor this tool's.
func IsOwn(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return domain != "kuma.io" && !strings.HasSuffix(domain, ".kuma.io") && key != lastApplied && key != SourceAnnotation
}

// lastApplied is where kubectl keeps a copy of the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func ownAnnotations(annotations *manifest.Node) map[string]string {
	var own map[string]string
	if annotations == nil || annotations.Kind != manifest.Mapping {
		return nil
	}
	for key, value := range annotations.Pairs() {
		if value.Kind != manifest.String || !IsOwn(key.Text) {
			continue
		}
		if own == nil {
			own = make(map[string]string)
		}
		own[strings.Clone(key.Text)] = strings.Clone(value.Text)
	}
	return own
}

// labelAnnotations are the annotations that count as labels.
var labelAnnotations = []string{DisplayNameLabel, WorkloadLabel}

// ReadsAnnotation reports whether an annotation of a kind is read.
func ReadsAnnotation(kind, key string) bool {
	return key == SourceAnnotation || slices.Contains(labelAnnotations, key) || kind == KindTrafficTrace && IsOwn(key)
}

// textAt is the string at a path, empty when there is none.
func textAt(n *manifest.Node, keys ...string) string {
	for _, key := range keys {
		n = n.Get(key)
	}
	if n == nil || n.Kind != manifest.String {
		return ""
	}
	return n.Text
}

// formOf is the form of a document and its kind, empty when it does not tell.
func formOf(doc *manifest.Document) (format Format, kind string) {
	format, kind = Universal, textAt(doc.Root, "type")
	if doc.Root.Get("kind") != nil || textAt(doc.Root, "apiVersion") != "" || kind == "" && doc.Root.Get("metadata") != nil {
		format, kind = Kubernetes, textAt(doc.Root, "kind")
	}
	if kind == "" {
		kind = doc.ListKind
	}
	return format, kind
}

// meshName is what every mesh's name matches, since it is the value of a label.
var meshName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9._]{0,61}[a-z0-9])?$`)

// kindMissing records that a document that seems to be Kuma's has no kind.
// Others, such as a chart's values, are nobody's concern.
func kindMissing(doc *manifest.Document, format Format, apiVersion string, problems *[]*manifest.Problem) {
	root := doc.Value("", problems)
	field := "type"
	if format == Kubernetes {
		field = "kind"
	}
	switch {
	case root.Field(field).Present():
		root.Field(field).Str() // says what is wrong
	case strings.HasPrefix(apiVersion, group):
		root.Need(field)
	}
}

// timestamp reads RFC 3339, the form of metadata.creationTimestamp and creationTime.
func timestamp(v manifest.Value) time.Time {
	text := v.Str()
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		v.Warn("unknown-time", "is not a time in RFC 3339 form; taken as unknown")
		return time.Time{}
	}
	return t
}
