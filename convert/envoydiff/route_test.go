package envoydiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// From 2.14 on an outbound keeps the listener of its TrafficRoute, with legacy tracing, if its
// MeshHTTPRoute leads to no service for HTTP. Seen on 2.13.10 and 2.14.3.
func TestUnroutableOutbound(t *testing.T) {
	const input = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n" +
		"---\n{type: TrafficRoute, name: all, mesh: default, conf: {destination: {kuma.io/service: '*'}}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: Dataplane, name: db, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: db}}]}}\n" +
		"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n" +
		"---\n{type: Dataplane, name: a, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: a}}], outbound: [{port: 2, tags: {kuma.io/service: web}}]}}\n" +
		"---\n{type: MeshHTTPRoute, name: r, mesh: default, spec: {to: [{targetRef: {kind: MeshService, name: web}, rules: [{default: {backendRefs: "
	for name, test := range map[string]struct {
		version  cluster.Version
		backends string
		want     envoydiff.Verdict
	}{
		"to TCP":          {cluster.V(14), "[{kind: MeshService, name: db}]", envoydiff.Different},
		"to nothing":      {cluster.V(14), "[{kind: MeshService, name: x}]", envoydiff.Different},
		"to a resource":   {cluster.V(14), "[{kind: MeshService, name: web, port: 80}]", envoydiff.Different},
		"to HTTP":         {cluster.V(14), "[{kind: MeshService, name: web}]", envoydiff.Same},
		"to both":         {cluster.V(14), "[{kind: MeshService, name: db}, {kind: MeshService, name: web}]", envoydiff.Same},
		"to TCP, on 2.13": {cluster.V(13), "[{kind: MeshService, name: db}]", envoydiff.Same},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", input+test.backends+"}}]}]}}\n")})
			require.Empty(t, s.Problems)
			meshes, problems := legacy.Read(s)
			require.Empty(t, problems)
			lost := envoydiff.Compare(s, envoydiff.State{Legacy: meshes}, envoydiff.State{}, envoydiff.Options{Version: test.version})
			assert.Equal(t, "a", lost.Proxies[0].Name)
			assert.Equal(t, test.want, lost.Proxies[0].Verdict)
			listeners, _ := lost.Listeners(&lost.Proxies[0])
			assert.Equal(t, test.want == envoydiff.Different, slices.ContainsFunc(listeners, func(l envoydiff.Listener) bool { return l.MayTrace }))
			kept := envoydiff.Compare(s, envoydiff.State{Legacy: meshes}, envoydiff.State{Legacy: meshes}, envoydiff.Options{Version: test.version})
			assert.Equal(t, envoydiff.Same, kept.Proxies[0].Verdict)
		})
	}
}

// An outbound that a TrafficRoute sends to another service keeps its listener, with legacy tracing,
// where a MeshHTTPRoute selects the proxy, unless its own service is for HTTP. Seen on 2.9.13 and 2.12.3.
func TestReroutedOutbound(t *testing.T) {
	const input = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n" +
		"---\n{type: TrafficRoute, name: all, mesh: default, conf: {destination: {kuma.io/service: web}}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: MeshHTTPRoute, name: r, mesh: default, spec: {to: [{targetRef: {kind: MeshService, name: x}}]}}\n" +
		"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n" +
		"---\n{type: Dataplane, name: db, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: db}}]}}\n" +
		"---\n{type: Dataplane, name: a, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: a}}], outbound: [{port: 2, tags: {kuma.io/service: SERVICE}}]}}\n"
	for service, want := range map[string]envoydiff.Verdict{"db": envoydiff.Different, "nowhere": envoydiff.Different, "web": envoydiff.Same} {
		s := cluster.Read([]manifest.Input{manifest.Text("f", strings.Replace(input, "SERVICE", service, 1))})
		require.Empty(t, s.Problems)
		meshes, problems := legacy.Read(s)
		require.Empty(t, problems)
		for _, version := range []cluster.Version{cluster.V(9), cluster.V(12)} {
			lost := envoydiff.Compare(s, envoydiff.State{Legacy: meshes}, envoydiff.State{}, envoydiff.Options{Version: version})
			assert.Equal(t, want, lost.Proxies[0].Verdict, service)
		}
	}
}

// On a sidecar a MeshGateway's listener makes spans upstream for a TrafficTrace, and not for a
// MeshTrace, also where the control plane is upgraded. Seen from 2.13.10 to 2.14.3.
func TestSidecarsGatewayUpgraded(t *testing.T) {
	const input = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/', apiVersion: httpJson}}]}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: MeshTrace, name: all, mesh: default, spec: {targetRef: {kind: Mesh}, default: {sampling: {overall: 100}, backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/', apiVersion: httpJson, sharedSpanContext: true}}]}}}\n" +
		"---\n{type: MeshGateway, name: g, mesh: default, selectors: [{match: {kuma.io/service: web}}], conf: {listeners: [{port: 80, protocol: HTTP}]}}\n" +
		"---\n{type: MeshHTTPRoute, name: r, mesh: default, spec: {to: [{targetRef: {kind: MeshService, name: api}}]}}\n" +
		"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web}}], outbound: [{port: 2, backendRef: {kind: MeshExternalService, name: x}}]}}\n"
	s := cluster.Read([]manifest.Input{manifest.Text("f", input)})
	require.Empty(t, s.Problems)
	meshes, problems := legacy.Read(s)
	require.Empty(t, problems)
	policies, problems := meshtrace.Read(s)
	require.Empty(t, problems)
	for _, to := range []cluster.Version{{}, cluster.V(14)} {
		options := envoydiff.Options{Version: cluster.V(13), To: to, Migrated: true}
		got := envoydiff.Compare(s, envoydiff.State{Legacy: meshes}, envoydiff.State{Policies: policies}, options).Proxies[0]
		assert.Equal(t, envoydiff.Different, got.Verdict)
		assert.True(t, got.Has(envoydiff.OtherDiffers))
	}
}

