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

// Of more pairs of selectors than are looked at, the notes say so, if any of these may matter.
func TestTiesNotSearched(t *testing.T) {
	t.Chdir(t.TempDir())
	const mesh = "type: Mesh\nname: default\ntracing: {backends: [{name: a, type: zipkin, conf: {url: 'http://a:9411/'}}, " +
		"{name: b, type: zipkin, conf: {url: 'http://b:9411/'}}]}\n"
	for name, test := range map[string]struct {
		traces          int
		backends, times string
		ties, searched  bool
	}{
		"400":             {traces: 400, backends: "ab", ties: true, searched: true},
		"500":             {traces: 500, backends: "ab", ties: true},
		"500, one conf":   {traces: 500, backends: "aa", searched: true},
		"500, with times": {traces: 500, backends: "ab", times: "creationTime: '2024-01-01T00:00:01Z', ", searched: true},
	} {
		t.Run(name, func(t *testing.T) {
			text := mesh
			for i := range test.traces {
				text += fmt.Sprintf("---\n{type: TrafficTrace, name: t%[1]d, mesh: default, %[2]sselectors: [{match: {kuma.io/service: s%[1]d}}], "+
					"conf: {backend: %[3]c}}\n", i, test.times, test.backends[i%2])
			}
			require.NoError(t, os.WriteFile("in.yaml", []byte(text), 0o600))
			code, _, words := tool(t, "convert -f in.yaml --kuma-version 2.13")
			assert.Equal(t, 0, code, words)
			assert.Equal(t, test.ties, strings.Contains(words, "with selectors of equal rank for different tags"))
			assert.Equal(t, test.searched, !strings.Contains(words, "were searched for ties"))
		})
	}
}
