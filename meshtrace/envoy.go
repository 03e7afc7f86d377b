package meshtrace

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tagv3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"tracemigrate/cluster"
	"tracemigrate/cluster/envoy"
)

// Collector returns where a proxy with the merged conf sends its traces. conf must have
// a backend.
func (c *Conf) Collector() envoy.Collector {
	switch b := c.Backends[0]; {
	case b.Zipkin != nil:
		return collectorOf("zipkin", b.Zipkin.URL)
	case b.Datadog != nil:
		return collectorOf("datadog", b.Datadog.URL)
	case b.OpenTelemetry != nil:
		return b.OpenTelemetry.collector()
	}
	return envoy.Collector{}
}

func collectorOf(kind, address string) envoy.Collector {
	return envoy.Collector{Cluster: "meshtrace:" + kind, System: envoy.SystemName(kind, address)}.At(address)
}

func (o *OpenTelemetry) collector() envoy.Collector {
	to := envoy.Collector{Cluster: "meshtrace:opentelemetry", HTTP2: true}
	to.Host, to.Port = parseEndpoint(o.Endpoint)
	if host, port := splitEndpoint(o.Endpoint); host != to.Host || port != to.Port {
		to.Old = &envoy.Address{Host: host, Port: port}
	}
	switch {
	case o.Backend != nil:
		to.System = envoy.SystemName("otel", o.Backend.Name)
		to.Host, to.Port, to.HTTP2, to.Old = o.Backend.Host, o.Backend.Port, !o.Backend.HTTP, nil
	case o.BackendRef != nil:
		// The input does not contain the backend; its labels are used as its address.
		to.Host, to.Old = "MeshOpenTelemetryBackend "+o.BackendRef.String(), nil
	}
	return to
}

// parseEndpoint returns the host and port of an OpenTelemetry endpoint as 2.14 does.
func parseEndpoint(endpoint string) (host string, port uint32) {
	if strings.Count(endpoint, ":") > 1 && !strings.Contains(endpoint, "[") {
		return endpoint, DefaultOTelPort // an IPv6 address alone
	}
	u, err := url.Parse("otel://" + endpoint)
	if err != nil || u.Hostname() == "" {
		return endpoint, DefaultOTelPort
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		n = DefaultOTelPort
	}
	return u.Hostname(), uint32(n)
}

// splitEndpoint returns the host and port of an OpenTelemetry endpoint as versions up to
// 2.13 do: the parts before and after the first colon. Port 0 is none.
func splitEndpoint(endpoint string) (host string, port uint32) {
	host, rest, found := strings.Cut(endpoint, ":")
	if !found {
		return host, DefaultOTelPort
	}
	rest, _, _ = strings.Cut(rest, ":")
	n, _ := strconv.ParseInt(rest, 10, 32)
	return host, uint32(max(n, 0))
}

// Tracing returns the tracing of one of a proxy's HTTP listeners under the merged conf,
// as a control plane of version writes it. first is the name of the proxy's service in
// spans. zone and workload are the values of the tags kuma.zone and kuma.workload,
// empty for none.
func (c *Conf) Tracing(
	version cluster.Version, mesh, zone, workload string, listener cluster.HTTPListener, first string,
) *hcmv3.HttpConnectionManager_Tracing {
	gateway := listener.Direction == cluster.DirectionGateway && !listener.OfSidecar
	t := envoy.Tracing{
		Version: version, Gateway: gateway, Overall: (*float64)(c.Sampling.Overall),
		Client: (*float64)(c.Sampling.Client), Random: (*float64)(c.Sampling.Random),
	}
	collector := c.Collector().Name(version)
	switch b := c.Backends[0]; {
	case b.Zipkin != nil:
		z := b.Zipkin
		shared, split := z.SharedSpanContext, gateway && version.SplitsGatewaySpans()
		if shared == nil && version.FillsZipkinDefaults() {
			shared = new(!z.stored) // later versions write their default (recorded for 2.9 and 2.13)
		}
		t.Provider = envoy.ZipkinTracer
		t.Config = envoy.Zipkin(collector, z.URL, z.APIVersion, z.TraceID128Bit, shared, split)
	case b.Datadog != nil:
		t.Provider = envoy.DatadogTracer
		t.Config = &tracev3.DatadogConfig{CollectorCluster: collector, ServiceName: b.Datadog.Service(listener, first)}
	case b.OpenTelemetry != nil:
		t.Provider = envoy.OpenTelemetryTracer
		t.Config = b.OpenTelemetry.config(collector, first)
	}
	built := t.Build()
	for _, tag := range c.Tags {
		built.CustomTags = append(built.CustomTags, tag.envoy())
	}
	if version.AddsKumaTags() {
		for _, own := range [...][2]string{{"kuma.mesh", mesh}, {"kuma.zone", zone}, {"kuma.workload", workload}} {
			if own[1] != "" && !slices.ContainsFunc(c.Tags, func(tag Tag) bool { return tag.Name == own[0] }) {
				built.CustomTags = append(built.CustomTags, (&Tag{Name: own[0], Literal: &own[1]}).envoy())
			}
		}
	}
	return built
}

// config returns the configuration of the tracer; to is the name of the collector's
// cluster.
func (o *OpenTelemetry) config(to, service string) *tracev3.OpenTelemetryConfig {
	config := &tracev3.OpenTelemetryConfig{ServiceName: service}
	if o.Backend == nil || !o.Backend.HTTP {
		config.GrpcService = &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
			EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: to},
		}}
		return config
	}
	config.HttpService = &corev3.HttpService{HttpUri: &corev3.HttpUri{
		Uri:              o.Backend.tracesURL(),
		HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: to},
		Timeout:          durationpb.New(10 * time.Second),
	}}
	return config
}

// Service returns the name under which Datadog shows a listener's spans, always that of
// the proxy's first service.
func (d *Datadog) Service(listener cluster.HTTPListener, first string) string {
	switch {
	case !d.SplitService, listener.OfZoneEgress:
		return first
	case listener.Direction == cluster.DirectionOutbound:
		return first + "_OUTBOUND_" + listener.Service
	}
	return first + "_INBOUND"
}

func (t *Tag) envoy() *tagv3.CustomTag {
	if t.Header != nil {
		return &tagv3.CustomTag{Tag: t.Name, Type: &tagv3.CustomTag_RequestHeader{
			RequestHeader: &tagv3.CustomTag_Header{Name: t.Header.Name, DefaultValue: t.Header.Default},
		}}
	}
	return &tagv3.CustomTag{Tag: t.Name, Type: &tagv3.CustomTag_Literal_{Literal: &tagv3.CustomTag_Literal{Value: t.literal()}}}
}
