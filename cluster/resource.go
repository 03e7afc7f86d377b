package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/xrash/smetrics"

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

// looksLike returns the kind that a misspelt kind or apiVersion is likely meant
// for, empty for the kinds of other vendors and for Kuma's other kinds.
func looksLike(api, kind string) string {
	if api != "" && api != apiVersion && !isLikeGroup(api) {
		return ""
	}
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, kind)
	if letters == "" || len(letters) > 30 {
		return ""
	}
	for _, known := range kinds {
		lower := strings.ToLower(known)
		switch {
		case letters == lower, letters == lower+"s", letters == lower+"es":
			return known
		case len(lower) > len("mesh") && smetrics.WagnerFischer(letters, lower, 1, 1, 1) <= 2:
			return known
		}
	}
	return ""
}

// isLikeGroup reports whether an apiVersion is Kuma's group with another version,
// or nearly so.
func isLikeGroup(api string) bool {
	name, _, _ := strings.Cut(strings.ToLower(api), "/")
	return name == "kuma" || name == "v1alpha1" || strings.HasPrefix(name, group) || len(name) > 4 && len(name) < 10 && smetrics.WagnerFischer(name, group, 1, 1, 1) <= 2
}

// notRead is the code of warnings of documents that look like ours and are not read.
const notRead = "not-read"

// unknownTime is the code of warnings of times that cannot be read.
const unknownTime = "unknown-time"

// warnNotRead records what is wrong with a document that is not read, if it looks
// like one that should be.
func warnNotRead(doc *manifest.Document, api, kind string, problems *[]*manifest.Problem) {
	name, mesh := textAt(doc.Root, "metadata", "name"), textAt(doc.Root, "mesh")
	if name == "" {
		name = textAt(doc.Root, "name")
	}
	root := doc.Value(manifest.Subject{Kind: fmt.Sprintf("%.80s", kind), Name: name, Mesh: mesh}, problems)
	known := looksLike(api, kind)
	switch {
	case known != "" && api != "" && api != apiVersion:
		root.WarnTo(fmt.Sprintf("if Kuma's %s is meant, write %s", known, apiVersion), notRead, "is not read, because its apiVersion is %.80q", api)
	case known != "":
		root.WarnTo(fmt.Sprintf("if %s is meant, write that", known), notRead, "is not read, because Kuma has no kind %.80q", kind)
	case isRead("", doc.ListKind):
		root.WarnTo("if it is one, correct its kind", notRead, "is not read, because it is of kind %.80q in a list of %s", kind, doc.ListKind)
	}
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

// decodeResource reads what all kinds have in common. It returns nil for a
// document of a kind that is not read here.
func decodeResource(doc *manifest.Document, words *words, problems *[]*manifest.Problem) *Resource {
	r := words.resource(doc.Place)
	if !r.decode(doc, words, problems) {
		words.spare = r
		return nil
	}
	return r
}

// decode reads what all kinds have in common, and reports whether the kind is read.
func (r *Resource) decode(doc *manifest.Document, words *words, problems *[]*manifest.Problem) bool {
	if doc.Root.Kind != manifest.Mapping {
		doc.Value(manifest.Subject{}, problems).Fail("the document is %s, not a resource", doc.Root.Kind)
		return false
	}
	text := func(keys ...string) string { return textAt(doc.Root, keys...) }
	r.Format, r.kind = formOf(doc)
	api := text("apiVersion")
	if r.kind == "" {
		kindMissing(doc, r.Format, api, problems)
		return false
	}
	if strings.Contains(r.kind, "{{") {
		doc.Value(manifest.Subject{}, problems).Field("kind").Str() // says what is wrong
	}
	if of, ok := strings.CutSuffix(r.kind, "List"); ok {
		switch {
		case doc.Root.Get("items") != nil:
			doc.Value(manifest.Subject{}, problems).Field("items").List() // a list's items are documents of their own
		case isRead(api, of):
			doc.Value(manifest.Subject{}, problems).Warn(notRead, "the %s is not read, because it has no items", r.kind)
		}
		return false
	}
	if !isRead(api, r.kind) {
		warnNotRead(doc, api, r.kind, problems)
		return false
	}
	if !slices.Contains(kinds, r.kind) {
		known := kinds[slices.IndexFunc(kinds, func(known string) bool { return strings.EqualFold(known, r.kind) })]
		doc.Value(manifest.Subject{}, problems).Fail("kind %s is spelt %s", r.kind, known)
		return false
	}
	r.Mesh = text("mesh")
	name, mesh := text("name"), r.Mesh
	if r.Format == Kubernetes {
		name = text("metadata", "name")
	}
	root := doc.Value(manifest.Subject{Kind: r.kind, Name: name, Mesh: mesh}, problems)
	meta := root
	if r.Format == Kubernetes {
		meta = root.Field("metadata")
		if slices.Contains(tracingKinds, r.kind) {
			root.Known("apiVersion", "kind", "mesh", "metadata", "spec", "status")
		}
	} else if r.kind == KindMeshTrace {
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
		if r.kind == KindTrafficTrace {
			r.Annotations = ownAnnotations(annotations)
		}
	}
	if r.kind == KindMesh {
		if r.Mesh = ""; r.Name != "" && !meshName.MatchString(r.Name) {
			meta.Field("name").Fail("cannot be the name of a mesh: lower-case letters, digits and -._, 63 at most")
		}
	} else if r.Mesh == "" {
		if r.Mesh = r.Labels[MeshLabel]; r.Mesh == "" {
			r.Mesh = "default"
		}
	}
	r.Spec = root
	if r.Format == Kubernetes || r.kind == KindMeshTrace {
		r.Spec = root.Field("spec")
	}
	return true
}

// fold takes in the labels that Kuma keeps as annotations on Kubernetes, where
// labels are short: kuma.io/display-name, and the workload and ServiceAccount of
// Dataplanes.
func (r *Resource) fold(annotations *manifest.Node, words *words) {
	for _, key := range labelAnnotations {
		value := textAt(annotations, key)
		if _, labelled := r.Labels[key]; labelled || value == "" {
			continue
		}
		labels := make(map[string]string, len(r.Labels)+1)
		maps.Copy(labels, r.Labels) // which others share
		labels[key] = words.keep(value)
		r.Labels = labels
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
func kindMissing(doc *manifest.Document, format Format, api string, problems *[]*manifest.Problem) {
	root := doc.Value(manifest.Subject{}, problems)
	field := "type"
	if format == Kubernetes {
		field = "kind"
	}
	switch {
	case root.Field(field).Present():
		root.Field(field).Str() // says what is wrong
	case isLikeGroup(api):
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
		v.WarnTo("taken as unknown", unknownTime, "is not a time in RFC 3339 form")
		return time.Time{}
	}
	return t
}
