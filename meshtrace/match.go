package meshtrace

import (
	"cmp"
	"slices"
	"sync"

	"tracemigrate/cluster"
)

// Matcher finds the policies of a proxy.
type Matcher struct {
	version cluster.Version
	counts  bool // Ignored inbounds count

	gatewaysAlone bool // see OfGatewayListeners
	gateways      cluster.Gateways
	meshes        map[string]*meshMatcher
}

// meshMatcher has the policies of one mesh. They are prepared for the first proxy.
type meshMatcher struct {
	once     sync.Once
	policies []*Policy      // after once, lowest precedence first
	index    *cluster.Index // of those that select by tags
	labels   *cluster.Index // of those that select by labels alone
	computed bool           // one that selects by labels has one that control planes set
	circular bool           // policies may precede each other in a circle, see byName
	others   []other        // the other policies
}

// other is a policy that is in no index, and what it selects by.
type other struct {
	position int32
	selects  selection
}

// NewMatcher prepares policies for matching as a control plane of version does. It
// leaves out shadow policies, and those that version refuses.
func NewMatcher(version cluster.Version, policies []*Policy, gateways cluster.Gateways) *Matcher {
	m := &Matcher{version: version, counts: !version.SkipsIgnoredInbounds(), gateways: gateways, meshes: make(map[string]*meshMatcher)}
	for _, p := range policies {
		if p.Shadow(version) || p.isUnknownTo(version) {
			continue
		}
		mesh := m.meshes[p.Mesh]
		if mesh == nil {
			mesh = &meshMatcher{}
			m.meshes[p.Mesh] = mesh
		}
		mesh.policies = append(mesh.policies, p)
	}
	return m
}

// isUnknownTo reports whether version refuses the kind of p or a reference to a
// MeshOpenTelemetryBackend, so that p does not exist there.
func (p *Policy) isUnknownTo(version cluster.Version) bool {
	refers := len(p.Default.Backends) > 0 && p.Default.Backends[0].refers()
	return p.TargetRef.RemovedIn(version) || version.Compare(p.TargetRef.Kind.row().since) < 0 ||
		refers && version.Compare(cluster.SinceBackendRef) < 0
}

// prepare sorts the policies and makes the indexes, so that a proxy is not compared with
// every policy.
func (mesh *meshMatcher) prepare(version cluster.Version) {
	Sort(version, mesh.policies)
	selectors, labels := make([]cluster.Tags, len(mesh.policies)), make([]cluster.Tags, len(mesh.policies))
	for i, p := range mesh.policies {
		ref := &p.TargetRef
		selectors[i], labels[i] = cluster.Never, cluster.Never
		mesh.computed = mesh.computed || slices.ContainsFunc(ref.Labels, func(l cluster.Tag) bool { return cluster.IsComputedLabel(l.Key) })
		switch selects := ref.Kind.row().selects; {
		case selects == byTags || selects == byService:
			selectors[i] = ref.Selector()
		case selects == byLabels && ref.hasLabelsAlone():
			labels[i] = ref.Labels
		default:
			mesh.others = append(mesh.others, other{int32(i), selects})
		}
	}
	mesh.index, mesh.labels = cluster.NewIndex(selectors), cluster.NewIndex(labels)
	mesh.circular = version.SelectsByName() && areCircular(mesh.policies)
}

// hasLabelsAlone reports whether ref selects by labels that an index compares: a * is no
// wildcard there, and an empty value is that of a label which a Dataplane does not have.
func (ref *TargetRef) hasLabelsAlone() bool {
	special := func(label cluster.Tag) bool { return label.Value == cluster.Any || label.Value == "" }
	return len(ref.Labels) > 0 && ref.Name == "" && ref.Namespace == "" && !slices.ContainsFunc(ref.Labels, special)
}

// CountingIgnoredInbounds returns a matcher of the same policies that includes inbounds in
// state Ignored in the selection, as if they were ready.
func (m *Matcher) CountingIgnoredInbounds() *Matcher {
	counting := *m
	counting.counts = true
	return &counting
}

// OfGatewayListeners returns a matcher of the same policies that selects by the tags of the
// MeshGateway's listeners alone.
func (m *Matcher) OfGatewayListeners() *Matcher {
	only := *m
	only.gatewaysAlone = true
	return &only
}

