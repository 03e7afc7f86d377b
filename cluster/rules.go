package cluster

// The rules that depend on the version, one method each. The boundaries come
// from Kuma's changelog and the code of its tags
// (https://github.com/kumahq/kuma/blob/master/CHANGELOG.md); the recorded cases
// named here (fixtures/recorded) show them.

// SmallestNameWins reports whether, of MeshTraces that rank equal otherwise, the
// one with the smallest name has precedence, from 2.6 on; before, the one with
// the largest. Recorded: meshtrace/live-00 to live-13 on 2.5 and 2.6.
func (v Version) SmallestNameWins() bool { return v.Compare(SinceSmallestName) >= 0 }

// SkipsIgnoredInbounds reports whether an inbound in state Ignored does not count
// for the tag sets that MeshTraces select by. Recorded: meshtrace/live-* on 2.3,
// 2.5, 2.6, 2.7, 2.10 and 2.13.
func (v Version) SkipsIgnoredInbounds() bool {
	return v.patches(5, 1, newestPatch) || v.patches(6, 0, newestPatch) || v.patches(7, 0, 24) || v.patches(8, 0, newestPatch) ||
		v.patches(9, 0, 14) || v.patches(10, 0, newestPatch) || v.patches(11, 0, 15) || v.patches(12, 0, 9) || v.patches(13, 0, 4)
}

// SelectsDelegatedGateways reports whether MeshTraces select delegated gateways
// at all, from 2.6 on. Recorded: meshtrace/live-* on 2.5 and 2.6.
func (v Version) SelectsDelegatedGateways() bool { return v.Compare(SinceDelegated) >= 0 }

// DataplaneKindSelectsDelegatedGateways reports whether targetRef kind Dataplane
// selects delegated gateways, from 2.12.8, and from 2.13.3 on. Recorded:
// meshtrace/labels-* on 2.10, 2.13 and 2.14.
func (v Version) DataplaneKindSelectsDelegatedGateways() bool {
	return v.patches(12, 8, newestPatch) || v.since(13, 3)
}

// HonoursProxyTypes reports whether targetRef.proxyTypes narrows what a MeshTrace
// selects, from 2.6 on; before, and on 3.0, it is accepted and ignored. Recorded:
// meshtrace/live-08, live-13 and proxytypes-ignored.
func (v Version) HonoursProxyTypes() bool { return v.since(6, 0) && !v.DropsTrafficTrace() }

// RefusesEmptyProxyTypes reports whether a policy with targetRef.proxyTypes: [] is not accepted,
// from 2.10 on (validateProxyTypes in pkg/core/resources/apis/mesh of Kuma's tags; seen on
// 2.12.3). One that exists already selects every proxy type.
func (v Version) RefusesEmptyProxyTypes() bool { return v.since(10, 0) && v.HonoursProxyTypes() }

// OriginDecides reports whether the label kuma.io/origin decides on precedence,
// from 2.6 on (https://kuma.io/docs/2.6.x/policies/targetref/).
func (v Version) OriginDecides() bool { return v.since(6, 0) }

// ChecksZoneLabel reports whether a zone's control plane refuses a policy with the label
// kuma.io/zone of another zone, from 2.8 on (validateLabels in pkg/api-server and in
// pkg/plugins/runtime/k8s/webhooks of Kuma's tags 2.7.0 and 2.8.0).
func (v Version) ChecksZoneLabel() bool { return v.since(8, 0) }

// LabelsOrigin reports whether a zone's control plane labels new policies with
// kuma.io/origin: zone, from 2.6.1 on. Seen on 2.6.15 and 2.7.29
// (fixtures/cases/kubernetes/origin-on-2.7.yaml).
func (v Version) LabelsOrigin() bool { return v.since(6, 1) }

// RoleDecides reports whether the policy role decides on precedence, and policies can be
// in an application's namespace, from 2.8 on
// (https://kuma.io/docs/2.9.x/policies/introduction/).
func (v Version) RoleDecides() bool { return v.Compare(SinceRole) >= 0 }

// SelectsByNamespace reports whether a policy in an application's namespace selects only
// the proxies there, from 2.9 on. 2.8 accepts one and applies it to every proxy
// (https://github.com/kumahq/kuma/pull/11300, and dppSelectedByNamespace in
// pkg/plugins/policies/core/matchers of Kuma's tags).
func (v Version) SelectsByNamespace() bool { return v.since(9, 0) }

