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
	for text, want := range map[string]cluster.Version{"2.0": cluster.V(0), "2.7": cluster.V(7), "2.7.3": {2, 7, 3}, "v2.13.0": {2, 13, 0}, "2.14.0-preview.1": {2, 14, 0}, "2.14.99": {2, 14, 99}, "3.0": cluster.Newest, "3.0.1": {3, 0, 1}} {
		got, err := cluster.ParseVersion(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"": "is not a version", "two": "is not a version", "2": "is not a version", "1.8": "does not have MeshTrace", "3.1": "newest known ones are 2.14 and 3.0", "2.15": "newest known ones are 2.14 and 3.0", "2.999999999999999999": "is not a version",
	} {
		_, err := cluster.ParseVersion(text)
		assert.ErrorContains(t, err, want, text)
	}
}

// Every change of a rule within a minor is in patchRules' list, and no other.
func TestOlderPatches(t *testing.T) {
	rules := map[string]func(cluster.Version) bool{
		"SkipsIgnoredInbounds":                  cluster.Version.SkipsIgnoredInbounds,
		"DataplaneKindSelectsDelegatedGateways": cluster.Version.DataplaneKindSelectsDelegatedGateways,
		"LabelsOrigin":                          cluster.Version.LabelsOrigin,
		"FillsSamplingWrongly":                  cluster.Version.FillsSamplingWrongly,
		"IgnoredInboundsHaveProtocol":           cluster.Version.IgnoredInboundsHaveProtocol,
		"SmallestNameWins":                      cluster.Version.SmallestNameWins,
		"SelectsDelegatedGateways":              cluster.Version.SelectsDelegatedGateways,
		"HonoursProxyTypes":                     cluster.Version.HonoursProxyTypes,
		"OriginDecides":                         cluster.Version.OriginDecides,
		"RoleDecides":                           cluster.Version.RoleDecides,
		"ComputesShadows":                       cluster.Version.ComputesShadows,
		"ProtocolFromField":                     cluster.Version.ProtocolFromField,
	}
	for minor := range cluster.Latest.Minor + 1 {
		var want []cluster.Version
		for patch := 40; patch >= 0; patch-- {
			older, newer := cluster.Version{Major: 2, Minor: minor, Patch: patch}, cluster.Version{Major: 2, Minor: minor, Patch: patch + 1}
			for _, decides := range rules {
				if decides(older) != decides(newer) && !slices.Contains(want, older) {
					want = append(want, older)
				}
			}
		}
		assert.Equal(t, want, cluster.V(minor).OlderPatches(), "2.%d", minor)
	}
	assert.Empty(t, cluster.Version{Major: 2, Minor: 13, Patch: 4}.OlderPatches(), "a patch release was named")
}

// The boundaries of the rules that a patch release changed (semantics of
// fixtures/recorded: 2.5.11, 2.6.15, 2.7.29, 2.9.13, 2.10.11, 2.13.10, 2.14.3).
func TestPatchRules(t *testing.T) {
	for _, test := range []struct {
		rule    func(cluster.Version) bool
		name    string
		yes, no []string
	}{
		{
			cluster.Version.SkipsIgnoredInbounds, "SkipsIgnoredInbounds",
			[]string{"2.5.1", "2.5", "2.6.0", "2.6", "2.7.0", "2.7.24", "2.8.0", "2.8", "2.9.14", "2.10", "2.11.15", "2.12.9", "2.13.4"},
			[]string{"2.0", "2.4", "2.5.0", "2.7.25", "2.7", "2.9.15", "2.9", "2.11", "2.12", "2.13.5", "2.13", "2.14.0", "2.14"},
		},
		{
			cluster.Version.DataplaneKindSelectsDelegatedGateways, "DataplaneKindSelectsDelegatedGateways",
			[]string{"2.12.8", "2.12", "2.13.3", "2.13", "2.14.0"},
			[]string{"2.10", "2.11", "2.12.7", "2.13.0", "2.13.2"},
		},
		{cluster.Version.LabelsOrigin, "LabelsOrigin", []string{"2.6.1", "2.6", "2.7.0", "2.14"}, []string{"2.5", "2.6.0"}},
		{cluster.Version.FillsSamplingWrongly, "FillsSamplingWrongly", []string{"2.6.0", "2.6.11", "2.7.7", "2.8.3"}, []string{"2.5", "2.6.12", "2.6", "2.7.8", "2.7", "2.8.4", "2.8", "2.9"}},
		{cluster.Version.IgnoredInboundsHaveProtocol, "IgnoredInboundsHaveProtocol", []string{"2.3", "2.5.0"}, []string{"2.5.1", "2.5", "2.6.0"}},
		{cluster.Version.SmallestNameWins, "SmallestNameWins", []string{"2.6.0", "2.14"}, []string{"2.5", "2.5.11"}},
	} {
		for want, texts := range map[bool][]string{true: test.yes, false: test.no} {
			for _, text := range texts {
				version, err := cluster.ParseVersion(text)
				require.NoError(t, err)
				assert.Equal(t, want, test.rule(version), "%s on %s", test.name, text)
			}
		}
	}
}

