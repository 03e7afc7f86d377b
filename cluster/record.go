package cluster

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/manifest"
)

// shape lists the fields of a value that are kept; nil keeps the whole value. For a list
// it applies to every item.
type shape map[string]shape

// plain is the shape of a scalar. A value that is not a scalar is emptied, because it
// may contain a secret.
var plain = shape{}

// ownFields represents in a shape all fields that belong to the author, see IsOwn.
const ownFields = "*"

// unknownFields in a shape keeps the names of fields that are not read, without their
// values: the reader of a snapshot warns of these fields, which may contain secrets.
// Names that resemble a field which is read are always kept.
const unknownFields = "?"

// heads has the fields of all kinds, on Kubernetes and on Universal.
var heads = map[Format]shape{
	Kubernetes: {"apiVersion": nil, "kind": nil, "mesh": nil, "metadata": {
		"name": nil, "namespace": nil, "labels": nil, "creationTimestamp": nil, "deletionTimestamp": nil,
		"annotations": {SourceAnnotation: nil, DisplayNameLabel: nil, WorkloadLabel: nil, accountLabel: nil},
	}},
	Universal: {"type": nil, "mesh": nil, "name": nil, "labels": nil, "creationTime": nil},
}

// traceHead is the metadata of a TrafficTrace on Kubernetes. It includes the author's
// annotations, which its policies can get.
var traceHead = shape{
	"name": nil, "labels": nil, "creationTimestamp": nil, "deletionTimestamp": nil,
	"annotations": {SourceAnnotation: nil, DisplayNameLabel: nil, ownFields: plain},
}

// specs has the fields of each kind that are read here.
var specs = map[string]shape{
	KindMesh: {"meshServices": {"mode": plain}, "tracing": {
		"defaultBackend": plain,
		"backends": {
			"name": plain, "type": plain, "sampling": {"value": plain},
			"conf": {
				"url": plain, "traceId128bit": plain, "apiVersion": plain, "sharedSpanContext": plain,
				"address": plain, "port": plain, "splitService": plain,
			},
		},
	}},
	KindTrafficTrace: {"selectors": nil, "conf": {"backend": plain, unknownFields: nil}},
	KindMeshTrace:    meshTraceSpec,
	KindTrafficRoute: {"conf": routeConf},
	KindMeshGateway: {"tags": nil, "selectors": nil, "conf": {
		"listeners": {"port": nil, "protocol": nil, "crossMesh": nil, "tags": nil},
	}},
	KindDataplane: {"networking": {
		"address": nil,
		"inbound": {
			"name": nil, "address": nil, "port": nil, "protocol": nil, "state": nil, "tags": nil, "health": {"ready": nil},
		},
		"outbound":  {"address": nil, "port": nil, "service": nil, "tags": nil, "backendRef": nil},
		"gateway":   {"type": nil, "tags": nil},
		"listeners": {"type": plain, "name": plain, "port": plain},

		"transparentProxying": {"reachableServices": nil}, // whether there is one, and whether it has them
	}},
	KindMeshService: {"selector": nil, "ports": {"name": nil, "port": nil, "appProtocol": nil}},
	KindOTelBackend: {"endpoint": {"address": plain, "port": plain, "path": plain}, "protocol": plain},

	KindExternalService: {"tags": nil},
	KindMeshHTTPRoute:   {"targetRef": targetRef, "to": {"targetRef": {"kind": plain, "name": plain, "labels": nil}, "rules": routeRule}},
	KindMeshTCPRoute:    {"targetRef": targetRef, "to": {"targetRef": targetRef, "rules": routeRule}},
	KindMeshProxyPatch:  {"targetRef": targetRef, "default": {"appendModifications": modificationShape}},
	KindProxyTemplate: {"selectors": nil, "conf": {
		"imports": plain, "resources": summarised(manifest.Sequence), "modifications": modificationShape,
	}},
}

// routeConf has the destinations of a TrafficRoute.
var (
	splitConf = shape{"destination": nil}
	routeConf = shape{"destination": nil, "split": splitConf, "http": {"destination": nil, "split": splitConf}}
)

// targetRef has the fields of a policy's targetRef.
var targetRef = shape{
	"kind": plain, "name": plain, "namespace": plain, "tags": nil, "labels": nil, "sectionName": plain, "proxyTypes": plain,
	"mesh": plain, unknownFields: nil,
}

// routeRule has the destinations of a rule of a MeshHTTPRoute or MeshTCPRoute.
var routeRule = shape{"default": {"backendRefs": {"kind": plain, "name": plain, "labels": nil, "port": plain}}}

