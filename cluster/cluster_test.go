package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

func read(text string) *cluster.Snapshot {
	return cluster.Read([]manifest.Input{manifest.Text("f.yaml", text)})
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]cluster.Version{"2.0": cluster.V(0), "2.7": cluster.V(7), "2.7.3": cluster.V(7), "v2.13.0": cluster.V(13), "2.14.0-preview.1": cluster.V(14)} {
		got, err := cluster.ParseVersion(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"": "is not a version", "two": "is not a version", "2": "is not a version", "1.8": "has no MeshTrace", "3.0": "not supported yet", "2.15": "newest is 2.14", "2.999999999999999999": "is not a version",
	} {
		_, err := cluster.ParseVersion(text)
		assert.ErrorContains(t, err, want, text)
	}
}

// An Index must find what asking every selector finds.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tags := func(values ...string) cluster.Tags {
		set := cluster.Tags{}
		for _, key := range []string{"a", "b", "c", "d"} {
			if r.IntN(2) == 0 {
				set[key] = values[r.IntN(len(values))]
			}
		}
		return set
	}
	for range 300 {
		selectors := make([]cluster.Tags, r.IntN(12))
		for i := range selectors {
			selectors[i] = tags("1", "2", cluster.Any)
		}
		index := cluster.NewIndex(selectors)
		for range 20 {
			sets := make([]cluster.Tags, r.IntN(4))
			for i := range sets {
				sets[i] = tags("1", "2", "3")
			}
			var want []int32
			for i, selector := range selectors {
				if slices.ContainsFunc(sets, selector.Match) {
					want = append(want, int32(i))
				}
			}
			first := -1
			if len(want) > 0 {
				first = int(want[0])
			}
			require.Equal(t, want, index.Matching(nil, sets...), "%v by %v", sets, selectors)
			require.Equal(t, first, index.First(sets...))
		}
	}
}

func TestTags(t *testing.T) {
	web := cluster.Tags{"kuma.io/service": "web", "team": "core"}
	assert.True(t, cluster.Tags{}.Match(web))
	assert.True(t, cluster.Tags{"team": "*"}.Match(web))
	assert.False(t, cluster.Tags{"zone": "*"}.Match(web))
	assert.False(t, cluster.Tags{"team": "ads"}.Match(web))
	assert.True(t, cluster.Tags{"team": "core"}.Meets(cluster.Tags{"zone": "east"}))
	assert.True(t, cluster.Tags{"team": "*"}.Meets(cluster.Tags{"team": "ads"}))
	assert.False(t, cluster.Tags{"team": "core"}.Meets(cluster.Tags{"team": "ads"}))
	assert.Equal(t, "kuma.io/service=web, team=core", web.String())
	for value, is := range map[string]bool{"web": true, "web_v1.x:80-a": true, "web/v1": false, "": false, "a b": false, "ü": false} {
		assert.Equal(t, is, cluster.IsTag("team", value), value)
	}
	assert.True(t, cluster.IsTag("kuma.io/service", "web"))
}

func TestRead(t *testing.T) {
	s := read(`
apiVersion: kuma.io/v1alpha1
kind: DataplaneList
items:
- mesh: other
  metadata: {name: typed, namespace: ns, labels: {app: web}}
  spec:
    networking:
      address: 10.0.0.1
      inbound:
      - {port: "8080", state: NotReady, tags: {kuma.io/service: web, kuma.io/protocol: HTTP2}}
      - {port: 8081, health: {ready: false}, tags: {kuma.io/service: api}}
---
{"total": 1, "items": [{"type": "TrafficTrace", "name": "t", "creationTime": "2020-05-12T12:31:45.6+02:00", "selectors": []}]}
---
apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: m, namespace: kuma-system, labels: {kuma.io/mesh: other}}
spec: {targetRef: {kind: Mesh}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: other
metadata: {name: r}
---
apiVersion: v1
kind: Secret
metadata: {name: 5}
`)
	require.Empty(t, s.Problems)
	require.Len(t, s.Dataplanes, 1)
	dp := s.Dataplanes[0]
	assert.Equal(t, []any{"other", "typed", "ns", "web", "10.0.0.1", uint32(8080), true, true},
		[]any{dp.Mesh, dp.Name, dp.Namespace, dp.Labels["app"], dp.Address, dp.Inbounds[0].Port, dp.Inbounds[0].NotReady, dp.Inbounds[1].NotReady})
	require.Len(t, s.TrafficTraces, 1)
	assert.Equal(t, "default", s.TrafficTraces[0].Mesh)
	assert.True(t, s.TrafficTraces[0].Created.Equal(time.Date(2020, 5, 12, 10, 31, 45, 6e8, time.UTC)))
	require.Len(t, s.MeshTraces, 1)
	assert.Equal(t, "other", s.MeshTraces[0].Mesh)
	assert.Equal(t, map[string]bool{"other": true}, s.TrafficRoutes)
}