// An Index must find what asking every selector finds.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tags := func(values ...string) cluster.Tags {
		set := cluster.Tags{}
		for _, key := range []string{"a", "b", "c", "d"} {
			if r.IntN(2) == 0 {
				set = set.With(key, values[r.IntN(len(values))])
			}
		}
		return set
	}
	for range 300 {
		selectors := make([]cluster.Tags, r.IntN(12))
		for i := range selectors {
			selectors[i] = tags("1", "2", cluster.Any)
			if r.IntN(8) == 0 {
				selectors[i] = cluster.Never
			}
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
	web := cluster.NewTags(map[string]string{"kuma.io/service": "web", "team": "core"})
	assert.True(t, cluster.Tags{}.Match(web))
	assert.True(t, cluster.NewTags(map[string]string{"team": "*"}).Match(web))
	assert.False(t, cluster.NewTags(map[string]string{"zone": "*"}).Match(web))
	assert.False(t, cluster.NewTags(map[string]string{"team": "ads"}).Match(web))
	assert.True(t, cluster.NewTags(map[string]string{"team": "core"}).Meets(cluster.NewTags(map[string]string{"zone": "east"})))
	assert.True(t, cluster.NewTags(map[string]string{"team": "*"}).Meets(cluster.NewTags(map[string]string{"team": "ads"})))
	assert.False(t, cluster.NewTags(map[string]string{"team": "core"}).Meets(cluster.NewTags(map[string]string{"team": "ads"})))
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
		[]any{dp.Mesh, dp.Name, dp.Namespace, dp.Labels.Get("app"), dp.Address, dp.Inbounds[0].Port, dp.Inbounds[0].NotReady, dp.Inbounds[1].NotReady})
	require.Len(t, s.TrafficTraces, 1)
	assert.Equal(t, "default", s.TrafficTraces[0].Mesh)
	assert.True(t, s.TrafficTraces[0].Created.Equal(time.Date(2020, 5, 12, 10, 31, 45, 6e8, time.UTC)))
	require.Len(t, s.MeshTraces, 1)
	assert.Equal(t, "other", s.MeshTraces[0].Mesh)
	assert.Equal(t, map[string]bool{"other": true}, s.TrafficRoutes)
}

