package rewrite

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/manifest/edit"
)

// Remove removes the TrafficTraces, the field tracing of Meshes, and what patches either.
// A file or kustomization that becomes empty is deleted and unlisted. It returns the
// changes, or none if Problems has an error.
func (r *Repo) Remove() (Changes, error) {
	patches := r.patchFiles()
	for _, name := range slices.Sorted(maps.Keys(r.edits)) {
		if !slices.Contains(kustomizationNames, path.Base(name)) {
			r.removeFrom(name, r.edits[name], patches[name])
		}
	}
	for _, k := range r.kustomizations {
		r.removePatches(k)
	}
	r.deleteEmpty()
	changed := r.changes()
	if len(r.found) > 0 {
		return nil, errNotEdited
	}
	return changed, nil
}

// patchFiles returns the patches that each file is, if it is one.
func (r *Repo) patchFiles() map[string][]*patch {
	files := make(map[string][]*patch)
	for _, k := range r.kustomizations {
		for _, p := range k.patches {
			if p.path != "" {
				files[p.path] = append(files[p.path], p)
			}
		}
	}
	return files
}

// removeFrom removes what is legacy from a file. uses are the patches that it is.
func (r *Repo) removeFrom(name string, f *edit.File, uses []*patch) {
	for _, doc := range f.Documents() {
		if err := removeFromDocument(doc, uses); err != nil {
			r.fail(manifest.Place{}, manifest.Subject{}, err)
		}
	}
	if f.Empty() {
		r.deleted[name] = true
	}
}

// removeFromDocument removes what is legacy from a document.
func removeFromDocument(doc *edit.Document, uses []*patch) error {
	if len(uses) > 0 && slices.ContainsFunc(uses, (*patch).isOfTrafficTrace) {
		if !slices.ContainsFunc(uses, func(p *patch) bool { return !p.isOfTrafficTrace() }) {
			doc.Remove()
			return nil
		}
	}
	if doc.Root.Kind == yaml.SequenceNode {
		return removeOperations(doc, uses)
	}
	var failed []error
	for _, e := range entries(doc.Root) {
		switch {
		case e.isLegacy():
			failed = append(failed, doc.RemoveAt(e.path...))
		case e.kind == cluster.KindMesh && at(e.node, tracingPath(entry{node: e.node})) != nil:
			if len(uses) > 0 && onlyTracing(e.node) {
				failed = append(failed, doc.RemoveAt(e.path...))
				continue
			}
			failed = append(failed, doc.RemoveAt(tracingPath(e)...))
		}
	}
	return errors.Join(failed...)
}

// removeOperations removes the operations of a JSON patch on the field tracing of Meshes.
func removeOperations(doc *edit.Document, uses []*patch) error {
	if len(uses) > 0 && !slices.ContainsFunc(uses, (*patch).isOfMesh) {
		return nil
	}
	var failed []error
	for i, operation := range doc.Root.Content {
		if isTracing(text(operation, "path")) || isTracing(text(operation, "from")) {
			failed = append(failed, doc.RemoveAt(i))
		}
	}
	return errors.Join(failed...)
}

// isTracing reports whether a JSON pointer is of the field tracing of a Mesh, or below it.
func isTracing(pointer string) bool {
	return pointer == "/spec/tracing" || strings.HasPrefix(pointer, "/spec/tracing/")
}

