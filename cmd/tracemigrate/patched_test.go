package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

const (
	// patient is a MeshProxyPatch of one proxy, by the name of the cluster before.
	patient = `
---
{type: MeshProxyPatch, mesh: default, name: patient, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}, default: {appendModifications: [PATCHES]}}}
`
	patchOfOld = `{cluster: {operation: Patch, match: {name: "tracing:jaeger"}, value: "connectTimeout: 77s # hunter2"}}`
	patchOfNew = `{cluster: {operation: Patch, match: {origin: mesh-trace}, value: "connectTimeout: 77s # hunter2"}}`
	patchOfAPI = `
---
{type: ProxyTemplate, mesh: default, name: naming, selectors: [{match: {kuma.io/service: pay}}], conf: {imports: [default-proxy], modifications: [{httpFilter: {operation: addFirst, value: "call('tracing:agent') -- hunter2"}}]}}
`
)

// inputFile writes a file of a temporary directory, and returns its path.
func inputFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// Every command has the same doubt about modifications, and none if they are repeated. None
// prints a value.
func TestPatched(t *testing.T) {
	once := teams + strings.Replace(patient, "PATCHES", patchOfOld, 1)
	file, repeated := inputFile(t, once+patchOfAPI), inputFile(t, teams+strings.Replace(patient, "PATCHES", patchOfOld+", "+patchOfNew, 1))
	_, policies, _ := tool(t, "convert --kuma-version 2.13 -f "+file)
	meshtraces := inputFile(t, policies)
	_, snapshot, _ := tool(t, "snapshot -f "+file)
	untraced, _, _ := strings.Cut(teams, "tracing:")
	untraced += "---\n" + policies
	for command, about := range map[string]string{
		"convert --keep-going":           "it is not known whether 2 of 3 proxies would keep their tracing",
		"diff":                           "2 unknown",
		"report":                         "2 unknown",
		"diff --meshtrace " + meshtraces: "2 unknown",
		"diff --to-version 2.14":         "2 unknown",
		"convert --target-ref dataplane --keep-going": "proxy-patched",
		"explain web-1": `unknown: MeshProxyPatch "patient"`,
		"explain pay-1": `unknown: ProxyTemplate "naming"`,
	} {
		code, text, words := tool(t, command+" --kuma-version 2.13 -f "+file)
		assert.Equal(t, 1, code, command)
		assert.Contains(t, unwrapped(text+words), about, command)
		assert.Contains(t, text+words, "proxy-patched", command)
		assert.NotContains(t, text+words, "hunter2", command)
		code, text, words = tool(t, command+" --kuma-version 2.13 -f "+inputFile(t, snapshot))
		assert.Equal(t, 1, code, command)
		assert.Contains(t, text+words, "proxy-patched", command)
	}
	for _, command := range []string{"convert", "diff", "report", "explain web-1", "diff --meshtrace " + meshtraces} {
		code, text, words := tool(t, command+" --kuma-version 2.13 -f "+repeated)
		assert.Equal(t, 0, code, "%s: %s", command, words)
		assert.NotContains(t, text+words, "proxy-patched", command)
	}
	made := inputFile(t, strings.Replace(teams, dataplanesOf(teams), "", 1)+strings.Replace(strings.Replace(patient, "PATCHES", patchOfOld, 1), "service: web", "service: search", 1))
	for _, command := range []string{"diff --kuma-version 2.13", "diff --kuma-version 2.13 --meshtrace " + meshtraces, "upgrade-check --from 2.0 --to 2.1"} {
		_, text, _ := tool(t, command+" -f "+made)
		assert.Contains(t, unwrapped(text), "proxy-patched", "%s: a made-up proxy represents what only it selects", command)
	}
	for _, command := range []string{"diff -f ", "rewrite --stage add "} {
		code, _, words := tool(t, strings.Replace(command, " ", " --kuma-version 2.13 ", 1)+file)
		assert.Equal(t, 1, code, words)
		code, _, words = tool(t, strings.Replace(command, " ", " --kuma-version 2.13 --accept name-order,proxy-patched ", 1)+file)
		assert.Equal(t, 0, code, words)
	}
	code, text, _ := tool(t, "diff --kuma-version 2.13 --before-manifests "+file+" --after-manifests "+inputFile(t, untraced))
	assert.Equal(t, 1, code)
	assert.Contains(t, text, "proxy-patched")
	code, text, _ = tool(t, "upgrade-check --from 2.13 --to 3.0 -f "+inputFile(t, untraced+strings.Replace(patient, "PATCHES", patchOfNew, 1)+dataplanesOf(teams)))
	assert.Equal(t, 1, code)
	assert.Contains(t, text, "meshtrace-refused", "a known difference has precedence")
}

// dataplanesOf returns the Dataplanes of a text.
func dataplanesOf(text string) string {
	var all string
	for document := range strings.SplitSeq(text, "---\n") {
		if strings.Contains(document, "type: Dataplane") {
			all += "---\n" + document
		}
	}
	return all
}

// A plan is written once the modification is repeated, and its verification finds out if it is
// not there any more.
func TestPatchedPlan(t *testing.T) {
	once, twice := strings.Replace(patient, "PATCHES", patchOfOld, 1), strings.Replace(patient, "PATCHES", patchOfOld+", "+patchOfNew, 1)
	dir := filepath.Join(t.TempDir(), "plan")
	at := func(documents string) string {
		server := httptest.NewServer(fixtures.NewControlPlane(t, documents))
		t.Cleanup(server.Close)
		return " --control-plane " + server.URL
	}
	code, _, words := tool(t, "plan --output-dir "+dir+at(teams+once))
	assert.Equal(t, 1, code, words)
	assert.NoDirExists(t, dir)
	code, _, words = tool(t, "plan --output-dir "+dir+at(teams+twice))
	require.Equal(t, 0, code, words)
	state, err := os.ReadFile(filepath.Join(dir, "state.yaml"))
	require.NoError(t, err)
	assert.NotContains(t, string(state), "hunter2")
	_, policies, _ := tool(t, "convert"+at(teams))
	for patches, want := range map[string]int{twice: 0, strings.Replace(patient, "PATCHES", patchOfNew, 1): 0, once: 1, "": 1} {
		code, text, words := tool(t, "verify --plan "+dir+" --step add"+at(teams+patches+"\n---\n"+policies))
		assert.Equal(t, want, code, "%s: %s", patches, words)
		assert.Equal(t, want == 1, strings.Contains(text, "proxy-patched"), patches)
	}
}

// The answers to diff --shadow have the effect of MeshProxyPatches on clusters, and not that of
// ProxyTemplates, nor the end of the clusters of TrafficTraces.
func TestPatchedShadow(t *testing.T) {
	naming := strings.Replace(patient, "PATCHES", `{httpFilter: {operation: AddFirst, value: "call('tracing:jaeger')"}}`, 1)
	policies := universal(t, teams)
	for name, test := range map[string]struct {
		patches string
		unknown bool
	}{
		"a cluster":       {strings.Replace(patient, "PATCHES", patchOfOld, 1), false},
		"a name":          {naming, true},
		"a ProxyTemplate": {patchOfAPI, true},
	} {
		address, _ := shadowed(t, teams+test.patches, policies)
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, test.unknown, code == 1, "%s: %s", name, words)
		assert.Equal(t, test.unknown, strings.Contains(text, "proxy-patched"), name)
	}
}
