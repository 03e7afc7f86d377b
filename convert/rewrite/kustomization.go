package rewrite

import (
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/manifest/edit"
)

func isKustomization(name string) bool { return manifest.IsKustomization(path.Base(name)) }

// kustomization is a kustomization that can be edited.
type kustomization struct {
	path, dir string
	file      *edit.File
	doc       *edit.Document
	patches   []*patch
}

// patch is a patch that a kustomization applies.
type patch struct {
	at     []any     // the item in the kustomization
	path   string    // of the file; empty for an inline patch
	inline []any     // path of the inline patch in the kustomization
	text   string    // of the inline patch
	target yaml.Node // a mapping; zero without a target
}

// resourceFields list files and directories of resources.
var resourceFields = []string{"resources", "bases", "components"}

func (r *Repo) addKustomization(name string) {
	f := r.parse(name)
	if f == nil {
		return
	}
	documents := f.Documents()
	if len(documents) != 1 || documents[0].Root.Kind != yaml.MappingNode {
		return // rendering reports it
	}
	if api := text(documents[0].Root, "apiVersion"); api != "" && !strings.HasPrefix(api, "kustomize.config.k8s.io/") {
		return // such as a Kustomization of Flux, which names the directory of another
	}
	k := &kustomization{path: name, dir: path.Dir(name), file: f, doc: documents[0]}
	k.readPatches(r.texts)
	r.kustomizations = append(r.kustomizations, k)
	r.byDir[k.dir] = k
	k.items(func(_ string, _ int, name string) { r.homes[name] = append(r.homes[name], k) })
}

// readPatches reads the patches of all three forms. An item of patchesStrategicMerge is the
// path of a file or else a patch.
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
func (k *kustomization) readPatches(texts map[string][]byte) {
	for _, field := range []string{"patches", "patchesJson6902", "patchesStrategicMerge"} {
		list := manifest.ValueOf(k.doc.Root, field)
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for i, item := range list.Content {
			p := &patch{at: []any{field, i}}
			switch {
			case item.Kind == yaml.ScalarNode && texts[k.join(item.Value)] == nil && strings.ContainsAny(item.Value, "\n{"):
				p.inline, p.text = p.at, item.Value
			case item.Kind == yaml.ScalarNode:
				p.path = k.join(item.Value)
			default:
				if file := text(item, "path"); file != "" {
					p.path = k.join(file)
				} else {
					p.inline, p.text = []any{field, i, "patch"}, text(item, "patch")
				}
				if target := manifest.ValueOf(item, "target"); target != nil {
					p.target = *target
				}
			}
			k.patches = append(k.patches, p)
		}
	}
}

func (k *kustomization) isComponent() bool { return text(k.doc.Root, "kind") == "Component" }

// join returns the path of a file or directory that the kustomization names.
func (k *kustomization) join(name string) string { return path.Join(k.dir, name) }

// items calls use for each file or directory that the kustomization lists.
func (k *kustomization) items(use func(field string, i int, name string)) {
	for _, field := range resourceFields {
		list := manifest.ValueOf(k.doc.Root, field)
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for i, item := range list.Content {
			if item.Kind == yaml.ScalarNode && !strings.Contains(item.Value, "://") {
				use(field, i, k.join(item.Value))
			}
		}
	}
}

// lists reports whether the kustomization lists a file or directory, and at which index.
func (k *kustomization) lists(name string) (field string, index int, ok bool) {
	k.items(func(at string, i int, listed string) {
		if listed == name && !ok {
			field, index, ok = at, i, true
		}
	})
	return field, index, ok
}

// Overlays returns the directories of the kustomizations that no other one lists, and that
// are not components: what is applied as a whole.
func (r *Repo) Overlays() []string {
	var overlays []string
	for _, k := range r.kustomizations {
		if len(r.homes[k.dir]) == 0 && !k.isComponent() {
			overlays = append(overlays, k.dir)
		}
	}
	return overlays
}

// listing returns the kustomization that lists a file, or nil if none or several do.
func (r *Repo) listing(file string) *kustomization {
	if homes := r.homes[file]; len(homes) == 1 {
		return homes[0]
	}
	return nil
}

// includedBy returns the kustomizations that include one, directly or not, and itself.
func (r *Repo) includedBy(k *kustomization) []*kustomization {
	found := []*kustomization{k}
	seen := map[*kustomization]bool{k: true}
	for i := 0; i < len(found); i++ {
		for _, other := range r.homes[found[i].dir] {
			if !seen[other] {
				seen[other] = true
				found = append(found, other)
			}
		}
	}
	return found
}

// included returns the files that a kustomization includes, directly or not: manifests,
// patches and kustomizations.
func (r *Repo) included(k *kustomization, into map[string]bool) {
	if into[k.path] {
		return
	}
	into[k.path] = true
	for _, p := range k.patches {
		if p.path != "" {
			into[p.path] = true
		}
	}
	k.items(func(_ string, _ int, name string) {
		if below := r.byDir[name]; below != nil {
			r.included(below, into)
			return
		}
		into[name] = true
	})
}

// Plain returns the files that no kustomization includes, and that are not one: they are
// applied as they are.
func (r *Repo) Plain() []string {
	included := make(map[string]bool)
	for _, k := range r.kustomizations {
		r.included(k, included)
	}
	return lists.Keep(slices.Sorted(maps.Keys(r.texts)), func(name string) bool { return !included[name] && !isKustomization(name) })
}

// place returns the place of a node of the kustomization.
func (k *kustomization) place(n *yaml.Node) manifest.Place {
	line := k.doc.Line()
	if n != nil {
		line = n.Line
	}
	return manifest.Place{File: k.path, Line: line}
}