// onlyTracing reports whether a patch of a Mesh changes nothing but tracing.
func onlyTracing(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		switch key {
		case "apiVersion", "kind":
		case "metadata":
			if v.Kind != yaml.MappingNode || len(v.Content) != 2 || v.Content[0].Value != "name" {
				return false
			}
		case "spec":
			if v.Kind != yaml.MappingNode || len(v.Content) != 2 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isOfTrafficTrace reports whether a patch has TrafficTraces as its target.
func (p *patch) isOfTrafficTrace() bool { return text(&p.target, "kind") == cluster.KindTrafficTrace }

// isOfMesh reports whether a patch may have Meshes as its target.
func (p *patch) isOfMesh() bool {
	kind := text(&p.target, "kind")
	return kind == "" || kind == cluster.KindMesh
}

// removePatches removes the patches of a kustomization whose target is gone, and what
// inline patches change in the tracing of Meshes.
func (r *Repo) removePatches(k *kustomization) {
	for _, p := range k.patches {
		if err := r.removePatch(k, p); err != nil {
			r.fail(manifest.Place{}, manifest.Subject{}, err)
		}
	}
}

func (r *Repo) removePatch(k *kustomization, p *patch) error {
	switch {
	case p.isOfTrafficTrace():
		if _, exists := r.texts[p.path]; exists && p.path != "" && r.onlyPatchesTrafficTraces(p.path) {
			r.deleted[p.path] = true
		}
		return k.doc.RemoveAt(p.at...)
	case p.path != "":
		return nil // deleteEmpty removes it with its file
	case !mentions([]byte(p.text)):
		return nil
	}
	alone, err := edit.Parse(k.path, []byte(p.text))
	if err != nil {
		return err
	}
	if err := removeAll(alone, p); err != nil {
		return err
	}
	if alone.Empty() {
		return k.doc.RemoveAt(p.at...)
	}
	if same, err := alone.Bytes(); err != nil || string(same) == p.text {
		return err
	}
	inner, err := k.doc.Embedded(p.inline...)
	if err != nil {
		return err
	}
	return removeAll(inner, p)
}

// removeAll removes what is legacy from an inline patch.
func removeAll(f *edit.File, p *patch) error {
	var failed []error
	for _, doc := range f.Documents() {
		failed = append(failed, removeFromDocument(doc, []*patch{p}))
	}
	return errors.Join(failed...)
}

// onlyPatchesTrafficTraces reports whether every use of a file is a patch of TrafficTraces.
func (r *Repo) onlyPatchesTrafficTraces(name string) bool {
	for _, k := range r.kustomizations {
		if _, _, listed := k.lists(name); listed {
			return false
		}
		for _, p := range k.patches {
			if p.path == name && !p.isOfTrafficTrace() {
				return false
			}
		}
	}
	return true
}

// deleteEmpty unlists the deleted files, and deletes kustomizations that become empty, until
// none does.
func (r *Repo) deleteEmpty() {
	unlisted := make(map[string]bool)
	for {
		gone := make(map[string]bool) // files and directories
		for name := range r.deleted {
			if unlisted[name] {
				continue
			}
			unlisted[name], gone[name] = true, true
			if k := r.byDir[path.Dir(name)]; k != nil && k.path == name {
				gone[k.dir] = true
			}
		}
		if len(gone) == 0 {
			return
		}
		for _, k := range r.kustomizations {
			if !r.deleted[k.path] {
				r.unlist(k, gone)
			}
		}
	}
}

// unlist removes what is gone from a kustomization.
func (r *Repo) unlist(k *kustomization, gone map[string]bool) {
	var failed []error
	some := false
	remove := func(steps ...any) {
		some = true
		failed = append(failed, k.doc.RemoveAt(steps...))
	}
	k.items(func(field string, i int, name string) {
		if gone[name] {
			remove(field, i)
		}
	})
	for _, p := range k.patches {
		if p.path != "" && gone[p.path] && !p.isOfTrafficTrace() {
			remove(p.at...)
		}
	}
	if err := errors.Join(failed...); err != nil {
		r.fail(manifest.Place{}, manifest.Subject{}, err)
		return
	}
	if some && (k.file.Empty() || r.isBare(k)) {
		r.deleted[k.path] = true
	}
}

// isBare reports whether a kustomization has nothing left that makes a resource, and only
// its head.
func (r *Repo) isBare(k *kustomization) bool {
	text, err := k.file.Bytes()
	if err != nil {
		return false // changes reports it
	}
	left, err := edit.Parse(k.path, text)
	if err != nil || len(left.Documents()) != 1 {
		return false
	}
	root := left.Documents()[0].Root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata"}, root.Content[i].Value) {
			return false
		}
	}
	return true
}