// The same resource twice is read once, or is an error that names both places.
func TestReadTwice(t *testing.T) {
	withRef := func(ref string) string {
		return "type: Dataplane\nname: a\nnetworking: {address: 10.0.0.1, gateway: {tags: {kuma.io/service: a}}, outbound: [{port: 1, backendRef: {" + ref + "}}]}\n---\n"
	}
	const proxy = "type: Dataplane\nname: a\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: %s}}]}\n---\n"
	for name, test := range map[string]struct{ text, want string }{
		"equal Dataplanes":        {fmt.Sprintf(proxy+proxy, "web", "web"), `info f.yaml:5: Dataplane "a": is already defined at f.yaml:1, with the same content; read once`},
		"equal backendRefs":       {withRef("kind: MeshService, name: a") + withRef("name: a, kind: MeshService"), `info f.yaml:5: Dataplane "a": is already defined at f.yaml:1, with the same content; read once`},
		"other Dataplanes":        {fmt.Sprintf(proxy+proxy, "web", "api"), `error f.yaml:5: Dataplane "a": is already defined at f.yaml:1, with other content; keep the one that the control plane has`},
		"other order of keys":     {"type: TrafficTrace\nname: t\nconf: {backend: b}\nselectors: []\n---\nname: t\nselectors: []\ntype: TrafficTrace\nconf: {backend: b}\n", `info f.yaml:6: TrafficTrace "t": is already defined at f.yaml:1, with the same content; read once`},
		"other creation time":     {"type: Mesh\nname: a\n---\ntype: Mesh\nname: a\ncreationTime: 2024-01-01T00:00:00Z\n", `error f.yaml:4: Mesh "a": is already defined at f.yaml:1, with other content; keep the one that the control plane has`},
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
{type: MeshGateway, name: edge, tags: {team: core}, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP, tags: {vhost: a}}, {port: 80, protocol: HTTP, tags: {vhost: b}}, {port: 443, protocol: HTTPS}, {port: 9, protocol: TCP}, {port: 10, protocol: TCP, crossMesh: true}]}}
---
{type: MeshGateway, name: zone, selectors: [{match: {kuma.io/service: '*', kuma.io/zone: '*'}}]}
`)
	require.Empty(t, s.Problems)
	gateways := cluster.NewGateways(s.MeshGateways)
	dp := func(builtin bool, tags cluster.Tags) *cluster.Dataplane {
		return &cluster.Dataplane{Mesh: "default", Name: "g", Gateway: &cluster.Gateway{Builtin: builtin, Tags: tags}}
	}
	edge := dp(true, cluster.NewTags(map[string]string{"kuma.io/service": "edge"}))
	assert.Equal(t, "edge", gateways.Configures(edge).Name)
	assert.Equal(t, "any", gateways.Configures(dp(true, cluster.NewTags(map[string]string{"kuma.io/service": "other"}))).Name)
	assert.Equal(t, "zone", gateways.Configures(dp(true, cluster.NewTags(map[string]string{"kuma.io/service": "edge", "kuma.io/zone": "east"}))).Name, "two wildcards outrank one tag")
	assert.Nil(t, gateways.Configures(dp(false, cluster.NewTags(map[string]string{"kuma.io/service": "edge"}))))
	assert.Nil(t, gateways.Configures(dp(true, cluster.NewTags(map[string]string{"team": "core"}))))
	sets := gateways.Configures(edge).TagSets(edge.Gateway.Tags)
	assert.Contains(t, sets, cluster.NewTags(map[string]string{"kuma.io/service": "edge", "team": "core", "vhost": "b"}))
	assert.Len(t, sets, 5)

	var names []string
	for _, l := range cluster.NewListeners(cluster.Latest, &cluster.Snapshot{}, gateways).Of(nil, edge) {
		names = append(names, l.Name())
	}
	assert.Equal(t, []string{"edge:HTTP:80", "edge:HTTPS:443", "edge:TCP:10"}, names)
}

// An inbound is not ready by its state or its health, of which a control plane's API omits
// ready: false (GetHealthyInbounds in api/mesh/v1alpha1 of Kuma's tags).
func TestNotReady(t *testing.T) {
	for fields, want := range map[string]bool{
		"":                                      false,
		"state: Ready":                          false,
		"state: NotReady":                       true,
		"health: {ready: true}":                 false,
		"health: {ready: false}":                true,
		"health: {}":                            true,
		"health: null":                          false,
		"state: NotReady, health: {}":           true,
		"state: Ready, health: {}":              true,
		"state: 'Ready', health: {ready: true}": false,
	} {
		s := read("type: Dataplane\nname: a\nnetworking: {inbound: [{port: 1, tags: {kuma.io/service: web}, " + fields + "}]}\n")
		require.Empty(t, s.Problems)
		assert.Equal(t, want, s.Dataplanes[0].Inbounds[0].NotReady, fields)
	}
}

// An outbound speaks what all ready inbounds of its destination speak.
func TestOutboundProtocol(t *testing.T) {
	inbound := func(protocol string) cluster.Inbound {
		return cluster.Inbound{Tags: cluster.NewTags(map[string]string{"kuma.io/service": "to", "kuma.io/protocol": protocol})}
	}
	ignored := inbound("http")
	ignored.Ignored = true
	for name, test := range map[string]struct {
		inbounds []cluster.Inbound
		traced   bool
	}{
		"http":             {[]cluster.Inbound{inbound("http"), inbound("http")}, true},
		"grpc and http2":   {[]cluster.Inbound{inbound("grpc"), inbound("http2")}, true},
		"http and http2":   {[]cluster.Inbound{inbound("http"), inbound("http2")}, false},
		"http and tcp":     {[]cluster.Inbound{inbound("http"), inbound("")}, false},
		"kafka":            {[]cluster.Inbound{inbound("kafka")}, false},
		"unknown service":  {nil, true},                        // the input may not have all
		"ignored":          {[]cluster.Inbound{ignored}, true}, // others may be behind a ZoneIngress
		"ignored, and tcp": {[]cluster.Inbound{ignored, inbound("")}, false},
		"field alone":      {[]cluster.Inbound{{Protocol: "http", Tags: cluster.NewTags(map[string]string{"kuma.io/service": "to"})}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			from := &cluster.Dataplane{Mesh: "default", Outbounds: []cluster.Outbound{{Port: 1, Tags: cluster.NewTags(map[string]string{"kuma.io/service": "to"})}}}
			s := &cluster.Snapshot{Dataplanes: []*cluster.Dataplane{{Mesh: "default", Inbounds: test.inbounds}}}
			listeners := cluster.NewListeners(cluster.Latest, s, cluster.Gateways{}).Of(nil, from)
			assert.Len(t, listeners, map[bool]int{true: 1, false: 0}[test.traced])
		})
	}
}

// In a mesh with MeshHTTPRoutes, a sidecar that a MeshGateway's selector matches may have
// that MeshGateway's listeners.
func TestGatewayListenersOfSidecars(t *testing.T) {
	const text = "type: MeshGateway\nname: gw\nselectors: [{match: {team: a}}]\nconf: {listeners: [{port: 80, protocol: HTTP}]}\n" +
		"---\ntype: Dataplane\nname: web\nnetworking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, team: a}}], outbound: [{port: 2, backendRef: {kind: MeshExternalService, name: x}}]}\n"
	for name, test := range map[string]struct {
		version cluster.Version
		more    string
		want    int
	}{
		"without MeshHTTPRoute": {cluster.V(13), "", 0},
		"with":                  {cluster.V(13), "---\ntype: MeshHTTPRoute\nname: r\nspec: {}\n", 1},
		"on 2.4":                {cluster.V(4), "---\ntype: MeshHTTPRoute\nname: r\nspec: {}\n", 0},
		"in another mesh":       {cluster.V(13), "---\ntype: MeshHTTPRoute\nname: r\nmesh: other\nspec: {}\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := read(text + test.more)
			require.Empty(t, s.Problems)
			listeners := cluster.NewListeners(test.version, s, cluster.NewGateways(s.MeshGateways)).Of(nil, s.Dataplanes[0])
			assert.Len(t, listeners, test.want)
		})
	}
}

// An outbound to a MeshService, or to a port of one, that does not exist has no listener. One
// that was not read may exist.
func TestMissingMeshService(t *testing.T) {
	const (
		proxy = "---\ntype: Dataplane\nname: web\nnetworking: {address: 1.2.3.4, outbound: [{port: 2, backendRef: {kind: MeshService, name: api, port: 80}}]}\n"
		api   = "---\ntype: MeshService\nname: api\nspec: {ports: [{port: 80, appProtocol: http}]}\n"
		other = "---\ntype: MeshService\nname: api\nspec: {ports: [{port: 81, appProtocol: http}]}\n"
	)
	for name, test := range map[string]struct {
		origin, more string
		want         int
	}{
		"of a control plane":      {"mode: zone", "", 0},
		"with another port":       {"mode: zone", other, 0},
		"one that exists":         {"mode: zone", api, 1},
		"of a federated zone":     {"mode: federated-zone", "", 0},
		"that could not be read":  {"mode: zone, unread: [{what: MeshService, reason: forbidden}]", "", 1},
		"of files":                {"", "", 1},
		"a MeshMultiZoneService":  {"mode: zone", "kind: MeshMultiZoneService", 1},
		"an ExternalService gone": {"mode: zone, unread: [{what: ExternalService, reason: forbidden}]", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			text := proxy + test.more
			if kind, ok := strings.CutPrefix(test.more, "kind: "); ok {
				text = strings.Replace(proxy, "MeshService", kind, 1)
			}
			if test.origin != "" {
				text = "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x, " + test.origin + "}\n" + text +
					"---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
			}
			s := read(text)
			require.Empty(t, s.Problems)
			assert.Len(t, cluster.NewListeners(cluster.V(13), s, cluster.Gateways{}).Of(nil, s.Dataplanes[0]), test.want)
		})
	}
}

// A MeshHTTPRoute can make an outbound HTTP, also one to a MeshService, where the mesh has a
// TrafficRoute. Up to 2.5 it does anywhere.
func TestRoutedToHTTP(t *testing.T) {
	const (
		proxy = "type: MeshService\nname: db\nspec: {ports: [{port: 80, appProtocol: tcp}]}\n---\ntype: Dataplane\nname: db-1\n" +
			"networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: db}}]}\n---\ntype: Dataplane\nname: web\n" +
			"networking: {address: 1.2.3.4, outbound: [{port: 2, backendRef: {kind: MeshService, name: db, port: 80}}, {port: 3, tags: {kuma.io/service: db}}]}\n"
		all = "---\ntype: TrafficRoute\nname: all\nconf: {destination: {kuma.io/service: '*'}}\n"
	)
	for name, test := range map[string]struct {
		version  cluster.Version
		more, to string
		want     int
	}{
		"by name":               {cluster.V(13), all, "name: db", 2},
		"by labels":             {cluster.V(13), all, "labels: {a: b}", 1},
		"another service":       {cluster.V(13), all, "name: x", 0},
		"without TrafficRoute":  {cluster.V(13), "", "name: db", 0},
		"the same on 2.5":       {cluster.V(5), "", "name: db", 1}, // which has no MeshServices
		"without either on 2.5": {cluster.V(5), "", "name: x", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := read(proxy + test.more + "---\ntype: MeshHTTPRoute\nname: r\nspec: {to: [{targetRef: {kind: MeshService, " + test.to + "}}]}\n")
			require.Empty(t, s.Problems)
			assert.Len(t, cluster.NewListeners(test.version, s, cluster.Gateways{}).Of(nil, s.Dataplanes[1]), test.want)
		})
	}
}

// What decides on listeners comes with the proxies, such as a TrafficRoute to another service.
func TestWithProxiesOf(t *testing.T) {
	before := read("type: TrafficRoute\nname: r\nconf: {destination: {kuma.io/service: '*'}}\n")
	now := read("type: TrafficRoute\nname: r\nconf: {destination: {kuma.io/service: http}}\n---\ntype: Dataplane\nname: tcp\n" +
		"networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: tcp}}], outbound: [{port: 2, tags: {kuma.io/service: tcp}}]}\n")
	for name, s := range map[string]*cluster.Snapshot{"now": now, "before": before.WithProxiesOf(now)} {
		require.Len(t, s.Dataplanes, 1, name)
		listeners := cluster.NewListeners(cluster.Latest, s, cluster.NewGateways(s.MeshGateways)).Of(nil, s.Dataplanes[0])
		assert.Len(t, listeners, 1, name)
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
			assert.NotEmpty(t, p.Message())
			assert.Positive(t, p.Line)
		}
		gateways := cluster.NewGateways(s.MeshGateways)
		listeners := cluster.NewListeners(cluster.Latest, s, gateways)
		for _, dp := range s.Dataplanes {
			listeners.Of(nil, dp)
		}
	})
}

func TestOnUniversal(t *testing.T) {
	const universal, kubernetes = "kuma.io/service: web", "kuma.io/service: web, k8s.kuma.io/namespace: shop"
	for name, c := range map[string]struct {
		metadata, tags string
		universal      bool
	}{
		"own":                              {"name: web", universal, true},
		"own on Kubernetes":                {"name: web, namespace: shop", kubernetes, false},
		"own on Kubernetes, few tags":      {"name: web, namespace: shop", universal, false},
		"copy":                             {"name: web-bcdfghjklmnpqrst, labels: {kuma.io/display-name: web}", universal, true},
		"copy of Kubernetes":               {"name: web-bcdfghjklmnpqrst, labels: {kuma.io/env: kubernetes}", universal, false},
		"older copy of Kubernetes":         {"name: web-bcdfghjklmnpqrst, labels: {kuma.io/display-name: web}", kubernetes, false},
		"copy on Kubernetes":               {"name: web-bcdfghjklmnpqrst, namespace: kuma-system, labels: {kuma.io/env: universal}", universal, true},
		"older copy on Kubernetes":         {"name: web-bcdfghjklmnpqrst, namespace: kuma-system, labels: {kuma.io/display-name: web}", universal, true},
		"older copy of and on Kubernetes":  {"name: web-bcdfghjklmnpqrst, namespace: kuma-system, labels: {kuma.io/display-name: web}", kubernetes, false},
		"own, with an env":                 {"name: web, labels: {kuma.io/env: prod}", universal, true},
		"copy on Kubernetes, with an env":  {"name: web-bcdfghjklmnpqrst, namespace: s, labels: {kuma.io/env: prod, k8s.kuma.io/namespace: s}", universal, true},
		"labelled copy, of and on another": {"name: web-bcdfghjklmnpqrst, namespace: s, labels: {k8s.kuma.io/namespace: shop}", universal, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := read("{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {" + c.metadata + "}, " +
				"spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {" + c.tags + "}}]}}}\n")
			require.Len(t, s.Dataplanes, 1)
			assert.Equal(t, c.universal, s.Dataplanes[0].OnUniversal())
		})
	}
}

// The namespace of a copy of a Universal zone's Dataplane is no label of the original.
func TestLabelsOfCopyOnKubernetes(t *testing.T) {
	for env, namespace := range map[string]string{"universal": "", "prod": "", "kubernetes": "kuma-system"} {
		s := read("{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: web-bcdfghjklmnpqrst, namespace: kuma-system, " +
			"labels: {kuma.io/env: " + env + ", k8s.kuma.io/namespace: kuma-system}}, spec: {networking: {address: 10.0.0.1, gateway: {}}}}\n")
		require.Len(t, s.Dataplanes, 1)
		assert.Equal(t, namespace, s.Dataplanes[0].Labels.Get(cluster.NamespaceLabel), env)
	}
}

// Inbounds and gateways of newer control planes have no tags.
func TestDataplaneWithoutTags(t *testing.T) {
	s := read("{type: Dataplane, mesh: default, name: a, networking: {address: 10.0.0.1, inbound: [{port: 80, protocol: http}, {port: 81, name: x}]}}\n" +
		"---\n{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: b, namespace: d}, spec: {networking: {address: 10.0.0.1, inbound: [{port: 80}]}}}\n" +
		"---\n{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: c, namespace: d}, spec: {networking: {address: 10.0.0.1, gateway: {}}}}\n")
	assert.Empty(t, s.Problems)
	require.Len(t, s.Dataplanes, 3)
	assert.True(t, s.Dataplanes[2].Delegated())
	for _, dp := range s.Dataplanes {
		for _, set := range dp.TagSets() {
			assert.Empty(t, set)
		}
	}
	// A control plane gives what it accepted a creation time. A manifest may lack the tags by mistake.
	for _, networking := range []string{"inbound: [{port: 80}]", "gateway: {}"} {
		spec := "networking: {address: 10.0.0.1, " + networking + "}}\n"
		assert.NotEmpty(t, read("{type: Dataplane, mesh: default, name: a, "+spec).Problems)
		s = read("{type: Dataplane, mesh: default, name: a, creationTime: '2026-01-02T03:04:05Z', " + spec)
		assert.Empty(t, s.Problems)
		require.Len(t, s.Dataplanes, 1)
		assert.Len(t, s.Dataplanes[0].TagSets(), 1)
	}
}

// What looks like one of ours and is not read must be said; nothing else may be.
func TestNotRead(t *testing.T) {
	kubernetes := func(api, kind string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: a}\nspec: {selectors: [{match: {kuma.io/service: '*'}}]}\n", api, kind)
	}
	const ours = "kuma.io/v1alpha1"
	told := map[string]struct{ text, want string }{
		"kind":                 {text: kubernetes(ours, "TraficTrace"), want: `TraficTrace "a": is not read, because Kuma has no kind "TraficTrace"; if TrafficTrace is meant, write that`},
		"plural":               {text: kubernetes(ours, "TrafficTraces"), want: `has no kind "TrafficTraces"; if TrafficTrace`},
		"plural of Mesh":       {text: kubernetes(ours, "Meshes"), want: `has no kind "Meshes"; if Mesh `},
		"space":                {text: kubernetes(ours, "Traffic Trace"), want: `has no kind "Traffic Trace"; if TrafficTrace`},
		"quoted":               {text: kubernetes(ours, `"Mesh-Trace"`), want: `has no kind "Mesh-Trace"; if MeshTrace`},
		"Universal":            {text: "type: TrafficTrase\nname: a\nmesh: m\n", want: `TrafficTrase "a" of mesh "m": is not read`},
		"group":                {text: kubernetes("kuma/v1alpha1", "TrafficTrace"), want: `TrafficTrace "a": is not read, because its apiVersion is "kuma/v1alpha1"; if Kuma's TrafficTrace is meant, write kuma.io/v1alpha1`},
		"version":              {text: kubernetes("kuma.io/v1", "MeshTrace"), want: `its apiVersion is "kuma.io/v1"`},
		"no version":           {text: kubernetes("kuma.io", "Mesh"), want: `its apiVersion is "kuma.io"`},
		"no group":             {text: kubernetes("v1alpha1", "Dataplane"), want: `its apiVersion is "v1alpha1"`},
		"misspelt group":       {text: kubernetes("kumo.io/v1alpha1", "TrafficTrace"), want: `its apiVersion is "kumo.io/v1alpha1"`},
		"both":                 {text: kubernetes("kuma.io/v1beta1", "TraficTrace"), want: `if Kuma's TrafficTrace is meant`},
		"in a typed list":      {text: "kind: TrafficTraceList\napiVersion: " + ours + "\nitems:\n- {kind: Secret, apiVersion: v1, metadata: {name: s}}\n", want: `Secret "s": is not read, because it is of kind "Secret" in a list of TrafficTrace`},
		"in JSON":              {text: `{"apiVersion": "kuma/v1alpha1", "kind": "TrafficTrace", "metadata": {"name": "a"}}`, want: `its apiVersion is "kuma/v1alpha1"`},
		"list without items":   {text: "kind: TrafficTraceList\napiVersion: " + ours + "\nitem: []\n", want: "the TrafficTraceList is not read, because it has no items"},
		"typed list, misspelt": {text: "kind: TraficTraceList\napiVersion: " + ours + "\nitems:\n- {metadata: {name: a}}\n", want: `has no kind "TraficTrace"`},
	}
	for name, test := range told {
		t.Run(name, func(t *testing.T) {
			s := read(test.text)
			require.Len(t, s.Problems, 1)
			assert.Contains(t, s.Problems[0].Error(), test.want)
			assert.Equal(t, manifest.Warning, s.Problems[0].Severity)
			assert.Equal(t, "not-read", s.Problems[0].Code)
			assert.True(t, s.Empty())
		})
	}

	silent := []string{
		kubernetes("appmesh.k8s.aws/v1beta2", "Mesh"), kubernetes("gateway-operator.konghq.com/v1beta1", "DataPlane"), kubernetes("v1", "Secret"),
		kubernetes("traefik.io/v1alpha1", "TrafficTrace"), kubernetes("maesh.io/v1", "TrafficRoute"), kubernetes("split.smi-spec.io/v1alpha1", "TrafficSplit"),
		"type: ClusterIP\nport: 80\n", "type: mess\n", "kind: Mess\n", "tracing: {type: zipkin}\n", "type: RollingUpdate\n", "kind: Deployment\n",
		"apiVersion: v2\nname: kuma\ntype: application\n",
	}
	for _, kind := range []string{
		"MeshAccessLog", "MeshCircuitBreaker", "MeshExternalService", "MeshFaultInjection", "MeshGatewayConfig", "MeshGatewayInstance", "MeshGatewayRoute", "MeshGlobalRateLimit",
		"MeshHealthCheck", "MeshHTTPRoute", "MeshIdentity", "MeshInsight", "MeshLoadBalancingStrategy", "MeshMetric", "MeshMultiZoneService", "MeshOPA", "MeshOpenTelemetryBackend",
		"MeshPassthrough", "MeshProxyPatch", "MeshRateLimit", "MeshRetry", "MeshService", "MeshTCPRoute", "MeshTimeout", "MeshTLS", "MeshTrafficPermission", "MeshTrust",
		"DataplaneInsight", "DataplaneOverview", "CircuitBreaker", "ExternalService", "FaultInjection", "HealthCheck", "HostnameGenerator", "ProxyTemplate", "RateLimit", "Retry",
		"ServiceInsight", "Timeout", "TrafficLog", "TrafficPermission", "VirtualOutbound", "Workload", "Zone", "ZoneEgress", "ZoneIngress", "ZoneInsight", "Secret", "GlobalSecret",
		"Config", "AccessRole", "AccessRoleBinding", "ContainerPatch", "OPAPolicy", "GatewayClass",
	} {
		silent = append(silent, kubernetes(ours, kind), "type: "+kind+"\nname: a\nmesh: default\n")
	}
	for _, text := range silent {
		assert.Empty(t, read(text).Problems, text)
	}
}

