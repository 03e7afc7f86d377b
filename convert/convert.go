package convert

import (
	"slices"

	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// Convert makes MeshTraces of all legacy tracing. When the input itself is wrong it returns
// the problems, errors among them, and no plan. When something cannot be carried over, the
// plan has the rest, and notes that are errors.
func Convert(c *Current, o Options) (*Plan, []*manifest.Problem) {
	if c.Failed() {
		return nil, c.Found
	}
	in := newInput(c, &o)
	return newPlan(in, in.resume()), c.Found
}

// convert converts as if those of the existing policies that a previous run made did not
// exist.
func (in *input) convert(previous map[*meshtrace.Policy]bool) []*conversion {
	meshes := in.meshesApart(previous)
	selected := each(meshes, selectPolicies)
	needed := each(selected, reduce)
	named := name(in, needed, previous)
	built := each(named, build)
	verified := each(built, verify)
	return each(verified, finish)
}

// input is what a conversion is of. No step changes it.
type input struct {
	*Current
	o        *Options
	confs    confs
	existing []*meshtrace.Policy        // those that the control plane has
	compared []*meshtrace.Policy        // the existing ones, as they compare to new ones
	arrived  map[*meshtrace.Policy]bool // see arrivedPolicies
	notes    notes
}

func newInput(c *Current, o *Options) *input {
	existing, refused := acceptedBy(c, o)
	in := &input{
		Current: c, o: o, confs: newConfs(c.Meshes, o), existing: existing, compared: asCompared(existing, c.Origin, o),
		notes: slices.Concat(refused, remarkProblems(c), remarkSkipped(c.Snapshot)),
	}
	in.arrived = in.arrivedPolicies()
	return in
}

// each returns what a step makes of each mesh.
func each[From, To any](all []From, step func(From) To) []To {
	results := make([]To, len(all))
	for i, from := range all {
		results[i] = step(from)
	}
	return results
}

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
		remarkBackends(v), remarkLabels(v.mesh, v.policies), remarkUnmatched(v.mesh, v.policies),
		remarkPrecedence(v.mesh, v.policies, v.conflicting),
	)}
}

// remarkProblems makes notes of the problems of the input that are no errors.
func remarkProblems(c *Current) notes {
	var found notes
	for _, problem := range manifest.SortProblems(c.Found) {
		found = append(found, fromProblem(problem))
	}
	return found
}
