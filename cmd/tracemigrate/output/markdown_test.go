package output

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Text is shown as it is, and only the spans of a sentence are code.
func TestMarkdownSentence(t *testing.T) {
	tests := map[string]struct {
		text    string
		spans   []string
		inTable bool
		want    string
	}{
		"text":                       {"a`b` *c* <d> ~e~ [f](g)", nil, false, "a\\`b\\` \\*c\\* &lt;d&gt; \\~e\\~ \\[f\\](g)"},
		"span":                       {"run `a_b *` now", []string{"a_b *"}, false, "run `a_b *` now"},
		"span and other backticks":   {"`x`: run `a` or `x`", []string{"a"}, false, "\\`x\\`: run `a` or \\`x\\`"},
		"two spans":                  {"`b` before `a`", []string{"a", "b"}, false, "`b` before `a`"},
		"a span twice":               {"`a` and `a`", []string{"a"}, false, "`a` and `a`"},
		"a span with backticks":      {"run `get 'a`b'`", []string{"get 'a`b'"}, false, "run ``get 'a`b'``"},
		"a span with one at its end": {"run `get b`` now", []string{"get b`"}, false, "run `` get b` `` now"},
		"a bar in a table":           {"`a|b`|c", []string{"a|b"}, true, "`a\\|b`\\|c"},
		"a bar elsewhere":            {"`a|b`|c", []string{"a|b"}, false, "`a|b`\\|c"},
		"a link":                     {"https://evil.example/x", nil, false, "https&#58;//evil.example/x"},
		"a link without a scheme":    {"(www.evil.example WWW.x)", nil, true, "(www&#46;evil.example WWW&#46;x)"},
		"a name and a number":        {"@kumahq #1 kuma#2 a@b.example", nil, false, "&#64;&#8203;kumahq &#35;&#8203;1 kuma&#35;&#8203;2 a&#64;&#8203;b.example"},
		"no link, in text":           {"a @ b # c: d, awww.x", nil, false, "a @ b # c: d, awww.x"},
		"no link, in code":           {"`curl http://x@y`", []string{"curl http://x@y"}, false, "`curl http://x@y`"},
		"a span that is not there":   {"run `b`", []string{"a"}, false, "run \\`b\\`"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, markdownSentence(tt.text, tt.spans, tt.inTable))
		})
	}
}

// A document is cut between blocks, and between rows of a table, to what a comment can have.
func TestMarkdownLimit(t *testing.T) {
	row := []string{strings.Repeat("x", 100), "`|"}
	rows := func(n int) [][]string {
		all := make([][]string, n)
		for i := range all {
			all[i] = row
		}
		return all
	}
	for name, fill := range map[string]func(m *markdown){
		"a long table":     func(m *markdown) { m.table([]string{"a", "b"}, rows(2000), nil) },
		"a long list":      func(m *markdown) { m.list(strings.Split(strings.Repeat("- an item\n", 20_000), "\n")) },
		"one row too long": func(m *markdown) { m.table([]string{"a"}, [][]string{{strings.Repeat("é", 1000)}, row[:1]}, nil) },
		"code too long":    func(m *markdown) { m.paragraph("%s", fenced(strings.Repeat("x\n", 40_000), "sh")) },
		"many code blocks": func(m *markdown) {
			for range 3000 {
				m.paragraph("%s", fenced("a long command that is run", "sh"))
			}
		},
		"many small tables": func(m *markdown) {
			for range 500 {
				m.table([]string{"a", "b"}, rows(3), nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := &markdown{command: "tracemigrate diff"}
			m.paragraph("# Title")
			fill(m)
			m.paragraph("The end.")
			var cut, whole bytes.Buffer
			require.NoError(t, m.write(&cut))
			m.full = true
			require.NoError(t, m.write(&whole))
			assert.Contains(t, whole.String(), "\nThe end.\n")
			assert.LessOrEqual(t, cut.Len(), 65_536)
			assertMarkdown(t, cut.String())
			assertMarkdown(t, whole.String())
			if whole.Len() <= 65_000 {
				assert.Equal(t, whole.String(), cut.String())
				return
			}
			shown := strings.Count(cut.String(), "\n")
			assert.Regexp(t, `\n\n[0-9,]+ lines are left out, because a comment has at most 65,536 characters: run `+"`tracemigrate diff -o markdown --full`\\.\n$", cut.String())
			assert.Less(t, shown, strings.Count(whole.String(), "\n"))
		})
	}
}

// assertMarkdown fails if a fence is open, or a row of a table has not as many cells as its
// head.
func assertMarkdown(t *testing.T, text string) {
	t.Helper()
	fence, cells := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence != "":
			if line == fence {
				fence = ""
			}
		case strings.HasPrefix(line, "```"):
			fence = line[:strings.LastIndexByte(line, '`')+1]
		case strings.HasPrefix(line, "|"):
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if cells != 0 && n != cells {
				assert.Fail(t, "a row has other cells than its head", line)
			}
			cells = n
		default:
			cells = 0
		}
	}
	assert.Empty(t, fence, "an open fence")
}

// A table is cut to a number of lines, however its rows are wrapped.
func TestTableUpTo(t *testing.T) {
	for name, tt := range map[string]struct {
		rows, limit, left, lines int
		cell                     string
	}{
		"all":             {5, 6, 0, 6, "b"},
		"no limit":        {50, 0, 0, 51, "b"},
		"one too many":    {6, 6, 1, 6, "b"},
		"wrapped":         {50, 12, 47, 10, strings.Repeat("b", 78)},
		"at least three":  {50, 12, 47, 34, strings.Repeat("word ", 150)},
		"fewer than that": {2, 1, 1, 2, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := make([][]string, tt.rows)
			for i := range rows {
				rows[i] = []string{fmt.Sprint(i), tt.cell}
			}
			var out bytes.Buffer
			p := NewPrinter(&out, 80, false)
			assert.Equal(t, tt.left, p.tableUpTo(tt.limit, 3, []string{"A", "B"}, rows))
			assert.Equal(t, tt.lines, strings.Count(out.String(), "\n"), out.String())
		})
	}
}

// A text is wrapped at 100 columns without a terminal, and a message is not.
func TestTextPrinter(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 30))
	var out bytes.Buffer
	p := NewTextPrinter(&out, 0, false)
	p.Line("%s", long)
	p.table([]string{"A", "B"}, [][]string{{"a", long}})
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 101)
	}
	assert.Equal(t, 6, strings.Count(out.String(), "\n"), out.String())
	out.Reset()
	p.unwrapped(long)
	assert.Equal(t, long+"\n", out.String(), "a command to copy")
	out.Reset()
	assert.False(t, p.Status("reading"))
	NewTextPrinter(&out, 40, false).Line("%s", long)
	assert.Equal(t, 5, strings.Count(out.String(), "\n"), "on a terminal of 40 columns")
	out.Reset()
	NewPrinter(&out, 0, false).Line("%s", long)
	assert.Equal(t, long+"\n", out.String())
}