// Which kinds a control plane of a version has; of an unknown version it is not known.
func TestKindsOfVersions(t *testing.T) {
	all := slices.DeleteFunc(cluster.Kinds(), cluster.Supplementary)
	for version, want := range map[string]struct {
		has           []string
		nothingLegacy bool
	}{
		"0.0.0-preview.v12": {},
		"1.8.1":             {has: []string{cluster.KindMesh, cluster.KindTrafficTrace, cluster.KindDataplane, cluster.KindTrafficRoute}},
		"2.0.0":             {has: all},
		"v2.14.3":           {has: all},
		"2.99":              {has: all},
		"3.0.0":             {has: []string{cluster.KindMesh, cluster.KindMeshTrace, cluster.KindDataplane}, nothingLegacy: true},
		"10.1":              {has: []string{cluster.KindMesh, cluster.KindMeshTrace, cluster.KindDataplane}, nothingLegacy: true},
		"latest":            {nothingLegacy: true}, // as the kinds show
	} {
		t.Run(version, func(t *testing.T) {
			origin := cluster.Origin{Version: version, Absent: []string{cluster.KindTrafficTrace}}
			var has []string
			for _, kind := range cluster.Kinds() {
				if origin.Expects(kind) {
					has = append(has, kind)
				}
			}
			assert.ElementsMatch(t, want.has, has)
			assert.Equal(t, want.nothingLegacy, origin.NothingLegacy())
		})
	}
}

// The value of a label, in lower case.
func TestMeshNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a.b_c-9": true, strings.Repeat("a", 63): true, strings.Repeat("a", 64): false, "A": false, "-a": false, "a.": false, "a b": false, "ä": false,
	} {
		s := cluster.Read([]manifest.Input{manifest.Text("a.yaml", fmt.Sprintf("{type: Mesh, name: %q}", name))})
		assert.Equal(t, want, len(s.Problems) == 0, name)
	}
}

// A mesh that a source does not have is an error that names the others, if there are any.
func TestCheckMeshes(t *testing.T) {
	require.NoError(t, cluster.CheckMeshes("the input", []string{"a"}, []string{"a", "b"}))
	require.EqualError(t, cluster.CheckMeshes("the input", []string{"c"}, []string{"a", "b"}), `the input has no mesh "c"; it has: a, b`)
	require.EqualError(t, cluster.CheckMeshes("the input", []string{"c"}, nil), `the input has no mesh "c", and no other`)
}
