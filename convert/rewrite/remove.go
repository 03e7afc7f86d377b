package rewrite

import (
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

// Remove removes the TrafficTraces, the field tracing of Meshes, and what patches either.
// A file or kustomization that becomes empty is deleted and unlisted. It returns the
// changes, or none if Problems has an error.
func (r *Repo) Remove() (Changes, error) {
	patches := r.patchFiles()
	r.needsSpec = r.patchesSpec(patches)
	for _, name := range slices.Sorted(maps.Keys(r.edits)) {
		if !isKustomization(name) {
			r.fail(r.removeAll(r.edits[name], patches[name]))
			if r.edits[name].Empty() {
				r.deleted[name] = true
			}
		}
	}
	for _, k := range r.kustomizations {
		for _, p := range k.patches {
			r.fail(r.removePatch(k, p, patches[p.path]))
		}
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

// removeFromDocument removes what is legacy from a document.
func (r *Repo) removeFromDocument(doc *edit.Document, uses []*patch) error {
	if areAll(uses, (*patch).isOfTrafficTrace) {
		doc.Remove()
		return nil
	}
	if isJSONPatch(doc.Root) {
		return removeOperations(doc, uses)
	}
	var failed []error
	remove := func(at []any) { failed = append(failed, doc.RemoveAt(at...)) }
	collect(doc.Root, nil, "", func(e entry) bool {
		if areAll(uses, (*patch).hasMeshes) {
			e.kind = cluster.KindMesh // whatever the patch says itself
		}
		if spec := tracingPath(e); e.hasTracing() && r.needsSpec && len(uses) == 0 && !isUniversal(e.node) {
			failed = append(failed, doc.Keep(spec[:len(spec)-1]...))
		}
		switch {
		case e.isLegacy(), e.hasTracing() && len(uses) > 0 && onlyTracing(e.node):
			remove(e.path)
			return true
		case e.hasTracing():
			remove(tracingPath(e))
		}
		return false
	}, remove)
	return errors.Join(failed...)
}

// areAll reports whether there are uses, and all are of a kind.
func areAll(uses []*patch, is func(*patch) bool) bool {
	return len(uses) > 0 && !slices.ContainsFunc(uses, func(p *patch) bool { return !is(p) })
}

// hasTracing reports whether a resource is a Mesh with the field tracing.
func (e entry) hasTracing() bool {
	return e.kind == cluster.KindMesh && manifest.ValueOf(part(e.node, "spec"), "tracing") != nil
}

// isJSONPatch reports whether a document has operations of a JSON patch.
func isJSONPatch(root *yaml.Node) bool {
	return root.Kind == yaml.SequenceNode && len(root.Content) > 0 && manifest.ValueOf(root.Content[0], "op") != nil
}

// patchesSpec reports whether a JSON patch changes another field of a Mesh's spec, which
// must exist for it.
func (r *Repo) patchesSpec(files map[string][]*patch) bool {
	inSpec := func(source []byte) bool {
		f, err := edit.Parse("", source) // rendering reports an error
		return err == nil && slices.ContainsFunc(f.Documents(), func(doc *edit.Document) bool {
			return isJSONPatch(doc.Root) && slices.ContainsFunc(doc.Root.Content, func(operation *yaml.Node) bool {
				pointer := text(operation, "path")
				return strings.HasPrefix(pointer, "/spec/") && !isTracing(pointer)
			})
		})
	}
	for name, uses := range files {
		if slices.ContainsFunc(uses, (*patch).isOfMesh) && inSpec(r.texts[name]) {
			return true
		}
	}
	return slices.ContainsFunc(r.kustomizations, func(k *kustomization) bool {
		return slices.ContainsFunc(k.patches, func(p *patch) bool { return p.path == "" && p.isOfMesh() && inSpec([]byte(p.text)) })
	})
}

// removeOperations removes the operations of a JSON patch on the field tracing of Meshes. A
// file that no kustomization uses may be of anything.
func removeOperations(doc *edit.Document, uses []*patch) error {
	if !slices.ContainsFunc(uses, (*patch).isOfMesh) {
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

// isOfTrafficTrace reports whether a patch has only TrafficTraces as its target.
func (p *patch) isOfTrafficTrace() bool {
	return strings.TrimSuffix(strings.TrimPrefix(text(&p.target, "kind"), "^"), "$") == cluster.KindTrafficTrace
}

// hasMeshes reports whether the target of a patch says that it is for Meshes.
func (p *patch) hasMeshes() bool { return text(&p.target, "kind") != "" && p.isOfMesh() }

// isOfMesh reports whether a patch may have Meshes as its target, whose fields are patterns.
func (p *patch) isOfMesh() bool {
	return p.mayMatch("kind", cluster.KindMesh) && p.mayMatch("group", "kuma.io")
}

// mayMatch reports whether a field of the target matches a value, or is absent.
func (p *patch) mayMatch(field, value string) bool {
	want := text(&p.target, field)
	pattern, err := regexp.Compile("^(?:" + want + ")$") // rendering reports an error
	return want == "" || err == nil && pattern.MatchString(value)
}

// removePatch removes a patch of a kustomization if its target is gone, or what an inline patch
// changes in the tracing of Meshes. ofFile are the patches that the patch's file is.
func (r *Repo) removePatch(k *kustomization, p *patch, ofFile []*patch) error {
	switch {
	case p.isOfTrafficTrace():
		if _, exists := r.texts[p.path]; exists && len(r.homes[p.path]) == 0 && areAll(ofFile, (*patch).isOfTrafficTrace) {
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
	uses := []*patch{p}
	if err := r.removeAll(alone, uses); err != nil {
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
	return r.removeAll(inner, uses)
}

// removeAll removes what is legacy from a file or an inline patch. uses are the patches that it is.
func (r *Repo) removeAll(f *edit.File, uses []*patch) error {
	var failed []error
	for _, doc := range f.Documents() {
		failed = append(failed, r.removeFromDocument(doc, uses))
	}
	return errors.Join(failed...)
}