// Whether an outbound is for HTTP depends on what its zone knows: its own Dataplanes, and with
// mTLS those of others. At a global control plane, what may be is compared. Seen on 2.14.3.
func TestOutboundToOtherZones(t *testing.T) {
	const input = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n"
	tags := func(service, zone string) string {
		if zone != "" {
			zone = ", kuma.io/zone: " + zone
		}
		return "inbound: [{port: 1, tags: {kuma.io/service: " + service + zone
	}
	web := func(zone, protocol string) string {
		return "---\n{type: Dataplane, name: web-" + zone + protocol + ", mesh: default, networking: {address: 1.2.3.4, " +
			tags("web", zone) + ", kuma.io/protocol: " + protocol + "}}]}}\n"
	}
	client := func(zone string) string {
		return "---\n{type: Dataplane, name: a, mesh: default, networking: {address: 1.2.3.4, " + tags("a", zone) +
			"}}], outbound: [{port: 2, tags: {kuma.io/service: web}}]}}\n"
	}
	for name, test := range map[string]struct {
		text     string
		compared bool
	}{
		"HTTP in its zone, TCP in another":           {client("east") + web("east", "http") + web("west", "tcp"), true},
		"TCP in its zone, HTTP in another":           {client("east") + web("east", "tcp") + web("west", "http"), false},
		"HTTP in one of two others":                  {client("north") + web("east", "http") + web("west", "tcp"), true},
		"TCP in all others":                          {client("north") + web("east", "tcp") + web("west", "tcp"), false},
		"its zone is not known":                      {client("") + web("", "tcp") + web("west", "http"), true},
		"one zone":                                   {client("east") + web("east", "http") + web("east", "tcp"), false},
		"TCP in another, an ExternalService by HTTP": {client("north") + web("west", "tcp") + "---\n{type: ExternalService, name: w, mesh: default, tags: {kuma.io/service: web, kuma.io/protocol: http}}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", input+test.text)})
			require.Empty(t, s.Problems)
			a := s.Dataplanes[slices.IndexFunc(s.Dataplanes, func(dp *cluster.Dataplane) bool { return dp.Name == "a" })]
			listeners := cluster.NewListeners(cluster.V(14), s, cluster.Gateways{}).Of(nil, a)
			assert.Len(t, listeners, map[bool]int{true: 1}[test.compared])
		})
	}
}

// A backendRef with a name means the MeshService of the proxy's own zone. Seen on 2.14.3.
func TestOutboundToMeshServiceOfOtherZone(t *testing.T) {
	service := func(zone, protocol string) string {
		return "---\n{type: MeshService, name: web-" + zone + ", mesh: default, labels: {kuma.io/display-name: web, kuma.io/origin: zone, kuma.io/zone: " + zone + "}, " +
			"spec: {selector: {dataplaneTags: {kuma.io/service: web}}, ports: [{port: 80, targetPort: 80, appProtocol: " + protocol + "}]}}\n"
	}
	client := func(ref string) string {
		return "{type: Dataplane, name: a, mesh: default, labels: {kuma.io/zone: east}, networking: {address: 1.2.3.4, inbound: " +
			"[{port: 1, tags: {kuma.io/service: a, kuma.io/zone: east}}], outbound: [{port: 2, backendRef: {kind: MeshService, port: 80, " + ref + "}}]}}\n"
	}
	for name, test := range map[string]struct {
		text     string
		compared bool
	}{
		"HTTP in its zone":              {client("name: web") + service("west", "tcp") + service("east", "http"), true},
		"TCP in its zone":               {client("name: web") + service("west", "http") + service("east", "tcp"), false},
		"by labels, HTTP in another":    {client("labels: {kuma.io/display-name: web, kuma.io/zone: west}") + service("west", "http") + service("east", "tcp"), true},
		"by labels, HTTP in one":        {client("labels: {kuma.io/display-name: web}") + service("west", "tcp") + service("east", "http"), true},
		"by labels, TCP in both":        {client("labels: {kuma.io/display-name: web}") + service("west", "tcp") + service("east", "tcp"), false},
		"not in its zone, may be later": {client("name: web") + service("west", "tcp"), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", test.text)})
			require.Empty(t, s.Problems)
			listeners := cluster.NewListeners(cluster.V(14), s, cluster.Gateways{}).Of(nil, s.Dataplanes[0])
			assert.Len(t, listeners, map[bool]int{true: 1}[test.compared])
		})
	}
}
