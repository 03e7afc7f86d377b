package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// User and password of an OpenTelemetry endpoint, and what an unknown field of a
// backend holds, are in no output of any command.
func TestCredentialsInBackends(t *testing.T) {
	const input = `
type: Mesh
name: default
tracing:
  defaultBackend: z
  backends:
  - {name: z, type: zipkin, conf: {url: "http://z:9411/api/v2/spans", password: hunter2}, auth: {token: hunter2}}
---
{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}
---
{type: Dataplane, mesh: default, name: db-1, networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: db, kuma.io/protocol: http}}]}}
---
`
	policy := func(endpoint string) string {
		return `{type: MeshTrace, mesh: default, name: otel, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}, default: {backends: [{type: OpenTelemetry, openTelemetry: {endpoint: "` + endpoint + `"}}]}}}` + "\n"
	}
	for name, endpoint := range map[string]string{
		"user and password": "ann:hunter2@otel:4317", "url": "http://ann:hunter2@otel:4317", "no port": "ann:hunter2@otel", "query": "otel:4317?token=hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, edited := filepath.Join(dir, "in.yaml"), filepath.Join(dir, "edited.yaml")
			require.NoError(t, os.WriteFile(file, []byte(input+policy(endpoint)), 0o600))
			require.NoError(t, os.WriteFile(edited, []byte(policy(strings.Replace(endpoint, "otel", "other", 1))), 0o600))
			for _, args := range []string{
				"snapshot", "convert", "explain web-1", "diff --full", "diff -o json", "diff -o junit", "report --full", "report -o json", "report -o html", "report -o markdown",
				"upgrade-check", "upgrade-check -o json", "upgrade-check -o markdown", "upgrade-check -o junit", "upgrade-check -o sarif",
				"diff --to-version 3.0 --meshtrace " + edited, "diff --to-version 2.14 --meshtrace " + edited, "diff --meshtrace " + edited, "diff -o json --meshtrace " + edited, "diff -o markdown --meshtrace " + edited,
			} {
				_, text, words := tool(t, args+" -f "+file)
				before, _, leaks := strings.Cut(text+words, "hunter2")
				assert.False(t, leaks, "%s: %s", args, before[max(0, len(before)-200):])
			}
		})
	}
}