// ComputesShadows reports whether a MeshTrace labelled kuma.io/effect: shadow is
// computed and not applied, from 2.7 on; before, it is applied.
func (v Version) ComputesShadows() bool { return v.Compare(SinceShadow) >= 0 }

// ProtocolFromFieldAlone reports whether an inbound's protocol is the field protocol
// even where there is none, from 3.0 on: then it is tcp. Recorded:
// meshtrace/dataplane-kind on 3.0.
func (v Version) ProtocolFromFieldAlone() bool { return v.DropsTrafficTrace() }

// OutboundsNeedBackendRef reports whether a Dataplane's outbounds with tags are
// ignored, from 3.0 on. Recorded: meshtrace/dataplane-kind on 3.0.
func (v Version) OutboundsNeedBackendRef() bool { return v.DropsTrafficTrace() }

// OutboundsAreMeshServices reports whether a transparent proxy has outbounds to MeshServices and
// their like alone, from 3.0 on; before, also to each service of a tag (resolveVIPOutbounds in
// pkg/xds/sync of Kuma's tags; seen on 2.14.3 and 3.0).
func (v Version) OutboundsAreMeshServices() bool { return v.DropsTrafficTrace() }

// RefusesKafka reports whether a Dataplane with an inbound whose field protocol is kafka is
// refused, from 3.0 on (validateInbound in pkg/core/resources/apis/mesh and ParseProtocol in
// pkg/core/metadata of Kuma's main branch; seen on 3.0).
func (v Version) RefusesKafka() bool { return v.DropsTrafficTrace() }

// TracesMeshServices reports whether MeshTraces apply to outbounds with a backendRef,
// from 2.10 on. TrafficTraces never do: package meshhttproute makes those listeners
// (pkg/plugins/policies of Kuma's tags).
func (v Version) TracesMeshServices() bool { return v.since(10, 0) }

// HasMeshTCPRoutes reports whether MeshTCPRoute exists, from 2.3 on (pkg/plugins/policies of
// Kuma's tags).
func (v Version) HasMeshTCPRoutes() bool { return v.since(3, 0) }

// HasMeshProxyPatches reports whether MeshProxyPatch exists, from 2.1 on (pkg/plugins/policies
// of Kuma's tags).
func (v Version) HasMeshProxyPatches() bool { return v.since(1, 0) }

// HasProxyTemplates reports whether ProxyTemplates have an effect, up to 2.14 (UPGRADE.md of
// Kuma's main branch; deployments/charts/kuma/crds there and of its tags).
func (v Version) HasProxyTemplates() bool { return !v.DropsTrafficTrace() }

// RunsGlobalOnKubernetes reports whether a global control plane may run on Kubernetes, up to 2.14
// (Validate in pkg/config/app/kuma-cp of Kuma's main branch; seen on 3.0).
func (v Version) RunsGlobalOnKubernetes() bool { return !v.DropsTrafficTrace() }

// HasBuiltinGateways reports whether the control plane configures builtin gateways,
// up to 2.14.
func (v Version) HasBuiltinGateways() bool { return !v.DropsTrafficTrace() }

// MatchesMeshGatewaysOfSidecars reports whether a MeshGateway whose selector matches a
// sidecar or a delegated gateway counts for it in MeshTraces, from 2.5 to 2.14: its
// listeners' tags select it, and kind Dataplane does not (MatchedPolicies and
// DppSelectedByPolicy in pkg/plugins/policies/core/matchers of Kuma's tags 2.4.10 to
// 2.14.3).
func (v Version) MatchesMeshGatewaysOfSidecars() bool { return v.since(5, 0) && v.HasBuiltinGateways() }

// NamesServicesByWorkload reports whether spans have the name of the label
// kuma.io/workload, else "unknown", from 3.0 on; before, the name of a service.
// Recorded: meshtrace/names-and-otel on 3.0.
func (v Version) NamesServicesByWorkload() bool { return v.DropsTrafficTrace() }

// NamesByResource reports whether listeners and clusters of every proxy have the names
// of resources, from 3.0 on. Recorded: meshtrace/dataplane-kind on 3.0.
func (v Version) NamesByResource() bool { return v.DropsTrafficTrace() }

// MergesInbounds reports whether a Dataplane on Kubernetes has one inbound for a port, however many
// Services select it, from 3.0 on: the first of the best state (deduplicateInboundsByAddressAndPort
// in pkg/plugins/runtime/k8s/controllers of Kuma's main branch; seen on 3.0).
func (v Version) MergesInbounds() bool { return v.DropsTrafficTrace() }

