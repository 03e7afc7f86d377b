package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every command has the doubt about gateways of one MeshGateway whose tags differ.
func TestMixedTags(t *testing.T) {
	const gateways = teams + `
---
{type: MeshGateway, mesh: default, name: g, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP}]}}
---
{type: TrafficTrace, mesh: default, name: core, creationTime: "2025-01-01T00:00:02Z", selectors: [{match: {kuma.io/service: '*', team: core}}], conf: {backend: agent}}
---
{type: Dataplane, mesh: default, name: edge-1, networking: {address: 10.0.0.4, gateway: {type: BUILTIN, tags: {kuma.io/service: edge, team: core}}}}
---
{type: Dataplane, mesh: default, name: edge-2, networking: {address: 10.0.0.5, gateway: {type: BUILTIN, tags: {kuma.io/service: edge, team: ads}}}}
`
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(gateways), 0o600))
	code, policies, words := tool(t, "convert --shadow --kuma-version 2.13 -f "+file)
	assert.Equal(t, 1, code)
	assert.Contains(t, words, "it is not known whether 2 of 5 proxies would keep their tracing")
	address, _ := shadowed(t, gateways, policies)
	for _, command := range []string{
		"diff --kuma-version 2.13 -f " + file, "diff --shadow --control-plane " + address,
		"report --kuma-version 2.13 -f " + file, "explain edge-2 --kuma-version 2.13 -f " + file,
	} {
		code, text, _ := tool(t, command)
		assert.Equal(t, 1, code, command)
		assert.Contains(t, text, "gateway-tags-mixed", command)
	}
}
