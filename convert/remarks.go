package convert

import (
	"slices"

	"tracemigrate/cluster"
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
	subset := firstOf(policies, func(p *meshtrace.Policy) bool { return p.TargetRef.Kind == meshtrace.MeshSubset })
	version := facts{"version": m.o.Version}
	switch {
	case zipkin == nil && datadog == nil:
	case !m.routed && m.o.Version.LegacyOutboundsNeedTrafficRoute():
		found = append(found, outboundGainsTracing.note(m.Place, m, nil))
	case m.hasRoutedProxy():
		found = append(found, routedOutboundGainsTracing.note(m.Place, m, nil))
	}
	if zipkin != nil && m.hasGateways() && m.o.Version.SplitsGatewaySpans() {
		found = append(found, gatewaySplitSpans.note(zipkin.pair.Position(), zipkin, nil))
	}
	if datadog != nil && m.o.Version.MayNameUnified() {
		found = append(found, datadogUnifiedNames.note(datadog.pair.Position(), datadog, version))
	}
	if (zipkin != nil || datadog != nil) && m.o.Version.AddsKumaTags() {
		found = append(found, kumaTags.note(m.Place, m, nil))
	}
	if subset != nil && m.o.Version.DeprecatesMeshSubset() {
		found = append(found, meshSubsetDeprecated.note(subset.pair.Position(), subset, version))
	}
	return found
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

// hasGateways reports whether the mesh has a builtin gateway, or may have one.
func (m *mesh) hasGateways() bool {
	return slices.ContainsFunc(m.dataplanes, (*cluster.Dataplane).Builtin) || len(m.gateways.Of(m.Name)) > 0
}
