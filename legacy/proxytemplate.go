package legacy

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// ProxyTemplates are those of a mesh. Of all that select a proxy, the one applies whose
// selector ranks highest, as of TrafficTraces (SelectDataplanePolicy in pkg/core/policy of
// Kuma's tags 2.0 to 2.14).
type ProxyTemplates struct {
	ranked        Mesh
	modifications map[*TrafficTrace][]cluster.Modification
}

// ReadProxyTemplates decodes the ProxyTemplates of a snapshot, by mesh.
func ReadProxyTemplates(s *cluster.Snapshot) (map[string]*ProxyTemplates, []*manifest.Problem) {
	var problems []*manifest.Problem
	all := make(map[string]*ProxyTemplates)
	for _, r := range s.ProxyPatches {
		if !r.IsProxyTemplate() {
			continue
		}
		of := all[r.Mesh]
		if of == nil {
			of = &ProxyTemplates{modifications: make(map[*TrafficTrace][]cluster.Modification)}
			all[r.Mesh] = of
		}
		t := &TrafficTrace{Resource: r.WithoutSpec(), Selectors: decodeSelectors(r.Spec.Recount(&problems))}
		of.ranked.TrafficTraces = append(of.ranked.TrafficTraces, t)
		of.modifications[t] = cluster.ModificationsOf(r, &problems)
	}
	for _, of := range all {
		of.ranked.order()
	}
	return all, problems
}

// ProxyTemplate is one of ProxyTemplates.
type ProxyTemplate struct {
	*cluster.Resource
	Modifications []cluster.Modification
}

// Highest returns those of the highest rank that select a proxy. One of them applies, which
// depends on their creation times. A nil p has none.
func (p *ProxyTemplates) Highest(dp *cluster.Dataplane) []ProxyTemplate {
	if p == nil {
		return nil
	}
	var found []ProxyTemplate
	seen := make(map[*TrafficTrace]bool)
	for _, position := range p.ranked.Highest(nil, dp.TagSets()...) {
		if t := p.ranked.Pairs[position].TrafficTrace; !seen[t] {
			seen[t] = true
			found = append(found, ProxyTemplate{t.Resource, p.modifications[t]})
		}
	}
	return found
}

// ConcernTracing reports whether a modification of p can have to do with tracing.
func (p *ProxyTemplates) ConcernTracing() bool {
	for _, modifications := range p.modifications {
		if slices.ContainsFunc(modifications, func(m cluster.Modification) bool { return m.ConcernsTracing() }) {
			return true
		}
	}
	return false
}

// Selectors returns the tags of every selector.
func (p *ProxyTemplates) Selectors() []cluster.Tags {
	return lists.Each(p.ranked.Pairs, func(pair *Pair) cluster.Tags { return pair.Tags })
}
