package envoydiff

import (
	"cmp"
	"slices"
)

// Verdict is the outcome of comparing one proxy.
type Verdict string

// The verdicts. An accepted proxy differs only in codes that the user accepts. An
// unknown one depends on something that could not be read.
const (
	Same      Verdict = "same"
	Accepted  Verdict = "accepted"
	Inherent  Verdict = "inherent"
	Unknown   Verdict = "unknown"
	Different Verdict = "different"
)

// ranking lists the verdicts, best first.
var ranking = []Verdict{Same, Inherent, Accepted, Unknown, Different}

// Compare is negative where v is better than other, and positive where it is worse.
func (v Verdict) Compare(other Verdict) int {
	return cmp.Compare(slices.Index(ranking, v), slices.Index(ranking, other))
}

// Code names a kind of difference.
type Code string

// The codes of differences; docs/diff.md explains each.
const (
	OutboundGainsTracing Code = "outbound-gains-tracing"
	GatewaySplitSpans    Code = "gateway-split-spans"
	GatewayDatadogSuffix Code = "gateway-datadog-suffix"
	DatadogServiceName   Code = "datadog-service-name"
	DatadogUnifiedNaming Code = "datadog-unified-naming"
	KumaTags             Code = "kuma-tags"
	InboundIgnored       Code = "inbound-ignored"
	TracingLost          Code = "tracing-lost"
	TracingGained        Code = "tracing-gained"
	BackendDiffers       Code = "backend"
	AddressDiffers       Code = "address"
	PortDiffers          Code = "port"
	TLSDiffers           Code = "tls"
	PathDiffers          Code = "path"
	APIVersionDiffers    Code = "api-version"
	SamplingDiffers      Code = "sampling"
	TraceIDDiffers       Code = "trace-id"
	SharedSpanDiffers    Code = "shared-span-context"
	ServiceNameDiffers   Code = "service-name"
	TagsDiffer           Code = "tags"
	InvalidBackend       Code = "invalid-backend"
	OtherDiffers         Code = "other"
	ProxyMissing         Code = "proxy-missing"
	ProxyUnanswered      Code = "proxy-unanswered"
	Unverified           Code = "unverified"
	TieDependsOnZone     Code = "tie-depends-on-zone"
	ZoneDiffers          Code = "zone-differs"
	TieByCreationTime    Code = "tie-by-creation-time"
	GatewayTagsMixed     Code = "gateway-tags-mixed"
	OrderUndecided       Code = "order-undecided"
	ProxyPatched         Code = "proxy-patched"
	UpdateRejected       Code = "update-rejected"
	OtherProxy           Code = "other-proxy"
)

// KumaTagNames names the tags of KumaTags, for sentences: a proxy has a zone and a workload
// only if its Dataplane says so.
const KumaTagNames = "kuma.mesh and, where known, kuma.zone and kuma.workload"

// The codes of what only another version of the control plane changes.
const (
	MeshTraceRefused        Code = "meshtrace-refused"
	TrafficTraceRemoved     Code = "traffictrace-removed"
	ProtocolFromField       Code = "protocol-from-field"
	WorkloadServiceName     Code = "workload-service-name"
	NameOrder               Code = "name-order"
	OutboundNeedsRoute      Code = "outbound-needs-route"
	OutboundNeedsBackendRef Code = "outbound-needs-backend-ref"
	ProtocolRefused         Code = "protocol-refused"
	DelegatedGateway        Code = "delegated-gateway"
	IgnoredInbound          Code = "ignored-inbound"
	OTelEndpoint            Code = "otel-endpoint"
	BuiltinGatewayRemoved   Code = "builtin-gateway-removed"
	MeshUnreadable          Code = "mesh-unreadable"
	InboundsMerged          Code = "inbounds-merged"
	OutboundNeedsService    Code = "outbound-needs-meshservice"
	OutboundProtocol        Code = "outbound-protocol"
	ServicesUnread          Code = "services-unread"
	FieldIgnored            Code = "field-ignored"
	ShadowPolicy            Code = "shadow-policy"
	PolicyNamespace         Code = "policy-namespace"
	SelectionDiffers        Code = "selection"
	Defaults                Code = "defaults"
)

// Codes has every code, with the verdict of a proxy that differs in it alone. Any
// MeshTrace causes the inherent differences.
var Codes = verdictsOf(map[Verdict][]Code{
	Inherent: {
		OutboundGainsTracing, GatewaySplitSpans, GatewayDatadogSuffix, DatadogServiceName, DatadogUnifiedNaming, KumaTags, Defaults,
	},
	Unknown: {Unverified, TieDependsOnZone, ZoneDiffers, TieByCreationTime, GatewayTagsMixed, OrderUndecided, ProxyPatched, ServicesUnread},
	Different: {
		InboundIgnored, TracingLost, TracingGained, BackendDiffers, AddressDiffers, PortDiffers, TLSDiffers, PathDiffers,
		APIVersionDiffers, SamplingDiffers, TraceIDDiffers, SharedSpanDiffers, ServiceNameDiffers, TagsDiffer, InvalidBackend,
		OtherDiffers, ProxyMissing, ProxyUnanswered, UpdateRejected, OtherProxy,
		// of another version
		MeshTraceRefused, TrafficTraceRemoved, ProtocolFromField, WorkloadServiceName, NameOrder, OutboundNeedsRoute,
		OutboundNeedsBackendRef, ProtocolRefused, DelegatedGateway, IgnoredInbound, OTelEndpoint, BuiltinGatewayRemoved,
		MeshUnreadable, InboundsMerged, OutboundNeedsService, OutboundProtocol, FieldIgnored, ShadowPolicy, PolicyNamespace, SelectionDiffers,
	},
})

func verdictsOf(codes map[Verdict][]Code) map[Code]Verdict {
	verdicts := make(map[Code]Verdict)
	for verdict, list := range codes {
		for _, code := range list {
			verdicts[code] = verdict
		}
	}
	return verdicts
}

// verdictOf returns the worst verdict of differences. It is Accepted if the accepted ones would
// have a worse verdict than the others, which are at most inherent.
func verdictOf(differences []*Difference, accepted []Code) Verdict {
	worst, ignored := Same, Same // of the differences that count, and of the others
	for _, d := range differences {
		of := &worst
		if slices.Contains(accepted, d.Code) {
			of = &ignored
		}
		if verdict := cmp.Or(Codes[d.Code], Different); verdict.Compare(*of) > 0 {
			*of = verdict
		}
	}
	if worst.Compare(Accepted) < 0 && ignored.Compare(worst) > 0 {
		return Accepted
	}
	return worst
}

// judge sets the verdict.
func (p *Proxy) judge(accepted []Code) {
	p.Verdict = verdictOf(p.Differences, accepted)
	p.alsoInherent = p.Verdict == Accepted && slices.ContainsFunc(p.Differences, func(d *Difference) bool {
		return Codes[d.Code] == Inherent && !slices.Contains(accepted, d.Code)
	})
}

// HasInherent reports whether the proxy has an inherent difference that is not accepted, and none
// that is worse.
func (p *Proxy) HasInherent() bool { return p.Verdict == Inherent || p.alsoInherent }
