package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// remarkBackends notes the backends that no TrafficTrace uses, and what MeshTrace changes
// for those in use.
func remarkBackends(m *mesh, policies []*made) notes {
	used := make(map[string]bool)
	for _, t := range m.TrafficTraces {
		if b := m.BackendOf(t); b != nil {
			used[b.Name] = true
		}
	}
	var found notes
	for _, b := range m.Backends {
		if !used[b.Name] && len(m.TrafficTraces) > 0 {
			found = append(found, unusedBackend.note(b.Place, backendOf{m.Mesh, b}, nil))
		}
	}
	for _, p := range m.allExisting() {
		if len(policies) > 0 && (setsClientOrRandom(p) || len(p.Default.Tags) > 0) {
			found = append(found, setsMore.note(p.Place, p, nil))
		}
	}
	zipkin := firstOf(policies, sendsTo(meshtrace.TypeZipkin))
	datadog := firstOf(policies, sendsTo(meshtrace.TypeDatadog))
	switch {
	case zipkin == nil && datadog == nil:
	case !m.routed && m.o.Version.LegacyOutboundsNeedTrafficRoute():
		found = append(found, outboundGainsTracing.note(m.Place, m, nil))
	case m.hasRoutedProxy():
		found = append(found, routedOutboundGainsTracing.note(m.Place, m, nil))
	}
	if zipkin != nil && m.o.Version.SplitsGatewaySpans() {
		if splits := m.firstOfGateways(policies); splits != nil {
			found = append(found, gatewaySplitSpans.note(splits.pair.Position(), splits, nil))
		}
	}
	if datadog != nil && m.mayNameUnified {
		found = append(found, datadogUnifiedNames.note(datadog.pair.Position(), datadog, facts{"version": m.o.Version}))
	}
	if (zipkin != nil || datadog != nil) && m.o.Version.AddsKumaTags() {
		found = append(found, kumaTags.note(m.Place, m, nil))
	}
	if m.o.Version.DeprecatesMeshSubset() {
		found = append(found, remarkSubsets(m, policies)...)
	}
	return found
}

// remarkSubsets notes the policies of a deprecated kind, at the first of them.
func remarkSubsets(m *mesh, policies []*made) notes {
	subsets := lists.Keep(policies, func(c *made) bool { return c.policy.TargetRef.Kind == meshtrace.MeshSubset })
	f := facts{"version": m.o.Version}
	switch len(subsets) {
	case 0:
		return nil
	case 1:
		return notes{meshSubsetDeprecated.note(subsets[0].pair.Position(), subsets[0], f)}
	}
	f["policies"] = counted(lists.Each(subsets, func(c *made) string { return quoted(c.policy.Name) }), "MeshTrace")
	return notes{meshSubsetsDeprecated.note(subsets[0].pair.Position(), m, f)}
}

// firstOf returns the first policy that is of a kind; nil when none is.
func firstOf(policies []*made, is func(*meshtrace.Policy) bool) *made {
	if i := slices.IndexFunc(policies, func(c *made) bool { return is(c.policy) }); i >= 0 {
		return policies[i]
	}
	return nil
}

// sendsTo returns a function that reports whether a policy has a backend of a type.
func sendsTo(backend string) func(*meshtrace.Policy) bool {
	return func(p *meshtrace.Policy) bool {
		return len(p.Default.Backends) > 0 && p.Default.Backends[0].Type == backend
	}
}

// hasRoutedProxy reports whether a MeshHTTPRoute selects a proxy of the mesh, or may select
// one where none is known.
func (m *mesh) hasRoutedProxy() bool {
	if len(m.httpRoutes) == 0 || len(m.dataplanes) == 0 {
		return len(m.httpRoutes) > 0
	}
	routes := m.matcher(m.httpRoutes...)
	return slices.ContainsFunc(m.dataplanes, func(dp *cluster.Dataplane) bool { return len(routes.Matching(nil, dp)) > 0 })
}

// firstOfGateways returns the first policy that sends to Zipkin and selects a builtin gateway,
// or may select one where none is known; nil without one.
func (m *mesh) firstOfGateways(policies []*made) *made {
	toZipkin := sendsTo(meshtrace.TypeZipkin)
	gateways := lists.Keep(m.dataplanes, (*cluster.Dataplane).Builtin)
	if len(gateways) == 0 {
		if len(m.gateways.Of(m.Name)) == 0 {
			return nil
		}
		return firstOf(policies, func(p *meshtrace.Policy) bool { return toZipkin(p) && p.TargetRef.MaySelectGateways() })
	}
	matcher := m.matcher(lists.Each(policies, func(c *made) *meshtrace.Policy { return Unshadowed(c.policy) })...)
	selected := make(map[meshtrace.Identity]bool)
	for _, dp := range gateways {
		for _, p := range matcher.Matching(nil, dp) {
			selected[p.Identity()] = true
		}
	}
	return firstOf(policies, func(p *meshtrace.Policy) bool { return toZipkin(p) && selected[p.Identity()] })
}
