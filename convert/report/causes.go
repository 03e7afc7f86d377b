package report

import (
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
)

// causeWords has what changes for proxies that differ in a code, in plain words.
var causeWords = map[envoydiff.Code]string{
	envoydiff.OutboundGainsTracing: "spans of outbound requests, too",
	envoydiff.GatewaySplitSpans:    "one span for each side of a gateway",
	envoydiff.GatewayDatadogSuffix: "the suffix _INBOUND in the Datadog service name of a gateway",
	envoydiff.DatadogServiceName:   "another Datadog service name",
	envoydiff.DatadogUnifiedNaming: "another Datadog service name, where the proxy has unified resource naming",
	envoydiff.KumaTags:             "the tags " + envoydiff.KumaTagNames + ", too",
	envoydiff.Defaults:             "other settings of the control plane's version",

	envoydiff.InboundIgnored:     "MeshTraces that do not match inbounds in state Ignored",
	envoydiff.TracingLost:        "no tracing",
	envoydiff.TracingGained:      "tracing that did not exist",
	envoydiff.BackendDiffers:     "another type of collector",
	envoydiff.AddressDiffers:     "another address of the collector",
	envoydiff.PortDiffers:        "another port of the collector",
	envoydiff.TLSDiffers:         "another TLS setting of the collector",
	envoydiff.PathDiffers:        "another path of the collector",
	envoydiff.APIVersionDiffers:  "another API version of the collector",
	envoydiff.SamplingDiffers:    "another sampling",
	envoydiff.TraceIDDiffers:     "another length of trace IDs",
	envoydiff.SharedSpanDiffers:  "another setting for shared spans",
	envoydiff.ServiceNameDiffers: "another service name",
	envoydiff.TagsDiffer:         "other tags",
	envoydiff.InvalidBackend:     "a backend that cannot work",
	envoydiff.OtherDiffers:       "another tracing setting",
	envoydiff.ProxyMissing:       "no configuration of the proxy",
	envoydiff.ProxyUnanswered:    "no answer about the proxy",
	envoydiff.UpdateRejected:     "a listener that Envoy refused",
	envoydiff.OtherProxy:         "the dump of another proxy",

	envoydiff.Unverified:        "something that may decide on them could not be read, or is being deleted",
	envoydiff.TieDependsOnZone:  "zones may disagree on which of two TrafficTraces is newer",
	envoydiff.ZoneDiffers:       "their zone may decide differently",
	envoydiff.TieByCreationTime: "the creation times of two TrafficTraces of equal rank are unknown",
	envoydiff.ServicesUnread:    "the Services of outbounds on Kubernetes, which are not read",
	envoydiff.OrderUndecided:    "MeshTraces of kind Dataplane precede each other in a circle",
	envoydiff.GatewayTagsMixed:  "the control plane mixes the tags of gateways of one MeshGateway",
	envoydiff.ProxyPatched:      "a MeshProxyPatch or ProxyTemplate that changes tracing",

	envoydiff.MeshTraceRefused:        "a MeshTrace that the version refuses",
	envoydiff.TrafficTraceRemoved:     "no TrafficTrace on the new version",
	envoydiff.ProtocolFromField:       "another protocol of an inbound",
	envoydiff.WorkloadServiceName:     "a service name from the workload",
	envoydiff.NameOrder:               "another order of MeshTraces",
	envoydiff.OutboundNeedsRoute:      "outbounds that are traced only with a TrafficRoute",
	envoydiff.OutboundNeedsBackendRef: "outbounds that need a backendRef",
	envoydiff.ProtocolRefused:         "a protocol that the new version refuses",
	envoydiff.DelegatedGateway:        "another selection of delegated gateways",
	envoydiff.IgnoredInbound:          "another selection of proxies with inbounds in state Ignored",
	envoydiff.OTelEndpoint:            "an OpenTelemetry endpoint that the version does not support",
	envoydiff.BuiltinGatewayRemoved:   "no builtin gateway on the new version",
	envoydiff.MeshUnreadable:          "a builtin gateway's Dataplane, which the new version cannot read",
	envoydiff.InboundsMerged:          "one inbound for a port of several Services",
	envoydiff.OutboundNeedsService:    "outbounds to services without a MeshService",
	envoydiff.OutboundProtocol:        "outbounds that become HTTP",
	envoydiff.FieldIgnored:            "a field of a MeshTrace that a version ignores",
	envoydiff.ShadowPolicy:            "a shadow MeshTrace that a version applies",
	envoydiff.PolicyNamespace:         "another order of MeshTraces by their namespaces",
	envoydiff.SelectionDiffers:        "other MeshTraces",
}

// CauseText returns what changes for the proxies of a cause, in plain words.
func CauseText(codes []envoydiff.Code) string {
	return strings.Join(lists.Each(codes, func(code envoydiff.Code) string { return causeWords[code] }), "; ")
}

// CauseOf returns a cause as a report contains it.
func CauseOf(c *envoydiff.Cause) Cause {
	const examples = 3
	return Cause{
		Verdict: c.Verdict, Codes: c.Codes, Text: CauseText(c.Codes), Proxies: len(c.Proxies), TrafficTraces: c.TrafficTraces,
		Examples: lists.Each(c.Proxies[:min(len(c.Proxies), examples)], ProxyName),
	}
}

// ProxyName returns the name of a proxy after that of its mesh, which a dump does not tell.
func ProxyName(p *envoydiff.Proxy) string {
	if p.Mesh == "" {
		return p.Name
	}
	return p.Mesh + "/" + p.Name
}
