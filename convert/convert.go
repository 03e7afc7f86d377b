package convert

import (
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// Convert makes MeshTraces of all legacy tracing; those that select by labels, of existing
// MeshTraces too. When the input itself is wrong it returns
// the problems, errors among them, and no plan. When something cannot be carried over, the
// plan has the rest, and notes that are errors.
func Convert(c *Current, o Options) (*Plan, []*manifest.Problem) {
	if c.Failed() {
		return nil, c.Found
	}
	in := newInput(c, &o)
	if o.SelectsByLabels() {
		return in.convertByLabels(), c.Found
	}
	return newPlan(in, in.resume()), c.Found
}

// convert converts as if those of the existing policies that a previous run made did not
// exist.
func (in *input) convert(previous map[*meshtrace.Policy]bool) []*conversion {
	meshes := in.meshesWithout(previous)
	selected := lists.Each(meshes, selectPolicies)
	needed := lists.Each(selected, reduce)
	named := name(in, needed, previous)
	built := lists.Each(named, build)
	verified := lists.Each(built, verify)
	return lists.Each(verified, finish)
}
