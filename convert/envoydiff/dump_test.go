package envoydiff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
)

const secretValue = "hunter2"

// configDump wraps recorded listeners and clusters as Envoy's /config_dump does,
// with a secret that must go no further.
func configDump(p fixtures.Proxy) string {
	var listeners, clusters []string
	for name, tracing := range p.Listeners {
		listeners = append(listeners, fmt.Sprintf(`{"name": %q, "active_state": {"version_info": "1", "listener": {
  "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": %q,
  "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "x", "tracing": %s}}]}]}}}`, name, name, tracing))
	}
	for name, cluster := range p.Clusters {
		clusters = append(clusters, fmt.Sprintf(`{"version_info": %q, "cluster": %s}`, name, strings.Replace(string(cluster), "{", `{"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", `, 1)))
	}
	return fmt.Sprintf(`{"configs": [
{"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {"metadata": {"token": %q}}}},
{"@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", "dynamic_active_secrets": [{"secret": {"name": %q}}]},
{"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": [%s]},
{"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump", "dynamic_active_clusters": [%s]}]}`,
		secretValue, secretValue, strings.Join(listeners, ","), strings.Join(clusters, ","))
}

// controlPlane wraps them as the control plane's _config answer does.
func controlPlane(p fixtures.Proxy) string {
	var listeners, clusters []string
	for name, tracing := range p.Listeners {
		listeners = append(listeners, fmt.Sprintf(`%q: {"name": %q, "filterChains": [{"filters": [{"typedConfig": {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "tracing": %s}}]}]}`, name, name, tracing))
	}
	for name, cluster := range p.Clusters {
		clusters = append(clusters, fmt.Sprintf("%q: %s", name, cluster))
	}
	return fmt.Sprintf(`{"xds": {"type.googleapis.com/envoy.config.listener.v3.Listener": {%s}, "type.googleapis.com/envoy.config.cluster.v3.Cluster": {%s}}}`,
		strings.Join(listeners, ","), strings.Join(clusters, ","))
}

// Dumps of the recorded proxies, in either form, compare as they were recorded:
// the same with themselves, and by the versions' differences across versions.
func TestDumpsRecorded(t *testing.T) {
	withoutRace.Skip(t)
	read := func(text string) *envoydiff.Dump {
		dump, err := envoydiff.ReadDump(strings.NewReader(text))
		require.NoError(t, err)
		return dump
	}
	compared := 0
	for _, group := range []string{"traffictrace", "meshtrace"} {
		for _, c := range fixtures.Recorded(t, group) {
			for name, proxy := range c.Proxies {
				if len(proxy.Listeners) == 0 {
					continue
				}
				compared++
				a, b := read(configDump(proxy)), read(controlPlane(proxy))
				result := envoydiff.CompareDumps(map[string]*envoydiff.Dump{"p": a}, map[string]*envoydiff.Dump{"p": b}, nil)
				require.Equal(t, envoydiff.Same, result.Proxies[0].Verdict, "%s %s: %v", c.Name, name, result.Proxies[0].Differences)
			}
		}
	}
	assert.Greater(t, compared, 1000)
}

