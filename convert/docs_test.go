package convert

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

var update = flag.Bool("update", false, "rewrite docs/notes.md")

// example is an entry of fixtures/wording.txt.
type example struct {
	severity, fixture string
	lines             []string
}

// examples reads fixtures/wording.txt, by code.
func examples(t *testing.T) map[string][]example {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "wording.txt"))
	require.NoError(t, err)
	entry := regexp.MustCompile(`(?m)^(error|warning|info) ([a-z0-9-]+) \((.+)\)\n((?:  .*\n)+)`)
	found := make(map[string][]example)
	for _, m := range entry.FindAllStringSubmatch(string(text), -1) {
		e := example{severity: m[1], fixture: m[3]}
		for line := range strings.Lines(m[4]) {
			e.lines = append(e.lines, strings.TrimSpace(line))
		}
		found[m[2]] = append(found[m[2]], e)
	}
	return found
}

// docs/notes.md says of every code how severe its notes are, by the table of sentences, and
// shows one, as a case of fixtures/convert gives it. Only the explanation is written by hand.
func TestNotesDocument(t *testing.T) {
	path := filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "notes.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	shown := examples(t)
	documented := make(map[string]bool)
	sections := strings.Split(string(text), "\n### `")
	for i, section := range sections[1:] {
		code, _, _ := strings.Cut(section, "`")
		documented[code] = true
		sections[i+1] = generated(t, section, code, shown[code])
	}
	got := strings.Join(sections, "\n### `")
	for _, code := range allCodes(t) {
		assert.True(t, documented[code], "docs/notes.md lacks a heading for %s", code)
		// A proxy that differs for no known reason would be a bug; what a server refuses takes a server.
		if code != string(ProxyDiffers) && code != string(ServerRefused) {
			assert.NotEmpty(t, shown[code], "no case of fixtures/convert shows %s", code)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	assert.Equal(t, string(text), got, "go test ./convert -run TestNotesDocument -update rewrites it")
}

// allCodes are those of the table of sentences, and of the problems that the readers of
// manifests warn of.
func allCodes(t *testing.T) []string {
	t.Helper()
	constant := regexp.MustCompile(`Warn\("([a-z-]+)"|(?:unknownField|MisspeltField|unknownTime|ReadOnce|NotRead|beingDeleted) += "([a-z-]+)"`)
	root := filepath.Dir(fixtures.Dir())
	var codes []string
	for _, source := range []string{"legacy/decode.go", "cluster/decode.go", "cluster/leaving.go", "cluster/notread.go", "cluster/snapshot.go", "cluster/manifest/misspelt.go"} {
		text, err := os.ReadFile(filepath.Join(root, source))
		require.NoError(t, err)
		found := constant.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, found, source)
		for _, m := range found {
			codes = append(codes, m[1]+m[2])
		}
	}
	for code := range messages {
		codes = append(codes, string(code))
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// generated returns the section of a code with its severities and its example.
func generated(t *testing.T, section, code string, shown []example) string {
	t.Helper()
	severe := make(map[string]bool)
	for _, s := range messages[Code(code)] {
		severe[string(s.severity)] = true
	}
	for _, e := range shown {
		severe[e.severity] = true
	}
	require.NotEmpty(t, severe, "docs/notes.md documents %s, which is no code", code)
	var severities []string
	for _, severity := range []string{"error", "warning", "info"} {
		if severe[severity] {
			severities = append(severities, severity)
		}
	}
	section = regexp.MustCompile(`(?m)^\*[a-z, ]+\.\*`).ReplaceAllLiteralString(section, "*"+strings.Join(severities, " or ")+".*")
	if len(shown) == 0 {
		return section
	}
	first := shown[0]
	if i := slices.IndexFunc(shown, func(e example) bool { return strings.HasPrefix(e.fixture, code) }); i >= 0 {
		first = shown[i]
	}
	block := "`fixtures/convert/" + first.fixture + "`:\n\n```\n" + wrapped(first.severity+"  "+first.lines[0]) + wrapped(strings.Join(first.lines[1:], " ")) + "```"
	old := regexp.MustCompile("(?s)`fixtures/convert/[^`]+`:\n\n```\n.*?```")
	require.Regexp(t, old, section, code)
	return old.ReplaceAllLiteralString(section, block)
}

// wrapped breaks a line at 106 columns, and indents what follows.
func wrapped(line string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case width+1+len(word) > 106:
			b.WriteString("\n    ")
			width = 4
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + "\n"
}
