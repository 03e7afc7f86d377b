package rewrite_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/rewrite"
	"tracemigrate/meshtrace"
)

// The stages of a migration.
const (
	add    = "add"
	remove = "remove"
)

// tree is a repository in a directory, which is the current one.
type tree struct {
	t     testing.TB
	dir   string
	texts map[string][]byte
	state []string // Dataplanes of each mesh, as YAML
	// byLabels is set if the MeshTraces select by labels.
	byLabels bool
	// rendered are the units of all overlays; nil after a change.
	rendered []*unit
}

// newTree writes files to a directory and changes to it.
func newTree(t testing.TB, dir string, texts map[string][]byte) *tree {
	w := &tree{t: t, dir: dir, texts: make(map[string][]byte)}
	w.write(texts)
	return w
}

// write applies changes.
func (w *tree) write(changes map[string][]byte) {
	if len(changes) > 0 {
		w.rendered = nil
	}
	for name, text := range changes {
		path := filepath.Join(w.dir, name)
		if text == nil {
			delete(w.texts, name)
			require.NoError(w.t, os.Remove(path))
			continue
		}
		w.texts[name] = text
		require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(w.t, os.WriteFile(path, text, 0o666))
	}
}

// unit is what is applied as a whole, as read from the tree.
type unit struct {
	overlay string
	files   map[string]string // by name of input
	objects []map[string]any
	own     *cluster.Snapshot
	current *convert.Current
}

// options are those of every conversion.
var options = convert.Options{Version: cluster.Latest, Namespace: "kuma-system"}

// units renders the overlays, all without names, and reads the plain files.
func (w *tree) units(repo *rewrite.Repo, overlays []string) (units []*unit, err error) {
	if overlays == nil && w.rendered != nil {
		return w.rendered, nil
	}
	if overlays == nil {
		overlays = repo.Overlays()
		defer func() { w.rendered = units }()
	}
	for _, dir := range overlays {
		inputs, err := overlay.Render(dir, nil)
		if err != nil {
			return nil, err
		}
		u := w.read(dir, inputs)
		for _, input := range inputs {
			var text []byte
			input.Seen = func(part string, _ bool) { text = append(text, part...) }
			cluster.Read([]manifest.Input{input})
			var object map[string]any
			require.NoError(w.t, json.Unmarshal(text, &object))
			u.objects = append(u.objects, object)
		}
		units = append(units, u)
	}
	var plain []manifest.Input
	for _, name := range repo.Plain() {
		if rewrite.IsOfKuma(w.texts[name]) {
			plain = append(plain, manifest.Text(name, string(w.texts[name])))
		}
	}
	if len(plain) > 0 {
		units = append(units, w.read("", plain))
	}
	return units, nil
}

// read decodes the inputs of a unit with the Dataplanes of its meshes.
func (w *tree) read(dir string, inputs []manifest.Input) *unit {
	u := &unit{overlay: dir, files: make(map[string]string), own: cluster.Read(inputs)}
	for _, input := range inputs {
		u.files[input.Name] = input.Path
		if input.Path == "" {
			u.files[input.Name] = input.Name
		}
	}
	for _, text := range w.state {
		_, rest, _ := strings.Cut(text, "\nmesh: ")
		mesh, _, _ := strings.Cut(rest, "\n")
		if slices.ContainsFunc(u.own.Meshes, func(m *cluster.Resource) bool { return m.Name == mesh }) {
			inputs = append(inputs, manifest.Text("state.yaml", text))
		}
	}
	u.current = convert.Read(cluster.Read(inputs), "kuma-system")
	return u
}

