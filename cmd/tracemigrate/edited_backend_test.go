package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A policy of --meshtrace refers to the MeshOpenTelemetryBackends that exist, and to those of
// its files, which replace them.
func TestEditedBackend(t *testing.T) {
	const (
		dataplane = "{type: Dataplane, mesh: default, name: web, networking: {address: 1.2.3.4, inbound: [{port: 1, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n---\n"
		backend   = "{type: MeshOpenTelemetryBackend, mesh: default, name: b, labels: {team: a}, spec: {endpoint: {address: otel, port: 4317}}}\n---\n"
		policy    = "{type: MeshTrace, mesh: default, name: NAME, spec: {targetRef: {kind: Mesh}, default: {backends: " +
			"[{type: OpenTelemetry, openTelemetry: {backendRef: {kind: MeshOpenTelemetryBackend, labels: {team: a}}}}]}}}\n"
	)
	state := inputFile(t, "{type: Mesh, name: default}\n---\n"+dataplane+backend+strings.Replace(policy, "NAME", "old", 1))
	edited := strings.Replace(policy, "NAME", "new", 1)
	for name, test := range map[string]struct {
		meshtrace string
		code      int
		want      string
	}{
		"existing":         {edited, 0, "1 same"},
		"of its own files": {backend + edited, 0, "1 same"},
		"replaced":         {strings.Replace(backend, "otel", "other", 1) + edited, 1, "otel -> other"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := tool(t, "diff --kuma-version 2.14 -f "+state+" --meshtrace "+inputFile(t, test.meshtrace))
			assert.Equal(t, test.code, code, stderr)
			assert.Contains(t, unwrapped(stdout), test.want)
		})
	}
}

// A policy of --meshtrace that the zone's control plane would refuse is not compared.
func TestEditedForAnotherZone(t *testing.T) {
	state := inputFile(t, "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: http://cp:5681\nproduct: Kuma\nversion: 2.13.2\nmode: zone\nenvironment: universal\nzone: a\n---\n"+teams+"---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n")
	_, policies, _ := tool(t, "convert -f "+state)
	labelled := func(zone string) string {
		return inputFile(t, strings.ReplaceAll(policies, "\nspec:", "\nlabels: {kuma.io/zone: "+zone+"}\nspec:"))
	}
	code, _, words := tool(t, "diff -f "+state+" --meshtrace "+labelled("a"))
	assert.Equal(t, 0, code, words)
	code, _, words = tool(t, "diff -f "+state+" --meshtrace "+labelled("b"))
	assert.Equal(t, 2, code, words)
	assert.Contains(t, unwrapped(words), `label kuma.io/zone: "b" is not the zone of the control plane, "a"; remove the label`)
}
