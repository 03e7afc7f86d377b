package meshtrace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// Style is how policies are written.
type Style struct {
	Version cluster.Version
	JSON    bool // else YAML
	Bare    bool // without comments and annotations
}

// The manifest, its fields in the order of Kuma's documentation.
type (
	head struct {
		APIVersion string       `yaml:"apiVersion,omitempty" json:"apiVersion,omitempty"`
		Kind       string       `yaml:"kind,omitempty" json:"kind,omitempty"`
		Metadata   *metadata    `yaml:"metadata,omitempty" json:"metadata,omitempty"`
		Type       string       `yaml:"type,omitempty" json:"type,omitempty"`
		Name       string       `yaml:"name,omitempty" json:"name,omitempty"`
		Mesh       string       `yaml:"mesh,omitempty" json:"mesh,omitempty"`
		Labels     cluster.Tags `yaml:"labels,omitempty" json:"labels,omitempty"`
	}
	object struct {
		head `yaml:",inline"`
		Spec spec `yaml:"spec" json:"spec"`
	}
	metadata struct {
		Name        string            `yaml:"name" json:"name"`
		Namespace   string            `yaml:"namespace" json:"namespace"`
		Labels      cluster.Tags      `yaml:"labels" json:"labels"`
		Annotations map[string]string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	}
	spec struct {
		TargetRef TargetRef `yaml:"targetRef" json:"targetRef"`
		Default   conf      `yaml:"default" json:"default"`
	}
	// The lists are pointers, because an empty list has a meaning.
	conf struct {
		Tags     *[]Tag     `yaml:"tags,omitempty" json:"tags,omitempty"`
		Sampling *sampling  `yaml:"sampling,omitempty" json:"sampling,omitempty"`
		Backends *[]backend `yaml:"backends,omitempty" json:"backends,omitempty"`
	}
	sampling struct {
		Overall percent `yaml:"overall,omitempty" json:"overall,omitempty"`
		Client  percent `yaml:"client,omitempty" json:"client,omitempty"`
		Random  percent `yaml:"random,omitempty" json:"random,omitempty"`
	}
	// percent is an integer, or a decimal string; nil when not set.
	percent any
	backend struct {
		Type    string   `yaml:"type,omitempty" json:"type,omitempty"`
		Zipkin  *Zipkin  `yaml:"zipkin,omitempty" json:"zipkin,omitempty"`
		Datadog *Datadog `yaml:"datadog,omitempty" json:"datadog,omitempty"`

		OpenTelemetry *openTelemetry `yaml:"openTelemetry,omitempty" json:"openTelemetry,omitempty"`
	}
	openTelemetry struct {
		Endpoint   string      `yaml:"endpoint,omitempty" json:"endpoint,omitempty"`
		BackendRef *backendRef `yaml:"backendRef,omitempty" json:"backendRef,omitempty"`
	}
	backendRef struct {
		Kind   string       `yaml:"kind" json:"kind"`
		Labels cluster.Tags `yaml:"labels" json:"labels"`
	}
)

// manifest returns p in the form of a version. It returns an error if the table of kinds
// does not allow the targetRef, or if a backend is not supported here.
func (p *Policy) manifest(style Style) (object, error) {
	wrong := slices.Concat(p.TargetRef.unwritable(), p.TargetRef.refusedBy(style.Version), p.TargetRef.ignoredBy(style.Version))
	if len(wrong) > 0 {
		return object{}, fmt.Errorf("writing %s: %s", p, strings.Join(wrong, "; "))
	}
	o := object{Spec: spec{
		TargetRef: p.TargetRef,
		Default: conf{
			Sampling: p.Default.Sampling.manifest(),
		},
	}}
	if p.Default.Tags != nil {
		o.Spec.Default.Tags = &p.Default.Tags
	}
	if p.Default.Backends != nil {
		backends := make([]backend, 0, 1)
		for _, b := range p.Default.Backends {
			if b.Zipkin == nil && b.Datadog == nil && b.OpenTelemetry == nil {
				return object{}, fmt.Errorf("writing %s: a backend of type %q does not have its field", p, b.Type)
			}
			backends = append(backends, b.manifest(style.Version))
		}
		o.Spec.Default.Backends = &backends
	}
	o.head = newHead(cluster.KindMeshTrace, p.Format, p.Mesh, p.Name, p.Namespace, p.Labels)
	if p.Format == cluster.Universal {
		return o, nil
	}
	o.Metadata.Annotations = make(map[string]string)
	maps.Copy(o.Metadata.Annotations, p.Annotations)
	if p.Source != "" && !style.Bare {
		o.Metadata.Annotations[cluster.SourceAnnotation] = p.Source
	}
	return o, nil
}

// newHead returns what the manifests of all kinds have in common.
func newHead(kind string, format cluster.Format, mesh, name, namespace string, labels cluster.Tags) head {
	if format == cluster.Universal {
		return head{Type: kind, Name: name, Mesh: mesh, Labels: labels}
	}
	all := cluster.Tags{{Key: cluster.MeshLabel, Value: mesh}}.And(labels)
	return head{APIVersion: "kuma.io/v1alpha1", Kind: kind, Metadata: &metadata{Name: name, Namespace: namespace, Labels: all}}
}

