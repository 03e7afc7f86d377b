package legacy

import (
	"fmt"
	"strconv"

	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/envoy"
)

// Collector returns where proxies send traces that use the backend. The backend must not
// have Problems.
func (b *Backend) Collector() envoy.Collector {
	name := "tracing:" + b.Name
	if b.Datadog != nil {
		return envoy.Collector{Cluster: name, Host: b.Datadog.Address, Port: b.Datadog.Port}
	}
	return envoy.Collector{Cluster: name}.At(b.Zipkin.URL)
}

// Tracing returns the tracing of one of a proxy's HTTP listeners that uses the
// backend, as a control plane of version writes it. first is the alphabetically first
// service of the proxy.
func (b *Backend) Tracing(version cluster.Version, listener cluster.HTTPListener, first string) *hcmv3.HttpConnectionManager_Tracing {
	t := envoy.Tracing{Version: version, Overall: b.Sampling, Gateway: listener.Direction == cluster.DirectionGateway}
	collector := b.Collector()
	if b.Datadog != nil {
		t.Provider = envoy.DatadogTracer
		t.Config = &tracev3.DatadogConfig{CollectorCluster: collector.Cluster, ServiceName: b.Datadog.Service(listener, first)}
		return t.Build()
	}
	z := b.Zipkin
	t.Provider = envoy.ZipkinTracer
	t.Config = envoy.Zipkin(collector.Cluster, z.URL, z.APIVersion, z.TraceID128Bit, z.SharedSpanContext, false)
	return t.Build()
}

// Service returns the name under which Datadog shows a listener's spans.
func (d *Datadog) Service(listener cluster.HTTPListener, first string) string {
	switch {
	case listener.Direction == cluster.DirectionInbound && d.SplitService:
		return listener.Service + "_INBOUND"
	case listener.Direction == cluster.DirectionInbound:
		return listener.Service
	case listener.Direction == cluster.DirectionOutbound && d.SplitService:
		return first + "_OUTBOUND_" + listener.Service
	}
	return first
}

// Key returns a text that is equal for backends with the same Envoy configuration.
func (b *Backend) Key() string {
	sampling := "unset"
	if b.Sampling != nil {
		sampling = strconv.FormatFloat(*b.Sampling, 'f', -1, 64)
	}
	switch {
	case b.Datadog != nil:
		return fmt.Sprintf("%q %s datadog %q %d %v", b.Name, sampling, b.Datadog.Address, b.Datadog.Port, b.Datadog.SplitService)
	case b.Zipkin != nil:
		z := b.Zipkin
		shared := z.SharedSpanContext == nil || *z.SharedSpanContext
		return fmt.Sprintf("%q %s zipkin %q %v %q %v", b.Name, sampling, z.URL, z.TraceID128Bit, z.APIVersion, shared)
	}
	return fmt.Sprintf("%q", b.Name)
}
