package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// largeMesh writes a mesh with TrafficTraces, one a service. Every tenth sends to Datadog,
// and its proxies have two services, so that a MeshTrace changes the service name.
func largeMesh(t *testing.T, proxies, traces int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://zipkin:9411/api/v2/spans'}}\n" +
		"  - {name: dd, type: datadog, conf: {address: agent, port: 8126, splitService: true}}\n---\n{type: TrafficRoute, name: all, mesh: default}\n")
	for i := range traces {
		backend := "z"
		if i%10 == 0 {
			backend = "dd"
		}
		fmt.Fprintf(&b, "---\n{type: TrafficTrace, name: trace-of-service-%03d, mesh: default, selectors: [{match: {kuma.io/service: service-%03d_shop_svc_8080}}], conf: {backend: %s}}\n", i, i, backend)
	}
	for i := range proxies {
		service := i % traces
		admin := ""
		if service%10 == 0 {
			admin = fmt.Sprintf(", {port: 8081, tags: {kuma.io/service: service-%03d-admin_shop_svc_8081, kuma.io/protocol: http}}", service)
		}
		fmt.Fprintf(&b, "---\n{type: Dataplane, name: service-%03d-%04d, mesh: default, networking: {address: 10.0.%d.%d, inbound: [{port: 8080, tags: {kuma.io/service: service-%03d_shop_svc_8080, kuma.io/protocol: http}}%s]}}\n",
			service, i, i/256, i%256, service, admin)
	}
	file := filepath.Join(t.TempDir(), "mesh.yaml")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	return file
}

// The forms for people of a report on 5,000 proxies and 300 TrafficTraces are short, and
// group proxies by cause.
func TestLargeReport(t *testing.T) {
	withoutRace.Skip(t)
	flags := " --kuma-version 2.13 -f " + largeMesh(t, 5000, 300)
	const cause = "500 proxies of 30 TrafficTraces: another Datadog service name"
	_, text, words := tool(t, "report"+flags)
	assert.Empty(t, words)
	assert.LessOrEqual(t, strings.Count(text, "\n"), 200)
	assert.Contains(t, text, "\ninherent  "+cause)
	assert.Contains(t, text, "\nand 295 more (--full lists them)\n")
	command := regexp.MustCompile(`^ {7}[a-z]`)
	body := text[:strings.LastIndex(text, "\n\n")] // without the outcome, which is one line
	for line := range strings.Lines(body) {
		assert.True(t, len(line) <= 101 || command.MatchString(line), line)
		assert.Less(t, len(line), 400, "a command that lists the TrafficTraces")
	}
	_, text, words = tool(t, "report -o markdown"+flags)
	assert.Equal(t, "tracemigrate: 5,000 proxies keep collector and sampling; 500 of 5,000 proxies get another Datadog service name, but lose no trace\n", words)
	assert.LessOrEqual(t, strings.Count(text, "\n"), 300)
	assert.LessOrEqual(t, len(text), 65_536)
	assert.Contains(t, text, "| inherent | "+cause+" |")
	assert.Contains(t, text, "\n\nand 288 more (`--full` lists them).\n")
	assert.Regexp(t, "\n\n29[0-9] manifests are left out \\(`tracemigrate convert` writes all, and `--full` lists them\\)\\.\n$", text)

	_, text, _ = tool(t, "report --full"+flags)
	assert.Contains(t, text, "trace-of-service-299")
	_, text, _ = tool(t, "report --full -o markdown"+flags)
	assert.Greater(t, len(text), 65_536)
	assert.NotContains(t, text, "left out")
	assert.Contains(t, text, "name: trace-of-service-299\n")
}

// The forms for people are short with many meshes and long names, too: tables and lists get
// fewer rows. Conflicts with existing MeshTraces are work to do by hand.
func TestManyMeshes(t *testing.T) {
	withoutRace.Skip(t)
	const long = "of-a-team-with-a-very-long-name-that-fills-the-line"
	for name, conflict := range map[string]bool{"carried over": false, "conflict": true} {
		var b strings.Builder
		for i := range 150 {
			mesh := fmt.Sprintf("mesh-%s-%03d", long, i)
			fmt.Fprintf(&b, "---\n{type: Mesh, name: %s, tracing: {defaultBackend: zipkin-%s, backends: [{name: zipkin-%[2]s, type: zipkin, conf: {url: 'http://zipkin-%d.observability:9411/'}}]}}\n"+
				"---\n{type: TrafficTrace, name: all-%[2]s-%[3]d, mesh: %[1]s, selectors: [{match: {kuma.io/service: '*'}}]}\n", mesh, long, i)
			for k := range 3 {
				fmt.Fprintf(&b, "---\n{type: Dataplane, name: web-%s-%d-%d, mesh: %s, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n", long, i, k, mesh)
			}
			if conflict {
				fmt.Fprintf(&b, "---\n{type: MeshTrace, name: aaa-%s-%d, mesh: %s, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/protocol: http}}, default: {sampling: {overall: 3}}}}\n", long, i, mesh)
			}
		}
		file := filepath.Join(t.TempDir(), "meshes.yaml")
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
		t.Run(name, func(t *testing.T) {
			_, text, words := tool(t, "report --kuma-version 2.13 -f "+file)
			assert.Less(t, strings.Count(text, "\n"), 200, words)
			assert.Regexp(t, `(?m)^and [0-9]+ more \(--full lists them\)$`, text)
			assert.NotRegexp(t, `\n\n\n`, text)
			_, text, _ = tool(t, "report --kuma-version 2.13 -o markdown -f "+file)
			assert.LessOrEqual(t, strings.Count(text, "\n"), 300)
			assert.LessOrEqual(t, len(text), 65_536)
			_, text, _ = tool(t, "report --kuma-version 2.13 --full -f "+file)
			assert.Contains(t, text, "web-"+long+"-149-2")
		})
	}
}