// NeedsOTelBackendRef reports whether an OpenTelemetry backend needs a backendRef: from
// 3.0 on a MeshTrace with openTelemetry.endpoint is refused, and one that exists already
// traces nothing (recorded/refused-3.0; pkg/plugins/policies/meshtrace of Kuma's main
// branch).
func (v Version) NeedsOTelBackendRef() bool { return v.DropsTrafficTrace() }

// RefusesSectionName reports whether a MeshTrace may not have targetRef.sectionName: it
// is for inbound policies alone since it exists, 2.10 (ValidateTargetRef in
// pkg/core/resources/apis/mesh of Kuma's tags; recorded/refused-3.0).
func (v Version) RefusesSectionName() bool { return v.Compare(SinceDataplane) >= 0 }

// SelectsByDisplayName reports whether the label kuma.io/display-name of targetRef kind
// Dataplane is compared with a Dataplane's name even if the Dataplane does not have that
// label, from 3.0 on. Recorded: meshtrace/names-and-otel on 3.0.
func (v Version) SelectsByDisplayName() bool { return v.DropsTrafficTrace() }

// SelectsByName reports whether name and namespace of targetRef kind Dataplane select,
// up to 2.14; 3.0 has labels alone (deployments/charts/kuma/crds of Kuma's main branch).
func (v Version) SelectsByName() bool { return !v.DropsTrafficTrace() }

// ProtocolFromField reports whether an inbound's protocol is the field protocol
// where there is one, from 2.14 on; before, it is the tag kuma.io/protocol alone.
// Recorded: traffictrace/protocol-field.
func (v Version) ProtocolFromField() bool { return v.since(14, 0) }

// IgnoredInboundsHaveProtocol reports whether an outbound's protocol follows from
// Ignored inbounds of its destination as well, up to 2.5.0. Recorded:
// traffictrace/live-09 on 2.1 and 2.3.
func (v Version) IgnoredInboundsHaveProtocol() bool { return !v.since(5, 1) }

// LegacyOutboundsNeedTrafficRoute reports whether a mesh without TrafficRoute has
// no legacy tracing on outbounds, from 2.6 on. Recorded:
// traffictrace/no-traffic-route.
func (v Version) LegacyOutboundsNeedTrafficRoute() bool { return v.Compare(SinceTrafficRoute) >= 0 }

// RoutesToHTTP reports whether a MeshHTTPRoute for a service that is not HTTP can make an
// outbound to it HTTP. Since 2.6, in a mesh without TrafficRoute, package meshtcproute makes
// that outbound TCP after package meshhttproute (its Apply, and getBackendRefs, in Kuma's tags
// 2.6 to 2.14; seen on 2.13.10 and 2.14.3).
func (v Version) RoutesToHTTP(hasTrafficRoute bool) bool {
	return !v.DropsTrafficTrace() && (hasTrafficRoute || !v.LegacyOutboundsNeedTrafficRoute())
}

// LeavesUnroutable reports whether an outbound keeps the listener that a TrafficRoute gives it
// if its MeshHTTPRoute leads to no service for HTTP, from 2.14 on (generateFromService in
// package meshhttproute of Kuma's tags 2.13.10 and 2.14.0).
func (v Version) LeavesUnroutable() bool { return v.since(14, 0) }

// SetsSpawnUpstreamSpan reports whether a listener's tracing has a field
// spawnUpstreamSpan, from 2.7 on. Recorded: live-* on 2.6 and 2.7.
func (v Version) SetsSpawnUpstreamSpan() bool { return v.since(7, 0) }

// NamesTracersShort reports whether tracers are named envoy.zipkin and
// envoy.datadog, as on 2.1, instead of envoy.tracers.zipkin and so on, as on 2.3.
// Envoy uses the configuration's type, so 2.2, which is not recorded, does not
// matter. Recorded: live-* on 2.1 and 2.3.
func (v Version) NamesTracersShort() bool { return !v.since(3, 0) }

// ConnectsWithin10s reports whether a collector's cluster has a connect timeout
// of 10 seconds, up to 2.5; after, of 5. Recorded: traffictrace/live-* on 2.5 and 2.6.
func (v Version) ConnectsWithin10s() bool { return !v.since(6, 0) }

