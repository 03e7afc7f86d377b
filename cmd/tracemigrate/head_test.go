package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/report"
)

// The date of a report is the clock's, unless SOURCE_DATE_EPOCH replaces it or leaves it out.
func TestReportDate(t *testing.T) {
	tests := map[string]struct {
		value, want, wrong string
	}{
		"a number":        {"0", "1970-01-01T00:00:00Z", ""},
		"the last second": {"253402300799", "9999-12-31T23:59:59Z", ""},
		"empty":           {"", "", ""},
		"a word":          {"yesterday", "", `SOURCE_DATE_EPOCH: "yesterday" is not a number of seconds`},
		"negative":        {"-1", "", `SOURCE_DATE_EPOCH: "-1" is not a number of seconds`},
		"too large":       {"253402300800", "", `SOURCE_DATE_EPOCH: "253402300800" is not a number of seconds`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(dateVariable, tt.value)
			for _, command := range []string{"report -o json", "diff -o json", "upgrade-check --from 2.13 --to 2.14 -o json"} {
				code, text, words := tool(t, strings.Replace(command, " -o", " -f ../../fixtures/demo -o", 1))
				if tt.wrong != "" {
					assert.Equal(t, 2, code, command)
					assert.Contains(t, words, "tracemigrate: "+tt.wrong)
					assert.Empty(t, text)
					continue
				}
				var data struct{ Head map[string]string }
				require.NoError(t, json.Unmarshal([]byte(text), &data), words)
				date, ok := data.Head["date"]
				assert.Equal(t, tt.want != "", ok, command)
				assert.Equal(t, tt.want, date, command)
			}
		})
	}
	t.Setenv(dateVariable, "") // which restores it at the end
	require.NoError(t, os.Unsetenv(dateVariable))
	_, text, _ := tool(t, "report -f ../../fixtures/demo -o json")
	var r report.Report
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	date, err := time.Parse(time.RFC3339, r.Head.Date)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), date, time.Minute)
	assert.Equal(t, testVersion, r.Head.Tool)
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", r.Head.Digest)
}

// withoutDigest returns a text without digests, which a cluster and its snapshot do not share.
func withoutDigest(text string) string {
	return regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:")
}

// unwrapped returns a text with its words in one line.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// lastLine returns the last line of a text, with the lines that it was wrapped to.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	i := len(lines) - 1
	for i > 0 && strings.HasPrefix(lines[i], "    ") {
		i--
	}
	return unwrapped(strings.Join(lines[i:], " "))
}

