package convert

import (
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"tracemigrate/cluster"
	"tracemigrate/convert/cover"
	"tracemigrate/meshtrace"
)

// keepable returns the layers of existing policies that select by labels alone already,
// and on the target version what they decide on.
func (l *layering) keepable() map[*layer]bool {
	var policies []*meshtrace.Policy
	of := make(map[*meshtrace.Policy]*layer)
	for _, layer := range l.layers {
		if p := layer.existing; p != nil && !layer.copied && selectsByLabels(p) &&
			p.TargetRef.IsIn(cluster.Newest) && len(p.RefusedBy(l.target())) == 0 {
			policies = append(policies, p)
			of[p] = layer
		}
	}
	if len(policies) == 0 {
		return nil
	}
	selected := make(map[*layer][]int)
	matcher := meshtrace.NewMatcher(l.target(), policies, l.gateways)
	var found []*meshtrace.Policy
	for i, dp := range l.sidecars {
		found = matcher.Matching(found[:0], dp)
		for _, p := range found {
			selected[of[p]] = append(selected[of[p]], i)
		}
	}
	kept := make(map[*layer]bool)
	for _, layer := range of {
		kept[layer] = isWithin(layer.served, selected[layer]) && l.maySelect(layer, selected[layer])
	}
	return kept
}

// selectsByLabels reports whether p has a kind that 3.0 has.
func selectsByLabels(p *meshtrace.Policy) bool {
	return p.TargetRef.Kind == meshtrace.Mesh || p.TargetRef.Kind == meshtrace.Dataplane
}

// needsBackend reports whether a conf must get a MeshOpenTelemetryBackend.
func (l *layering) needsBackend(c *meshtrace.Conf) bool {
	return l.target().NeedsOTelBackendRef() && c.HasOTelEndpoint()
}

// isWithin reports whether all of a, in ascending order, are in b.
func isWithin(a, b []int) bool {
	for _, i := range a {
		if _, ok := slices.BinarySearch(b, i); !ok {
			return false
		}
	}
	return true
}

// covers returns the label sets of each layer, side by side.
func (l *layering) covers(kept map[*layer]bool) []cover.Result {
	results := make([]cover.Result, len(l.layers))
	if len(l.sidecars) == 0 {
		return results
	}
	// A later Dataplane without labels is no proxy of a selector that asks for a tag.
	search := cover.New(append(selectableLabels(l.sidecars, l.o), nil), rankLabel)
	tags := l.ownLabels()
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, of := range l.layers {
		if len(of.served) == 0 || kept[of] {
			continue
		}
		workers.Go(func() error {
			results[i] = l.coverOf(of, search)
			if own := tags[i]; own.labels != nil && len(results[i].Sets) == 1 && len(results[i].Sets[0]) == len(own.labels) &&
				isWithin(of.served, own.selected) && l.maySelect(of, own.selected) {
				results[i].Sets = []cluster.Tags{own.labels}
			}
			return nil
		})
	}
	_ = workers.Wait() // no worker fails
	return results
}

// coverOf returns the label sets of a layer.
func (l *layering) coverOf(of *layer, search *cover.Search) cover.Result {
	later := len(l.sidecars)
	if of.everyone {
		free := l.freeFor(of)
		if len(of.served)+len(free) >= len(l.sidecars) {
			return cover.Result{Sets: []cluster.Tags{{}}, Proved: true}
		}
		return search.Cover(of.served, append(free, later))
	}
	if outside := l.outside(of); len(outside) > 0 {
		return search.Cover(of.served, append(outside, l.freeFor(of)...))
	}
	found := search.Cover(of.served, nil)
	if len(found.Alike) == 0 && len(found.Sets) == 1 && len(found.Sets[0]) == 1 {
		return found
	}
	free := l.freeFor(of)
	if len(free) > 0 {
		found = search.Cover(of.served, free)
	}
	if same := l.sameBelow(of); len(found.Alike) > 0 && len(same) > 0 {
		if wider := search.Cover(of.served, append(free, same...)); len(wider.Alike) < len(found.Alike) {
			return wider
		}
	}
	return found
}

// outside returns the sidecars that a layer cannot select, whatever its labels: a policy
// of an application's namespace selects the proxies there.
func (l *layering) outside(of *layer) []int {
	if of.existing == nil || of.existing.System {
		return nil
	}
	var outside []int
	for i, dp := range l.sidecars {
		if dp.Namespace != of.existing.Namespace {
			outside = append(outside, i)
		}
	}
	return outside
}

// own are the labels that have the keys and values of a selector's tags, and the
// sidecars that have them.
type own struct {
	labels   cluster.Tags
	selected []int
}

// ownLabels returns for each layer the labels of the same names as its tags, where they
// exist: of two sets of labels of one size, the one that says what the selector says is
// better.
func (l *layering) ownLabels() []own {
	all := make([]own, len(l.layers))
	selectors := make([]cluster.Tags, len(l.layers))
	for i, of := range l.layers {
		selectors[i] = cluster.Never
		tags := cluster.Tags(nil)
		switch {
		case of.pair != nil:
			tags = of.pair.Tags
		case of.existing.TargetRef.Kind == meshtrace.MeshSubset:
			tags = of.existing.TargetRef.Tags
		}
		if labels, missing := labelsOfTags(tags); len(labels) > 0 && len(missing) == 0 {
			all[i].labels, selectors[i] = labels, labels
		}
	}
	index := cluster.NewIndex(selectors)
	var found []int32
	for i, dp := range l.sidecars {
		found = index.Matching(found[:0], dp.Labels)
		for _, k := range found {
			all[k].selected = append(all[k].selected, i)
		}
	}
	return all
}