// A TrafficTrace's rendering against the converted MeshTrace's, as dumps, gives
// the verdict that manifests give.
func TestDumpsOfGateway(t *testing.T) {
	byName := make(map[string]fixtures.Proxy)
	for _, group := range []string{"traffictrace", "meshtrace"} {
		for _, c := range fixtures.Recorded(t, group) {
			if c.Name == "gateways-zipkin on 2.13" {
				byName[group] = c.Proxies["default/edge-1"]
			}
		}
	}
	before, err := envoydiff.ReadDump(strings.NewReader(configDump(byName["traffictrace"])))
	require.NoError(t, err)
	after, err := envoydiff.ReadDump(strings.NewReader(configDump(byName["meshtrace"])))
	require.NoError(t, err)
	result := envoydiff.CompareDumps(map[string]*envoydiff.Dump{"edge": before}, map[string]*envoydiff.Dump{"edge": after}, nil)
	assert.Equal(t, envoydiff.Inherent, result.Proxies[0].Verdict, "%v", result.Proxies[0].Differences)
	assert.Equal(t, envoydiff.GatewaySplitSpans, result.Proxies[0].Differences[0].Code)

	for text, want := range map[string]envoydiff.Code{
		strings.Replace(configDump(byName["traffictrace"]), `"node": {`, `"node": {"id": "default.other", `, 1):                        envoydiff.OtherProxy,
		strings.Replace(configDump(byName["traffictrace"]), `"active_state":`, `"error_state": {"details": "no"}, "active_state":`, 1): envoydiff.UpdateRejected,
	} {
		other, err := envoydiff.ReadDump(strings.NewReader(text))
		require.NoError(t, err)
		first, err := envoydiff.ReadDump(strings.NewReader(strings.Replace(configDump(byName["traffictrace"]), `"node": {`, `"node": {"id": "default.edge", `, 1)))
		require.NoError(t, err)
		result = envoydiff.CompareDumps(map[string]*envoydiff.Dump{"edge": first}, map[string]*envoydiff.Dump{"edge": other}, nil)
		require.Len(t, result.Proxies[0].Differences, 1)
		assert.Equal(t, want, result.Proxies[0].Differences[0].Code)
	}

	result = envoydiff.CompareDumps(map[string]*envoydiff.Dump{"edge": before}, map[string]*envoydiff.Dump{}, nil)
	assert.Equal(t, envoydiff.ProxyMissing, result.Proxies[0].Differences[0].Code)
}

// A listener whose tracing has no provider is not traced.
func TestDumpWithoutProvider(t *testing.T) {
	read := func(tracing string) map[string]*envoydiff.Dump {
		p := fixtures.Proxy{Listeners: map[string]json.RawMessage{"inbound:1.1.1.1:80": json.RawMessage(tracing)}}
		dump, err := envoydiff.ReadDump(strings.NewReader(controlPlane(p)))
		require.NoError(t, err)
		return map[string]*envoydiff.Dump{"p": dump}
	}
	result := envoydiff.CompareDumps(read(`{"spawnUpstreamSpan": false}`), read("null"), nil)
	assert.Equal(t, 1, envoydiff.Count([]*envoydiff.Comparison{result}).Same)
}

// The listener of a zone's egress that gains tracing is inherent where the proxy was traced.
func TestDumpsOfZoneEgress(t *testing.T) {
	const egress = "self_zoneegress_dp_egress"
	var traced fixtures.Proxy
	for _, c := range fixtures.Recorded(t, "traffictrace") {
		if c.Name == "gateways-zipkin on 2.13" {
			traced = c.Proxies["default/edge-1"]
		}
	}
	var tracing json.RawMessage
	for _, tracing = range traced.Listeners {
		break
	}
	with := func(listeners map[string]json.RawMessage) map[string]*envoydiff.Dump {
		dump, err := envoydiff.ReadDump(strings.NewReader(controlPlane(fixtures.Proxy{Listeners: listeners, Clusters: traced.Clusters})))
		require.NoError(t, err)
		return map[string]*envoydiff.Dump{"p": dump}
	}
	untraced := json.RawMessage("null")
	for name, test := range map[string]struct {
		inbound json.RawMessage // before
		want    envoydiff.Verdict
	}{
		"beside a traced one": {tracing, envoydiff.Inherent},
		"as the first":        {untraced, envoydiff.Different},
	} {
		t.Run(name, func(t *testing.T) {
			before := with(map[string]json.RawMessage{"self_inbound_dp_main": test.inbound, egress: untraced})
			after := with(map[string]json.RawMessage{"self_inbound_dp_main": test.inbound, egress: tracing})
			assert.Equal(t, test.want, envoydiff.CompareDumps(before, after, nil).Proxies[0].Verdict)
		})
	}
}

func TestReadDumpErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                "the JSON ends early",
		`{"configs": [`:   "the JSON ends early",
		`{"configs": }`:   "reading JSON at byte",
		`{"configs": []}`: "it has no listener",
		"a: b":            "reading JSON at byte",
		`{"listener": {"name": "in", "x": {"@type": "a.HttpConnectionManager", "tracing": {"provider": {"typedConfig": {"@type": "type.googleapis.com/com.example.Unknown"}}}}}}`: `the tracing of listener "in" is not understood: `,
		`{"listener": {"name": "in", "x": {"@type": "a.HttpConnectionManager", "tracing": {"customTags": [{"tag": "a", "literal": 7}]}}}}`:                                        `the tracing of listener "in" is not understood: `,
		`{"cluster": {"name": "tracing:zipkin", "type": {}}}`: `cluster "tracing:zipkin" is not understood: `,
		strings.Repeat("[", 200):                              "nested more than 100 deep",
	} {
		_, err := envoydiff.ReadDump(strings.NewReader(text))
		assert.ErrorContains(t, err, want, "%.20q", text)
	}
}

// An extension that this program does not know is no matter of tracing, unless
// it is the tracer or the transport to the collector.
func TestReadDumpUnknownExtensions(t *testing.T) {
	const listener = `"listener": {"name": "inbound:10.0.0.1:80", "filterChains": [{"transportSocket": {"typedConfig": {"@type": "type.googleapis.com/com.example.Unknown"}}, "filters": [{"typedConfig": {
		"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
		"httpFilters": [{"name": "x", "typedConfig": {"@type": "type.googleapis.com/com.example.Unknown", "a": 1}}],
		"tracing": {"provider": {"name": "envoy.tracers.opentelemetry", "typedConfig": {
			"@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig", "serviceName": "web", "grpcService": {"envoyGrpc": {"clusterName": "meshtrace:opentelemetry"}}}}}}}]}]}`
	read := func(cluster string) (*envoydiff.Dump, error) {
		return envoydiff.ReadDump(strings.NewReader("{" + listener + `, "cluster": {"name": "meshtrace:opentelemetry", "connectTimeout": "5s", ` + cluster + "}}"))
	}
	const endpoint = `"loadAssignment": {"endpoints": [{"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "otel", "portValue": 4317}}}}]}]}`
	plain, err := read(endpoint)
	require.NoError(t, err)
	for name, extension := range map[string]string{
		"protocol options, in camelCase":  `"typedExtensionProtocolOptions": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicitHttpConfig": {"http2ProtocolOptions": {}}}}`,
		"protocol options, in snake_case": `"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}`,
		"a filter":                        `"filters": [{"name": "x", "typedConfig": {"@type": "type.googleapis.com/com.example.Unknown", "a": 1}}]`,
		"metadata":                        `"metadata": {"typedFilterMetadata": {"x": {"@type": "type.googleapis.com/com.example.Unknown"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dump, err := read(endpoint + ", " + extension)
			require.NoError(t, err)
			result := envoydiff.CompareDumps(map[string]*envoydiff.Dump{"p": dump}, map[string]*envoydiff.Dump{"p": dump}, nil)
			assert.Equal(t, envoydiff.Same, result.Proxies[0].Verdict)
			moved, err := read(strings.Replace(endpoint, "otel", "elsewhere", 1) + ", " + extension)
			require.NoError(t, err)
			result = envoydiff.CompareDumps(map[string]*envoydiff.Dump{"p": dump}, map[string]*envoydiff.Dump{"p": moved}, nil)
			assert.Equal(t, envoydiff.AddressDiffers, result.Proxies[0].Differences[0].Code)
			if strings.HasPrefix(name, "protocol") {
				result = envoydiff.CompareDumps(map[string]*envoydiff.Dump{"p": plain}, map[string]*envoydiff.Dump{"p": dump}, nil)
				assert.Equal(t, envoydiff.Same, result.Proxies[0].Verdict)
			}
		})
	}
	_, err = read(endpoint + `, "transportSocket": {"name": "tls", "typedConfig": {"@type": "type.googleapis.com/com.example.Unknown"}}`)
	require.ErrorContains(t, err, `cluster "meshtrace:opentelemetry" is not understood`)
}

// Proxies that differ alike have one cause, whatever their own listeners are called.
func TestCausesOfDumps(t *testing.T) {
	dumps := func(sampling int) map[string]*envoydiff.Dump {
		all := make(map[string]*envoydiff.Dump)
		for i := range 3 {
			dump, err := envoydiff.ReadDump(strings.NewReader(fmt.Sprintf(`{"listener": {"name": "inbound:10.0.0.%d:80", "x": {"@type": "a.HttpConnectionManager", "tracing": {"overallSampling": {"value": %d}, "provider": {"name": "envoy.tracers.zipkin", "typedConfig": {
				"@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig", "collectorCluster": "tracing:z"}}}}}, "cluster": {"name": "tracing:z"}}`, i, sampling)))
			require.NoError(t, err)
			all[fmt.Sprintf("web-%d", i)] = dump
		}
		return all
	}
	result := envoydiff.CompareDumps(dumps(10), dumps(20), nil)
	assert.Equal(t, "[inbound:10.0.0.1:80].tracing.overallSampling.value", result.Proxies[1].Differences[0].Path())
	causes := envoydiff.Causes(result)
	require.Len(t, causes, 1)
	assert.Len(t, causes[0].Proxies, 3)
	require.Len(t, causes[0].Fields, 1)
	assert.Equal(t, &envoydiff.Field{Code: envoydiff.SamplingDiffers, Path: "inbound.tracing.overallSampling.value", Values: []*envoydiff.Value{{Before: "10", After: "20", Proxies: 3}}}, causes[0].Fields[0])
}

// What is kept of a dump holds no secret.
func TestDumpKeepsNoSecret(t *testing.T) {
	proxy := fixtures.Recorded(t, "traffictrace")[0].Proxies
	for _, p := range proxy {
		dump, err := envoydiff.ReadDump(strings.NewReader(configDump(p)))
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprintf("%+v", dump), secretValue)
	}
}

const fuzzedCluster = `{"name": "trac", "type": "STRICT_DNS", "transportSocket": {"name": "tls", "typedConfig": {
  "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "allowRenegotiation": true}},
 "loadAssignment": {"endpoints": [{"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "z", "portValue": 9411}}}}]}]}}`

// FuzzReadDump must not panic, and what it reads is the same as itself.
func FuzzReadDump(f *testing.F) {
	// Small seeds, the same in every run: Go shrinks each new input, in a time that grows with the square of its size.
	for _, conf := range []string{
		`"ZipkinConfig", "collectorCluster": "trac", "collectorEndpoint": "/x", "collectorEndpointVersion": "HTTP_PROTO", "collectorHostname": "z:9411"`,
		`"DatadogConfig", "collectorCluster": "trac", "serviceName": "web"`,
		`"OpenTelemetryConfig", "grpcService": {"envoyGrpc": {"clusterName": "trac"}}, "serviceName": "web"`,
	} {
		tracing := `{"overallSampling": {"value": 5}, "provider": {"typedConfig": {"@type": "type.googleapis.com/envoy.config.trace.v3.` + conf[1:] + `}}}`
		p := fixtures.Proxy{
			Listeners: map[string]json.RawMessage{"inbound:10.0.0.1:80": json.RawMessage(tracing)},
			Clusters:  map[string]json.RawMessage{"trac": json.RawMessage(fuzzedCluster)},
		}
		f.Add(configDump(p))
		f.Add(controlPlane(p))
	}
	f.Add(`{"listener": {"name": 5}}`)
	f.Add(`{"cluster": {"name": "trac", "a": [{"@type": 1}, {"@type": "x/y"}], "typedExtensionProtocolOptions": {"a": {"@type": "x"}}, "transportSocket": {"typedConfig": {"@type": "x"}}}, "listener": {"name": "a"}}`)
	f.Add(`{"listener": [null, {"name": "a", "@type": "x.HttpConnectionManager", "tracing": []}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		dump, err := envoydiff.ReadDump(strings.NewReader(text))
		if err != nil {
			return
		}
		all := map[string]*envoydiff.Dump{"p": dump}
		result := envoydiff.CompareDumps(all, all, nil)
		if result.Proxies[0].Verdict != envoydiff.Same {
			t.Fatalf("%v", result.Proxies[0].Differences)
		}
	})
}

// In a shadow configuration only what MeshTraces trace stays, by either of the
// names that Kuma gives their clusters; what a TrafficTrace traces is lost.
func TestCompareShadowRecorded(t *testing.T) {
	withoutRace.Skip(t)
	read := func(p fixtures.Proxy, name func(string) string) *envoydiff.Dump {
		text := name(controlPlane(p))
		dump, err := envoydiff.ReadDump(strings.NewReader(text))
		require.NoError(t, err)
		return dump
	}
	dataplane := func(name string) *cluster.Dataplane { return &cluster.Dataplane{Mesh: "default", Name: name} }
	nothing := envoydiff.NewRenderer(cluster.Latest, &cluster.Snapshot{}, envoydiff.State{})
	asRecorded := func(text string) string { return text }
	unified := strings.NewReplacer("meshtrace:zipkin", "system_meshtrace_zipkin_z-9411", "meshtrace:datadog", "system_meshtrace_datadog_d-8126").Replace
	legacy, kept := 0, 0
	for _, c := range fixtures.Recorded(t, "traffictrace") {
		for name, p := range c.Proxies {
			if len(p.Listeners) == 0 {
				continue
			}
			dump := read(p, asRecorded)
			got := envoydiff.CompareShadow(nothing, dataplane(name), dump, dump, nil)
			if p.Traced() == 0 {
				assert.Equal(t, envoydiff.Same, got.Verdict, "%s %s", c.Name, name)
				continue
			}
			legacy++
			assert.Equal(t, envoydiff.Different, got.Verdict, "%s %s", c.Name, name)
			for _, d := range got.Differences {
				assert.Equal(t, envoydiff.TracingLost, d.Code)
				assert.Contains(t, d.After, "only its tracing is left in the shadow configuration")
			}
		}
	}
	for _, c := range fixtures.Recorded(t, "meshtrace") {
		for name, p := range c.Proxies {
			if len(p.Listeners) == 0 || len(p.Clusters) != 1 {
				continue
			}
			for cluster := range p.Clusters {
				if !strings.HasPrefix(cluster, "meshtrace:") {
					continue
				}
				kept++
				for _, naming := range []func(string) string{asRecorded, unified} {
					got := envoydiff.CompareShadow(nothing, dataplane(name), read(p, asRecorded), read(p, naming), nil)
					assert.Equal(t, envoydiff.Same, got.Verdict, "%s %s: %v", c.Name, name, got.Differences)
				}
			}
		}
	}
	assert.Greater(t, legacy, 100)
	assert.Greater(t, kept, 100)
}

// A MeshTrace names the proxy's first service, also where only another one has a listener for
// HTTP. Seen on 2.13.10.
func TestShadowNamesFirstService(t *testing.T) {
	read := func(collector, service string) *envoydiff.Dump {
		tracing := `{"provider": {"name": "envoy.tracers.datadog", "typedConfig": {"@type": "type.googleapis.com/envoy.config.trace.v3.DatadogConfig", "collectorCluster": "` +
			collector + `", "serviceName": "` + service + `"}}}`
		dump, err := envoydiff.ReadDump(strings.NewReader(controlPlane(fixtures.Proxy{
			Listeners: map[string]json.RawMessage{"inbound:10.0.0.1:80": json.RawMessage(tracing)},
			Clusters:  map[string]json.RawMessage{collector: json.RawMessage(strings.Replace(fuzzedCluster, "trac", collector, 1))},
		})))
		require.NoError(t, err)
		return dump
	}
	inbound := func(service string) cluster.Inbound {
		return cluster.Inbound{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: service})}
	}
	dp := &cluster.Dataplane{Mesh: "default", Name: "web", Inbounds: []cluster.Inbound{inbound("web"), inbound("api")}}
	nothing := envoydiff.NewRenderer(cluster.Latest, &cluster.Snapshot{}, envoydiff.State{})
	for service, want := range map[string]envoydiff.Code{"api": envoydiff.DatadogServiceName, "other": envoydiff.ServiceNameDiffers} {
		got := envoydiff.CompareShadow(nothing, dp, read("tracing:dd", "web"), read("meshtrace:datadog", service), nil)
		require.Len(t, got.Differences, 1)
		assert.Equal(t, want, got.Differences[0].Code)
	}
}