func (b *Backend) manifest(version cluster.Version) backend {
	to := backend{Type: b.Type, Zipkin: b.Zipkin, Datadog: b.Datadog}
	if !version.NamesBackendType() {
		to.Type = "" // the field was added in 2.3, which requires it
	}
	if o := b.OpenTelemetry; o != nil {
		to.OpenTelemetry = &openTelemetry{Endpoint: o.Endpoint}
		if o.BackendRef != nil {
			to.OpenTelemetry.BackendRef = &backendRef{Kind: cluster.KindOTelBackend, Labels: o.BackendRef}
		}
	}
	return to
}

func (s Sampling) manifest() *sampling {
	if s == (Sampling{}) {
		return nil
	}
	value := func(p *Percent) percent {
		switch {
		case p == nil:
			return nil
		case p.isWhole():
			return int(*p)
		}
		return p.String()
	}
	return &sampling{Overall: value(s.Overall), Client: value(s.Client), Random: value(s.Random)}
}

// Write writes policies as YAML documents or one JSON list. A JSON list has the form
// that kubectl reads, or on Universal that of the control plane's API; it returns an
// error for policies of both forms. It writes nothing if one of the policies cannot be
// written. The backends that policies refer to come first.
func Write(w io.Writer, policies []*Policy, style Style, backends ...*OTelBackend) error {
	if style.JSON {
		return writeJSON(w, policies, style, backends)
	}
	var first bytes.Buffer
	for _, b := range backends {
		text, err := manifest.EncodeYAML(b.manifest())
		if err != nil {
			return fmt.Errorf("writing %s: %w", b, err)
		}
		first.Write(text)
		if len(policies) > 0 || b != backends[len(backends)-1] {
			first.WriteString("---\n")
		}
	}
	parts := make([]bytes.Buffer, (len(policies)+partSize-1)/partSize)
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for n := range parts {
		workers.Go(func() error { return writePart(&parts[n], policies, n*partSize, style) })
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	if first.Len() > 0 {
		parts = slices.Insert(parts, 0, first)
	}
	for n := range parts {
		if _, err := w.Write(parts[n].Bytes()); err != nil {
			return fmt.Errorf("writing policies: %w", err)
		}
	}
	return nil
}

// partSize is how many policies one processor writes at a time.
const partSize = 1000

// writePart writes the policies from one on that are a part, as YAML documents.
func writePart(to *bytes.Buffer, policies []*Policy, from int, style Style) error {
	writer := newYAMLWriter(to, style)
	part := policies[from:min(from+partSize, len(policies))]
	for i, p := range part {
		if i == 1 {
			to.Grow(len(part) * (to.Len() + len(p.Name))) // doubling would take twice the memory
		}
		if from+i > 0 {
			to.WriteString("---\n")
		}
		if err := writer.policy(p); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, policies []*Policy, style Style, backends []*OTelBackend) error {
	items := make([]any, 0, len(backends)+len(policies))
	for _, b := range backends {
		items = append(items, b.manifest())
	}
	for _, p := range policies {
		o, err := p.manifest(style)
		if err != nil {
			return err
		}
		items = append(items, o)
	}
	universal := slices.ContainsFunc(policies, func(p *Policy) bool { return p.Format == cluster.Universal })
	kubernetes := slices.ContainsFunc(policies, func(p *Policy) bool { return p.Format == cluster.Kubernetes })
	var list any = struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Items      []any  `json:"items"`
	}{"v1", "List", items}
	switch {
	case universal && kubernetes:
		//nolint:staticcheck // Kubernetes is a name
		return fmt.Errorf("Kubernetes and Universal policies cannot be in one JSON list; choose a --format")
	case universal:
		list = struct {
			Total int   `json:"total"`
			Items []any `json:"items"`
		}{len(items), items}
	}
	text, err := manifest.EncodeJSON(list)
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("writing policies: %w", err)
	}
	return nil
}

// Manifests returns the YAML of each policy.
func Manifests(policies []*Policy, style Style) ([]string, error) {
	var text bytes.Buffer
	writer := newYAMLWriter(&text, style)
	manifests := make([]string, 0, len(policies))
	for _, p := range policies {
		text.Reset()
		if err := writer.policy(p); err != nil {
			return nil, err
		}
		manifests = append(manifests, text.String())
	}
	return manifests, nil
}

// File returns one policy as a file, and the file's name: mesh and policy, with every
// character replaced except letters, digits, dashes and dots, so that it stays in its
// directory.
func (p *Policy) File(style Style) (name string, text []byte, err error) {
	name = fileName(p.Mesh, p.Name) // which has no underscore, so no two policies share a file
	if style.JSON {
		o, err := p.manifest(style)
		if err == nil {
			text, err = manifest.EncodeJSON(o)
		}
		return name + ".json", text, err
	}
	var b bytes.Buffer
	err = newYAMLWriter(&b, style).policy(p)
	return name + ".yaml", b.Bytes(), err
}

// fileName returns the name of a resource's file, without the extension.
func fileName(mesh, name string) string {
	whole := fileSafe(mesh) + "_" + fileSafe(name)
	if len(whole) > maxFileName {
		sum := sha256.Sum256([]byte(whole))
		whole = whole[:maxFileName-9] + "-" + hex.EncodeToString(sum[:4])
	}
	return whole
}

// maxFileName leaves room for the extension in the 255 bytes that file systems allow.
const maxFileName = 240

// fileSafe replaces every byte except lower-case letters, digits, dashes and inner dots
// by its hexadecimal code, so that different names stay different.
func fileSafe(name string) string {
	var b strings.Builder
	for i, r := range []byte(name) {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.' && i > 0 {
			b.WriteByte(r)
		} else {
			fmt.Fprintf(&b, "%%%02x", r)
		}
	}
	return b.String()
}
