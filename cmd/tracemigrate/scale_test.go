package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Selectors in a mesh without Dataplanes take time in proportion to their number, though
// each is compared with the others, and with the policies that exist already.
func TestManySelectors(t *testing.T) {
	withoutRace.Skip(t)
	const mesh = "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://z:9411/'}}\n---\n" +
		"type: TrafficTrace\nname: all\nmesh: default\nselectors:\n"
	for name, test := range map[string]struct {
		command, selectors string
	}{
		"report, a service each": {"report", numbered("- match: {kuma.io/service: s%d, version: v1}\n", 30_000)},
		"report, a team each":    {"report", numbered("- match: {team: t%d}\n", 70_000)},
		"convert, a tag of all":  {"convert", numbered("- match: {env: prod, kuma.io/service: s%d}\n", 30_000)},
		"diff, a tag each":       {"diff", numbered("- match: {k%d: x}\n", 20_000)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "input.yaml"), []byte(mesh+test.selectors), 0o600))
			got := timed(t, dir, test.command, "-f", "input.yaml", "--kuma-version", "2.13")
			require.NotEqual(t, exitError, got.code, got.stderr)
			t.Logf("%.2f s, %d MB", got.took.Seconds(), got.memory>>20)
			assert.Less(t, got.took, 2*badLimit())
			assert.NotEmpty(t, strings.TrimSpace(got.stdout))
		})
	}
}