// The same resource twice is read once, or is an error that names both places.
func TestReadTwice(t *testing.T) {
	const proxy = "type: Dataplane\nname: a\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: %s}}]}\n---\n"
	for name, test := range map[string]struct{ text, want string }{
		"equal Dataplanes":        {fmt.Sprintf(proxy+proxy, "web", "web"), `info f.yaml:5: Dataplane "a": stands at f.yaml:1 already, with the same content; read once`},
		"other Dataplanes":        {fmt.Sprintf(proxy+proxy, "web", "api"), `error f.yaml:5: Dataplane "a": stands at f.yaml:1 already, with other content; keep the one that the control plane has`},
		"other order of keys":     {"type: TrafficTrace\nname: t\nconf: {backend: b}\nselectors: []\n---\nname: t\nselectors: []\ntype: TrafficTrace\nconf: {backend: b}\n", `info f.yaml:6: TrafficTrace "t": stands at f.yaml:1 already, with the same content; read once`},
		"other creation time":     {"type: Mesh\nname: a\n---\ntype: Mesh\nname: a\ncreationTime: 2024-01-01T00:00:00Z\n", `error f.yaml:4: Mesh "a": stands at f.yaml:1 already, with other content; keep the one that the control plane has`},
		"one name in two meshes":  {"type: TrafficTrace\nname: t\nmesh: a\n---\ntype: TrafficTrace\nname: t\nmesh: b\n", ""},
		"one name in two formats": {"type: MeshTrace\nname: t\n---\nkind: MeshTrace\napiVersion: kuma.io/v1alpha1\nmetadata: {name: t, namespace: kuma-system}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range read(test.text).Problems {
				got = append(got, string(p.Severity)+" "+p.Error())
			}
			assert.Equal(t, test.want, strings.Join(got, "\n"))
		})
	}
}

// The MeshGateway of a gateway is the one whose selector ranks highest.
func TestGateways(t *testing.T) {
	s := read(`
{type: MeshGateway, name: any, selectors: [{match: {kuma.io/service: '*'}}], conf: {listeners: [{port: 80, protocol: HTTP}]}}
---
{type: MeshGateway, name: edge, tags: {team: core}, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP, tags: {vhost: a}}, {port: 80, protocol: HTTP, tags: {vhost: b}}, {port: 443, protocol: HTTPS}, {port: 9, protocol: TCP}]}}
---
{type: MeshGateway, name: zone, selectors: [{match: {kuma.io/service: '*', kuma.io/zone: '*'}}]}
`)
	require.Empty(t, s.Problems)
	gateways := cluster.NewGateways(s.MeshGateways)
	dp := func(builtin bool, tags cluster.Tags) *cluster.Dataplane {
		return &cluster.Dataplane{Mesh: "default", Name: "g", Gateway: &cluster.Gateway{Builtin: builtin, Tags: tags}}
	}
	edge := dp(true, cluster.Tags{"kuma.io/service": "edge"})
	assert.Equal(t, "edge", gateways.Configures(edge).Name)
	assert.Equal(t, "any", gateways.Configures(dp(true, cluster.Tags{"kuma.io/service": "other"})).Name)
	assert.Equal(t, "zone", gateways.Configures(dp(true, cluster.Tags{"kuma.io/service": "edge", "kuma.io/zone": "east"})).Name, "two wildcards outrank one tag")
	assert.Nil(t, gateways.Configures(dp(false, cluster.Tags{"kuma.io/service": "edge"})))
	assert.Nil(t, gateways.Configures(dp(true, cluster.Tags{"team": "core"})))
	sets := gateways.Configures(edge).TagSets(edge.Gateway.Tags)
	assert.Contains(t, sets, cluster.Tags{"kuma.io/service": "edge", "team": "core", "vhost": "b"})
	assert.Len(t, sets, 4)

	var names []string
	for _, l := range cluster.NewListeners(nil, gateways).Of(edge) {
		names = append(names, l.Name())
	}
	assert.Equal(t, []string{"edge:HTTP:80", "edge:HTTPS:443"}, names)
}

// An outbound speaks what all ready inbounds of its destination speak.
func TestOutboundProtocol(t *testing.T) {
	inbound := func(protocol string) cluster.Inbound {
		return cluster.Inbound{Protocol: protocol, Tags: cluster.Tags{"kuma.io/service": "to"}}
	}
	for name, test := range map[string]struct {
		inbounds []cluster.Inbound
		traced   bool
	}{
		"http":            {[]cluster.Inbound{inbound("http"), inbound("http")}, true},
		"grpc and http2":  {[]cluster.Inbound{inbound("grpc"), inbound("http2")}, true},
		"http and http2":  {[]cluster.Inbound{inbound("http"), inbound("http2")}, false},
		"http and tcp":    {[]cluster.Inbound{inbound("http"), inbound("")}, false},
		"kafka":           {[]cluster.Inbound{inbound("kafka")}, false},
		"unknown service": {nil, false},
		"ignored":         {[]cluster.Inbound{{Protocol: "http", Ignored: true, Tags: cluster.Tags{"kuma.io/service": "to"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			from := &cluster.Dataplane{Mesh: "default", Outbounds: []cluster.Outbound{{Port: 1, Tags: cluster.Tags{"kuma.io/service": "to"}}}}
			listeners := cluster.NewListeners([]*cluster.Dataplane{{Mesh: "default", Inbounds: test.inbounds}}, cluster.Gateways{}).Of(from)
			assert.Len(t, listeners, map[bool]int{true: 1, false: 0}[test.traced])
		})
	}
}

// FuzzRead must not panic, and every problem must stand somewhere.
func FuzzRead(f *testing.F) {
	f.Add("type: Dataplane\nname: a\nnetworking: {gateway: {type: BUILTIN, tags: {a: b}}}\n")
	f.Add("kind: MeshGatewayList\nitems:\n- metadata: {name: a}\n  spec: {selectors: [{match: {a: b}}], conf: {listeners: [{port: 80, tags: {c: d}}]}}\n")
	f.Add(`{"items": [{"type": "Dataplane", "name": "a", "networking": {"inbound": [{"port": "x"}]}}]}`)
	f.Add("type: 5\n---\nkind: Mesh\n---\n- a\n---\nkind: List\nitems: {}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := read(text)
		for _, p := range s.Problems {
			assert.NotEmpty(t, p.Message)
			assert.Positive(t, p.Line)
		}
		gateways := cluster.NewGateways(s.MeshGateways)
		listeners := cluster.NewListeners(s.Dataplanes, gateways)
		for _, dp := range s.Dataplanes {
			listeners.Of(dp)
		}
	})
}
