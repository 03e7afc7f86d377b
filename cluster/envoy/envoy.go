// Package envoy builds the Envoy messages of tracing, for the legacy policies and for
// MeshTrace: the HTTP connection manager's tracing and the collector's cluster, as the
// control plane writes them (fixtures/recorded). It uses plain values and does not know
// any policy.
package envoy

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// Collector is where a proxy sends its traces.
type Collector struct {
	Cluster string // name of the Envoy cluster
	// System is the name from 3.0 on, which is that of the backend with its address; see
	// SystemName.
	System string
	Host   string // name or IP address, without brackets
	Port   uint32
	TLS    bool
	HTTP2  bool // gRPC
	// Old is the address up to 2.13, see Version.SplitsOTelEndpoint; nil if it is the same.
	Old *Address
}

// Address is a host and its port.
type Address struct {
	Host string
	Port uint32
}

// At returns the collector at a url. No control plane accepts one that is not valid.
func (c Collector) At(address string) Collector {
	u := parse(address)
	port, _ := strconv.ParseUint(u.Port(), 10, 16) // 0 where there is none
	c.Host, c.Port, c.TLS = u.Hostname(), uint32(port), u.Scheme == "https"
	return c
}

func parse(address string) *url.URL {
	u, err := url.ParseRequestURI(address)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// Name returns the name of the Envoy cluster on a control plane of version.
func (c Collector) Name(version cluster.Version) string {
	if version.NamesByResource() {
		return c.System
	}
	return c.Cluster
}

// SystemName returns the name that 3.0 gives the cluster of a kind of collector at an
// address: it keeps lower-case letters, digits, - and _ (recorded/meshtrace on 3.0).
func SystemName(kind, address string) string {
	return "system_meshtrace_" + kind + "_" + strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, address)
}

// Build returns the collector's cluster as a control plane of version writes it.
func (c Collector) Build(version cluster.Version) *clusterv3.Cluster {
	if c.Old != nil && version.SplitsOTelEndpoint() {
		c.Host, c.Port = c.Old.Host, c.Old.Port
	}
	address := &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: c.Host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: c.Port},
	}}}
	name := c.Name(version)
	to := &clusterv3.Cluster{
		Name: name, AltStatName: strings.NewReplacer(":", "_", ".", "_").Replace(name),
		ConnectTimeout: durationpb.New(5 * time.Second),
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: name,
			Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
				HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address}},
			}}}},
		},
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
	}
	_, err := netip.ParseAddr(c.Host)
	if err != nil {
		to.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STRICT_DNS}
		to.DnsLookupFamily = clusterv3.Cluster_V4_ONLY
	}
	if c.TLS {
		context := &tlsv3.UpstreamTlsContext{AllowRenegotiation: true}
		if err != nil {
			context.Sni = c.Host
		}
		to.TransportSocketMatches = []*clusterv3.Cluster_TransportSocketMatch{{
			Name: c.Host, Match: &structpb.Struct{},
			TransportSocket: &corev3.TransportSocket{
				Name: "envoy.transport_sockets.tls", ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: pack(context)},
			},
		}}
	}
	if to.AltStatName == name {
		to.AltStatName = "" // the control plane writes it where it differs
	}
	if c.HTTP2 {
		to.TypedExtensionProtocolOptions = map[string]*anypb.Any{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(&httpv3.HttpProtocolOptions{
				UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
					ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
						ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
							Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
						},
					},
				},
			}),
		}
	}
	if version.ConnectsWithin10s() {
		to.ConnectTimeout = durationpb.New(10 * time.Second)
	}
	if version.TracksRemaining() {
		to.CircuitBreakers = &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{TrackRemaining: true}}}
	}
	return to
}

// Address returns host and port for display. A host may be from an OpenTelemetry
// endpoint, which can have user and password; these are left out.
func (c Collector) Address() string {
	return net.JoinHostPort(manifest.RedactURL(c.Host), strconv.Itoa(int(c.Port)))
}

// Tracing is a listener's tracing.
type Tracing struct {
	Version  cluster.Version // of the control plane
	Provider string          // name of the tracer
	Config   proto.Message
	Gateway  bool // of a builtin gateway
	// Percentages, 0 to 100; nil if the listener sets none and Envoy uses 100.
	Overall, Client, Random *float64
}

// Build returns the HTTP connection manager's tracing.
func (t Tracing) Build() *hcmv3.HttpConnectionManager_Tracing {
	built := &hcmv3.HttpConnectionManager_Tracing{
		OverallSampling: percent(t.Overall), ClientSampling: percent(t.Client), RandomSampling: percent(t.Random),
		Provider: &tracev3.Tracing_Http{
			Name: t.Provider, ConfigType: &tracev3.Tracing_Http_TypedConfig{TypedConfig: pack(t.Config)},
		},
	}
	if t.Version.SetsSpawnUpstreamSpan() {
		built.SpawnUpstreamSpan = wrapperspb.Bool(t.Gateway)
	}
	if t.Version.NamesTracersShort() {
		built.Provider.Name = strings.Replace(t.Provider, "envoy.tracers.", "envoy.", 1)
	}
	return built
}

// The names of the tracers.
const (
	ZipkinTracer        = "envoy.tracers.zipkin"
	DatadogTracer       = "envoy.tracers.datadog"
	OpenTelemetryTracer = "envoy.tracers.opentelemetry"
)

// Zipkin returns the configuration of a Zipkin tracer at a url.
func Zipkin(collector, address, apiVersion string, traceID128Bit bool, shared *bool, gatewaySpans bool) *tracev3.ZipkinConfig {
	u := parse(address)
	version := tracev3.ZipkinConfig_HTTP_JSON
	if apiVersion == "httpProto" {
		version = tracev3.ZipkinConfig_HTTP_PROTO
	}
	config := &tracev3.ZipkinConfig{
		CollectorCluster: collector, CollectorEndpoint: u.Path, CollectorHostname: u.Host,
		CollectorEndpointVersion: version, TraceId_128Bit: traceID128Bit,
		SplitSpansForRequest: gatewaySpans, //nolint:staticcheck // deprecated in Envoy, but what the control planes set
	}
	if shared != nil {
		config.SharedSpanContext = wrapperspb.Bool(*shared)
	}
	return config
}

func percent(value *float64) *typev3.Percent {
	if value == nil {
		return nil
	}
	return &typev3.Percent{Value: *value}
}

// pack cannot fail: only messages that are not UTF-8 cannot be marshalled, and invalid
// text is replaced.
func pack(message proto.Message) *anypb.Any {
	packed, err := anypb.New(message)
	if err != nil {
		return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(message.ProtoReflect().Descriptor().FullName())}
	}
	return packed
}
