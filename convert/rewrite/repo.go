package rewrite

import (
	"bytes"
	"errors"
	"maps"
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
	homes          map[string][]*kustomization // that list a file or directory
	deleted        map[string]bool             // files
	needsSpec      bool                        // the spec of a Mesh must exist, for a JSON patch
	found          []*manifest.Problem
}

// NewRepo returns a repository of files, by path with slashes relative to the current
// directory. It parses kustomizations, and files that mention what a stage edits.
func NewRepo(texts map[string][]byte) *Repo {
	r := &Repo{
		texts: texts, edits: make(map[string]*edit.File), byDir: make(map[string]*kustomization),
		homes: make(map[string][]*kustomization), deleted: make(map[string]bool),
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		switch {
		case isKustomization(name):
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

// parse parses a file for editing. It returns nil for a file that cannot be edited, which is
// a problem if it is a kustomization or may have resources of Kuma.
func (r *Repo) parse(name string) *edit.File {
	text := r.texts[name]
	f, err := edit.Parse(name, text)
	switch ofKuma := bytes.Contains(text, []byte(cluster.KindTrafficTrace)) || namesKuma(text); {
	case err == nil && !hasTemplates(f):
		r.edits[name] = f
		return f
	case bytes.Contains(text, []byte("{{")):
		if ofKuma {
			r.addTemplate(name)
		}
	case ofKuma || bytes.Contains(text, []byte("/spec/tracing")) || isKustomization(name):
		r.fail(err)
	}
	return nil
}

// hasTemplates reports whether a resource of a file that a stage edits is a template, whose
// placeholders YAML reads as mappings.
func hasTemplates(f *edit.File) bool {
	return slices.ContainsFunc(f.Documents(), func(doc *edit.Document) bool {
		return slices.ContainsFunc(entries(doc.Root), func(e entry) bool {
			return (e.isLegacy() || e.hasTracing()) && isTemplate(e.node)
		})
	})
}

// isTemplate reports whether a node has a placeholder such as {{ .Values.name }}.
func isTemplate(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "{{") {
		return true
	}
	return slices.ContainsFunc(n.Content, isTemplate) || n.Kind == yaml.MappingNode && len(n.Content) > 0 &&
		n.Style&yaml.FlowStyle != 0 && n.Content[0].Kind == yaml.MappingNode
}

// fail records errors of package edit.
func (r *Repo) fail(err error) {
	var several interface{ Unwrap() []error }
	var problem *manifest.Problem
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, one := range several.Unwrap() {
			r.fail(one)
		}
	case errors.As(err, &problem):
		r.found = append(r.found, problem)
	default:
		r.failAt(manifest.Place{}, manifest.Subject{}, err)
	}
}

// failAt records an error about a place.
func (r *Repo) failAt(place manifest.Place, of manifest.Subject, err error) {
	r.found = append(r.found, &manifest.Problem{Place: place, Severity: manifest.Error, Of: of, Fault: err.Error()})
}

// changes returns the new texts of all edited files.
func (r *Repo) changes() Changes {
	changed := make(Changes)
	for _, name := range slices.Sorted(maps.Keys(r.edits)) {
		if r.deleted[name] {
			continue
		}
		text, err := r.edits[name].Bytes()
		if err != nil {
			r.fail(err)
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

// IsDeleted reports whether a stage deleted the kustomization in a directory.
func (r *Repo) IsDeleted(dir string) bool { return r.byDir[dir] != nil && r.deleted[r.byDir[dir].path] }

// IsOfKuma reports whether a text may have resources of Kuma, and is not a template.
func IsOfKuma(text []byte) bool {
	if !namesKuma(text) {
		return false
	}
	if !bytes.Contains(text, []byte("{{")) {
		return true
	}
	f, err := edit.Parse("", text)
	return err == nil && !slices.ContainsFunc(f.Documents(), func(doc *edit.Document) bool { return isTemplate(doc.Root) })
}

// namesKuma reports whether a text names Kuma's API or a type of Universal.
func namesKuma(text []byte) bool {
	return bytes.Contains(text, []byte("kuma.io/")) || universal.Match(text)
}

// universal matches the type of a resource that is read here.
var universal = regexp.MustCompile(`type["']?\s*:\s*["']?(Mesh|TrafficTrace|MeshTrace|Dataplane|MeshGateway|TrafficRoute)\b`)