// meshTraceSpec has the fields of a MeshTrace that are read here.
var meshTraceSpec = shape{
	unknownFields: nil,
	"targetRef":   targetRef,
	"default": {
		unknownFields: nil,
		"sampling": {
			"overall": {"value": plain}, "client": {"value": plain}, "random": {"value": plain}, unknownFields: nil,
		},
		"tags": {"name": plain, "literal": plain, "header": {"name": plain, "default": plain, unknownFields: nil}, unknownFields: nil},
		"backends": {
			"type": plain, unknownFields: nil,
			"zipkin": {
				"url": plain, "apiVersion": plain, "sharedSpanContext": plain, "traceId128bit": plain, unknownFields: nil,
			},
			"datadog": {"url": plain, "splitService": plain, unknownFields: nil},
			"openTelemetry": {
				"endpoint": plain, "backendRef": {"kind": plain, "name": plain, "labels": nil, unknownFields: nil}, unknownFields: nil,
			},
		},
	},
}

// Recording is the content of a source, ready to be written.
type Recording struct {
	head, end []byte
	documents []recorded
}

// Empty reports whether there is no document of Kuma's, and nothing that names a control
// plane.
func (r *Recording) Empty() bool { return len(r.head) == 0 && len(r.documents) == 0 }

// recorded is a document: its text, after a key that sorts documents of a live source in
// the order of a control plane's lists.
type recorded struct {
	data []byte
	key  int // bytes of data
}

func (r recorded) compare(other recorded) int {
	return bytes.Compare(r.data[:r.key], other.data[:other.key])
}

// Record returns the content of a source as YAML documents that can be read again as
// files. The origin comes first, and a mark that the snapshot is complete comes last.
// Each resource has its creation time and only the fields that this tool reads. User and
// password in urls are left out; Envoy does not send them. It returns an error when the
// source cannot be read. problems concern texts that are not resources and are left out.
func Record(ctx context.Context, source Source) (recording *Recording, problems []*manifest.Problem, err error) {
	var origin *Origin
	var failed error
	var unwritten sync.Map // documents are read in parallel
	documents, problems := manifest.Read(func(yield func(manifest.Input) bool) {
		origin, failed = source.Read(ctx, func(input manifest.Input) { yield(input) })
	}, wanted, func(doc *manifest.Document, documents []recorded) []recorded {
		return record(doc, documents, &unwritten)
	})
	if failed != nil {
		return nil, nil, failed
	}
	problems = manifest.SortProblems(append(problems, unwrittenProblems(&unwritten)...))
	recording, err = newRecording(documents, origin, problems)
	return recording, problems, err
}

// record appends a document to documents if its kind is read here. It stores the error of
// a document that cannot be written in unwritten, by place.
func record(doc *manifest.Document, documents []recorded, unwritten *sync.Map) []recorded {
	if textAt(doc.Root, "kind") == endKind {
		return documents // newRecording adds one
	}
	node := pruned(doc)
	if node == nil {
		return documents
	}
	text, err := manifest.EncodeYAML(node)
	if err != nil {
		unwritten.Store(doc.Place, err)
		return documents
	}
	key := keyOf(doc)
	return append(documents, recorded{data: slices.Concat([]byte(key), text), key: len(key)})
}

func unwrittenProblems(unwritten *sync.Map) []*manifest.Problem {
	var problems []*manifest.Problem
	unwritten.Range(func(place, err any) bool {
		problems = append(problems, &manifest.Problem{
			Place: place.(manifest.Place), Severity: manifest.Error, Fault: fmt.Sprintf("cannot be written: %v", err),
		})
		return true
	})
	return problems
}

// newRecording returns documents between the origin, which those of files do not have, and
// the mark of the end.
func newRecording(documents []recorded, origin *Origin, problems []*manifest.Problem) (*Recording, error) {
	recording := &Recording{documents: documents}
	if len(documents) > 0 || origin != nil {
		recording.end = []byte("apiVersion: " + originAPIVersion + "\nkind: " + endKind + "\n")
	}
	if origin == nil {
		return recording, nil
	}
	slices.SortStableFunc(documents, recorded.compare)
	recorded := *origin
	recorded.LeftOut = leftOut(problems)
	head := struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Origin     `yaml:",inline"`
	}{originAPIVersion, originKind, recorded}
	var err error
	if recording.head, err = manifest.EncodeYAML(head); err != nil {
		return nil, fmt.Errorf("writing the origin: %w", err)
	}
	return recording, nil
}

// keyOf returns a key that sorts documents by kind, mesh and full name.
func keyOf(doc *manifest.Document) string {
	format, kind := formOf(doc)
	mesh, name := textAt(doc.Root, "mesh"), textAt(doc.Root, "name")
	if format == Kubernetes {
		name = FullName(textAt(doc.Root, "metadata", "name"), textAt(doc.Root, "metadata", "namespace"))
		mesh = cmp.Or(mesh, textAt(doc.Root, "metadata", "labels", MeshLabel))
	}
	return fmt.Sprintf("%d\x00%s\x00%s\x00", slices.Index(kinds, kind), mesh, name)
}

// Write writes the documents.
func (r *Recording) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	first := true
	write := func(text []byte) {
		if len(text) == 0 {
			return
		}
		if !first {
			_, _ = out.WriteString("---\n") // Flush returns the error
		}
		first = false
		_, _ = out.Write(text)
	}
	write(r.head)
	for _, document := range r.documents {
		write(document.data[document.key:])
	}
	write(r.end)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	return nil
}

