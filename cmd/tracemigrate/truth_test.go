package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A MeshTrace that the version refuses is neither existing nor a previous run's, in
// no command.
func TestMeshTraceRefused(t *testing.T) {
	const input = " -f ../../fixtures/cases/files/old-meshtrace-that-the-version-refuses.yaml --kuma-version "
	for _, command := range []string{"convert --keep-going", "report", "diff"} {
		code, text, words := tool(t, command+input+"2.13")
		assert.Equal(t, 1, code, command)
		assert.Contains(t, text+words, "1 proxy keeps collector and sampling; 1 also reports outbound spans", command)
		assert.Contains(t, text+words, "is refused by Kuma 2.13: a backend has no type", command)
		assert.NotContains(t, text, "Existing MeshTraces", command)
	}
	code, text, words := tool(t, "report"+input+"2.0")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, text, "Existing MeshTraces", "2.0 accepts it")
}

// New policies go where the control plane's own are.
func TestNamespaceOfTheInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "in.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}}
---
{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: all}, spec: {selectors: [{match: {kuma.io/service: '*'}}]}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: other, namespace: kong-mesh-system, labels: {kuma.io/mesh: other}}, spec: {targetRef: {kind: Mesh}, default: {backends: []}}}
`), 0o600))
	for flags, want := range map[string]string{"": "kong-mesh-system", " --namespace own": "own", " --mesh default": "kong-mesh-system"} {
		code, text, words := tool(t, "convert --kuma-version 2.13 -f "+file+flags)
		assert.Equal(t, 0, code, words)
		assert.Contains(t, text, "\n  namespace: "+want+"\n", flags)
	}
}

// Names do not depend on which meshes are asked for, and are unique among all.
func TestNamesOfTwoMeshes(t *testing.T) {
	const input = "-f ../../fixtures/cases/kubernetes/names-of-two-meshes.yaml --kuma-version 2.13"
	names := func(flags string) []string {
		code, text, words := tool(t, "convert "+input+flags)
		require.Equal(t, 0, code, words)
		var names []string
		for _, m := range regexp.MustCompile(`(?m)^  name: (\S+)$`).FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		return names
	}
	all := names("")
	assert.Equal(t, all, append(names(" --mesh m1"), names(" --mesh m2")...))
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all))
	assert.Equal(t, []string{"dup-1", "dup-2", "dup-1-cb7fbb49", "zz"}, all)
}

// After a finished migration what traces is counted; where TrafficTraces are gone and
// nothing replaces them, that is said.
func TestWithoutTrafficTraces(t *testing.T) {
	const (
		mesh   = "{type: Mesh, name: default, tracing: {backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n"
		bare   = "{type: Mesh, name: default}\n"
		policy = "---\n{type: MeshTrace, name: all, mesh: default, spec: {targetRef: {kind: Mesh}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}}\n"
		proxy  = "---\n{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
	)
	for text, want := range map[string]struct{ convert, report string }{
		bare + policy + proxy: {"has neither tracing backends nor a TrafficTrace; 1 MeshTrace with a backend exists", "There is no TrafficTrace, so there is nothing to migrate; 1 proxy is traced by MeshTraces"},
		bare + policy:         {"the input has no TrafficTrace; 1 MeshTrace with a backend exists", "There is no TrafficTrace, so there is nothing to migrate; 1 MeshTrace with a backend exists"},
		mesh + policy + proxy: {"has 1 tracing backend but no TrafficTrace, so nothing uses the field tracing any more; 1 MeshTrace with a backend exists", "1 proxy is traced by MeshTraces"},
		mesh + proxy:          {"warning   no-traffictrace  in.yaml:1  Mesh \"default\": has 1 tracing backend but neither a TrafficTrace nor a MeshTrace with a backend, so nothing is traced", "There is no TrafficTrace, so there is nothing to migrate"},
	} {
		t.Chdir(t.TempDir())
		require.NoError(t, os.WriteFile("in.yaml", []byte(text), 0o600))
		code, _, words := tool(t, "convert --kuma-version 2.13 -f in.yaml")
		assert.Equal(t, 0, code, words)
		assert.Contains(t, words, want.convert)
		code, text, words := tool(t, "report --kuma-version 2.13 -f in.yaml")
		assert.Equal(t, 0, code, words)
		assert.Contains(t, text, want.report)
	}
}

// What could not be read is in the headline of diff, too: proxies that stand in for it
// must not pass for the real ones.
func TestUnreadInHeadline(t *testing.T) {
	for _, form := range []string{"text", "markdown"} {
		code, text, words := tool(t, "diff -f ../../fixtures/convert/kind-unread/input.yaml -o "+form)
		assert.Equal(t, 1, code, words)
		unread := strings.Index(text, "The Dataplanes could not be read, so it is not known whether every proxy would keep its tracing")
		kept := strings.Index(text, "1 proxy keeps collector and sampling")
		assert.GreaterOrEqual(t, unread, 0, text)
		assert.Greater(t, kept, unread, text)
	}
}

// From 2.6 to 2.9 Kubernetes fills in a sampling, which then overrides that of a less
// specific policy.
func TestSamplingThatKubernetesFillsIn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	const backend = "backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]"
	head := func(kind, name string) string {
		return "---\napiVersion: kuma.io/v1alpha1\nkind: " + kind + "\nmesh: default\nmetadata: {name: " + name + ", namespace: kuma-system, labels: {kuma.io/mesh: default}}\n"
	}
	today := write("today.yaml", "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: default}\n"+
		"spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, sampling: 10, conf: {url: 'http://z:9411/'}}]}}\n"+
		"---\napiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: default\nmetadata: {name: all}\nspec: {selectors: [{match: {kuma.io/service: '*'}}]}\n"+
		"---\napiVersion: kuma.io/v1alpha1\nkind: TrafficRoute\nmesh: default\nmetadata: {name: all}\nspec: {}\n"+
		head("Dataplane", "web-1")+"spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http, team: x}}]}}\n")
	policies := write("policies.yaml", head("MeshTrace", "all")+"spec: {targetRef: {kind: Mesh}, default: {"+backend+", sampling: {overall: 10}}}\n"+
		head("MeshTrace", "x")+"spec: {targetRef: {kind: MeshSubset, tags: {team: x}}, default: {"+backend+", sampling: {client: 100}}}\n")
	for version, want := range map[string]int{"2.5": 0, "2.6": 1, "2.9": 1, "2.10": 0} {
		code, text, _ := tool(t, "diff -f "+today+" --meshtrace "+policies+" --kuma-version "+version)
		assert.Equal(t, want, code, "%s: %s", version, text)
		assert.Equal(t, want == 1, strings.Contains(text, "sampling  inbound.tracing.overallSampling.value: 10 -> 100"), text)
	}
}

// A tag of a user is none of the control plane's, whatever it begins with.
func TestOwnTagOfKuma(t *testing.T) {
	dir := t.TempDir()
	write := func(name, tags string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte("{type: Mesh, name: default}\n---\n"+
			"{type: MeshTrace, mesh: default, name: all, spec: {targetRef: {kind: Mesh}, default: {tags: ["+tags+"], backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}}\n---\n"+
			"{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"), 0o600))
		return file
	}
	code, text, _ := tool(t, "diff --kuma-version 2.13 --before-manifests "+write("before.yaml", "")+" --after-manifests "+write("after.yaml", "{name: kuma.team, literal: a}"))
	assert.Equal(t, 1, code, text)
	assert.Contains(t, text, "tags  inbound.tracing.customTags[kuma.team].literal.value: not set -> a")
}
