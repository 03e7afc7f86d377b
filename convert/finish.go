package convert

import (
	"slices"
)

// conversion is a mesh with the results of all steps.
type conversion struct {
	*verification
	run   previousRun
	notes notes // of all steps
}

// finish compares a mesh to what a previous run made of it, and notes what any MeshTrace
// changes.
func finish(v *verification) *conversion {
	run := findPrevious(v)
	return &conversion{verification: v, run: run, notes: slices.Concat(
		v.selection.notes, v.reduction.notes, v.naming.notes, v.notes, run.notes,
		remarkBackends(v.mesh, v.policies), remarkLabels(v.mesh, v.policies), remarkUnmatched(v.mesh, v.policies),
		remarkPrecedence(v.mesh, v.policies, v.conflicting),
	)}
}
