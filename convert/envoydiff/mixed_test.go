package envoydiff_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// The tags of one gateway select the other proxies of its MeshGateway, too, if the control plane
// configures it before them. Seen on 2.5.11 and 2.12.3.
func TestMixedTags(t *testing.T) {
	const mesh = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/', apiVersion: httpJson}}]}}\n" +
		"---\n{type: MeshGateway, name: g, mesh: default, tags: {of: mesh}, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP, tags: {port: http}}]}}\n" +
		"---\n{type: MeshTrace, name: some, mesh: default, spec: {targetRef: {kind: MeshSubset, tags: {TAGS}}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}}\n"
	gateway := func(name, tags string) string {
		return "---\n{type: Dataplane, name: " + name + ", mesh: default, networking: {address: 1.2.3.4, gateway: {type: BUILTIN, tags: {kuma.io/service: edge" + tags + "}}}}\n"
	}
	sidecar := "---\n{type: Dataplane, name: a, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: edge, kuma.io/protocol: http, team: web}}]}}\n"
	routed := "---\n{type: MeshHTTPRoute, name: r, mesh: default, spec: {targetRef: {kind: MeshSubset, tags: {team: core}}, to: [{targetRef: {kind: MeshService, name: x}}]}}\n"
	patched := "---\n{type: MeshProxyPatch, name: p, mesh: default, spec: {targetRef: {kind: MeshSubset, tags: {team: core}}, default: {appendModifications: [{cluster: {operation: Remove, match: {origin: tracing}}}]}}}\n"
	const all = "---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n"
	two := gateway("a", ", team: core") + gateway("b", ", team: ads")
	for name, test := range map[string]struct {
		tags, proxies string
		version       cluster.Version
		want          envoydiff.Verdict // of a
	}{
		"its own tag, which the other overrides":  {"team: core", two, cluster.V(12), envoydiff.Unknown},
		"the tag of the other":                    {"team: ads", two, cluster.V(5), envoydiff.Unknown},
		"a tag that the other does not have":      {"team: core", gateway("a", ", team: core") + gateway("b", ""), cluster.V(12), envoydiff.Same},
		"a tag that it does not have":             {"team: core", gateway("a", "") + gateway("b", ", team: core"), cluster.V(12), envoydiff.Unknown},
		"tags of both, of which each has one":     {"team: core, env: dev", gateway("a", ", team: core") + gateway("b", ", env: dev"), cluster.V(12), envoydiff.Unknown},
		"a tag of neither":                        {"team: x", two, cluster.V(12), envoydiff.Same},
		"a tag of both":                           {"kuma.io/service: edge", two, cluster.V(12), envoydiff.Same},
		"a tag of the listener":                   {"port: http", two, cluster.V(12), envoydiff.Same},
		"another value of the listener's tag":     {"port: x", gateway("a", "") + gateway("b", ", port: x"), cluster.V(12), envoydiff.Same},
		"a tag of the MeshGateway":                {"of: mesh", two, cluster.V(12), envoydiff.Same},
		"equal gateways":                          {"team: core", gateway("a", ", team: core") + gateway("b", ", team: core"), cluster.V(12), envoydiff.Same},
		"one gateway":                             {"team: core", gateway("a", ", team: core"), cluster.V(12), envoydiff.Same},
		"another zone":                            {"team: ads", gateway("a", ", kuma.io/zone: west") + gateway("b", ", team: ads, kuma.io/zone: east"), cluster.V(12), envoydiff.Same},
		"a route, and a traced sidecar":           {"team: x", sidecar + gateway("b", ", team: core") + routed + all, cluster.V(12), envoydiff.Unknown},
		"a route, and no tracing":                 {"team: x", sidecar + gateway("b", ", team: core") + routed, cluster.V(12), envoydiff.Same},
		"a MeshProxyPatch, and tracing":           {"team: x", gateway("a", "") + gateway("b", ", team: core") + patched + all, cluster.V(12), envoydiff.Unknown},
		"a MeshProxyPatch, and no tracing":        {"team: x", gateway("a", "") + gateway("b", ", team: core") + patched, cluster.V(12), envoydiff.Same},
		"a sidecar that the MeshGateway matches":  {"team: core", sidecar + gateway("b", ", team: core"), cluster.V(12), envoydiff.Unknown},
		"a sidecar with the tag on an inbound":    {"team: web", sidecar + gateway("b", ", team: web"), cluster.V(12), envoydiff.Same},
		"a sidecar for which none counts, on 2.4": {"team: core", sidecar + gateway("b", ", team: core"), cluster.V(4), envoydiff.Same},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(mesh, "TAGS", test.tags, 1) + test.proxies
			s, state := comparedMixed(t, text, test.version, test.want)
			for _, dp := range s.Dataplanes { // as the REST API on Kubernetes shows it, after it configured dp first
				if dp.Builtin() {
					shown := dp.Gateway.Tags.With("of", "mesh").With("port", "http")
					tags, err := json.Marshal(shown)
					require.NoError(t, err)
					comparedMixed(t, strings.Replace(text, "tags: {port: http}", "tags: "+string(tags), 1), test.version, test.want)
				}
			}
			asked := envoydiff.Proxy{Verdict: envoydiff.Same} // as with diff --shadow
			asked.Doubt(envoydiff.MixedTags(test.version, s, state)(s.Dataplanes[0]), nil)
			assert.Equal(t, test.want, asked.Verdict)
			accepted := envoydiff.Options{Version: test.version, Accept: []envoydiff.Code{envoydiff.GatewayTagsMixed}}
			assert.NotEqual(t, envoydiff.Unknown, envoydiff.Compare(s, state, state, accepted).Proxies[0].Verdict)
		})
	}
}

// comparedMixed compares the first proxy of a text with itself.
func comparedMixed(t *testing.T, text string, version cluster.Version, want envoydiff.Verdict) (*cluster.Snapshot, envoydiff.State) {
	t.Helper()
	s, state := stateOf(t, text)
	got := envoydiff.Compare(s, state, state, envoydiff.Options{Version: version}).Proxies[0]
	assert.Equal(t, want, got.Verdict, text)
	assert.Equal(t, want == envoydiff.Unknown, got.Has(envoydiff.GatewayTagsMixed), text)
	return s, state
}