// TracksRemaining reports whether a collector's cluster has a circuit breaker
// that tracks what remains, from 2.14 on. Recorded: traffictrace/docs-zipkin.
func (v Version) TracksRemaining() bool { return v.since(14, 0) }

// SplitsGatewaySpans reports whether MeshTrace sets Zipkin's splitSpansForRequest
// on builtin gateways, from 2.3 on. Recorded: meshtrace/gateways-zipkin.
func (v Version) SplitsGatewaySpans() bool { return v.since(3, 0) }

// FillsZipkinDefaults reports whether a MeshTrace gets sharedSpanContext: true
// where it leaves the field out, from 2.10 on. Recorded: meshtrace/random-* on
// 2.9 and 2.13. Only applying fills it in: what an older version stored on Universal without
// the field is read as false (unmarshaller.go and utils.go in pkg/core/resources/model, and
// UPGRADE.md, of Kuma's tag 2.10.11).
func (v Version) FillsZipkinDefaults() bool { return v.since(10, 0) }

// AddsKumaTags reports whether MeshTrace adds the tags kuma.mesh, kuma.zone and
// kuma.workload to spans, from 2.14 on, each unless the policy has a tag of that name.
// Recorded: meshtrace/live-* on 2.14; pkg/plugins/policies/meshtrace of Kuma's tag 2.14.3.
func (v Version) AddsKumaTags() bool { return v.Compare(SinceKumaTags) >= 0 }

// TracesZoneEgresses reports whether MeshTraces apply to the listeners with which a Dataplane
// is a zone's egress, from 2.14 on, which made such listeners. TrafficTraces never do
// (applyToZoneProxyListeners in package meshtrace, and ZoneProxyListenerGenerator, which makes
// them for HTTP only where they forward to MeshExternalServices, of Kuma's tag 2.14.3).
func (v Version) TracesZoneEgresses() bool { return v.since(14, 0) }

// NamesBackendType reports whether a MeshTrace's backend has a field type, which
// is required from 2.3 on (MeshTrace's schema).
func (v Version) NamesBackendType() bool { return v.Compare(SinceBackendType) >= 0 }

// TakesOneBackend reports whether a MeshTrace may have one backend at most, from
// 2.6 on (MeshTrace's schema).
func (v Version) TakesOneBackend() bool { return v.since(6, 0) }

// TakesFractions reports whether a MeshTrace's sampling may be a fraction, from
// 2.1 on (MeshTrace's schema).
func (v Version) TakesFractions() bool { return v.Compare(SinceFractions) >= 0 }

// TakesEmptyBackends reports whether backends: [] turns tracing off, from 2.1 on;
// the control plane of 2.0 crashes on it.
func (v Version) TakesEmptyBackends() bool { return v.Compare(SinceEmptyBackends) >= 0 }

// DefaultsSamplingTo100Percent reports whether a patch release of v, or of an older version
// from which a policy may come, makes Kubernetes fill in the string "100%" for a missing
// client or random sampling, up to 2.8. See FillsSamplingWrongly.
func (v Version) DefaultsSamplingTo100Percent() bool { return !v.since(9, 0) }

// FillsSampling reports whether Kubernetes fills in 100 for each field that the sampling of a
// MeshTrace leaves out, from 2.6 to 2.9 (MeshTrace's schema). A sampling that is left out
// stays so.
func (v Version) FillsSampling() bool { return v.since(6, 0) && !v.since(10, 0) }

// FillsSamplingWrongly reports whether what Kubernetes fills in is the string "100%", which
// the control plane then refuses, in 2.6.0 to 2.6.11, 2.7.0 to 2.7.7 and 2.8.0 to 2.8.3
// (MeshTrace's schema in these tags).
func (v Version) FillsSamplingWrongly() bool {
	return v.patches(6, 0, 11) || v.patches(7, 0, 7) || v.patches(8, 0, 3)
}

// SplitsOTelEndpoint reports whether openTelemetry.endpoint is split at each colon, up to
// 2.13: a url or an IPv6 address has no usable port then. 2.14 understands both
// (endpointForOpenTelemetry in pkg/plugins/policies/meshtrace of Kuma's tag 2.13.10, and
// ParseOtelEndpoint in pkg/plugins/policies/core/xds of its tag 2.14.3).
func (v Version) SplitsOTelEndpoint() bool { return !v.since(14, 0) }

// DeprecatesMeshSubset reports whether the control plane warns of targetRef kind
// MeshSubset, from 2.10 on.
func (v Version) DeprecatesMeshSubset() bool { return v.since(10, 0) }

