package envoydiff

import "slices"

// Verdict is what a comparison says of a proxy.
type Verdict string

// The verdicts, best first. Accepted is a proxy that is not the same, in nothing
// but what the user accepts. Unknown is one of which something that decides could
// not be read.
const (
	Same      Verdict = "same"
	Accepted  Verdict = "accepted"
	Inherent  Verdict = "inherent"
	Unknown   Verdict = "unknown"
	Different Verdict = "different"
)

// verdicts are all verdicts, worst first.
var verdicts = []Verdict{Different, Unknown, Inherent, Accepted, Same}

// Rank returns a verdict's place in the order in which users look at them: 0 is the
// worst.
func (v Verdict) Rank() int { return slices.Index(verdicts, v) }

// Code names a kind of difference.
type Code string

// What any MeshTrace changes against any TrafficTrace.
const (
	OutboundGainsTracing  Code = "outbound-gains-tracing"
	GatewaySplitSpans     Code = "gateway-split-spans"
	GatewayDatadogSuffix  Code = "gateway-datadog-suffix"
	DatadogServiceName    Code = "datadog-service-name"
	KumaTags              Code = "kuma-tags"
	InboundIgnored        Code = "inbound-ignored"
	TracingLost           Code = "tracing-lost"
	TracingGained         Code = "tracing-gained"
	BackendDiffers        Code = "backend"
	AddressDiffers        Code = "address"
	PortDiffers           Code = "port"
	TLSDiffers            Code = "tls"
	PathDiffers           Code = "path"
	APIVersionDiffers     Code = "api-version"
	SamplingDiffers       Code = "sampling"
	TraceIDDiffers        Code = "trace-id"
	SharedSpanDiffers     Code = "shared-span-context"
	ServiceNameDiffers    Code = "service-name"
	TagsDiffer            Code = "tags"
	InvalidBackend        Code = "invalid-backend"
	OtherDiffers          Code = "other"
	ProxyMissing          Code = "proxy-missing"
	ProxyUnanswered       Code = "proxy-unanswered"
	Unverified            Code = "unverified"
	TieDependsOnZone      Code = "tie-depends-on-zone"
	ZoneDiffers           Code = "zone-differs"
	TieByCreationTime     Code = "tie-by-creation-time"
	UpdateRejected        Code = "update-rejected"
	OtherProxy            Code = "other-proxy"
	serviceNamePath            = "tracing.provider.typedConfig.serviceName"
	collectorHostnamePath      = "tracing.provider.typedConfig.collectorHostname"
)

// InherentCodes are the codes of what any MeshTrace changes.
var InherentCodes = []Code{OutboundGainsTracing, GatewaySplitSpans, GatewayDatadogSuffix, DatadogServiceName, KumaTags}

// Codes are all codes of differences.
var Codes = append(slices.Clone(InherentCodes), InboundIgnored, TracingLost, TracingGained, BackendDiffers, AddressDiffers, PortDiffers, TLSDiffers,
	PathDiffers, APIVersionDiffers, SamplingDiffers, TraceIDDiffers, SharedSpanDiffers, ServiceNameDiffers, TagsDiffer, InvalidBackend, OtherDiffers, ProxyMissing, ProxyUnanswered, Unverified, TieDependsOnZone, ZoneDiffers, TieByCreationTime, UpdateRejected, OtherProxy)

// unknownCodes say why a proxy cannot be judged.
var unknownCodes = []Code{Unverified, TieDependsOnZone, ZoneDiffers, TieByCreationTime}

// Inherent reports whether a MeshTrace cannot but make the difference.
func (c Code) Inherent() bool { return slices.Contains(InherentCodes, c) }

// verdictOf is the worst that differences amount to.
func verdictOf(differences []*Difference, accepted []Code) Verdict {
	verdict := Same
	for _, d := range differences {
		switch {
		case slices.Contains(accepted, d.Code):
			if verdict == Same {
				verdict = Accepted
			}
		case slices.Contains(unknownCodes, d.Code):
			return Unknown // nothing else is said of such a proxy
		case !d.Code.Inherent():
			return Different
		default:
			verdict = Inherent
		}
	}
	return verdict
}
