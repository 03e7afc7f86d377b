package rewrite

import (
	"fmt"
	"maps"
	"slices"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// CheckOutside returns, as errors, the kustomizations that are not among the files to edit
// and include one that a stage edits: they would be neither edited nor verified. texts are
// the kustomizations, by path.
func (r *Repo) CheckOutside(texts map[string][]byte) []*manifest.Problem {
	all := maps.Clone(texts)
	for _, k := range r.kustomizations {
		all[k.path] = r.texts[k.path]
	}
	whole := NewRepo(all)
	var problems []*manifest.Problem
	for _, k := range whole.kustomizations {
		if _, outside := texts[k.path]; !outside {
			continue
		}
		files := make(map[string]bool)
		whole.included(k, files)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if _, edited := r.texts[name]; edited && mentions(r.texts[name]) {
				problems = append(problems, &manifest.Problem{
					Place: k.place(nil), Severity: manifest.Error,
					Fault:  fmt.Sprintf("the kustomization includes %s, and is not among the files to edit", name),
					Remedy: fmt.Sprintf("add %s to the arguments", manifest.ShellQuote(k.dir)),
				})
				break
			}
		}
	}
	return problems
}

// Unverified returns, as errors, the overlays that include a changed file and are not among
// those that are verified.
func (r *Repo) Unverified(changes Changes, verified []string) []*manifest.Problem {
	var problems []*manifest.Problem
	for _, dir := range r.Overlays() {
		if slices.Contains(verified, dir) {
			continue
		}
		files := make(map[string]bool)
		r.included(r.byDir[dir], files)
		changed := lists.Keep(slices.Collect(maps.Keys(changes)), func(name string) bool { return files[name] })
		if len(changed) > 0 {
			problems = append(problems, &manifest.Problem{
				Place: r.byDir[dir].place(nil), Severity: manifest.Error,
				Fault:  fmt.Sprintf("the overlay includes %s, which changes, and it is not verified", slices.Min(changed)),
				Remedy: "add -k " + manifest.ShellQuote(dir) + ", or omit -k for all overlays",
			})
		}
	}
	return problems
}
