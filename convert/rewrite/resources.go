package rewrite

import (
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// entry is a resource within a document: the document's root, or an item of a list.
type entry struct {
	path []any
	node *yaml.Node
	kind string // of Kuma, else empty
}

// entries returns the resources of a document.
func entries(root *yaml.Node) []entry {
	var all []entry
	collect(root, nil, "", func(e entry) bool { all = append(all, e); return false }, nil)
	return all
}

// collect calls use for each resource of a node, which may be a list, or have lists as
// items. It calls empty for each list whose resources are all gone, as use reports, and
// reports whether the node is one.
func collect(n *yaml.Node, at []any, inherited string, use func(entry) (isGone bool), empty func(at []any)) bool {
	items, kind, to := listOf(n, at)
	if items == nil {
		return use(entry{at, n, kindOf(n, inherited)})
	}
	left := len(items.Content) == 0
	for i, item := range items.Content {
		if !collect(item, append(slices.Clone(to), i), cmp.Or(kind, inherited), use, empty) {
			left = true
		}
	}
	if !left && empty != nil {
		empty(at)
	}
	return !left
}

// listOf returns the items of a list, the kind of its items if it is typed, and the path of
// the items. Lists are those of Kubernetes and of the REST API, and sequences.
func listOf(n *yaml.Node, at []any) (items *yaml.Node, kind string, to []any) {
	if n.Kind == yaml.SequenceNode {
		return n, "", at
	}
	items = manifest.ValueOf(n, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return nil, "", nil
	}
	name := cmp.Or(text(n, "kind"), text(n, "type"))
	kind, isList := strings.CutSuffix(name, "List")
	if name != "" && !isList {
		return nil, "", nil
	}
	return items, kind, append(slices.Clone(at), "items")
}

// kindOf returns the kind of a resource of Kuma, or an empty text; inherited is that of a
// typed list for items without their own.
func kindOf(n *yaml.Node, inherited string) string {
	api, kind, universal := text(n, "apiVersion"), text(n, "kind"), text(n, "type")
	switch {
	case strings.HasPrefix(api, "kuma.io/"):
		return kind
	case api == "" && kind == "":
		return cmp.Or(universal, inherited)
	}
	return ""
}

// isUniversal reports whether a resource has the form of Universal.
func isUniversal(n *yaml.Node) bool { return text(n, "kind") == "" && text(n, "type") != "" }

// part returns where a resource has the fields that Kubernetes has below a key: metadata or spec.
func part(n *yaml.Node, key string) *yaml.Node {
	if isUniversal(n) {
		return n
	}
	return manifest.ValueOf(n, key)
}

// tracingPath returns the path of the field tracing in a Mesh.
func tracingPath(e entry) []any {
	at := slices.Clone(e.path)
	if !isUniversal(e.node) {
		at = append(at, "spec")
	}
	return append(at, "tracing")
}

// text returns the scalar at a key of a mapping, or an empty text.
func text(n *yaml.Node, key string) string {
	if v := manifest.ValueOf(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// subjectOf returns a resource as the subject of a problem.
func subjectOf(e entry) manifest.Subject {
	return manifest.Subject{Kind: e.kind, Name: text(part(e.node, "metadata"), "name"), Mesh: text(e.node, "mesh")}
}

// isLegacy reports whether a resource is a TrafficTrace.
func (e entry) isLegacy() bool { return e.kind == cluster.KindTrafficTrace }
