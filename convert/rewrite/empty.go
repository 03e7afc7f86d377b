package rewrite

import (
	"bytes"
	"errors"
	"path"
	"slices"

	"tracemigrate/cluster/manifest/edit"
)

// deleteEmpty unlists the deleted files, and deletes kustomizations that become empty, until
// none does.
func (r *Repo) deleteEmpty() {
	for _, k := range r.kustomizations {
		if r.isEmptied(k) {
			r.deleted[k.path] = true
		}
	}
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
	var failed []error // one for each removal, nil for one that is possible
	remove := func(steps ...any) { failed = append(failed, k.doc.RemoveAt(steps...)) }
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
		r.fail(err)
		return
	}
	if len(failed) > 0 && r.isEmptied(k) {
		r.deleted[k.path] = true
	}
}

// isEmptied reports whether a changed kustomization has only its head left, or, if another
// one lists it, nothing that makes a resource.
func (r *Repo) isEmptied(k *kustomization) bool {
	text, err := k.file.Bytes()
	if err != nil || bytes.Equal(text, r.texts[k.path]) {
		return false // changes reports the error
	}
	left, err := edit.Parse(k.path, text)
	if err != nil || len(left.Documents()) != 1 {
		return err == nil
	}
	idle := headFields
	if !k.isComponent() && len(r.includedBy(k)) > 1 {
		idle = append(slices.Clone(headFields), transformingFields...)
	}
	root := left.Documents()[0].Root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !slices.Contains(idle, root.Content[i].Value) {
			return false
		}
	}
	return true
}

// Fields that make no resource: the head of a kustomization, and those that only change its
// resources.
var (
	headFields         = []string{"apiVersion", "kind", "metadata"}
	transformingFields = []string{
		"namePrefix", "nameSuffix", "namespace", "labels", "commonLabels", "commonAnnotations", "images", "replicas", "buildMetadata",
	}
)