// Matching appends to policies those that apply to dp, lowest precedence first.
func (m *Matcher) Matching(policies []*Policy, dp *cluster.Dataplane) []*Policy {
	mesh := m.meshes[dp.Mesh]
	if mesh == nil || dp.Builtin() && !m.version.HasBuiltinGateways() {
		return policies
	}
	mesh.once.Do(func() { mesh.prepare(m.version) })
	gateway := m.gateways.CountsFor(m.version, dp)
	sets := m.tagSets(make([]cluster.Tags, 0, 4), dp, gateway)
	if len(sets) == 0 && (len(dp.Inbounds) > 0 || dp.Delegated()) {
		// No inbound counts, and without one no kind selects a sidecar, not even kind Mesh,
		// which then means any inbound (inboundsSelectedByTags in
		// pkg/plugins/policies/core/matchers of Kuma's tags 2.5.1 to 2.13.4).
		return policies
	}
	found := mesh.index.Matching(make([]int32, 0, 8), sets...)
	byLabel, labels := m.selectableByLabels(dp, gateway), dp.Labels
	if byLabel {
		if mesh.computed {
			labels = dp.LabelsOn(m.version)
		}
		found = mesh.labels.Matching(found, labels)
	}
	for _, o := range mesh.others {
		ref, selects := &mesh.policies[o.position].TargetRef, false
		switch o.selects {
		case everyProxy:
			selects = true
		case byGateway:
			selects = dp.Builtin() && gateway != nil && gateway.DisplayName() == ref.Name // a copy has another name
		case byLabels:
			selects = byLabel && mesh.policies[o.position].matchesDataplane(m.version, dp, labels)
		}
		if selects {
			found = append(found, o.position)
		}
	}
	slices.Sort(found)
	from := len(policies)
	for _, i := range found {
		if p := mesh.policies[i]; p.TargetRef.allowsProxyType(m.version, dp) && p.applies(m.version, dp) {
			policies = append(policies, p)
		}
	}
	if mesh.circular { // a control plane sorts those that apply (MatchedPolicies in package matchers of Kuma's tag 2.14.3; seen there)
		Sort(m.version, policies[from:])
	}
	return policies
}

// Mixed returns the policies that may or may not select a proxy of a mesh with own tags as a
// gateway if the listeners of its MeshGateway have tags of others, highest precedence first.
func (m *Matcher) Mixed(name string, gateway *cluster.MeshGateway, own cluster.Tags, others cluster.MixedTags) []*Policy {
	mesh := m.meshes[name]
	if mesh == nil {
		return nil
	}
	mesh.once.Do(func() { mesh.prepare(m.version) })
	var mixed []*Policy
	for _, p := range slices.Backward(mesh.policies) {
		if selects := p.TargetRef.Kind.row().selects; selects != byTags && selects != byService {
			continue
		}
		if may, always := gateway.MaySelect(p.TargetRef.Selector(), own, others); may && !always {
			mixed = append(mixed, p)
		}
	}
	return mixed
}

// FirstOf returns the first of the mixed policies that may apply to dp and does not select it
// in another way, nil if there is none.
func (m *Matcher) FirstOf(mixed []*Policy, dp *cluster.Dataplane) *Policy {
	if len(mixed) == 0 {
		return nil
	}
	sets := m.tagSets(nil, dp, nil)
	i := slices.IndexFunc(mixed, func(p *Policy) bool {
		return !slices.ContainsFunc(sets, p.TargetRef.Selector().Match) && p.TargetRef.allowsProxyType(m.version, dp) && p.applies(m.version, dp)
	})
	if i < 0 {
		return nil
	}
	return mixed[i]
}

// tagSets appends to sets those by which dp is selected, which depend on the version: for
// a builtin gateway, those of its MeshGateway's listeners alone.
func (m *Matcher) tagSets(sets []cluster.Tags, dp *cluster.Dataplane, gateway *cluster.MeshGateway) []cluster.Tags {
	var own cluster.Tags
	if dp.Gateway != nil {
		own = dp.Gateway.Tags
	}
	if gateway != nil {
		sets = append(sets, gateway.TagSets(own)...)
	}
	if dp.Builtin() || m.gatewaysAlone {
		return sets
	}
	if dp.Delegated() && m.version.SelectsDelegatedGateways() {
		sets = append(sets, own)
	}
	for i := range dp.Inbounds {
		if dp.Inbounds[i].Ignored && !m.counts {
			continue
		}
		sets = append(sets, dp.Inbounds[i].Tags)
	}
	return sets
}

