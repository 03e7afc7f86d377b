package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Convert makes MeshTraces of all legacy tracing. When the input itself is wrong it returns the problems, errors among them, and no result.
// When something cannot be carried over, the result holds the rest and says so
// in notes that are errors.
func Convert(c *Current, o Options) (*Plan, []*manifest.Problem) {
	if c.Failed() {
		return nil, c.Found
	}
	in := &input{Snapshot: c.Snapshot, o: &o, meshes: c.Meshes}
	in.existing = in.accepted(c.Existing)
	in.compared = asCompared(in.existing, c.Origin, &o)
	for _, problem := range manifest.SortProblems(c.Found) {
		in.notes = append(in.notes, fromProblem(problem))
	}
	remarkSkipped(c.Snapshot, &in.notes)
	result, meshes := in.resume()
	in.compare(result)
	in.refuseDelegated(result)
	in.remarkNames(result, meshes)
	return result, c.Found
}

// input is what there is to convert.
type input struct {
	*cluster.Snapshot
	o        *Options
	meshes   []*legacy.Mesh
	existing []*meshtrace.Policy
	compared []*meshtrace.Policy        // the existing ones, as they compare to new ones
	arrived  map[*meshtrace.Policy]bool // see arrivedPolicies
	notes    notes
}

// convert converts as though those of the existing policies that a previous run made
// did not exist.
func (in *input) convert(previous map[*meshtrace.Policy]bool) (*Plan, []*mesh) {
	result, all := newPlan(), slices.Clone(in.notes)
	meshes := in.newMeshes(previous, &all)
	for _, m := range meshes {
		m.selectPolicies()
		m.reduce()
	}
	in.settle(meshes, result)
	in.name(meshes, previous)
	remarkOrigin(in.Snapshot, in.o, meshes, &all)
	for _, m := range meshes {
		m.build()
		m.verify()
		m.remarkEarlier(result)
		m.remark()
	}
	result.take(meshes, in.o)
	in.remarkPatches(result, meshes, &all)
	result.Notes = all.sorted()
	return result, meshes
}
