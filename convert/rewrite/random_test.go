package rewrite_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// fate is what becomes of a line when what is legacy is removed.
type fate int

const (
	kept  fate = iota // stays as it is
	gone              // is removed
	maybe             // stays as it is, or is removed: an item of a list of files
	mixed             // loses some of its bytes: flow style
)

// line is a line of a random file.
type line struct {
	text string
	fate fate
}

// random makes repositories that are small and crowded.
type random struct {
	*rand.Rand
	files map[string]*text
	dirs  map[string]*directory
	count map[string]int // what the repositories contain
	// What the MeshTraces of a TrafficTrace must have, by its name.
	comments, labels map[string]bool
	names            int // for names that no other resource has
}

// text is a random file.
type text struct {
	lines    []line
	eol      string
	unended  bool // without a final line break
	document int  // number of documents
}

func (f *text) add(fate fate, format string, args ...any) {
	of := format
	if len(args) > 0 {
		of = fmt.Sprintf(format, args...)
	}
	for _, l := range strings.Split(of, "\n") {
		f.lines = append(f.lines, line{l, fate})
	}
}

func (f *text) bytes() []byte {
	var b strings.Builder
	for i, l := range f.lines {
		b.WriteString(l.text)
		if i < len(f.lines)-1 || !f.unended {
			b.WriteString(f.eol)
		}
	}
	return []byte(b.String())
}

// directory is a kustomization that is made.
type directory struct {
	component bool
	listed    []string // paths of files and directories, as written
	patches   []patchOf
	patched   bool     // a TrafficTrace is
	traces    []string // names of the TrafficTraces of its own and below
	meshes    []string
	maps      []string // ConfigMaps
	fields    []string // other fields
}

// patchOf is a patch in one of the three forms.
type patchOf struct {
	field  string
	lines  []line // of the item
	legacy bool
}

func (r *random) one(of ...string) string { return of[r.IntN(len(of))] }

func (r *random) chance(percent int, what string) bool {
	yes := r.IntN(100) < percent
	if yes && what != "" {
		r.count[what]++
	}
	return yes
}

func (r *random) name(kind string) string {
	r.names++
	return fmt.Sprintf("%s%d", kind, r.names)
}

// file starts a file.
func (r *random) file(name string) *text {
	f := &text{eol: "\n"}
	if r.chance(15, "files with CRLF") {
		f.eol = "\r\n"
	}
	f.unended = r.chance(10, "files without a final line break")
	if r.chance(25, "licences") {
		f.add(kept, "# Copyright of nobody.\n# All rights reversed.")
		f.add(kept, "%s", r.one("", "\n"))
	}
	r.files[name] = f
	return f
}

// separator starts a document, but the first, which may do without.
func (r *random) separator(f *text) {
	if f.document++; f.document > 1 || r.chance(30, "") {
		f.add(mixed, "%s", r.one("---", "---", "--- # next", "\n---"))
	}
	if r.chance(20, "") {
		f.add(kept, "")
	}
}

// noise adds a document that stays.
func (r *random) noise(d *directory, f *text) {
	r.separator(f)
	name := r.name("config")
	d.maps = append(d.maps, name)
	r.count["other documents"]++
	if r.chance(50, "comments") {
		f.add(kept, "# about %s", name)
	}
	f.add(kept, r.one(
		"apiVersion: v1\nkind:  ConfigMap # a comment\nmetadata:\n    name:   %q\ndata:\n    text: |\n        kind: TrafficTrace\n        # no comment\n\n        ---\n        tracing: {}\n    other: 'it''s'",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: { \"name\": %q }\ndata: &data {a: 'b'}\nbinaryData: {}",
		"{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": %q},\n \"data\": {\"tracing\": \"no\"}}",
	), name)
	if r.chance(30, "comments") {
		f.add(kept, "# after %s", name)
	}
}

// trace adds a TrafficTrace.
func (r *random) trace(d *directory, f *text, mesh string) {
	r.separator(f)
	name := r.name("trace-")
	d.traces = append(d.traces, name)
	r.count["TrafficTraces"]++
	if r.chance(40, "comments") {
		f.add(gone, "# traces of %s\n#", name)
		r.comments[name] = true
	}
	selector := "kuma.io/service: " + r.one("'*'", "web", "api", "db")
	if r.chance(40, "") {
		selector += ", version: " + r.one("v1", "v2")
	}
	conf := "backend: " + r.one("b1", "b2")
	if r.chance(15, "TrafficTraces without backend") {
		conf = ""
	}
	created := fmt.Sprintf("2024-01-01T00:%02d:%02dZ", r.names/60%60, r.names%60)
	labels := r.one("", "", "\n  labels:\n    team: a # whose\n    app.kubernetes.io/part-of: \"x\"")
	notes := r.one("", "", "\n  annotations: {argocd.argoproj.io/sync-wave: \"5\"}")
	switch r.IntN(4) {
	case 0:
		f.add(gone, `{"apiVersion": "kuma.io/v1alpha1", "kind": "TrafficTrace", "mesh": %q,`+"\n"+
			`  "metadata": {"name": %q, "creationTimestamp": %q}, "spec": {"selectors": [{"match": {%s}}],`+"\n"+`  "conf": {%s}}}`,
			mesh, name, created, strings.NewReplacer("kuma.io/service: '*'", "kuma.io/service: \"*\"").Replace(selector), conf)
	case 1:
		f.add(gone, "apiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: %s\nmetadata: {name: %s, creationTimestamp: %q}\nspec: {selectors: [{match: {%s}}], conf: {%s}}",
			mesh, name, created, selector, conf)
	default:
		r.labels[name] = labels != ""
		f.add(gone, "kind: TrafficTrace # a kind\nmesh: %s\nmetadata:\n  name: %s\n  creationTimestamp: %q%s%s\napiVersion: \"kuma.io/v1alpha1\"\nspec:\n  # who\n  selectors:\n\n  - match: {%s}\n  conf: {%s}",
			mesh, name, created, labels, notes, selector, conf)
	}
}

