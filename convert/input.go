package convert

import (
	"slices"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// input is what a conversion is of. No step changes it.
type input struct {
	*Current
	o        *Options
	confs    confs
	existing []*meshtrace.Policy        // those that the control plane has
	compared []*meshtrace.Policy        // the existing ones, as they compare to new ones
	arrived  map[*meshtrace.Policy]bool // see arrivedPolicies
	refused  notes                      // of the existing policies that the version refuses
	notes    notes
}

func newInput(c *Current, o *Options) *input {
	existing, refused := acceptedBy(c, o)
	in := &input{
		Current: c, o: o, confs: newConfs(c.Meshes, o), existing: existing, compared: asCompared(existing, c.Origin, o),
		refused: refused,
		notes:   slices.Concat(refused, lists.Each(manifest.SortProblems(c.Found), fromProblem), remarkSkipped(c.Snapshot)),
	}
	in.arrived = in.arrivedPolicies()
	return in
}