// allowsProxyType reports whether proxyTypes includes dp. A delegated gateway counts
// as a gateway too (recorded/meshtrace/random-13).
func (ref *TargetRef) allowsProxyType(version cluster.Version, dp *cluster.Dataplane) bool {
	if !version.HonoursProxyTypes() || len(ref.ProxyTypes) == 0 || !ref.Kind.row().takes.has(fieldProxyTypes) {
		return true
	}
	if dp.Gateway != nil {
		return slices.Contains(ref.ProxyTypes, Gateway)
	}
	return slices.Contains(ref.ProxyTypes, Sidecar)
}

// selectableByLabels reports whether kind Dataplane can select dp at all: never a proxy
// with a MeshGateway, and delegated gateways depending on the version.
func (m *Matcher) selectableByLabels(dp *cluster.Dataplane, gateway *cluster.MeshGateway) bool {
	switch {
	case dp.Builtin() || gateway != nil:
		return false
	case dp.Delegated():
		return m.version.DataplaneKindSelectsDelegatedGateways()
	}
	return true
}

// matchesDataplane reports whether a policy that selects byLabels selects dp: by its
// labels, or up to 2.14 by name and namespace. Without any it selects every proxy that kind
// Dataplane can select (DppSelectedByPolicy in pkg/plugins/policies/core/matchers of Kuma's
// tags 2.10 to 2.14).
func (p *Policy) matchesDataplane(version cluster.Version, dp *cluster.Dataplane, labels cluster.Tags) bool {
	ref := &p.TargetRef
	named := version.SelectsByName() && (ref.Name != "" || ref.Namespace != "")
	if named && p.isNameOf(dp) {
		return true
	}
	if ref.Labels == nil {
		return !named
	}
	return !slices.ContainsFunc(ref.Labels, func(label cluster.Tag) bool { return labels.Get(label.Key) != label.Value })
}

// isNameOf reports whether the targetRef is the name of dp. Without a namespace it means
// the policy's own. A name is one of the policy's zone, so that a global control plane's
// policy, or its copy, names no proxy of a zone (TargetRefToResourceIdentifier and
// TargetRefToKRI of Kuma's tags 2.10 to 2.14; seen on 2.14.3).
func (p *Policy) isNameOf(dp *cluster.Dataplane) bool {
	namespace := cmp.Or(p.TargetRef.Namespace, p.Labels.Get(cluster.NamespaceLabel), p.Namespace)
	if p.TargetRef.Name != dp.DisplayName() || namespace != cmp.Or(dp.Labels.Get(cluster.NamespaceLabel), dp.Namespace) {
		return false
	}
	if p.ofGlobal || p.Labels.Get(cluster.OriginLabel) == "global" {
		return dp.Zone() == ""
	}
	zone, of := p.Labels.Get(cluster.ZoneLabel), dp.Labels.Get(cluster.ZoneLabel)
	return zone == of || of == "" || zone == ""
}

var emptyConf Conf

// Merge merges policies, lowest precedence first: lists are replaced as a whole,
// sampling field by field (RFC 7396). The result may be that of a policy, and must not be
// changed.
func Merge(policies []*Policy) *Conf {
	switch len(policies) {
	case 0:
		return &emptyConf
	case 1:
		return &policies[0].Default
	}
	conf := &Conf{}
	for _, p := range policies {
		if p.Default.Backends != nil {
			conf.Backends = p.Default.Backends
		}
		if p.Default.Tags != nil {
			conf.Tags = p.Default.Tags
		}
		conf.Sampling.Overall = cmp.Or(p.Default.Sampling.Overall, conf.Sampling.Overall)
		conf.Sampling.Client = cmp.Or(p.Default.Sampling.Client, conf.Sampling.Client)
		conf.Sampling.Random = cmp.Or(p.Default.Sampling.Random, conf.Sampling.Random)
	}
	return conf
}