// Every run of a command with a verdict ends with it: on stdout if that is a text and the
// run passes, else on stderr. A run that fails prints it once.
func TestLastLine(t *testing.T) {
	demo, lost := "-f ../../fixtures/demo --kuma-version 2.13", "-f ../../fixtures/convert/wildcard-without-dataplanes/input.yaml --kuma-version 2.9"
	edited := "-f ../../fixtures/diff/cluster.yaml --meshtrace ../../fixtures/diff/edited.yaml --kuma-version 2.13"
	upgrade := "-f ../../fixtures/upgrade/meshtrace-refused/input.yaml --from 2.14 --to "
	repository := filepath.Join(t.TempDir(), "mesh")
	require.NoError(t, os.CopyFS(repository, os.DirFS("../../fixtures/demo")))
	const kept, refused = "4 proxies keep collector and sampling", "not everything can be carried over; see the errors above"
	for args, want := range map[string]struct {
		code           int
		stdout, stderr string // last lines; empty: not checked
	}{
		"convert " + demo:                                            {0, "", "tracemigrate: wrote 5 MeshTraces; " + kept},
		"convert " + lost:                                            {1, "", "tracemigrate: " + refused + "; no policy was written (--keep-going writes the others)"},
		"report " + demo:                                             {0, "4 proxies keep collector and sampling.", ""},
		"report -o json " + demo:                                     {0, "}", "tracemigrate: " + kept},
		"report -o markdown " + demo:                                 {0, "", "tracemigrate: " + kept},
		"report -o html " + demo:                                     {0, "</html>", "tracemigrate: " + kept},
		"report -o yaml " + lost:                                     {1, "", "tracemigrate: .*1 error.*"},
		"diff " + demo:                                               {0, "All 4 proxies keep their tracing.", ""},
		"diff -o junit " + demo:                                      {0, "</testsuites>", "tracemigrate: all 4 proxies keep their tracing"},
		"diff " + edited:                                             {1, "spawnUpstreamSpan: false|.*", "tracemigrate: 3 different"},
		"diff -o json " + edited:                                     {1, "}", "tracemigrate: 3 different"},
		"explain web-5d9c7b-x2x9k " + demo:                           {0, `proxy "default/web-5d9c7b-x2x9k.shop" keeps its tracing.`, ""},
		"upgrade-check " + upgrade + "2.14":                          {0, "ready for Kuma 2.14: .*", ""},
		"upgrade-check " + upgrade + "3.0":                           {1, "", "tracemigrate: not ready for Kuma 3.0: meshtrace-refused"},
		"upgrade-check -o sarif " + upgrade + "2.14":                 {0, "}", "tracemigrate: ready for Kuma 2.14: .*"},
		"plan " + demo + " --output-dir " + t.TempDir() + "/p":       {0, "", kept},
		"rewrite " + repository + " --stage add --kuma-version 2.13": {0, "", "1 file to add; nothing was written .*; all 4 proxies keep their tracing"},
	} {
		t.Run(args, func(t *testing.T) {
			code, text, words := tool(t, args)
			require.Equal(t, want.code, code, words)
			if want.stdout != "" {
				assert.Regexp(t, "^("+want.stdout+")$", lastLine(text))
			}
			if want.stderr == "" {
				assert.NotContains(t, words, "keep")
				return
			}
			last := lastLine(words)
			if !assert.Regexp(t, "^("+regexp.MustCompile(`[()]`).ReplaceAllString(want.stderr, `\$0`)+")$", last) {
				return
			}
			assert.Equal(t, 1, strings.Count(text+words, last))
		})
	}
}

// Markdown shows backticks of the input as they are, and the commands of sentences as code.
func TestMarkdownBackticks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.yaml")
	require.NoError(t, os.WriteFile(file, []byte("{type: Mesh, name: default, tracing: {backends: [{name: 'z`z`', type: zipkin, conf: {url: 'http://z:9411/api/v2/spans'}}], defaultBackend: 'z`z`'}}\n---\n"+
		"{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n---\n"+
		"{type: TrafficTrace, name: web, mesh: default, selectors: [{match: {kuma.io/service: web}}], conf: {backend: 'no`b`'}}\n---\n"+
		"{type: Dataplane, name: web, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"), 0o600))
	_, text, words := tool(t, "report --kuma-version 2.13 -o markdown -f "+file)
	table, manifests, found := strings.Cut(text, "## Manifests")
	require.True(t, found, words)
	assert.Contains(t, table, "z\\`z\\`")
	assert.Contains(t, table, "has no tracing backend \"no\\`b\\`\", so they are not traced today. The policy keeps that with `backends: []`")
	assert.Contains(t, table, "The policies set `overall: 100`, so")
	assert.NotContains(t, table, "z`z")
	assert.Contains(t, manifests, "```yaml\n")
}

// The head names a pipe in words.
func TestHeadOfStdin(t *testing.T) {
	input, err := os.ReadFile("../../fixtures/demo/mesh.yaml")
	require.NoError(t, err)
	for _, command := range []string{"report", "diff", "report -o json", "upgrade-check --from 2.13 -o markdown"} {
		var out, words bytes.Buffer
		args := append([]string{"tracemigrate"}, strings.Fields(command+" -f -")...)
		run(t.Context(), args, bytes.NewReader(input), &out, &words)
		assert.Contains(t, out.String(), "files: stdin", command)
		assert.NotContains(t, out.String(), "files: -", command)
	}
}
