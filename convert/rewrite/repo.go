package rewrite

import (
	"bytes"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/manifest/edit"
)

// Changes are the new texts of files, by path; nil is for a file that is deleted.
type Changes map[string][]byte

// Repo is the manifests to edit.
type Repo struct {
	texts          map[string][]byte // of all files, by path with slashes
	edits          map[string]*edit.File
	kustomizations []*kustomization // by path
	byDir          map[string]*kustomization
	deleted        map[string]bool // files
	found          []*manifest.Problem
}

// NewRepo returns a repository of files, by path with slashes relative to the current
// directory. It parses kustomizations, and files that mention what a stage edits.
func NewRepo(texts map[string][]byte) *Repo {
	r := &Repo{
		texts: texts, edits: make(map[string]*edit.File), byDir: make(map[string]*kustomization), deleted: make(map[string]bool),
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		switch isKustomization := slices.Contains(kustomizationNames, path.Base(name)); {
		case isKustomization:
			r.addKustomization(name)
		case mentions(texts[name]):
			r.parse(name)
		}
	}
	return r
}

// Problems returns the files that cannot be edited, as errors.
func (r *Repo) Problems() []*manifest.Problem { return r.found }

// mentions reports whether a text may contain what a stage edits. A JSON patch of a Mesh
// has only the path of the field.
func mentions(text []byte) bool {
	return bytes.Contains(text, []byte("TrafficTrace")) || bytes.Contains(text, []byte("tracing"))
}

// parse parses a file for editing. It returns nil for a file that cannot be parsed, which
// is a problem.
func (r *Repo) parse(name string) *edit.File {
	f, err := edit.Parse(name, r.texts[name])
	switch {
	case err == nil:
		r.edits[name] = f
	case bytes.Contains(r.texts[name], []byte("{{")):
		r.addTemplate(name)
	default:
		r.fail(manifest.Place{}, manifest.Subject{}, err)
	}
	return f
}

// addTemplate records the lines of a template that a person must change.
func (r *Repo) addTemplate(name string) {
	number := 0
	for line := range strings.Lines(string(r.texts[name])) {
		number++
		text := strings.TrimSpace(line)
		if !strings.Contains(text, "TrafficTrace") && !strings.HasPrefix(text, "tracing:") {
			continue
		}
		r.found = append(r.found, &manifest.Problem{
			Place: manifest.Place{File: name, Line: number}, Severity: manifest.Error, Code: Template,
			Fault: "the file is a template, which cannot be edited",
			Remedy: "render the chart and pass the result to `tracemigrate convert -f -`, then change this line, or the value " +
				"that turns it on, by hand",
		})
	}
}

// fail records an error about a file. The error's own text has the place if place is zero.
func (r *Repo) fail(place manifest.Place, of manifest.Subject, err error) {
	r.found = append(r.found, &manifest.Problem{Place: place, Severity: manifest.Error, Of: of, Fault: err.Error()})
}

// changes returns the new texts of all edited files.
func (r *Repo) changes() Changes {
	changed := make(Changes)
	for _, name := range slices.Sorted(maps.Keys(r.edits)) {
		if r.deleted[name] {
			changed[name] = nil
			continue
		}
		text, err := r.edits[name].Bytes()
		if err != nil {
			r.fail(manifest.Place{}, manifest.Subject{}, err)
			continue
		}
		if !bytes.Equal(text, r.texts[name]) {
			changed[name] = text
		}
	}
	for name := range r.deleted {
		changed[name] = nil
	}
	return changed
}

// errNotEdited is the reason that a stage returns no changes.
var errNotEdited = errors.New("some files cannot be edited")

// entry is a resource within a document: the document's root, or an item of a list.
type entry struct {
	path []any
	node *yaml.Node
	kind string // of Kuma, else empty
}

// entries returns the resources of a document.
func entries(root *yaml.Node) []entry {
	kind := text(root, "kind")
	items := value(root, "items")
	if items == nil || !strings.HasSuffix(kind, "List") {
		return []entry{{node: root, kind: kindOf(root, "")}}
	}
	var all []entry
	for i, item := range items.Content {
		all = append(all, entry{[]any{"items", i}, item, kindOf(item, strings.TrimSuffix(kind, "List"))})
	}
	return all
}

// kindOf returns the kind of a resource of Kuma, or an empty text; inherited is that of a
// typed list for items without their own.
func kindOf(n *yaml.Node, inherited string) string {
	api, kind, universal := text(n, "apiVersion"), text(n, "kind"), text(n, "type")
	switch {
	case strings.HasPrefix(api, "kuma.io/"):
		return kind
	case api == "" && kind == "" && universal != "":
		return universal
	case api == "" && kind == "":
		return inherited
	}
	return ""
}

// isUniversal reports whether a resource has the form of Universal.
func isUniversal(n *yaml.Node) bool { return text(n, "kind") == "" && text(n, "type") != "" }

// tracingPath returns the path of the field tracing in a Mesh.
func tracingPath(e entry) []any {
	at := slices.Clone(e.path)
	if !isUniversal(e.node) {
		at = append(at, "spec")
	}
	return append(at, "tracing")
}

// value returns the value of a key in a mapping, or nil.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// at returns the node at a path of keys and indexes, or nil.
func at(n *yaml.Node, steps []any) *yaml.Node {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			n = value(n, step)
		case int:
			if n == nil || step >= len(n.Content) {
				return nil
			}
			n = n.Content[step]
		}
	}
	return n
}

// text returns the scalar at a key of a mapping, or an empty text.
func text(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// subjectOf returns a resource as the subject of a problem.
func subjectOf(e entry) manifest.Subject {
	name, mesh := text(e.node, "name"), text(e.node, "mesh")
	if !isUniversal(e.node) {
		name = text(value(e.node, "metadata"), "name")
	}
	return manifest.Subject{Kind: e.kind, Name: name, Mesh: mesh}
}

// isLegacy reports whether a resource is a TrafficTrace.
func (e entry) isLegacy() bool { return e.kind == cluster.KindTrafficTrace }

// Template is the code of problems about templates, which only a person can change.
const Template = "template"

// IsDeleted reports whether a stage deleted the kustomization in a directory.
func (r *Repo) IsDeleted(dir string) bool { return r.byDir[dir] != nil && r.deleted[r.byDir[dir].path] }

// IsOfKuma reports whether a text may have resources of Kuma, and is not a template that no
// YAML parser reads.
func IsOfKuma(text []byte) bool {
	if bytes.Contains(text, []byte("{{")) && yaml.Unmarshal(text, new(yaml.Node)) != nil {
		return false
	}
	return bytes.Contains(text, []byte("kuma.io/")) || universal.Match(text)
}

// universal matches the type of a resource that is read here.
var universal = regexp.MustCompile(`type"?: *"?(Mesh|TrafficTrace|MeshTrace|Dataplane|MeshGateway|TrafficRoute)\b`)
