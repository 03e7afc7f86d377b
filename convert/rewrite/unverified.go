package rewrite

import (
	"fmt"
	"slices"

	"tracemigrate/cluster/manifest"
)

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
		var changed []string
		for name := range changes {
			if files[name] {
				changed = append(changed, name)
			}
		}
		if len(changed) > 0 {
			problems = append(problems, &manifest.Problem{
				Place: r.byDir[dir].place(nil), Severity: manifest.Error,
				Fault:  fmt.Sprintf("the overlay includes %s, which changes, and it is not verified", slices.Min(changed)),
				Remedy: "add -k " + dir + ", or omit -k for all overlays",
			})
		}
	}
	return problems
}
