package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"tracemigrate/fixtures"
)

// --zone reads a zone from its control plane's API as it does from a snapshot file.
func TestZoneByURL(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "script", "zones.txtar"))
	require.NoError(t, err)
	serve := func(file, version, config string) string {
		at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == file })
		require.GreaterOrEqual(t, at, 0)
		documents := strings.Split(string(archive.Files[at].Data), "\n---\n")
		f := fixtures.NewControlPlane(t, strings.Join(documents[1:len(documents)-1], "\n---\n")) // without what makes it a snapshot
		f.Version, f.Config = version, config
		server := httptest.NewServer(f)
		t.Cleanup(server.Close)
		return server.URL
	}
	zone := func(name string) string {
		return serve("ties-"+name+".yaml", "2.13.10", `{"mode":"zone","environment":"universal","multizone":{"zone":{"name":"`+name+`","globalAddress":"grpcs://global:5685"}}}`)
	}
	global := serve("ties.yaml", "2.13.10", `{"mode":"global","environment":"universal"}`)

	code, out, words := tool(t, "report --control-plane "+global)
	assert.Equal(t, exitNo, code, words)
	assert.Contains(t, out, "4 unknown")

	both := " --control-plane " + global + " --zone east=" + zone("east") + " --zone west=" + zone("west")
	code, out, words = tool(t, "report"+both)
	require.Equal(t, 0, code, words)
	assert.Contains(t, out, "4 same, 0 inherent, 0 different")
	code, out, words = tool(t, "convert"+both)
	require.Equal(t, 0, code, words)
	assert.Contains(t, out, "kuma.io/zone: west")
	assert.Contains(t, words, "narrowed-by-zone")

	code, _, words = tool(t, "report --control-plane "+global+" --zone west="+zone("east"))
	assert.Equal(t, exitError, code)
	assert.Contains(t, words, `its source belongs to zone "east"`)
	code, _, words = tool(t, "report --control-plane "+global+" --zone west=http://127.0.0.1:1")
	assert.Equal(t, exitError, code)
	assert.Contains(t, words, "127.0.0.1:1")
}

// Every command that says that all proxies keep their tracing also says which MeshTraces it does
// not know.
func TestZonesUnreadEverywhere(t *testing.T) {
	const what = "the MeshTraces of 1 zone are known only from copies (--zone reads the originals)"
	snapshot := filepath.Join(t.TempDir(), "state.yaml")
	require.NoError(t, os.WriteFile(snapshot, []byte(`{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x, product: Kuma, version: 2.13.1, mode: global, environment: universal, zones: [{name: east, version: 2.13.1}]}
---
{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: "http://z:9411/"}}]}}
---
{type: TrafficRoute, name: all, mesh: default}
---
{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: "*"}}]}
---
{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http, kuma.io/zone: east}}]}}
---
{apiVersion: tracemigrate/v1, kind: SnapshotEnd}
`), 0o600))
	for _, command := range []string{"convert", "convert --quiet", "report", "diff", "diff -o json", "diff --kuma-version 2.13,2.14", "upgrade-check --to 2.14"} {
		code, stdout, stderr := tool(t, command+" -f "+snapshot)
		assert.Zero(t, code, "%s: %s", command, stderr)
		assert.Contains(t, strings.ReplaceAll(stdout+stderr, "\n    ", " "), what, command)
	}
}
