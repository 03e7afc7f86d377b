package rewrite

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/manifest/edit"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// Unit is manifests that are applied as a whole, and their conversion.
type Unit struct {
	Overlay string // directory of its kustomization; empty: the plain files
	Plan    *convert.Plan
	// FileOf returns the path of the file that defines what is at a place, or an empty text
	// if no manifest does: it exists in the cluster only.
	FileOf func(manifest.Place) string
}

// need is the policies that a unit needs for the TrafficTraces of one file.
type need struct {
	unit     *Unit
	policies []*meshtrace.Policy
	traces   []string // the TrafficTrace of each, by its rendered name
	// affix is what kustomizations add to the names of the file; nil if that is unclear.
	affix *affix
}

// Add writes the policies that the units do not have yet. Those of a file are written beside
// it if every unit that includes the file needs the same ones, and else in each overlay. It
// returns the changes, or none if Problems has an error.
func (r *Repo) Add(units []*Unit, style meshtrace.Style) (Changes, error) {
	w := &writer{
		Repo: r, units: units, style: style, added: make(map[string]*addition),
		traces: make(map[string]map[traceID]written), refused: make(map[*kustomization]bool),
	}
	byFile := make(map[string][]*need)
	for _, u := range units {
		for file, n := range needsOf(u) {
			n.affix = affixOf(n.traces, w.namesIn(file))
			byFile[file] = append(byFile[file], n)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		w.place(file, byFile[file])
	}
	changed := r.changes()
	for _, target := range slices.Sorted(maps.Keys(w.added)) {
		changed[target] = w.text(target)
	}
	if len(r.found) > 0 {
		return nil, errNotEdited
	}
	return changed, nil
}

// needsOf returns what a unit needs, by the file of the TrafficTraces.
func needsOf(u *Unit) map[string]*need {
	needs := make(map[string]*need)
	seen := make(map[*meshtrace.Policy]bool)
	for _, fate := range u.Plan.Fates {
		file := u.FileOf(fate.Place)
		if file == "" {
			continue
		}
		for _, p := range fate.Policies {
			if seen[p] || u.exists(p) {
				continue
			}
			seen[p] = true
			if needs[file] == nil {
				needs[file] = &need{unit: u}
			}
			needs[file].policies = append(needs[file].policies, p)
			needs[file].traces = append(needs[file].traces, fate.TrafficTrace)
		}
	}
	return needs
}

// exists reports whether a unit has a policy already, or has it under another name, which a
// kustomization gave it.
func (u *Unit) exists(p *meshtrace.Policy) bool {
	return u.Plan.Exists(p) || p.Source != "" && slices.ContainsFunc(u.Plan.Existing, func(e *meshtrace.Policy) bool {
		return e.Source == p.Source && e.Mesh == p.Mesh && contentOf(e) == contentOf(p) && u.Plan.IsPrevious(e)
	})
}

// writer collects the policies of new and of extended files.
type writer struct {
	*Repo
	units  []*Unit
	style  meshtrace.Style
	added  map[string]*addition           // by path
	traces map[string]map[traceID]written // by file
	// refused are kustomizations that are not verified.
	refused map[*kustomization]bool
}

// addition is what is written to a file.
type addition struct {
	documents []string
	crlf      bool
	of        *kustomization // that lists it; nil for a plain file
	listed    bool
}

// place decides where the policies for the TrafficTraces of a file go.
func (w *writer) place(file string, needs []*need) {
	home := w.listing(file)
	if _, editable := w.texts[file]; editable && (needs[0].unit.Overlay == "" || home != nil && w.shared(file, home, needs)) {
		if needs[0].unit.Overlay == "" {
			home = nil
		}
		dir, name := path.Split(beside(file))
		target := w.target(home, dir, name)
		documents, _ := w.documents(file, needs[0], needs[0].affix)
		w.write(target, file, home, documents)
		if home != nil {
			w.list(home, target, file)
		}
		return
	}
	for _, n := range needs {
		k := w.byDir[n.unit.Overlay]
		if k == nil {
			w.failAt(manifest.Place{File: n.unit.Overlay}, manifest.Subject{},
				fmt.Errorf("the kustomization is not among the files to edit; add %s to the arguments", manifest.ShellQuote(n.unit.Overlay)))
			continue
		}
		target := w.target(k, n.unit.Overlay, "meshtraces.yaml")
		own := affix{text(k.doc.Root, "namePrefix"), text(k.doc.Root, "nameSuffix")}
		documents, _ := w.documents(file, n, &own)
		w.write(target, file, k, documents)
		w.list(k, target, "")
	}
}

// shared reports whether every overlay that includes home needs the same policies for a
// file, as far as it is known: an overlay that is not a unit is an error.
func (w *writer) shared(file string, home *kustomization, needs []*need) bool {
	byOverlay := lists.By(needs, func(n *need) string { return n.unit.Overlay })
	known := lists.Set(w.units, func(u *Unit) string { return u.Overlay })
	leaves := w.Overlays()
	want, same := w.documents(file, needs[0], needs[0].affix)
	for _, k := range w.includedBy(home) {
		switch {
		case !known[k.dir] && slices.Contains(leaves, k.dir):
			if w.refused[k] {
				continue
			}
			w.refused[k] = true
			w.failAt(k.place(nil), manifest.Subject{}, fmt.Errorf(
				"the kustomization also includes %s, and it is not verified; add -k %s, or omit -k for all overlays",
				home.path, manifest.ShellQuote(k.dir)))
		case !known[k.dir]:
		case byOverlay[k.dir] == nil:
			same = false
		default:
			documents, named := w.documents(file, byOverlay[k.dir], byOverlay[k.dir].affix)
			same = same && named && slices.Equal(documents, want)
		}
	}
	return same
}

// beside returns the path of the MeshTraces of a file's TrafficTraces.
func beside(file string) string {
	dir, name := path.Split(file)
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, form := range []struct{ legacy, current string }{
		{"traffictrace", "meshtrace"}, {"traffic-trace", "mesh-trace"}, {"traffic_trace", "mesh_trace"}, {"TrafficTrace", "MeshTrace"},
	} {
		if strings.Contains(stem, form.legacy) {
			return dir + strings.Replace(stem, form.legacy, form.current, 1) + ".yaml"
		}
	}
	return dir + "meshtraces.yaml"
}

// target returns the path of a file in a directory that has MeshTraces and that only k
// lists; k is nil for plain files.
func (w *writer) target(k *kustomization, dir, name string) string {
	base := strings.TrimSuffix(name, ".yaml")
	for number := 2; ; number++ {
		target := path.Join(dir, name)
		if a := w.added[target]; a != nil && a.of == k {
			return target
		} else if a == nil && w.isFree(k, target) {
			return target
		}
		name = fmt.Sprintf("%s-%d.yaml", base, number)
	}
}

// isFree reports whether a file does not exist, or is one to which k may add documents.
func (w *writer) isFree(k *kustomization, target string) bool {
	text, exists := w.texts[target]
	if !exists {
		return true
	}
	if _, err := edit.Parse(target, text); err != nil || bytes.Contains(text, []byte("{{")) {
		return false
	}
	return k != nil && w.listing(target) == k || k == nil && slices.Contains(w.Plain(), target)
}

// write adds documents, which are from a file, to a target.
func (w *writer) write(target, file string, k *kustomization, documents []string) {
	if w.added[target] == nil {
		w.added[target] = &addition{crlf: isCRLF(w.texts[file]), of: k}
	}
	w.added[target].documents = append(w.added[target].documents, documents...)
}

// list lists a target in a kustomization, after a file that it lists or at the end.
func (w *writer) list(k *kustomization, target, after string) {
	a := w.added[target]
	if _, _, ok := k.lists(target); ok || a.listed {
		return
	}
	a.listed = true
	field, index := "resources", 0
	name := strings.TrimPrefix(target, k.dir+"/")
	if after != "" {
		at, i, _ := k.lists(after)
		field, index = at, i+1
		written := manifest.ValueOf(k.doc.Root, field).Content[i].Value
		name = strings.TrimSuffix(written, path.Base(after)) + path.Base(target)
	} else if list := manifest.ValueOf(k.doc.Root, field); list != nil {
		index = len(list.Content)
	}
	w.fail(k.doc.Insert(name, field, index))
}
