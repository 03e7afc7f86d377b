package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"tracemigrate/cluster/manifest"
)

// guessKind returns the kind that a misspelt kind or apiVersion probably means. It is
// empty for the kinds of other vendors and for Kuma's other kinds.
func guessKind(api, kind string) string {
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
	for _, known := range kinds { // MeshTCPRoute is not a misspelt MeshHTTPRoute
		if lower := strings.ToLower(known); letters == lower || letters == lower+"s" || letters == lower+"es" {
			return known
		}
	}
	return manifest.Closest(letters, kinds[1:]) // Mesh is too short
}

// isLikeGroup reports whether an apiVersion has Kuma's group, or a similar one, in any
// version.
func isLikeGroup(api string) bool {
	name, _, _ := strings.Cut(strings.ToLower(api), "/")
	return name == "kuma" || name == "v1alpha1" || strings.HasPrefix(name, group) || manifest.Closest(name, []string{group}) != ""
}

// unknownTime is the code of warnings about times that cannot be read.
const unknownTime = "unknown-time"

// warnUnread records a warning for a document that is not read, if it looks like one
// that should be.
func warnUnread(doc *manifest.Document, api, kind string, problems *[]*manifest.Problem) {
	name := cmp.Or(textAt(doc.Root, "metadata", "name"), textAt(doc.Root, "name"))
	mesh := cmp.Or(textAt(doc.Root, "mesh"), textAt(doc.Root, "metadata", "labels", MeshLabel))
	root := doc.Value(manifest.Subject{Kind: fmt.Sprintf("%.80s", kind), Name: name, Mesh: mesh}, problems)
	known := guessKind(api, kind)
	switch {
	case known != "" && api != "" && api != apiVersion:
		root.WarnTo(fmt.Sprintf("if Kuma's %s is meant, write %s", known, apiVersion),
			NotRead, "is not read, because its apiVersion is %.80q", api)
	case known != "":
		root.WarnTo(fmt.Sprintf("if %s is meant, write that", known), NotRead, "is not read, because Kuma has no kind %.80q", kind)
	case isRead("", doc.ListKind):
		root.WarnTo("if it is one, correct its kind",
			NotRead, "is not read, because it is of kind %.80q in a list of %s", kind, doc.ListKind)
	}
}

// decodeResource reads what all kinds have in common. It returns nil for a document of a
// kind that is not read here.
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
	if !r.decodeKind(doc, problems) {
		return false
	}
	r.Mesh = textAt(doc.Root, "mesh")
	name := textAt(doc.Root, "name")
	if r.Format == Kubernetes {
		name = textAt(doc.Root, "metadata", "name")
	}
	root := doc.Value(manifest.Subject{Kind: r.kind, Name: name, Mesh: r.Mesh}, problems)
	meta := root
	if r.Format == Kubernetes {
		meta = root.Field("metadata")
	}
	r.warnFields(root, meta)
	root.Field("mesh").Str()
	r.decodeMetadata(meta, words)
	if r.kind == KindMesh {
		if r.Mesh = ""; r.Name != "" && !isMeshName(r.Name) {
			meta.Field("name").Fail("cannot be the name of a mesh: use at most 63 lower-case letters, digits, -, . and _")
		}
	} else {
		r.Mesh = cmp.Or(r.Mesh, r.Labels.Get(MeshLabel), "default")
	}
	if r.isLeaving(meta) {
		*problems = append(*problems, r.leaving())
	}
	r.Spec = root
	if r.Format == Kubernetes || HasSpec(r.kind) {
		r.Spec = root.Field("spec")
	}
	return true
}

// warnFields warns of fields that a kind does not know, or that are misspelt. The decoders
// of kinds warn of the kind's own.
func (r *Resource) warnFields(root, meta manifest.Value) {
	switch {
	case r.Format == Kubernetes && slices.Contains(tracingKinds, r.kind):
		root.Known("apiVersion", "kind", "mesh", "metadata", "spec", "status")
	case r.Format == Kubernetes:
		root.Misspelt("mesh", "metadata", "spec")
	case r.kind == KindMeshTrace:
		root.Known("type", "mesh", "name", "labels", "creationTime", "modificationTime", "kri", "spec", "status")
	case r.kind != KindTrafficTrace:
		root.Misspelt("mesh", "labels", "creationTime")
	}
	if r.Format == Kubernetes {
		meta.Misspelt("name", "namespace", "labels", "annotations", "creationTimestamp")
	}
}

