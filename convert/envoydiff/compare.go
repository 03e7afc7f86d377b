package envoydiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

const (
	serviceNamePath       = "tracing.provider.typedConfig.serviceName"
	collectorHostnamePath = "tracing.provider.typedConfig.collectorHostname"
)

// flat maps paths to the values of a listener's tracing and its collector, with
// Envoy's defaults and without the names that the control plane chose.
type flat map[string]string

// flatten returns nil for a listener without tracing.
func flatten(tracing *hcmv3.HttpConnectionManager_Tracing, collector *clusterv3.Cluster) flat {
	if tracing == nil {
		return nil
	}
	f := make(flat)
	f.put("tracing", asAny(withDefaults(tracing)))
	if collector != nil {
		f.put("cluster", asAny(withoutNames(collector)))
	}
	return f
}

// withoutNames returns a copy of a cluster without the names that the control plane
// chose.
func withoutNames(collector *clusterv3.Cluster) *clusterv3.Cluster {
	c := proto.CloneOf(collector)
	c.Name, c.AltStatName = "", ""
	if c.LoadAssignment != nil {
		c.LoadAssignment.ClusterName = ""
	}
	// The control plane sets it for statistics; it limits nothing.
	c.CircuitBreakers = nil
	// HTTP/2 follows from the tracer, which is compared.
	c.TypedExtensionProtocolOptions = nil
	for _, match := range c.TransportSocketMatches {
		match.Name = ""
	}
	return c
}

// Values returns the compared values of a listener in protobuf's JSON form, with
// Envoy's defaults, without the names that the control plane chose, and without
// credentials in the collector's address.
func (l *Listener) Values() map[string]any {
	if l.Tracing == nil {
		return map[string]any{"tracing": nil}
	}
	values := map[string]any{"tracing": asAny(withDefaults(l.Tracing))}
	if l.Collector != nil {
		collector := withoutNames(l.Collector)
		for _, locality := range collector.GetLoadAssignment().GetEndpoints() {
			for _, endpoint := range locality.GetLbEndpoints() {
				if to := endpoint.GetEndpoint().GetAddress().GetSocketAddress(); to != nil {
					to.Address = manifest.RedactURL(to.Address)
				}
			}
		}
		values["cluster"] = asAny(collector)
	}
	return values
}

// withDefaults returns a copy of tracing with Envoy's defaults, and without the
// collector's cluster name. The fields of
// envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing
// and of envoy.config.trace.v3.ZipkinConfig document the defaults.
func withDefaults(tracing *hcmv3.HttpConnectionManager_Tracing) *hcmv3.HttpConnectionManager_Tracing {
	t := proto.CloneOf(tracing)
	for _, percent := range []**typev3.Percent{&t.OverallSampling, &t.ClientSampling, &t.RandomSampling} {
		if *percent == nil {
			*percent = &typev3.Percent{Value: 100}
		}
	}
	if t.SpawnUpstreamSpan == nil {
		t.SpawnUpstreamSpan = wrapperspb.Bool(false)
	}
	packed := t.GetProvider().GetTypedConfig()
	if packed == nil {
		return t
	}
	// Older versions write envoy.zipkin for envoy.tracers.zipkin.
	if name, ok := strings.CutPrefix(t.Provider.Name, "envoy."); ok && !strings.Contains(name, ".") {
		t.Provider.Name = "envoy.tracers." + name
	}
	config, err := packed.UnmarshalNew()
	if err != nil {
		return t // an unknown tracer is compared unchanged
	}
	switch config := config.(type) {
	case *tracev3.ZipkinConfig:
		config.CollectorCluster = ""
		if config.SharedSpanContext == nil {
			config.SharedSpanContext = wrapperspb.Bool(true)
		}
	case *tracev3.DatadogConfig:
		config.CollectorCluster = ""
	case *tracev3.OpenTelemetryConfig:
		if to := config.GetGrpcService().GetEnvoyGrpc(); to != nil {
			to.ClusterName = ""
		}
		if uri := config.GetHttpService().GetHttpUri(); uri != nil {
			uri.HttpUpstreamType = nil
		}
	}
	if repacked, err := anypb.New(config); err == nil {
		t.Provider.ConfigType = &tracev3.Tracing_Http_TypedConfig{TypedConfig: repacked}
	}
	return t
}

// asAny returns a message in protobuf's JSON form.
func asAny(message proto.Message) any {
	text, err := protojson.Marshal(message)
	var v any
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return err.Error()
	}
	return v
}

// put adds a value and everything below it. The key of a custom tag is its name,
// because the order of tags has no meaning.
func (f flat) put(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			// Percent{0} and the empty match both print as {}.
			if strings.HasSuffix(path, "Sampling") {
				f[path+".value"] = "0"
			}
			return
		}
		for key, value := range v {
			f.put(path+"."+key, value)
		}
	case []any:
		for i, item := range v {
			key := strconv.Itoa(i)
			if tag, ok := item.(map[string]any); ok && strings.HasSuffix(path, ".customTags") {
				key = fmt.Sprint(tag["tag"])
				delete(tag, "tag")
			}
			f.put(path+"["+key+"]", item)
		}
	case float64:
		f[path] = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		f[path] = fmt.Sprint(v)
	}
}

