package html

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/report"
	"tracemigrate/fixtures"
)

func TestSameBytes(t *testing.T) {
	assert.Equal(t, pageOf(t, fullReport(t, 400)), pageOf(t, fullReport(t, 400)))
}

var (
	scriptTags = regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`)
	styleTag   = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	attribute  = regexp.MustCompile(`([A-Za-z:-]+)="([^"]*)"`) // text has no plain quotation marks
	cssFetch   = regexp.MustCompile(`(?i)url\(([^)]*)\)|@import`)
	forbidden  = regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\bfetch\b|XMLHttpRequest|WebSocket|sendBeacon|import\(`)
)

// The page asks nobody for anything, and runs nothing but its own script: what
// it has are links into itself, and a policy with the hashes of what it runs.
func TestSelfContained(t *testing.T) {
	for name, r := range map[string]*report.Report{"plain": fullReport(t, 60), "hostile": spoiled(t, hostile)} {
		t.Run(name, func(t *testing.T) {
			text := pageOf(t, r)
			markup := styleTag.ReplaceAllString(scriptTags.ReplaceAllString(text, ""), "")
			links := 0
			for _, m := range attribute.FindAllStringSubmatch(markup, -1) {
				switch name := strings.ToLower(m[1]); {
				case strings.HasPrefix(name, "on"), name == "style":
					t.Errorf("%s is forbidden by the page's policy", m[0])
				case slices.Contains([]string{"src", "srcset", "href", "xlink:href", "action", "formaction", "poster", "data", "background", "ping"}, name):
					assert.True(t, strings.HasPrefix(m[2], "#") || m[2] == "data:,", m[0])
					links++
				}
			}
			assert.Greater(t, links, 5)
			for _, m := range cssFetch.FindAllStringSubmatch(styleTag.FindString(text), -1) {
				assert.True(t, strings.HasPrefix(m[1], "#"), m[0])
			}
			scripts := scriptTags.FindAllStringSubmatch(text, -1)
			require.Len(t, scripts, 2)
			assert.Equal(t, 2, strings.Count(strings.ToLower(text), "<script"))
			assert.Equal(t, ` type="application/json" id="data"`, scripts[0][1])
			assert.NotContains(t, scripts[0][2], "<")
			assert.True(t, json.Valid([]byte(scripts[0][2])))
			assert.Empty(t, forbidden.FindAllString(scripts[1][2], -1))
			hash := func(text string) string {
				sum := sha256.Sum256([]byte(text))
				return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			}
			assert.Contains(t, text, "default-src 'none'; script-src "+hash(scripts[1][2])+"; style-src "+hash(styleTag.FindStringSubmatch(text)[1])+";")
			for _, c := range text {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Fatalf("%U is in the page", c)
				}
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	r := spoiled(t, ` http://somebody:secret@somewhere/ `)
	text := pageOf(t, r)
	assert.NotContains(t, text, "secret")
	assert.Contains(t, text, "http://trial:9411/api/v2/spans")
	assert.Contains(t, text, "are removed here")
	assert.NotContains(t, pageOf(t, reportOn(t, strings.ReplaceAll(clusterOf(10), "user:secret@", ""))), "are removed here")
}

// Whatever a report lacks, the page says so, and is whole.
func TestEmptyReport(t *testing.T) {
	empty := pageOf(t, &report.Report{KumaVersion: "2.13"})
	for _, want := range []string{
		"There is no TrafficTrace, so there is nothing to migrate.", "There are no notes.", "there is no picture", "There are no TrafficTraces.",
		"No policy would be created.", "</html>",
	} {
		assert.Contains(t, empty, want)
	}
	dirs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "convert", "*", "input.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, path := range dirs {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		page := pageOf(t, reportOn(t, string(text)))
		assert.Contains(t, page, "</html>", path)
		assert.NotContains(t, page, "ZgotmplZ", path)
	}
	madeUp := pageOf(t, reportOn(t, clusterOf(0)))
	assert.Contains(t, madeUp, "All of these proxies are made up")
}