// decodeKind reads format and kind, and reports whether the kind is read. It records a
// problem for a document that probably should be read.
func (r *Resource) decodeKind(doc *manifest.Document, problems *[]*manifest.Problem) bool {
	r.Format, r.kind = formOf(doc)
	api := textAt(doc.Root, "apiVersion")
	if r.kind == "" {
		reportMissingKind(doc, r.Format, api, problems)
		return false
	}
	if strings.Contains(r.kind, "{{") {
		doc.Value(manifest.Subject{}, problems).Field("kind").Str() // reports the template
	}
	if of, ok := strings.CutSuffix(r.kind, "List"); ok {
		switch {
		case doc.Root.Get("items") != nil:
			doc.Value(manifest.Subject{}, problems).Field("items").List() // a list's items are documents of their own
		case isRead(api, of):
			doc.Value(manifest.Subject{}, problems).Warn(NotRead, "the %s is not read, because it has no items", r.kind)
		}
		return false
	}
	if !isRead(api, r.kind) {
		warnUnread(doc, api, r.kind, problems)
		return false
	}
	if !slices.Contains(kinds, r.kind) {
		known := kinds[slices.IndexFunc(kinds, func(known string) bool { return strings.EqualFold(known, r.kind) })]
		doc.Value(manifest.Subject{}, problems).Fail("kind %s is spelt %s", r.kind, known)
		return false
	}
	return true
}

// decodeMetadata reads name, labels, creation time and, on Kubernetes, namespace and
// annotations.
func (r *Resource) decodeMetadata(meta manifest.Value, words *words) {
	if field := meta.Need("name"); field.Present() {
		if r.Name = field.Str(); r.Name == "" && field.Node().Kind == manifest.String && field.Node().Text == "" {
			field.Fail("is empty")
		}
	}
	r.Labels = words.tags(meta.Field("labels"))
	if r.Format == Universal {
		r.Created = timestamp(meta.Field("creationTime"))
		return
	}
	// kustomize gives every object a namespace; the API server ignores that of a Mesh.
	if namespace := meta.Field("namespace").Str(); r.kind != KindMesh && r.kind != KindTrafficTrace {
		r.Namespace = namespace
	}
	r.Created = timestamp(meta.Field("creationTimestamp"))
	annotations := meta.Field("annotations").Node()
	r.Source = strings.Clone(textAt(annotations, SourceAnnotation))
	r.addLabelAnnotations(annotations, words)
	if r.kind == KindTrafficTrace {
		r.Annotations = ownAnnotations(annotations)
	}
}

// addLabelAnnotations adds the labels that Kuma keeps as annotations on Kubernetes,
// where labels are short: kuma.io/display-name, and the workload and ServiceAccount of
// Dataplanes.
func (r *Resource) addLabelAnnotations(annotations *manifest.Node, words *words) {
	for _, key := range labelAnnotations {
		value := textAt(annotations, key)
		if _, labelled := r.Labels.Lookup(key); labelled || value == "" {
			continue
		}
		r.Labels = r.Labels.With(key, words.keep(value))
	}
}

func ownAnnotations(annotations *manifest.Node) map[string]string {
	var own map[string]string
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

// textAt returns the string at a path, empty when none exists.
func textAt(n *manifest.Node, keys ...string) string {
	for _, key := range keys {
		n = n.Get(key)
	}
	if n == nil || n.Kind != manifest.String {
		return ""
	}
	return n.Text
}

// formOf returns the format of a document and its kind, which is empty when the document
// does not name it.
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

// isMeshName reports whether name can be a mesh's. Kuma uses it as the value of a label,
// and accepts lower case only.
func isMeshName(name string) bool {
	return name != "" && name == strings.ToLower(name) && len(content.IsLabelValue(name)) == 0
}

// reportMissingKind records that a document that seems to be Kuma's has no kind. Other
// documents, such as a chart's values, are ignored.
func reportMissingKind(doc *manifest.Document, format Format, api string, problems *[]*manifest.Problem) {
	field := "type"
	if format == Kubernetes {
		field = "kind"
	}
	switch {
	case doc.Root.Get(field) != nil:
		doc.Value(manifest.Subject{}, problems).Field(field).Str() // records what is wrong
	case isLikeGroup(api):
		doc.Value(manifest.Subject{}, problems).Need(field)
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
		v.WarnTo("treated as unknown", unknownTime, "is not a time in RFC 3339 form")
		return time.Time{}
	}
	return t
}