// universal adds a Mesh and TrafficTraces of Universal.
func (r *random) universal(f *text) {
	r.separator(f)
	r.count["Universal files"]++
	f.add(kept, "type: Mesh\nname: plain # a name")
	f.add(gone, "tracing:\n  backends: [{name: b1, type: zipkin, conf: {url: 'http://one:9411/api/v2/spans'}}]")
	f.add(kept, "# about mtls\nmtls:  {}")
	for range r.IntN(3) {
		r.separator(f)
		name := r.name("trace-")
		r.comments[name] = true
		f.add(gone, "# traces of %s\ntype: TrafficTrace\nname: %s\nmesh: 'plain'\ncreationTime: \"2024-01-01T01:00:%02dZ\"\nselectors:\n- match: {kuma.io/service: %s}\nconf: {backend: b1}",
			name, name, r.names%60, r.one("web", "'*'"))
	}
}

// listOf adds a document of kind List.
func (r *random) listOf(d *directory, f *text, mesh string) {
	r.separator(f)
	r.count["lists"]++
	some := r.chance(50, "lists that stay")
	of := gone
	if some {
		of = kept
	}
	f.add(of, "apiVersion: v1\nkind: List\nitems:")
	for range 1 + r.IntN(2) {
		name := r.name("trace-")
		d.traces = append(d.traces, name)
		r.count["TrafficTraces"]++
		f.add(gone, "# of the list\n- apiVersion: kuma.io/v1alpha1\n  kind: TrafficTrace\n  mesh: %s\n  metadata: {name: %s, creationTimestamp: \"2023-01-01T00:%02d:%02dZ\"}\n  spec:\n    selectors: [{match: {kuma.io/service: %s}}]\n    conf: {backend: b1}",
			mesh, name, r.names/60%60, r.names%60, r.one("web", "db"))
		if some {
			other := r.name("config")
			d.maps = append(d.maps, other)
			f.add(kept, "# kept\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}", other)
			some = r.chance(50, "")
		}
	}
}

// mesh adds a Mesh with the backends b1 and b2.
func (r *random) mesh(d *directory, f *text, name string) {
	r.separator(f)
	d.meshes = append(d.meshes, name)
	r.count["Meshes"]++
	if r.chance(40, "comments") {
		f.add(kept, "# the mesh")
	}
	flow := r.chance(20, "Meshes in flow style")
	backends := "[{name: b1, type: zipkin, conf: {url: 'http://one:9411/api/v2/spans'}}, {name: b2, type: zipkin, sampling: 50, conf: {url: 'http://two:9411/api/v2/spans'}}]"
	preset := r.one("", "defaultBackend: b1, ")
	if flow {
		f.add(mixed, "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: %s, labels: {a: b}}, spec: {routing: {localityAwareLoadBalancing: true},  tracing: {%sbackends: %s}}}",
			name, preset, backends)
		return
	}
	f.add(kept, "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n   name:   %s # a name\n   labels: {\"a\": 'b'}", name)
	first, last := r.chance(60, ""), r.chance(60, "")
	of := kept
	if !first && !last {
		of = mixed // it may become {}
		r.count["Meshes of tracing alone"]++
	}
	f.add(of, "spec:")
	if first {
		f.add(kept, "   # about mtls\n   networking:   {outbound: {passthrough: true}}\n")
	}
	if r.chance(40, "comments") {
		f.add(gone, "   # about tracing")
	}
	f.add(gone, "   tracing: # here\n      %s\n      backends: %s # end", strings.ReplaceAll(preset, ", ", ""), backends)
	if last {
		f.add(kept, "\n   # about routing\n   routing:\n     localityAwareLoadBalancing:   true")
	}
}

// base makes a directory with manifests.
func (r *random) base(dir string, meshes []string, own bool) {
	d := &directory{}
	r.dirs[dir] = d
	names := []string{r.one("traffictraces.yaml", "tracing.yml", "traffic-trace.yaml", "all.json.yaml")}
	if r.chance(50, "") {
		names = append(names, r.one("more.yaml", "sub/traffictrace.yml"))
	}
	if own {
		f := r.file(path.Join(dir, "mesh.yaml"))
		d.listed = append(d.listed, "mesh.yaml")
		for _, mesh := range meshes {
			r.mesh(d, f, mesh)
			if r.chance(30, "") {
				r.noise(d, f)
			}
		}
		if r.chance(20, "") {
			r.trace(d, f, meshes[0])
		}
	}
	for _, name := range names {
		f := r.file(path.Join(dir, name))
		d.listed = append(d.listed, r.one("", "", "./")+name)
		for range 1 + r.IntN(3) {
			mesh := r.one(meshes...)
			switch n := r.IntN(10); {
			case n < 3:
				r.noise(d, f)
			case n < 4:
				r.listOf(d, f, mesh)
			default:
				r.trace(d, f, mesh)
			}
		}
	}
}

// sorted returns the directories in a fixed order.
func (r *random) sorted() []string {
	var dirs []string
	for dir := range r.dirs {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}