// The head says when, with what and of which input the report is made, and what differs
// comes before the notes.
func TestHeadAndOrder(t *testing.T) {
	r := withHead(fullReport(t, 60))
	r.Head.Sentence = "One sentence."
	text := pageOf(t, r)
	head, _, found := strings.Cut(text, "</header>")
	require.True(t, found)
	for _, want := range []string{
		r.Head.Date, "tracemigrate " + r.Head.Tool, r.Head.Digest,
		"Kubernetes context &#34;prod-eu&#34;, Kuma 2.13.2, global", "<span>One sentence.</span></h1>",
	} {
		assert.Contains(t, head, want)
	}
	last := 0
	for _, id := range []string{"summary", "causes", "notes", "steps", "picture", "proxies", "traces", "backends", "manifests"} {
		at := strings.Index(text, `<section id="`+id+`"`)
		assert.Greater(t, at, last, id)
		last = at
	}
	assert.Contains(t, text, "<strong>28 proxies of 1 TrafficTrace</strong>: no tracing")
	assert.Contains(t, text, `href="#verdict=different&amp;cause=tracing-lost"`)
}

// An error is no difference, and neither a loss nor what is unknown is good.
func TestTone(t *testing.T) {
	pages := states(t)
	for _, test := range []struct{ state, tone string }{
		{state: "all the same", tone: "good"},
		{state: "inherent", tone: "inherent"},
		{state: "different", tone: "bad"},
		{state: "not traced", tone: "bad"},
		{state: "unknown", tone: "unknown"},
		{state: "several zones", tone: "unknown"},
		{state: "empty mesh", tone: "unknown"},
		{state: "finished", tone: "good"},
		{state: "finished in part", tone: "unknown"},
		{state: "withheld", tone: "error"},
		{state: "refused", tone: "error"},
		{state: "invalid", tone: "error"},
	} {
		t.Run(test.state, func(t *testing.T) {
			assert.True(t, strings.Contains(pages[test.state], `<header class="head `+test.tone+`">`)) // the page is too long to print
		})
	}
}

func TestProse(t *testing.T) {
	code := func(text string) phrase { return phrase{text, true} }
	words := func(text string) phrase { return phrase{text, false} }
	for _, test := range []struct {
		name, text string
		want       []phrase
	}{
		{name: "nothing", text: "", want: nil},
		{name: "words", text: "correct the Mesh: now", want: []phrase{words("correct the Mesh: now")}},
		{name: "backticks", text: "set `backends: []`, then apply", want: []phrase{words("set "), code("backends: []"), words(", then apply")}},
		{name: "a flag", text: "with --keep-going.", want: []phrase{words("with "), code("--keep-going"), words(".")}},
		{
			name: "tags", text: "selector 1 (kuma.io/service=*, team=a) decides",
			want: []phrase{words("selector 1 ("), code("kuma.io/service=*, team=a"), words(") decides")},
		},
		{name: "a tag alone", text: "the tag kuma.io/zone.", want: []phrase{words("the tag "), code("kuma.io/zone"), words(".")}},
		{name: "an apiVersion", text: "write kuma.io/v1alpha1", want: []phrase{words("write "), code("kuma.io/v1alpha1")}},
		{name: "one backtick", text: "a ` b", want: []phrase{words("a ` b")}},
		{name: "a backtick in a name", text: "run `rm 'a`b'`", want: []phrase{words("run "), code("rm 'a`b'")}},
		{name: "backticks of a name", text: "Mesh `rm x`", want: []phrase{words("Mesh `rm x`")}},
		{name: "markup", text: "`<b>` <i>", want: []phrase{code("<b>"), words(" <i>")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, prose(test.text, []string{"backends: []", "<b>", "rm 'a`b'"}))
		})
	}
	r := fullReport(t, 10)
	r.Notes[0].Message, r.Notes[0].Spans = "set `<b>x</b>`", []string{"<b>x</b>"}
	assert.Contains(t, pageOf(t, r), "</strong>: set <code class=\"short\">&lt;b&gt;x&lt;/b&gt;</code>")
}

// A long word breaks after its separators, and a flag of a command does not break.
func TestPieces(t *testing.T) {
	assert.Equal(t, []string{"tempo.obs:9411"}, pieces("tempo.obs:9411"))
	assert.Equal(t, []string{"a.b tempo-distributor.", "observability.", "svc:", "9411"}, pieces("a.b tempo-distributor.observability.svc:9411"))
	assert.Equal(t, []string{""}, pieces(""))
	word := func(text string) phrase { return phrase{text, true} }
	assert.Equal(t, []phrase{{"a ", false}, word("upgrade-check"), {" ", false}, word("--to"), {" 3.0 'a-b'", false}}, command("a upgrade-check --to 3.0 'a-b'"))
	assert.Equal(t, []phrase{word("--clusterrole"), {"=tracemigrate-meshgateways a", false}}, command("--clusterrole=tracemigrate-meshgateways a"))
}
