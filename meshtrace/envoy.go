package meshtrace

import (
	"net"
	"net/url"
	"strconv"
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
	to := envoy.Collector{Cluster: "meshtrace:" + kind, System: envoy.SystemName(kind, address)}
	u, err := url.ParseRequestURI(address)
	if err != nil {
		return to // no control plane accepts it
	}
	port, _ := strconv.ParseUint(u.Port(), 10, 16) // 0 where there is none
	to.Host, to.Port, to.TLS = u.Hostname(), uint32(port), u.Scheme == "https"
	return to
}

func (o *OpenTelemetry) collector() envoy.Collector {
	to := envoy.Collector{Cluster: "meshtrace:opentelemetry", Host: o.Endpoint, Port: DefaultOTelPort, HTTP2: true}
	if host, port, err := net.SplitHostPort(o.Endpoint); err == nil {
		n, _ := strconv.ParseUint(port, 10, 16) // 0 for a port that no control plane accepts
		to.Host, to.Port = host, uint32(n)
	}
	switch {
	case o.Backend != nil:
		to.System = envoy.SystemName("otel", o.Backend.Name)
		to.Host, to.Port, to.HTTP2 = o.Backend.Host, o.Backend.Port, !o.Backend.HTTP
	case o.BackendRef != nil:
		// The input does not contain the backend; its labels are used as its address.
		to.Host = "MeshOpenTelemetryBackend " + cluster.Tags(o.BackendRef).String()
	}
	return to
}

// Tracing returns the tracing of one of a proxy's HTTP listeners under the merged conf,
// as a control plane of version writes it. first is the name of the proxy's service in
// spans. zone and workload are the values of the tags kuma.zone and kuma.workload,
// empty for none.
func (c *Conf) Tracing(
	version cluster.Version, mesh, zone, workload string, listener cluster.HTTPListener, first string,
) *hcmv3.HttpConnectionManager_Tracing {
	gateway := listener.Direction == cluster.DirectionGateway
	t := envoy.Tracing{
		Version: version, Gateway: gateway, Overall: (*float64)(c.Sampling.Overall),
		Client: (*float64)(c.Sampling.Client), Random: (*float64)(c.Sampling.Random),
	}
	collector := c.Collector().Name(version)
	switch b := c.Backends[0]; {
	case b.Zipkin != nil:
		z := b.Zipkin
		u, err := url.ParseRequestURI(z.URL)
		if err != nil {
			u = &url.URL{} // no control plane accepts it
		}
		shared, split := z.SharedSpanContext, gateway && version.SplitsGatewaySpans()
		if yes := true; shared == nil && version.FillsZipkinDefaults() {
			shared = &yes // later versions write their default (recorded for 2.9 and 2.13)
		}
		t.Provider = envoy.ZipkinTracer
		t.Config = envoy.Zipkin(collector, u.Host, u.Path, z.APIVersion, z.TraceID128Bit, shared, split)
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
			if own[1] != "" {
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