// summary returns the tracer and the collector in one line.
func (f flat) summary() string {
	host := f["cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress.address"]
	port := f["cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress.portValue"]
	tracer := strings.TrimPrefix(f["tracing.provider.name"], "envoy.tracers.")
	if host == "" {
		return strings.TrimSpace(tracer + " " + manifest.RedactURL(f[collectorHostnamePath]))
	}
	if host = manifest.RedactURL(host); strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s %s:%s", tracer, host, port)
}

// compare returns the differences of a listener, without that of the Datadog service
// name, in the order of paths.
func compare(before, after flat, direction cluster.Direction) []*Difference {
	switch {
	case before == nil && after == nil:
		return nil
	case after == nil:
		return []*Difference{{Code: TracingLost, Direction: direction, Field: "tracing", Before: before.summary(), After: "none"}}
	case before == nil:
		return []*Difference{{Code: TracingGained, Direction: direction, Field: "tracing", Before: "none", After: after.summary()}}
	case before["tracing.provider.name"] != after["tracing.provider.name"]:
		return []*Difference{{
			Code: BackendDiffers, Direction: direction, Field: "tracing.provider", Before: before.summary(), After: after.summary(),
		}}
	}
	var differences []*Difference
	all := make(flat, len(before)+len(after))
	maps.Copy(all, before)
	maps.Copy(all, after)
	moved := false
	for _, path := range slices.Sorted(maps.Keys(all)) {
		a, inBefore := before[path]
		b, inAfter := after[path]
		if a == b && inBefore == inAfter || path == serviceNamePath {
			continue
		}
		code := codeOf(path, direction, inBefore)
		if code == AddressDiffers || code == PortDiffers {
			moved = true
			a, b = manifest.RedactURL(a), manifest.RedactURL(b)
		}
		a, b = manifest.Redact(a), manifest.Redact(b)
		differences = append(differences, &Difference{
			Code: code, Direction: direction, Field: path, Before: orUnset(a, inBefore), After: orUnset(b, inAfter),
		})
	}
	// The host header repeats the cluster's address.
	return slices.DeleteFunc(differences, func(d *Difference) bool {
		return moved && d.Field == collectorHostnamePath
	})
}

func orUnset(value string, set bool) string {
	if !set {
		return "not set"
	}
	return value
}

// kumaTag matches a field of a tag that the control plane adds; see KumaTags.
var kumaTag = regexp.MustCompile(`^customTags\[kuma\.(mesh|zone|workload)]`)

// codeOf returns the code of a difference in a field.
func codeOf(path string, direction cluster.Direction, inBefore bool) Code {
	_, field, _ := strings.Cut(path, ".")
	switch {
	case strings.Contains(path, "transportSocket"):
		return TLSDiffers
	case strings.HasSuffix(path, ".socketAddress.address"), field == "type", field == "dnsLookupFamily", path == collectorHostnamePath:
		return AddressDiffers
	case strings.HasSuffix(path, ".socketAddress.portValue"):
		return PortDiffers
	case strings.Contains(field, "Sampling"):
		return SamplingDiffers
	case kumaTag.MatchString(field) && !inBefore:
		return KumaTags
	case strings.HasPrefix(field, "customTags["):
		return TagsDiffer
	}
	switch strings.TrimPrefix(field, "provider.typedConfig.") {
	case "splitSpansForRequest":
		if direction == cluster.DirectionGateway && !inBefore {
			return GatewaySplitSpans
		}
	case "collectorEndpoint":
		return PathDiffers
	case "collectorEndpointVersion":
		return APIVersionDiffers
	case "traceId128bit":
		return TraceIDDiffers
	case "sharedSpanContext":
		return SharedSpanDiffers
	}
	return OtherDiffers
}

// serviceName compares the Datadog service names of a listener. wanted is the name
// under a MeshTrace with the same splitService; it is empty where that is unknown.
func serviceName(before, after, wanted string, direction cluster.Direction) *Difference {
	if before == after {
		return nil
	}
	d := &Difference{Code: ServiceNameDiffers, Direction: direction, Field: serviceNamePath, Before: before, After: after}
	ofGateway := direction == cluster.DirectionGateway && after == before+"_INBOUND"
	// In dumps, the suffix must stay the same, except on gateways.
	expected := after == wanted || wanted == "" && (ofGateway || suffixOf(before) == suffixOf(after))
	switch {
	case expected && ofGateway:
		d.Code = GatewayDatadogSuffix
	case expected:
		d.Code = DatadogServiceName
	}
	return d
}

// suffixOf returns what splitService appends to a service's name.
func suffixOf(name string) string {
	if strings.HasSuffix(name, "_INBOUND") {
		return "_INBOUND"
	}
	if i := strings.Index(name, "_OUTBOUND_"); i >= 0 {
		return name[i:]
	}
	return ""
}