// leftOut lists the resources that could not be read at all, by their problems.
func leftOut(problems []*manifest.Problem) []LeftOut {
	var left []LeftOut
	for _, p := range problems {
		if p.Severity == manifest.Error {
			left = append(left, LeftOut{
				Resource: cmp.Or(p.Resource(), p.File), Reason: p.Message(),
				Kind: p.Of.Kind, Name: manifest.Redact(p.Of.Name), Mesh: manifest.Redact(p.Of.Mesh),
			})
		}
	}
	return left
}

// pruned returns a document with only the fields that are read here, nil when its kind
// is not read.
func pruned(doc *manifest.Document) *yaml.Node {
	root := doc.Root
	format, name := formOf(doc)
	switch api := textAt(root, "apiVersion"); {
	case isOrigin(api, name):
		return yamlNode(root, nil, redacted)
	case isService(api, name):
		return yamlNode(root, shape{
			"apiVersion": nil, "kind": nil, "metadata": {"name": nil, "namespace": nil}, "spec": {"selector": nil},
		}, redacted)
	case !isRead(api, name) && guessKind(api, name) != "":
		return yamlNode(root, heads[format], redacted) // the reader of the snapshot warns of it
	case !isRead(api, name):
		return nil
	}
	all := maps.Clone(heads[format])
	if format == Kubernetes && name == KindTrafficTrace {
		all["metadata"] = traceHead
	}
	spec, ok := specs[name]
	switch {
	case !ok:
		return nil
	case format == Kubernetes || HasSpec(name):
		all["spec"] = spec
	default:
		maps.Copy(all, spec)
	}
	node := yamlNode(root, all, redacted)
	nameKind(node, root, format, name)
	return node
}

// nameKind adds the kind to an item of a typed list, which does not have it.
func nameKind(node *yaml.Node, root *manifest.Node, format Format, kind string) {
	word := map[Format]string{Kubernetes: "kind", Universal: "type"}[format]
	if root.Get(word) == nil && node.Kind == yaml.MappingNode {
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: word}
		node.Content = append([]*yaml.Node{key, {Kind: yaml.ScalarNode, Value: kind}}, node.Content...)
	}
}

// redacted returns the text of a scalar under key without credentials.
func redacted(key, text string) string {
	if slices.Contains(addresses, key) {
		return manifest.RedactURL(text)
	}
	return manifest.Redact(text)
}

// addresses are the fields for the url of a collector, and for that of a snapshot's source.
var addresses = []string{"url", "endpoint", "address", "kubernetes", "controlPlane"}

var scalarTags = map[manifest.Kind]string{
	manifest.Null: "!!null", manifest.String: "!!str", manifest.Int: "!!int", manifest.Float: "!!float", manifest.Bool: "!!bool",
}

// floatWords has the words of YAML for numbers that have no digits.
var floatWords = map[string]string{"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}

// yamlNode returns n with only the fields of a shape. An empty shape keeps no field.
// textOf returns the text of each scalar to write, from its key and its own text.
func yamlNode(n *manifest.Node, kept shape, textOf func(key, text string) string) *yaml.Node {
	return valueNode("", n, kept, textOf)
}

func valueNode(key string, n *manifest.Node, kept shape, textOf func(key, text string) string) *yaml.Node {
	if summary := summaryNode(n, kept); summary != nil {
		return summary
	}
	switch n.Kind {
	case manifest.Mapping:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for key, value := range n.Pairs() {
			inner, ok := kept[key.Text]
			if own, has := kept[ownFields]; has && !ok && IsOwn(key.Text) {
				inner, ok = own, true
			}
			_, named := kept[unknownFields]
			named = named || len(kept) > 0 && !ok && n.IsMisspelt(key.Text, maps.Keys(kept))
			if kept != nil && !ok && !named {
				continue
			}
			name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key.Text}
			if key.Text == "<<" || !manifest.IsPlainString(key.Text) {
				name.Style = yaml.DoubleQuotedStyle // otherwise it is YAML's merge key, or not a string
			}
			if !ok && named {
				out.Content = append(out.Content, name, &yaml.Node{Kind: yaml.ScalarNode, Value: "REDACTED"})
				continue
			}
			out.Content = append(out.Content, name, valueNode(key.Text, value, inner, textOf))
		}
		return out
	case manifest.Sequence:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		items := n.Items()
		for i := range items {
			out.Content = append(out.Content, valueNode("", &items[i], kept, textOf))
		}
		return out
	case manifest.Null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: scalarTags[n.Kind], Value: "null"}
	}
	out := &yaml.Node{Kind: yaml.ScalarNode, Tag: scalarTags[n.Kind], Value: textOf(key, n.Text)}
	if word, ok := floatWords[n.Text]; ok && n.Kind == manifest.Float {
		out.Value = word
	}
	if n.Kind == manifest.String && !manifest.IsPlainString(out.Value) {
		out.Style = yaml.DoubleQuotedStyle
	}
	return out
}