// With --full, upgrade-check and the way to 3.0 of a report cut neither lists nor lines.
func TestLargeFull(t *testing.T) {
	withoutRace.Skip(t)
	file := largeMesh(t, 600, 300)
	for _, form := range []string{"text", "markdown", "junit"} {
		_, text, _ := tool(t, "upgrade-check --full --from 2.13 --to 3.0 -o "+form+" -f "+file)
		assert.Contains(t, text, "service-299-0599", form)
		assert.NotContains(t, text, "...", form)
	}
	_, text, _ := tool(t, "report --kuma-version 2.13 -f "+file)
	assert.Contains(t, text, "     - and 298 more (--full lists them)\n")
	_, text, _ = tool(t, "report --kuma-version 2.13 -o markdown -f "+file)
	assert.Contains(t, text, "   - and 298 more (`--full` lists them)\n")
	for _, form := range []string{"text", "markdown"} {
		_, text, _ = tool(t, "report --full --kuma-version 2.13 -o "+form+" -f "+file)
		_, text, _ = strings.Cut(text, "The way to Kuma 3.0\n")
		assert.Len(t, regexp.MustCompile(`(?m)^ +- TrafficTrace`).FindAllString(text, -1), 300, form)
	}
}

// What a cut Markdown says to run has the flags of the run.
func TestCutMarkdown(t *testing.T) {
	withoutRace.Skip(t)
	var input strings.Builder
	for i := range 500 {
		fmt.Fprintf(&input, "{type: Mesh, name: mesh-%d, tracing: {defaultBackend: %s, backends: [{name: %[2]s, type: zipkin, conf: {url: 'http://z:9411/'}}]}}\n---\n"+
			"{type: TrafficTrace, name: all, mesh: mesh-%[1]d, selectors: [{match: {kuma.io/service: '*'}}]}\n---\n", i, strings.Repeat("z", 1500))
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("a`b.yaml", []byte(input.String()), 0o600))
	_, text, _ := tool(t, "report -o markdown -f a`b.yaml --kuma-version 2.13")
	_, text, _ = strings.Cut(text, " left out, because a comment has at most ")
	assert.Equal(t, "65,536 characters: run ``tracemigrate report -f 'a`b.yaml' --kuma-version 2.13 -o markdown --full``.\n", text)

	for _, want := range []string{
		"report -f a.yaml --namespace mesh-system --mesh default --kuma-version 2.13 --zone-origin --round-sampling --server-dry-run",
		"diff -f a.yaml -k overlay --kuma-version 2.12 --kuma-version 2.13 --accept kuma-tags --accept name-order --strict",
		"diff --context prod --to-version 3.0 --meshtrace new/ --shadow",
		"diff --before-manifests main/ --after-manifests pr/ --state state.yaml",
		"diff --before before/ --after after/",
		"upgrade-check --control-plane http://cp:5681 --from 2.13 --to 3.0",
	} {
		app, got := newApp("tracemigrate"), ""
		for _, command := range app.Commands {
			command.Action = func(c *cli.Context) error {
				got = commandLine(c, sourceArguments(c))
				return nil
			}
		}
		require.NoError(t, app.Run(append(strings.Fields("tracemigrate "+want), "-o", "markdown", "--quiet")))
		assert.Equal(t, "tracemigrate "+want, got)
	}
}

// A diff of a large mesh has one group for a cause, with the first of its values.
func TestLargeDiff(t *testing.T) {
	withoutRace.Skip(t)
	flags := " --kuma-version 2.13 -f " + largeMesh(t, 3000, 300)
	_, text, _ := tool(t, "diff"+flags)
	assert.Equal(t, 1, strings.Count(text, "\ninherent  "))
	assert.Contains(t, text, "\ninherent  300 proxies of 30 TrafficTraces: another Datadog service name\n"+
		"  default/service-000-0000, default/service-000-0300, default/service-000-0600 and 297 more\n")
	assert.Contains(t, text, "  and 29 other sources (--full lists them)\n")
	assert.Contains(t, text, "service-020_shop_svc_8080_INBOUND -> service-020-admin_shop_svc_8081_INBOUND\n")
	assert.Contains(t, text, "and 27 more")
	assert.NotContains(t, text, "service-030")
	_, text, _ = tool(t, "diff --full"+flags)
	assert.Contains(t, text, "service-290_shop_svc_8080_INBOUND -> service-290-admin_shop_svc_8081_INBOUND\n")
	assert.Equal(t, 300, strings.Count(text, "default/service-"), "every proxy has its whole name")
	assert.NotContains(t, text, "...")

	_, text, _ = tool(t, "diff -o json"+flags)
	var data struct {
		Head   report.Head
		Causes []report.Cause
	}
	require.NoError(t, json.Unmarshal([]byte(text), &data))
	assert.Equal(t, []report.Cause{{
		Verdict: envoydiff.Inherent, Codes: []envoydiff.Code{envoydiff.DatadogServiceName}, Text: "another Datadog service name",
		Proxies: 300, TrafficTraces: 30, Examples: []string{"default/service-000-0000", "default/service-000-0300", "default/service-000-0600"},
	}}, data.Causes)
	assert.Equal(t, "All 3,000 proxies keep their tracing; 300 of them differ only in inherent codes, which lose no trace.", data.Head.Sentence)

	_, text, _ = tool(t, "diff -o markdown"+flags)
	assert.Contains(t, text, "\n## inherent: 300 proxies of 30 TrafficTraces: another Datadog service name\n")
	assert.Contains(t, text, "| and 27 more | `--full` lists them |\n")
}
