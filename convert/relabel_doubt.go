package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// doubtIdle doubts the proxies of policies without a backend that an earlier run may have made,
// of TrafficTraces that are gone: then these proxies had no tracing.
func (r *relabelling) doubtIdle(in *input) func(*cluster.Dataplane) string {
	unclear := lists.Keep(r.gone, func(p *meshtrace.Policy) bool {
		return len(p.Default.Backends) == 0 && selectsByLabels(p) && in.mayBeOurs(p) && (p.Format == cluster.Universal || p.Source != "")
	})
	if len(unclear) == 0 {
		return nil
	}
	matcher := r.matcher(unclear...)
	return func(dp *cluster.Dataplane) string {
		if found := matcher.Matching(nil, dp); len(found) > 0 {
			return mayBeOfGoneTrace.with(facts{"policy": quoted(found[0].Name)})
		}
		return ""
	}
}

// doubtCopies doubts the proxies to which policies with a rank give other tracing, if these may be
// an earlier run's copies of others and this run does not make them: what was before is not known.
func (r *relabelling) doubtCopies(in *input) func(*cluster.Dataplane) string {
	existing := r.allExisting()
	madeAgain := lists.Set(r.again, func(p *meshtrace.Policy) *meshtrace.Policy { return p })
	unclear := make(map[*meshtrace.Policy]*meshtrace.Policy) // with their originals
	for p, original := range in.copiesIn(r.mesh) {
		if rankInFront.MatchString(p.Name) && !rankInFront.MatchString(original.Name) && !madeAgain[p] {
			unclear[p] = original
		}
	}
	if len(unclear) == 0 {
		return nil
	}
	with := r.matcher(existing...)
	without := r.matcher(lists.Keep(existing, func(p *meshtrace.Policy) bool { return unclear[p] == nil })...)
	return func(dp *cluster.Dataplane) string {
		found := with.Matching(nil, dp)
		conf, before := meshtrace.Merge(found), meshtrace.Merge(without.Matching(nil, dp))
		if i := slices.IndexFunc(found, func(p *meshtrace.Policy) bool { return unclear[p] != nil }); i >= 0 && conf.Key() != before.Key() {
			return mayBeEarlierCopy.with(facts{"policy": quoted(found[i].Name), "original": quoted(unclear[found[i]].Name)})
		}
		return ""
	}
}
