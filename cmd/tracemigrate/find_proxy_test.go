package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The name of a Deployment, or a misspelt one, suggests a proxy.
func TestFindProxySuggests(t *testing.T) {
	for name, want := range map[string]string{
		"web":                          `has no Dataplane "web"; did you mean default/web-5d9c7b-x2x9k.shop?`,
		"default/web":                  `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"web-5d9c7b-x2x9":              `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"default/web-5d9c7-x2x9k.shop": `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"we":                           "has no Dataplane \"we\"\n",
		"nosuch":                       "has no Dataplane \"nosuch\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			code, out, words := tool(t, "explain "+name+" --kuma-version 2.13 -f ../../fixtures/tutorial")
			assert.Equal(t, exitError, code)
			assert.Empty(t, out)
			assert.Contains(t, words, want)
		})
	}
}

// What a TrafficRoute and a MeshHTTPRoute decide together is not said to be untraced.
func TestExplainUncertainOutbound(t *testing.T) {
	input := "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n" +
		"---\n{type: TrafficRoute, name: all, mesh: default, conf: {destination: {kuma.io/service: '*'}}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n" +
		"---\n{type: Dataplane, name: a, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: a}}], outbound: [{port: 2, tags: {kuma.io/service: web}}]}}\n" +
		"---\n{type: MeshHTTPRoute, name: r, mesh: default, spec: {to: [{targetRef: {kind: MeshService, name: web}, rules: [{default: {backendRefs: [{kind: MeshService, name: x}]}}]}]}}\n"
	file := filepath.Join(t.TempDir(), "in.yaml")
	require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
	_, text, _ := tool(t, "explain a --kuma-version 2.14 -f "+file)
	assert.Contains(t, text, "  outbound:127.0.0.1:2  not traced if a MeshHTTPRoute makes it, else traced\n")
	_, text, _ = tool(t, "explain a --kuma-version 2.14 -o json -f "+file)
	assert.Contains(t, text, `"mayBeTraced": true`)
}

// In a mesh with many policies, explain counts those without effect on the proxy.
func TestExplainManyPolicies(t *testing.T) {
	var input strings.Builder
	input.WriteString("{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n")
	for i := range 20 {
		fmt.Fprintf(&input, "---\n{type: TrafficTrace, name: t-%02d, mesh: default, selectors: [{match: {kuma.io/service: s-%02d}}]}\n", i, i)
		fmt.Fprintf(&input, "---\n{type: MeshTrace, name: m-%02d, mesh: default, spec: {targetRef: {kind: MeshService, name: other-%02d}, default: {backends: []}}}\n", i, i)
	}
	input.WriteString("---\n{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: s-08, kuma.io/protocol: http}}]}}\n")
	file := filepath.Join(t.TempDir(), "in.yaml")
	require.NoError(t, os.WriteFile(file, []byte(input.String()), 0o600))
	_, text, words := tool(t, "explain web-1 --kuma-version 2.13 -f "+file)
	for _, want := range []string{
		"\n     1 to 8, such as \"t-00\", match no tag set (-o json lists them)\n  => 9. \"t-08\", selector 1 (kuma.io/service=s-08)",
		"\n     10 to 20, such as \"t-09\", match no tag set (-o json lists them)\n",
		"\n  none applies\n     20 MeshTraces, such as \"m-00\", do not select it (-o json lists them)\n",
	} {
		assert.Contains(t, text, want, words)
	}
}

// A tie is one with a selector that matches the proxy.
func TestExplainTie(t *testing.T) {
	const tie = "another that matches has the same rank"
	for other, undecided := range map[string]bool{"web": true, "api": false} {
		input := "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n" +
			"---\n{type: TrafficTrace, name: a, mesh: default, selectors: [{match: {kuma.io/service: web}}]}\n" +
			"---\n{type: TrafficTrace, name: b, mesh: default, selectors: [{match: {kuma.io/service: api}}]}\n" +
			"---\n{type: TrafficTrace, name: c, mesh: default, selectors: [{match: {kuma.io/service: " + other + "}}]}\n" +
			"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
		file := filepath.Join(t.TempDir(), "in.yaml")
		require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
		_, text, _ := tool(t, "explain web --kuma-version 2.13 -f "+file)
		assert.Equal(t, undecided, strings.Contains(text, tie), text)
	}
}

// A proxy without a traced listener sends no traces after the migration either, although a policy
// names a collector.
func TestExplainUntracedListeners(t *testing.T) {
	input := "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: Dataplane, name: kong, mesh: default, networking: {address: 10.0.0.1, " +
		"gateway: {type: DELEGATED, tags: {kuma.io/service: kong}}, outbound: [{port: 5432, tags: {kuma.io/service: db}}]}}\n" +
		"---\n{type: Dataplane, name: db, mesh: default, networking: {address: 10.0.0.2, " +
		"inbound: [{port: 5432, tags: {kuma.io/service: db, kuma.io/protocol: tcp}}]}}\n"
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("in.yaml", []byte(input), 0o600))
	code, out, words := tool(t, "explain default/kong --kuma-version 2.13 -f in.yaml")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, out, "The proxy sends no traces, because it has no traced HTTP listener; they would go to")
	assert.Contains(t, out, "After the migration (same): the proxy sends no traces; they would go to")
	assert.Contains(t, out, `proxy "default/kong" is not traced, before or after the migration`)
	_, out, _ = tool(t, "explain default/kong --kuma-version 2.13 -f in.yaml -o json")
	assert.NotContains(t, out, `"traced": true`)
}
