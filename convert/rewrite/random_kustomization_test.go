package rewrite_test

import (
	"path"
	"slices"
	"strings"
)

// body is the content of a patch.
type body struct {
	lines  []line
	target string // empty without one
	json   bool
}

func (b *body) add(fate fate, lines string) {
	for _, l := range strings.Split(lines, "\n") {
		b.lines = append(b.lines, line{l, fate})
	}
}

// allGone reports whether nothing of the patch stays.
func (b *body) allGone() bool {
	return !slices.ContainsFunc(b.lines, func(l line) bool { return l.fate == kept })
}

// form writes a patch as a file or within the kustomization.
func (r *random) form(dir string, d *directory, b *body) {
	of := kept
	if b.allGone() {
		of = gone
	}
	item := patchOf{field: "patches", legacy: of == gone}
	add := func(fate fate, text string) { item.lines = append(item.lines, line{text, fate}) }
	old := r.chance(35, "patches in the old fields")
	if r.chance(30, "comments") {
		add(of, "# about a patch")
	}
	if r.chance(50, "patches in files") {
		name := r.name("patch") + ".yaml"
		f := r.file(path.Join(dir, name))
		f.lines = append(f.lines, b.lines...)
		switch {
		case old && b.target == "":
			item.field = "patchesStrategicMerge"
			add(of, "- "+name)
		case old && b.json && strings.Contains(b.target, "version") && strings.Contains(b.target, "name"):
			item.field = "patchesJson6902"
			add(of, "- path: "+name+"\n  target: "+b.target)
		case b.target != "":
			add(of, "- target: "+b.target+"\n  path:   "+name+" # a path")
		default:
			add(of, "- path: "+name)
		}
	} else {
		r.inline(&item, of, old, b, add)
	}
	d.patches = append(d.patches, item)
}

// inline writes a patch within the kustomization.
func (r *random) inline(item *patchOf, of fate, old bool, b *body, add func(fate, string)) {
	r.count["inline patches"]++
	indent := "    "
	if old && b.target == "" {
		item.field = "patchesStrategicMerge"
		add(of, "- |-")
	} else {
		if b.target != "" && r.chance(50, "") {
			add(of, "- target: "+b.target+"\n  patch: |"+r.one("", "-", "+"))
		} else {
			add(of, "- patch: |-")
			if b.target != "" {
				defer func() { add(of, "  target: "+b.target+" # a target") }()
			}
		}
	}
	for _, l := range b.lines {
		add(l.fate, indent+l.text)
	}
}

// kustomization writes the kustomization of a directory.
func (r *random) kustomization(dir string, d *directory) {
	name := path.Join(dir, r.one("kustomization.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization"))
	f := r.file(name)
	if r.chance(30, "") {
		f.add(kept, "---")
	}
	if d.component {
		f.add(kept, "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component")
	} else if r.chance(50, "") {
		f.add(kept, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization")
	}
	for _, field := range d.fields {
		f.add(kept, "%s", field)
	}
	indent := r.one("", "  ")
	lists := make(map[string][]string)
	for _, item := range d.listed {
		field, name, ok := strings.Cut(item, " ")
		if !ok {
			field, name = "resources", item
		}
		lists[field] = append(lists[field], name)
	}
	for _, field := range []string{"resources", "bases", "components"} {
		switch names := lists[field]; {
		case len(names) == 0:
		case r.chance(20, "lists in flow style"):
			f.add(mixed, "%s: [ %s ] # a list", field, strings.Join(names, ", "))
		default:
			f.add(maybe, "%s:", field)
			for _, name := range names {
				if r.chance(30, "comments") {
					f.add(maybe, "%s# about %s", indent, name)
				}
				f.add(maybe, "%s- %s%s", indent, name, r.one("", " # an item"))
			}
		}
	}
	for _, field := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
		r.patches(f, d, field)
	}
	if r.chance(20, "comments") {
		f.add(kept, "\n# the end")
	}
}

// patches writes the patches of a field.
func (r *random) patches(f *text, d *directory, field string) {
	first := true
	for _, p := range d.patches {
		if p.field != field {
			continue
		}
		if first {
			f.add(maybe, "%s:", field)
			first = false
		}
		for _, l := range p.lines {
			for _, one := range strings.Split(l.text, "\n") {
				of := l.fate
				if of == kept && !p.legacy && strings.HasPrefix(strings.TrimSpace(one), "#") {
					of = maybe
				}
				f.lines = append(f.lines, line{one, of})
			}
		}
	}
}
