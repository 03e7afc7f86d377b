package rewrite

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// Unit is manifests that are applied as a whole, and their conversion.
type Unit struct {
	Overlay string // directory of its kustomization; empty: the plain files
	Plan    *convert.Plan
	// FileOf returns the path of the file that defines what is at a place.
	FileOf func(manifest.Place) string
}

// need is the policies that a unit needs for the TrafficTraces of one file.
type need struct {
	unit     *Unit
	policies []*meshtrace.Policy
	traces   []string // the TrafficTrace of each
}

// Add writes the policies that the units do not have yet. Those of a file are written beside
// it if every unit that includes the file needs the same ones, and else in each overlay. It
// returns the changes, or none if Problems has an error.
func (r *Repo) Add(units []*Unit, style meshtrace.Style) (Changes, error) {
	w := &writer{Repo: r, units: units, style: style, added: make(map[string]*addition)}
	byFile := make(map[string][]*need)
	for _, u := range units {
		for file, n := range needsOf(u) {
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
		for _, p := range fate.Policies {
			if seen[p] || u.Plan.Exists(p) {
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

// writer collects the policies of new and of extended files.
type writer struct {
	*Repo
	units []*Unit
	style meshtrace.Style
	added map[string]*addition // by path
}

// addition is what is written to a file.
type addition struct {
	documents []string
	crlf      bool
	listed    map[*kustomization]bool
}

// place decides where the policies for the TrafficTraces of a file go.
func (w *writer) place(file string, needs []*need) {
	home := w.listing(file)
	if _, editable := w.texts[file]; editable && (needs[0].unit.Overlay == "" || home != nil && w.shared(file, home, needs)) {
		target := beside(file)
		w.write(target, file, needs[0])
		if home != nil && needs[0].unit.Overlay != "" {
			w.list(home, target, file)
		}
		return
	}
	for _, n := range needs {
		k := w.byDir[n.unit.Overlay]
		if k == nil {
			w.fail(manifest.Place{File: n.unit.Overlay}, manifest.Subject{},
				fmt.Errorf("the kustomization is not among the files to edit; add %s to the arguments", n.unit.Overlay))
			continue
		}
		target := path.Join(n.unit.Overlay, "meshtraces.yaml")
		w.write(target, file, n)
		w.list(k, target, "")
	}
}

// listing returns the kustomization that lists a file, or nil if none or several do.
func (w *writer) listing(file string) *kustomization {
	var found *kustomization
	for _, k := range w.kustomizations {
		if _, _, ok := k.lists(file); ok {
			if found != nil {
				return nil
			}
			found = k
		}
	}
	return found
}

// shared reports whether every overlay that includes home needs the same policies for a
// file, as far as it is known: an overlay that is not a unit is an error.
func (w *writer) shared(file string, home *kustomization, needs []*need) bool {
	byOverlay := make(map[string]*need)
	for _, n := range needs {
		byOverlay[n.unit.Overlay] = n
	}
	known := make(map[string]bool)
	for _, u := range w.units {
		known[u.Overlay] = true
	}
	leaves := w.Overlays()
	want := w.documents(file, needs[0])
	same := true
	for _, k := range w.includedBy(home) {
		switch {
		case !known[k.dir] && slices.Contains(leaves, k.dir):
			w.fail(k.place(nil), manifest.Subject{}, fmt.Errorf(
				"the kustomization also includes %s, and it is not verified; add -k %s, or omit -k for all overlays", home.path, k.dir))
		case !known[k.dir]:
		case byOverlay[k.dir] == nil || !slices.Equal(w.documents(file, byOverlay[k.dir]), want):
			same = false
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

// write adds the policies of n to a target.
func (w *writer) write(target, file string, n *need) {
	if w.added[target] == nil {
		w.added[target] = &addition{crlf: isCRLF(w.texts[file]), listed: make(map[*kustomization]bool)}
	}
	w.added[target].documents = append(w.added[target].documents, w.documents(file, n)...)
}

// documents returns the policies of n as YAML documents: the first of each TrafficTrace has
// its comment, and all have its labels and annotations.
func (w *writer) documents(file string, n *need) []string {
	documents := make([]string, 0, len(n.policies))
	commented := make(map[string]bool)
	for i, p := range n.policies {
		policy := *p
		comment := w.source(file, p.Mesh, n.traces[i], &policy)
		var b bytes.Buffer
		if comment != "" && !commented[n.traces[i]] {
			b.WriteString(comment + "\n")
		}
		commented[n.traces[i]] = true
		if err := meshtrace.Write(&b, []*meshtrace.Policy{&policy}, w.style); err != nil {
			w.fail(p.Place, manifest.Subject{Kind: cluster.KindMeshTrace, Name: p.Name, Mesh: p.Mesh}, err)
			continue
		}
		documents = append(documents, b.String())
	}
	return documents
}

// source adds the labels and annotations of a TrafficTrace to a policy, and returns its
// comment. A rendered overlay may have more labels, which it adds to the MeshTrace as well.
func (w *writer) source(file, mesh, trace string, policy *meshtrace.Policy) (comment string) {
	f := w.edits[file]
	if f == nil {
		return ""
	}
	for _, doc := range f.Documents() {
		for _, e := range entries(doc.Root) {
			of := subjectOf(e)
			if !e.isLegacy() || of.Name != trace || meshOf(of) != mesh {
				continue
			}
			addOwn(e.node, policy)
			if len(e.path) == 0 {
				comment = doc.Comment()
			}
		}
	}
	return comment
}

func meshOf(s manifest.Subject) string {
	mesh, _ := s.InMesh()
	return mesh
}

// addOwn adds the author's labels and annotations of a TrafficTrace to a policy.
func addOwn(n *yaml.Node, policy *meshtrace.Policy) {
	from := n
	if !isUniversal(n) {
		from = value(n, "metadata")
	}
	labels := make(map[string]string)
	for key, label := range scalars(value(from, "labels")) {
		if cluster.IsOwn(key) && meshtrace.CheckLabel(key, label) == nil {
			labels[key] = label
		}
	}
	maps.Copy(labels, policy.Labels)
	policy.Labels = labels
	if policy.Format == cluster.Kubernetes {
		annotations := make(map[string]string)
		for key, annotation := range scalars(value(from, "annotations")) {
			if cluster.IsOwn(key) {
				annotations[key] = annotation
			}
		}
		maps.Copy(annotations, policy.Annotations)
		policy.Annotations = annotations
	}
}

// scalars returns the scalar entries of a mapping.
func scalars(n *yaml.Node) map[string]string {
	all := make(map[string]string)
	if n == nil || n.Kind != yaml.MappingNode {
		return all
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode {
			all[n.Content[i].Value] = v.Value
		}
	}
	return all
}

// list lists a target in a kustomization, after a file that it lists or at the end.
func (w *writer) list(k *kustomization, target, after string) {
	a := w.added[target]
	if _, _, ok := k.lists(target); ok || a.listed[k] {
		return
	}
	a.listed[k] = true
	field, index := "resources", 0
	name := strings.TrimPrefix(target, k.dir+"/")
	if after != "" {
		at, i, _ := k.lists(after)
		field, index = at, i+1
		written := value(k.doc.Root, field).Content[i].Value
		name = strings.TrimSuffix(written, path.Base(after)) + path.Base(target)
	} else if list := value(k.doc.Root, field); list != nil {
		index = len(list.Content)
	}
	if err := k.doc.Insert(name, field, index); err != nil {
		w.fail(manifest.Place{}, manifest.Subject{}, err)
	}
}

// text returns the whole text of a target.
func (w *writer) text(target string) []byte {
	a := w.added[target]
	var b bytes.Buffer
	old := w.texts[target]
	b.Write(old)
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		b.WriteString("\n")
	}
	for i, document := range a.documents {
		if i > 0 || len(bytes.TrimSpace(old)) > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(document)
	}
	if a.crlf || isCRLF(old) {
		text := bytes.ReplaceAll(b.Bytes()[len(old):], []byte("\r\n"), []byte("\n"))
		return append(slices.Clone(old), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	return b.Bytes()
}

// isCRLF reports whether the lines of a text end with CRLF.
func isCRLF(text []byte) bool {
	i := bytes.IndexByte(text, '\n')
	return i > 0 && text[i-1] == '\r'
}
