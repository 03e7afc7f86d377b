package meshtrace

import (
	"net"
	"net/url"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tagv3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/envoy"
)

// Collector returns where a proxy with the merged conf sends its traces. conf must have
// a backend.
func (c *Conf) Collector() envoy.Collector {
	switch b := c.Backends[0]; {
	case b.Zipkin != nil:
		return collectorOf("meshtrace:zipkin", b.Zipkin.URL)
	case b.Datadog != nil:
		return collectorOf("meshtrace:datadog", b.Datadog.URL)
	case b.OpenTelemetry != nil:
		to := envoy.Collector{Cluster: "meshtrace:opentelemetry", Host: b.OpenTelemetry.Endpoint, Port: 4317}
		if host, port, err := net.SplitHostPort(b.OpenTelemetry.Endpoint); err == nil {
			n, _ := strconv.ParseUint(port, 10, 16) // 0 for a port that no control plane accepts
			to.Host, to.Port = host, uint32(n)
		}
		if ref := b.OpenTelemetry.BackendRef; ref != nil {
			// The backend is a resource of its own; its name is used as its address.
			to.Host = "MeshOpenTelemetryBackend " + cluster.Tags(ref).String()
		}
		return to
	}
	return envoy.Collector{}
}

func collectorOf(name, address string) envoy.Collector {
	u, err := url.Parse(address)
	if err != nil {
		return envoy.Collector{Cluster: name} // no control plane accepts it
	}
	port, _ := strconv.ParseUint(u.Port(), 10, 16) // 0 where there is none
	return envoy.Collector{Cluster: name, Host: u.Hostname(), Port: uint32(port), TLS: u.Scheme == "https"}
}

// Tracing returns the tracing of one of a proxy's HTTP listeners under the merged conf,
// as a control plane of version writes it. first is the alphabetically first service of
// the proxy. zone and workload are the values of the tags kuma.zone and kuma.workload,
// empty for none.
func (c *Conf) Tracing(
	version cluster.Version, mesh, zone, workload string, listener cluster.HTTPListener, first string,
) *hcmv3.HttpConnectionManager_Tracing {
	gateway := listener.Direction == cluster.DirectionGateway
	t := envoy.Tracing{
		Version: version, Gateway: gateway, Overall: (*float64)(c.Sampling.Overall),
		Client: (*float64)(c.Sampling.Client), Random: (*float64)(c.Sampling.Random),
	}
	collector := c.Collector()
	switch b := c.Backends[0]; {
	case b.Zipkin != nil:
		z := b.Zipkin
		u, err := url.Parse(z.URL)
		if err != nil {
			u = &url.URL{} // no control plane accepts it
		}
		shared, split := z.SharedSpanContext, gateway && version.SplitsGatewaySpans()
		if yes := true; shared == nil && version.FillsZipkinDefaults() {
			shared = &yes // later versions write their default (recorded for 2.9 and 2.13)
		}
		t.Provider = envoy.ZipkinTracer
		t.Config = envoy.Zipkin(collector.Cluster, u.Host, u.Path, z.APIVersion, z.TraceID128Bit, shared, split)
	case b.Datadog != nil:
		t.Provider = envoy.DatadogTracer
		t.Config = &tracev3.DatadogConfig{CollectorCluster: collector.Cluster, ServiceName: b.Datadog.Service(listener, first)}
	case b.OpenTelemetry != nil:
		t.Provider = envoy.OpenTelemetryTracer
		t.Config = &tracev3.OpenTelemetryConfig{
			ServiceName: first,
			GrpcService: &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
				EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: collector.Cluster},
			}},
		}
	}
	built := t.Build()
	for _, tag := range c.Tags {
		built.CustomTags = append(built.CustomTags, tag.envoy())
	}
	if version.AddsKumaTags() {
		for _, own := range [...][2]string{{"kuma.mesh", mesh}, {"kuma.zone", zone}, {"kuma.workload", workload}} {
			if own[1] != "" {
				built.CustomTags = append(built.CustomTags, (&Tag{Name: own[0], Literal: &own[1]}).envoy())
			}
		}
	}
	return built
}

// Service returns the name under which Datadog shows a listener's spans, always that of
// the proxy's first service.
func (d *Datadog) Service(listener cluster.HTTPListener, first string) string {
	switch {
	case !d.SplitService:
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
	literal := ""
	if t.Literal != nil {
		literal = *t.Literal
	}
	return &tagv3.CustomTag{Tag: t.Name, Type: &tagv3.CustomTag_Literal_{Literal: &tagv3.CustomTag_Literal{Value: literal}}}
}
