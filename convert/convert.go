package convert

import (
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
	selected := Each(meshes, selectPolicies)
	needed := Each(selected, reduce)
	named := name(in, needed, previous)
	built := Each(named, build)
	verified := Each(built, verify)
	return Each(verified, finish)
}

// Words returns a list, such as of codes, as text.
func Words[T ~string](list []T) []string {
	return Each(list, func(word T) string { return string(word) })
}

// Each returns what a function, such as a step, makes of each item; the result is never nil.
func Each[From, To any](all []From, step func(From) To) []To {
	results := make([]To, len(all))
	for i, from := range all {
		results[i] = step(from)
	}
	return results
}
