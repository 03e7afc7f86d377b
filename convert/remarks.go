package convert

import (
	"tracemigrate/meshtrace"
)

// remarkBackends notes the backends that no TrafficTrace uses, and what MeshTrace changes
// for those in use.
func remarkBackends(v *verification) notes {
	m := v.mesh
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
		if len(v.policies) > 0 && (setsClientOrRandom(p) || len(p.Default.Tags) > 0) {
			found = append(found, setsMore.note(p.Place, p, nil))
		}
	}
	zipkin, datadog := firstOf(v.policies, isZipkin), firstOf(v.policies, isDatadog)
	subset := firstOf(v.policies, func(p *meshtrace.Policy) bool { return p.TargetRef.Kind == meshtrace.MeshSubset })
	version := facts{"version": m.o.Version}
	if (zipkin != nil || datadog != nil) && !m.routed && m.o.Version.LegacyOutboundsNeedTrafficRoute() {
		found = append(found, outboundGainsTracing.note(m.Place, m, nil))
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
	for _, c := range policies {
		if is(c.policy) {
			return c
		}
	}
	return nil
}

func isZipkin(p *meshtrace.Policy) bool {
	return len(p.Default.Backends) > 0 && p.Default.Backends[0].Zipkin != nil
}

func isDatadog(p *meshtrace.Policy) bool {
	return len(p.Default.Backends) > 0 && p.Default.Backends[0].Datadog != nil
}

// hasGateways reports whether the mesh has a builtin gateway, or may have one.
func (m *mesh) hasGateways() bool {
	for _, dp := range m.dataplanes {
		if dp.Builtin() {
			return true
		}
	}
	return len(m.gateways.Of(m.Name)) > 0
}
