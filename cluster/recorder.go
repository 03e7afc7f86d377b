package cluster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/manifest"
)

// Recorder is a source that records what is read of another source, so that one reading
// gives a snapshot, its recording, and the policies as their authors wrote them.
type Recorder struct {
	of        Source
	documents []recorded
	problems  []*manifest.Problem

	// Origin is what Read returned; what is recorded may be changed.
	Origin *Origin
	// Originals are the Meshes, TrafficTraces and MeshTraces, in the order of the source.
	Originals []*Original
	// Inputs are the files that were read, with digests of their bytes.
	Inputs []Digest
}

// Digest is a file with the SHA-256 of its bytes.
type Digest struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// DigestOf returns the digest of a file.
func DigestOf(name string, text []byte) Digest {
	sum := sha256.Sum256(text)
	return Digest{name, hex.EncodeToString(sum[:])}
}

// NewRecorder returns a source that reads and records another.
func NewRecorder(of Source) *Recorder { return &Recorder{of: of} }

// Read implements Source.
func (r *Recorder) Read(ctx context.Context, use func(manifest.Input)) (*Origin, error) {
	origin, err := r.of.Read(ctx, func(input manifest.Input) {
		again, text := input.Whole()
		if !input.Unnumbered {
			r.Inputs = append(r.Inputs, DigestOf(manifest.Redact(input.Name), []byte(text)))
		}
		r.record(again)
		use(again)
	})
	r.Origin = origin
	return origin, err
}

// record records one text.
func (r *Recorder) record(input manifest.Input) {
	type result struct {
		documents []recorded // one at most
		original  *Original
	}
	var unwritten sync.Map
	results, problems := manifest.Read(slices.Values([]manifest.Input{input}), wanted, func(doc *manifest.Document, kept []result) []result {
		return append(kept, result{record(doc, nil, &unwritten), originalOf(doc)})
	})
	for _, one := range results {
		r.documents = append(r.documents, one.documents...)
		if one.original != nil {
			r.Originals = append(r.Originals, one.original)
		}
	}
	r.problems = append(r.problems, append(problems, unwrittenProblems(&unwritten)...)...)
}

// Recording returns what was read, as [Record] does.
func (r *Recorder) Recording() (*Recording, error) {
	return newRecording(r.documents, r.Origin, manifest.SortProblems(r.problems))
}

// Original is a resource as its author wrote it: all its fields, credentials included,
// except those that the server sets.
type Original struct {
	Kind, Mesh, Name, Namespace string
	Format                      Format
	Root                        *yaml.Node
}

// serverFields are the fields of metadata that the Kubernetes API server or Kuma's
// webhooks set. An owner is set again; an old one with a new uid would be collected.
var serverFields = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "ownerReferences",
	"resourceVersion", "selfLink", "uid",
}

// originalOf returns a document of a kind that a migration changes, nil for any other.
func originalOf(doc *manifest.Document) *Original {
	format, kind := formOf(doc)
	if !isRead(textAt(doc.Root, "apiVersion"), kind) || !slices.Contains(tracingKinds, kind) || doc.Root.Kind != manifest.Mapping {
		return nil
	}
	node := yamlNode(doc.Root, nil, func(_, text string) string { return text })
	nameKind(node, doc.Root, format, kind)
	o := &Original{Kind: kind, Format: format, Root: node, Mesh: textAt(doc.Root, "mesh"), Name: textAt(doc.Root, "name")}
	if format == Universal {
		deleteKeys(node, "creationTime", "modificationTime", "kri")
	} else {
		o.Name, o.Namespace = textAt(doc.Root, "metadata", "name"), textAt(doc.Root, "metadata", "namespace")
		o.Mesh = cmp.Or(o.Mesh, textAt(doc.Root, "metadata", "labels", MeshLabel))
		deleteKeys(node, "status")
		if metadata := manifest.ValueOf(node, "metadata"); metadata != nil {
			o.trim(metadata)
		}
	}
	if kind == KindMesh {
		o.Mesh = o.Name
	}
	o.Mesh = cmp.Or(o.Mesh, "default")
	return o
}

// trim deletes from metadata what the server sets. The control plane adds labels with the
// resource's own name and namespace, and reading a cluster does, too.
func (o *Original) trim(metadata *yaml.Node) {
	deleteKeys(metadata, serverFields...)
	if annotations := manifest.ValueOf(metadata, "annotations"); annotations != nil {
		deleteKeys(annotations, lastApplied)
		if len(annotations.Content) == 0 {
			deleteKeys(metadata, "annotations")
		}
	}
	labels := manifest.ValueOf(metadata, "labels")
	for key, value := range map[string]string{DisplayNameLabel: o.Name, NamespaceLabel: o.Namespace} {
		if label := manifest.ValueOf(labels, key); label != nil && label.Value == value {
			deleteKeys(labels, key)
		}
	}
	if labels != nil && len(labels.Content) == 0 {
		deleteKeys(metadata, "labels")
	}
}

// Tracing returns the value of a Mesh's field tracing, or nil.
func (o *Original) Tracing() *yaml.Node {
	if o.Format == Kubernetes {
		return manifest.ValueOf(manifest.ValueOf(o.Root, "spec"), "tracing")
	}
	return manifest.ValueOf(o.Root, "tracing")
}

// WithoutTracing returns a Universal Mesh without its field tracing.
func (o *Original) WithoutTracing() *yaml.Node {
	root := *o.Root
	root.Content = slices.Clone(root.Content)
	deleteKeys(&root, "tracing")
	return &root
}

// RestDigest returns a digest of all fields of a Mesh except tracing, whatever their order.
func (o *Original) RestDigest() (Digest, error) {
	var rest any
	if err := o.WithoutTracing().Decode(&rest); err != nil {
		return Digest{}, fmt.Errorf("reading %s %q: %w", o.Kind, o.Name, err)
	}
	text, err := json.Marshal(rest)
	return DigestOf(o.Name, text), err
}

// deleteKeys deletes keys of a mapping.
func deleteKeys(node *yaml.Node, keys ...string) {
	if node.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !slices.Contains(keys, node.Content[i].Value) {
			kept = append(kept, node.Content[i], node.Content[i+1])
		}
	}
	node.Content = kept
}
