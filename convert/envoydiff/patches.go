package envoydiff

import (
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Patches are the MeshProxyPatches and ProxyTemplates of a cluster that can have to do with
// tracing.
type Patches struct {
	policies      []*meshtrace.Policy
	modifications map[*meshtrace.Policy][]cluster.Modification
	templates     map[string]*legacy.ProxyTemplates // by mesh
	unread        []string                          // kinds that could not be read
}

// ReadPatches decodes the MeshProxyPatches and ProxyTemplates of a snapshot.
func ReadPatches(s *cluster.Snapshot) (*Patches, []*manifest.Problem) {
	p := &Patches{modifications: make(map[*meshtrace.Policy][]cluster.Modification)}
	patches, problems := meshtrace.ReadProxyPatches(s)
	for _, patch := range patches {
		if slices.ContainsFunc(patch.Modifications, func(m cluster.Modification) bool { return m.ConcernsTracing() }) {
			p.policies = append(p.policies, patch.Policy)
			p.modifications[patch.Policy] = patch.Modifications
		}
	}
	templates, wrong := legacy.ReadProxyTemplates(s)
	maps.DeleteFunc(templates, func(_ string, t *legacy.ProxyTemplates) bool { return !t.ConcernTracing() })
	p.templates = templates
	p.unread = lists.Keep([]string{cluster.KindMeshProxyPatch, cluster.KindProxyTemplate}, s.Lacks)
	return p, slices.Concat(problems, wrong)
}

// any reports whether p can have to do with a proxy.
func (p *Patches) any() bool { return len(p.policies)+len(p.templates)+len(p.unread) > 0 }

// notShown returns those of p that a control plane's answer to diff --shadow does not show: it
// applies no ProxyTemplate (ProxyConfigInspector in pkg/core/xds/inspect of Kuma's tags 2.7 to
// 2.14; seen on 2.12.3), and has the clusters of TrafficTraces, which go with these.
func (p *Patches) notShown() *Patches {
	rest := &Patches{templates: p.templates, modifications: make(map[*meshtrace.Policy][]cluster.Modification)}
	for _, policy := range p.policies {
		naming := lists.Keep(p.modifications[policy], func(m cluster.Modification) bool { return len(m.Value.Names) > 0 })
		if len(naming) > 0 {
			rest.policies = append(rest.policies, policy)
			rest.modifications[policy] = naming
		}
	}
	rest.unread = lists.Keep(p.unread, func(kind string) bool { return kind == cluster.KindProxyTemplate })
	return rest
}

// NotShown returns a function that returns why a proxy may differ between two states although
// the answers of a control plane to diff --shadow are the same.
func NotShown(version cluster.Version, s *cluster.Snapshot, before, after State) func(dp *cluster.Dataplane) cluster.Doubt {
	r := newRenderer(s)
	patches := before.Patches.notShown()
	before.Patches, after.Patches = patches, patches
	c := &Comparison{before: r.In(version, before), after: r.In(version, after)}
	return func(dp *cluster.Dataplane) cluster.Doubt {
		was, is := c.before.Decide(dp), c.after.Decide(dp)
		return c.patched(&Proxy{Dataplane: dp, Before: &was, After: &is, untraced: !patches.any() || !was.Traces() && !is.Traces()})
	}
}

// Selectors returns policies that select what the patches select, for MadeUp.
func (p *Patches) Selectors() []*meshtrace.Policy {
	selectors := slices.Clone(p.policies)
	for _, mesh := range slices.Sorted(maps.Keys(p.templates)) {
		for _, tags := range p.templates[mesh].Selectors() {
			ref := meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: tags}
			selectors = append(selectors, &meshtrace.Policy{Mesh: mesh, TargetRef: ref})
		}
	}
	return selectors
}

// patcher finds the modifications of proxies on one version.
type patcher struct {
	*Patches
	version cluster.Version
	matcher *meshtrace.Matcher
}

func newPatcher(version cluster.Version, p *Patches, gateways cluster.Gateways) *patcher {
	policies := p.policies
	if !version.HasMeshProxyPatches() {
		policies = nil
	}
	return &patcher{p, version, meshtrace.NewMatcher(version, policies, gateways)}
}

// modification is one of a policy.
type modification struct {
	*cluster.Modification
	of string // the policy
}

// of returns the modifications of a proxy, in the order in which they apply: a list for each
// ProxyTemplate that may be the one that applies, at least one list.
func (p *patcher) of(dp *cluster.Dataplane) [][]modification {
	var patches []modification
	add := func(list []modification, modifications []cluster.Modification, of string) []modification {
		for i := range modifications {
			list = append(list, modification{&modifications[i], of})
		}
		return list
	}
	for _, policy := range p.matcher.Matching(nil, dp) {
		subject := manifest.Subject{Kind: cluster.KindMeshProxyPatch, Mesh: policy.Mesh, Name: policy.Name}
		patches = add(patches, p.modifications[policy], subject.String())
	}
	var all [][]modification
	if p.version.HasProxyTemplates() {
		for _, template := range p.templates[dp.Mesh].Highest(dp) {
			all = append(all, add(slices.Clip(patches), template.Modifications, template.String()))
		}
	}
	if len(all) == 0 {
		return [][]modification{patches}
	}
	return all
}