// run returns what a stage changes, and the problems, of the stage and of the rendered
// result, which it leaves in the tree if there are none.
func (w *tree) run(stage string, overlays []string) (rewrite.Changes, []string) {
	repo := rewrite.NewRepo(maps.Clone(w.texts))
	if found := repo.Problems(); len(found) > 0 {
		return nil, sentences(found)
	}
	before, err := w.units(repo, overlays)
	if err != nil {
		return nil, []string{err.Error()}
	}
	var changes rewrite.Changes
	plans := make(map[*unit]*convert.Plan)
	if stage == remove {
		changes, err = repo.Remove()
	} else {
		var all []*rewrite.Unit
		for _, u := range before {
			if u.current.Failed() {
				return nil, sentences(u.current.Found)
			}
			o := options
			o.ByLabels = w.byLabels
			plan, problems := convert.Convert(u.current, o)
			if plan.Refused() {
				return nil, append(sentences(problems), "the conversion is refused")
			}
			plans[u] = plan
			all = append(all, u.forAdd(plan))
		}
		changes, err = repo.Add(all, meshtrace.Style{Version: options.Version})
	}
	if found := repo.Problems(); len(found) > 0 || err != nil {
		require.NotEmpty(w.t, found)
		require.Nil(w.t, changes)
		return nil, sentences(found)
	}
	return changes, w.verify(repo, overlays, changes, before, plans)
}

func (u *unit) forAdd(plan *convert.Plan) *rewrite.Unit {
	return &rewrite.Unit{
		Overlay: u.overlay, Plan: plan,
		FileOf: func(p manifest.Place) string { return u.files[p.File] },
	}
}

// verify writes changes, and compares each proxy. If it finds problems, it restores the tree.
func (w *tree) verify(repo *rewrite.Repo, overlays []string, changes rewrite.Changes, before []*unit, plans map[*unit]*convert.Plan) (problems []string) {
	old := make(map[string][]byte)
	for name := range changes {
		old[name] = w.texts[name]
	}
	w.write(changes)
	defer func() {
		if len(problems) > 0 {
			w.write(old)
		}
	}()
	left := []string{}
	for _, u := range before {
		if u.overlay != "" && !repo.IsDeleted(u.overlay) {
			left = append(left, u.overlay)
		}
	}
	if overlays == nil {
		left = nil
	}
	after, err := w.units(rewrite.NewRepo(maps.Clone(w.texts)), left)
	if err != nil {
		return []string{"after the change: " + err.Error()}
	}
	byOverlay := make(map[string]*unit)
	for _, u := range after {
		byOverlay[u.overlay] = u
	}
	for _, u := range before {
		is := byOverlay[u.overlay]
		if is == nil {
			is = w.read(u.overlay, nil)
		}
		if plan := plans[u]; plan != nil && u.overlay != "" {
			rendered, _ := meshtrace.Read(is.own, "kuma-system")
			problems = append(problems, sentences(repo.CheckRendered(u.overlay, plan.Policies, rendered))...)
		}
		problems = append(problems, compare(u, is)...)
	}
	return problems
}

// compare returns the proxies whose tracing differs.
func compare(was, is *unit) (different []string) {
	for _, comparison := range convert.CompareStates(was.current, is.current, options).Comparisons {
		for i := range comparison.Proxies {
			if p := &comparison.Proxies[i]; p.Verdict == envoydiff.Different || p.Verdict == envoydiff.Unknown {
				different = append(different, fmt.Sprintf("%s: proxy %s of mesh %s is %s; %s", was.overlay, p.Name, p.Mesh, p.Verdict, p.Source()))
			}
		}
	}
	return different
}

func sentences(problems []*manifest.Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Error())
	}
	return all
}

// others returns the resources of a rendered overlay as JSON, in a fixed order, without
// what a migration changes: TrafficTraces, MeshTraces and the tracing of Meshes.
func (u *unit) others() []string {
	var all []string
	for _, object := range u.objects {
		switch object["kind"] {
		case cluster.KindTrafficTrace, cluster.KindMeshTrace:
			continue
		case cluster.KindMesh:
			object = maps.Clone(object)
			if spec, ok := object["spec"].(map[string]any); ok {
				spec = maps.Clone(spec)
				delete(spec, "tracing")
				if object["spec"] = spec; len(spec) == 0 {
					delete(object, "spec")
				}
			}
		}
		var b bytes.Buffer
		_ = json.NewEncoder(&b).Encode(object)
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}
