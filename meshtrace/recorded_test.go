package meshtrace_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// envoyTracing is what a recorded listener contains of its merged MeshTraces.
type envoyTracing struct {
	OverallSampling, ClientSampling, RandomSampling *struct{ Value float64 }
	CustomTags                                      []struct {
		Tag           string
		Literal       *struct{ Value string }
		RequestHeader *struct{ Name, DefaultValue string }
	}
	Provider struct {
		Name        string
		TypedConfig struct {
			CollectorHostname, CollectorEndpoint, CollectorEndpointVersion string
			TraceID128Bit                                                  bool `json:"traceId128bit"`
			SharedSpanContext                                              *bool
			ServiceName                                                    string
		}
	}
}

type envoyCluster struct {
	LoadAssignment struct {
		Endpoints []struct {
			LbEndpoints []struct {
				Endpoint struct {
					Address struct {
						SocketAddress struct {
							Address   string
							PortValue int
						}
					}
				}
			}
		}
	}
}

// Every proxy of every recorded case must get the merged policy that the
// control plane made its configuration from.
func TestRecorded(t *testing.T) {
	proxies, traced := 0, 0
	for _, c := range fixtures.Recorded(t, "meshtrace") {
		t.Run(c.Name, func(t *testing.T) {
			policies, problems := meshtrace.Read(c.Snapshot)
			require.Empty(t, problems)
			matcher := meshtrace.NewMatcher(c.Version, policies, cluster.NewGateways(c.Snapshot.MeshGateways))
			for _, dp := range c.Snapshot.Dataplanes {
				recorded, ok := c.Proxies[dp.Mesh+"/"+dp.Name]
				require.True(t, ok, "no answer recorded for %s", dp)
				proxies++
				conf := meshtrace.Merge(matcher.Matching(nil, dp))
				var clusters []string
				for name, text := range recorded.Clusters {
					if !strings.HasPrefix(name, "meshtrace:") && !strings.HasPrefix(name, "system_meshtrace") {
						continue
					}
					var cl envoyCluster
					require.NoError(t, json.Unmarshal(text, &cl))
					at := cl.LoadAssignment.Endpoints[0].LbEndpoints[0].Endpoint.Address.SocketAddress
					clusters = append(clusters, net.JoinHostPort(at.Address, strconv.Itoa(at.PortValue)))
				}
				var want []string
				if len(conf.Backends) > 0 {
					want = append(want, host(t, conf.Backends[0]))
				}
				assert.Equal(t, clusters, want, "backend of %s", dp)
				for name, text := range recorded.Listeners {
					var tracing envoyTracing
					require.NoError(t, json.Unmarshal(text, &tracing))
					if string(text) == "null" || len(want) == 0 {
						assert.Equal(t, "null", string(text), "%s listener %s", dp, name)
						assert.Empty(t, want, "%s listener %s", dp, name)
						continue
					}
					traced++
					assert.Equal(t, wanted(conf), got(tracing), "%s listener %s", dp, name)
				}
			}
		})
	}
	assert.Greater(t, proxies, 500)
	assert.Greater(t, traced, 500)
}

func host(t *testing.T, b meshtrace.Backend) string {
	text := ""
	switch b.Type {
	case meshtrace.TypeZipkin:
		text = b.Zipkin.URL
	case meshtrace.TypeDatadog:
		text = b.Datadog.URL
	case meshtrace.TypeOpenTelemetry:
		require.NotNil(t, b.OpenTelemetry.Backend)
		text = "http://" + net.JoinHostPort(b.OpenTelemetry.Backend.Host, strconv.Itoa(int(b.OpenTelemetry.Backend.Port)))
	}
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u.Host
}

// wanted and got are the merged and the recorded configuration in one form.
func wanted(conf *meshtrace.Conf) string {
	var s strings.Builder
	percent := func(p *meshtrace.Percent) string {
		if p == nil {
			return "-"
		}
		return p.String()
	}
	fmt.Fprintf(&s, "%s/%s/%s ", percent(conf.Sampling.Overall), percent(conf.Sampling.Client), percent(conf.Sampling.Random))
	for _, tag := range conf.Tags {
		if tag.Header != nil {
			fmt.Fprintf(&s, "%s=header %s %s;", tag.Name, tag.Header.Name, tag.Header.Default)
		} else {
			fmt.Fprintf(&s, "%s=%s;", tag.Name, *tag.Literal)
		}
	}
	switch b := conf.Backends[0]; b.Type {
	case meshtrace.TypeZipkin:
		u, _ := url.Parse(b.Zipkin.URL)
		api := "HTTP_JSON"
		if b.Zipkin.APIVersion == "httpProto" {
			api = "HTTP_PROTO"
		}
		shared := b.Zipkin.SharedSpanContext == nil || *b.Zipkin.SharedSpanContext
		fmt.Fprintf(&s, "zipkin %s %s %s %v %v", u.Host, u.Path, api, b.Zipkin.TraceID128Bit, shared)
	case meshtrace.TypeOpenTelemetry:
		s.WriteString("opentelemetry")
	case meshtrace.TypeDatadog:
		fmt.Fprintf(&s, "datadog %v", b.Datadog.SplitService)
	}
	return s.String()
}

func got(tracing envoyTracing) string {
	var s strings.Builder
	percent := func(p *struct{ Value float64 }) string {
		if p == nil {
			return "-"
		}
		return meshtrace.Percent(p.Value).String()
	}
	fmt.Fprintf(&s, "%s/%s/%s ", percent(tracing.OverallSampling), percent(tracing.ClientSampling), percent(tracing.RandomSampling))
	for _, tag := range tracing.CustomTags {
		switch {
		case strings.HasPrefix(tag.Tag, "kuma."): // 2.14 adds these by itself
		case tag.RequestHeader != nil:
			fmt.Fprintf(&s, "%s=header %s %s;", tag.Tag, tag.RequestHeader.Name, tag.RequestHeader.DefaultValue)
		default:
			fmt.Fprintf(&s, "%s=%s;", tag.Tag, tag.Literal.Value)
		}
	}
	switch conf := tracing.Provider.TypedConfig; tracing.Provider.Name {
	case "envoy.tracers.zipkin", "envoy.zipkin":
		shared := conf.SharedSpanContext == nil || *conf.SharedSpanContext
		fmt.Fprintf(&s, "zipkin %s %s %s %v %v", conf.CollectorHostname, conf.CollectorEndpoint, conf.CollectorEndpointVersion, conf.TraceID128Bit, shared)
	case "envoy.tracers.opentelemetry":
		s.WriteString("opentelemetry")
	case "envoy.tracers.datadog", "envoy.datadog":
		split := strings.Contains(conf.ServiceName, "_OUTBOUND_") || strings.HasSuffix(conf.ServiceName, "_INBOUND")
		fmt.Fprintf(&s, "datadog %v", split)
	}
	return s.String()
}
