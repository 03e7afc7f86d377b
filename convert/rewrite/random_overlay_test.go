package rewrite_test

import (
	"fmt"
	"path"
	"strings"
)

// repository makes bases, components, overlays and plain files.
func (r *random) repository() map[string][]byte {
	meshes := []string{"default"}
	if r.chance(30, "repositories of two meshes") {
		meshes = append(meshes, "other")
	}
	bases := []string{"base"}
	r.base("base", meshes, true)
	if r.chance(30, "nested bases") {
		r.base("base/nested", meshes, false)
		r.include("base", "base/nested")
	}
	if r.chance(40, "second bases") {
		r.base("more", meshes, false)
		bases = append(bases, "more")
		if r.chance(50, "name prefixes and suffixes") {
			r.dirs["more"].fields = append(r.dirs["more"].fields, r.one("namePrefix: p-", "nameSuffix: -s", "namePrefix: p-\nnameSuffix: -s"))
			r.dirs["more"].traces, r.dirs["more"].maps = nil, nil // patches would need the new names
		}
	}
	components := 0
	if r.chance(30, "components") {
		r.base("parts/one", meshes, false)
		r.dirs["parts/one"].component = true
		components++
	}
	for i := range 1 + r.IntN(3) {
		r.count["overlays"]++
		r.overlay(fmt.Sprintf("overlays/%d", i), bases, components > 0, meshes)
	}
	if r.chance(30, "plain files") {
		f := r.file("plain/" + r.one("kubernetes.yaml", "traffictraces.yaml"))
		d := &directory{}
		if r.chance(40, "") {
			r.universal(f)
		} else {
			r.mesh(d, f, "plain")
			for range r.IntN(3) {
				r.trace(d, f, "plain")
			}
		}
		r.noise(d, f)
	}
	for _, dir := range r.sorted() {
		r.kustomization(dir, r.dirs[dir])
	}
	texts := make(map[string][]byte)
	for name, f := range r.files {
		texts[name] = f.bytes()
	}
	return texts
}

// include lists a directory in a kustomization.
func (r *random) include(dir, other string) {
	d, of := r.dirs[dir], r.dirs[other]
	up := strings.Repeat("../", strings.Count(dir, "/")+1)
	name := up + other
	if rest, ok := strings.CutPrefix(other, dir+"/"); ok {
		name = rest
	}
	field := "resources"
	switch {
	case of.component:
		field = "components"
	case r.chance(20, "bases"):
		field = "bases"
	}
	d.listed = append(d.listed, field+" "+name)
	d.traces = append(d.traces, of.traces...)
	d.maps = append(d.maps, of.maps...)
	d.meshes = append(d.meshes, of.meshes...)
}

// overlay makes an overlay of some bases, with patches.
func (r *random) overlay(dir string, bases []string, component bool, meshes []string) {
	d := &directory{}
	r.dirs[dir] = d
	for i, base := range bases {
		if i == 0 || dir == "overlays/0" || r.chance(70, "") {
			r.include(dir, base)
		}
	}
	if component && r.chance(60, "") {
		r.include(dir, "parts/one")
	}
	if r.chance(30, "overlays with manifests") {
		f := r.file(path.Join(dir, "own.yaml"))
		d.listed = append(d.listed, "own.yaml")
		r.trace(d, f, meshes[0])
		r.noise(d, f)
	}
	if r.chance(20, "existing meshtraces.yaml") {
		f := r.file(path.Join(dir, "meshtraces.yaml"))
		d.listed = append(d.listed, "meshtraces.yaml")
		r.separator(f)
		f.add(kept, "# existing\napiVersion: kuma.io/v1alpha1\nkind: MeshTrace\nmetadata: {name: aaa, namespace: kuma-system, labels: {kuma.io/mesh: none}}\nspec: {targetRef: {kind: Mesh}, default: {}}")
		r.separator(f)
		f.add(kept, "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: none}")
	}
	for range r.IntN(4) {
		r.patch(dir, d)
	}
	if r.chance(20, "labels") {
		d.fields = append(d.fields, "labels:\n- pairs: {env: x} # a label")
	}
}

// patch adds a patch to an overlay.
func (r *random) patch(dir string, d *directory) {
	url := "http://" + r.name("other") + ":9411/api/v2/spans"
	mesh := r.one(d.meshes...)
	head := "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: " + mesh + "}\n"
	tracing := "  tracing:\n    # elsewhere\n    backends:\n    - {name: b1, type: zipkin, conf: {url: '" + url + "'}}\n    - {name: b2, type: zipkin, conf: {url: 'http://two:9411/api/v2/spans'}}"
	var p body
	switch n := r.IntN(9); {
	case n == 0:
		r.count["patches of tracing"]++
		p.add(gone, head+"spec:\n"+tracing)
	case n == 1:
		r.count["patches of tracing and more"]++
		p.add(kept, head+"spec:")
		p.add(gone, tracing)
		p.add(kept, "  # stays\n  constraints:   {}")
	case n == 2:
		r.count["patches of something else"]++
		p.add(kept, head+"spec: {constraints: {dataplaneProxy: {}}}")
	case n == 3:
		r.count["JSON patches"]++
		p.target, p.json = "{kind: Mesh, name: "+mesh+"}", true
		p.add(gone, "- op: replace\n  path: /spec/tracing/backends/0/conf/url\n  value: "+url)
	case n == 4:
		r.count["JSON patches of tracing and more"]++
		p.target, p.json = r.one("{kind: Mesh, name: "+mesh+"}", "{group: kuma.io, version: v1alpha1, kind: Mesh, name: "+mesh+"}"), true
		p.add(gone, "# first\n- op: replace\n  path: /spec/tracing/backends/0/conf/url\n  value: "+url)
		p.add(kept, "# second\n- op: add\n  path: "+r.one("/metadata/labels/x", "/spec/constraints")+"\n  value: {}")
		if strings.Contains(p.lines[len(p.lines)-2].text, "labels") {
			p.lines[len(p.lines)-1].text = "  value:   'y'"
		}
		p.add(gone, "- {op: add, path: /spec/tracing/defaultBackend, value: b2}")
	case n == 5 && len(d.maps) > 0:
		r.count["patches of something else"]++
		p.add(kept, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "+r.one(d.maps...)+"\n  labels: {tracing: \"x\"}")
	case len(d.traces) > 0:
		r.traceOf(d, &p)
	default:
		return
	}
	r.form(dir, d, &p)
}

// traceOf makes a patch of a TrafficTrace.
func (r *random) traceOf(d *directory, p *body) {
	name := r.one(d.traces...)
	head := "apiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmetadata:\n  name: " + name + "\n"
	switch n := r.IntN(4); {
	case n == 0 && !d.patched:
		r.count["patches that delete"]++
		p.add(gone, "# not here\n$patch: delete\n"+strings.TrimSuffix(head, "\n"))
		d.traces = nil // no other patch of it
		return
	case n == 1:
		r.count["JSON patches of TrafficTraces"]++
		p.target, p.json = r.one("{kind: TrafficTrace, name: "+name+"}", "{kind: TrafficTrace}"), true
		p.add(gone, "- op: add\n  path: /spec/conf\n  value: {backend: b2}")
	case n == 2:
		r.count["patches with kind TrafficTrace as target"]++
		p.target = "{kind: TrafficTrace, name: " + r.one(name, "trace-.*") + "}"
		p.add(gone, head+"spec: {conf: {backend: b1}}")
	default:
		r.count["patches of TrafficTraces"]++
		p.add(gone, head+"spec: {conf: {backend: b2}}")
	}
	d.patched = true
}
