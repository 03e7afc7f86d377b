package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const parameterMesh = `
type: Mesh
name: default
tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: "http://c:9411/path;token=hunter2/spans"}}]}
---
{type: TrafficRoute, mesh: default, name: all}
---
{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}
---
type: Dataplane
mesh: default
name: web-1
networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}
`

// A credential in a path parameter is part of what proxies ask for: policies and snapshots have
// it, another one is a difference, and nothing shows it.
func TestPathParameter(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return " -f " + path
	}
	in := write("in.yaml", parameterMesh)
	const url = "url: http://c:9411/path;token=hunter2/spans\n"
	_, policies, _ := tool(t, "convert"+in)
	assert.Contains(t, policies, url)
	_, snapshot, _ := tool(t, "snapshot"+in)
	_, again, _ := tool(t, "convert"+write("state.yaml", snapshot))
	assert.Contains(t, again, url)
	write("edited.yaml", strings.ReplaceAll(policies, "hunter2", "hunter3"))
	for form, want := range map[string]string{
		"diff": "different", "diff --full": "token=REDACTED/spans", "diff -o json": `"different"`, "diff -o markdown --full": "token=REDACTED/spans",
	} {
		code, stdout, stderr := tool(t, form+in+" --meshtrace "+filepath.Join(dir, "edited.yaml"))
		assert.Equal(t, exitNo, code, form)
		assert.Contains(t, stdout, want, form)
		assert.NotContains(t, stdout+stderr, "hunter", form)
	}
	for form, want := range map[string]string{
		"report -o json":            "token=REDACTED/spans",
		"report -o markdown --full": "Credentials are removed here; `tracemigrate convert` writes the complete manifests.",
		"report -o html":            "Credentials or unprintable characters are removed here",
	} {
		_, stdout, stderr := tool(t, form+in)
		assert.Contains(t, stdout, want, form)
		assert.NotContains(t, stdout+stderr, "hunter", form)
	}
}