// The versions that changed a rule which a sentence or MeshTrace's schema names.
var (
	SinceFractions     = Version{2, 1, 0} // of a percent
	SinceEmptyBackends = Version{2, 1, 0} // backends: [] turns tracing off
	SinceOpenTelemetry = Version{2, 2, 0}
	SinceBackendType   = Version{2, 3, 0} // the field type of a backend
	SinceMeshGateway   = Version{2, 6, 0} // targetRef kind MeshGateway
	SinceProxyTypes    = Version{2, 6, 0} // targetRef.proxyTypes
	SinceSmallestName  = Version{2, 6, 0} // has precedence
	SinceDelegated     = Version{2, 6, 0} // gateways are selected
	SinceTrafficRoute  = Version{2, 6, 0} // is needed for TrafficTrace on outbounds
	SinceShadow        = Version{2, 7, 0} // label kuma.io/effect
	SinceRole          = Version{2, 8, 0} // policies in namespaces of applications
	SinceDataplane     = Version{2, 10, 0}
	SinceBackendRef    = Version{2, 14, 0}
	SinceKumaTags      = Version{2, 14, 0}
	SinceDataplaneOnly = Version{3, 0, 0} // targetRef has the kinds Mesh and Dataplane alone
)

// MayNameUnified reports whether a proxy of a mesh may have unified resource naming, from 2.12
// on: legacy Datadog inbounds are then named self_inbound_dp_PORT. Only the proxy knows, and only
// the mode Exclusive of the mesh's MeshServices lets it (Enabled in pkg/core/naming/unified-naming
// of Kuma's tags 2.12 to 2.14).
func (s *Snapshot) MayNameUnified(version Version, mesh string) bool {
	return version.since(12, 0) && s.serviceModes[mesh] == exclusive
}

// IsRelease reports whether v is the version of a release. An unknown one and that
// of a build from a branch, 0.0.0-preview, are not.
func (v Version) IsRelease() bool { return v.Major > 0 }

// HasMeshTrace reports whether MeshTrace exists, from 2.0 on. The source of this
// and the next rules are the CustomResourceDefinitions in
// deployments/charts/kuma/crds of Kuma's tags.
func (v Version) HasMeshTrace() bool { return v.Major >= Oldest.Major }

// DropsTrafficTrace reports whether TrafficTrace, TrafficRoute and MeshGateway no
// longer exist, from 3.0 on.
func (v Version) DropsTrafficTrace() bool { return v.Compare(SinceDataplaneOnly) >= 0 }

// hasKind reports whether every control plane of v has a kind. MeshGateway is in
// all of 2.x.
func (v Version) hasKind(kind string) bool {
	switch kind {
	case KindTrafficTrace, KindTrafficRoute:
		return v.IsRelease() && !v.DropsTrafficTrace()
	case KindMeshGateway:
		return v.HasMeshTrace() && !v.DropsTrafficTrace()
	case KindMeshTrace:
		return v.HasMeshTrace()
	}
	return v.IsRelease() && !Supplementary(kind)
}

// A rule is one that a patch release changed: its method, the last patch before each
// change within a minor, and the proxies that it can concern.
type rule struct {
	decides  func(Version) bool
	last     []Version // the last patch before a change
	concerns func(dp *Dataplane) bool
}

// patchRules are the rules that change within a minor. Every method that calls
// patches, or since with a patch above 0, has a row.
var patchRules = []rule{
	{
		Version.SkipsIgnoredInbounds,
		[]Version{{2, 5, 0}, {2, 7, 24}, {2, 9, 14}, {2, 11, 15}, {2, 12, 9}, {2, 13, 4}},
		(*Dataplane).HasIgnoredInbound,
	},
	{Version.DataplaneKindSelectsDelegatedGateways, []Version{{2, 12, 7}, {2, 13, 2}}, (*Dataplane).Delegated},
	{Version.LabelsOrigin, []Version{{2, 6, 0}}, anyProxy},
	{Version.FillsSamplingWrongly, []Version{{2, 6, 11}, {2, 7, 7}, {2, 8, 3}}, noProxy}, // what is converted sets all
	{Version.IgnoredInboundsHaveProtocol, []Version{{2, 5, 0}}, anyProxy},                // whose outbounds lead to one
}

func anyProxy(*Dataplane) bool { return true }

func noProxy(*Dataplane) bool { return false }
