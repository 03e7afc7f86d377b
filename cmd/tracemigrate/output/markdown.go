package output

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
)

// markdown is a document in blocks: headings, paragraphs, lists, tables and code.
type markdown struct {
	command string // that makes it, without its form
	full    bool   // --full is set, so that nothing is left out
	blocks  []block
}

// block is the lines of a block. If it must be cut, at least the first lines stay together.
type block struct {
	lines    []string
	together int
}

// paragraph adds a block that is never cut, such as a heading.
func (m *markdown) paragraph(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	m.blocks = append(m.blocks, block{lines, len(lines)})
}

// list adds items that are Markdown, if there are any.
func (m *markdown) list(items []string) {
	if len(items) > 0 {
		m.blocks = append(m.blocks, block{items, 1})
	}
}

// table adds a table whose cells are text, in which spans are code. It can be cut after its
// first row.
func (m *markdown) table(heads []string, rows [][]string, spans []string) {
	line := func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
	lines := []string{line(heads), "|" + strings.Repeat("---|", len(heads))}
	for _, row := range rows {
		lines = append(lines, line(lists.Each(row, func(cell string) string { return markdownSentence(cleaned(cell, m.full), spans, true) })))
	}
	m.blocks = append(m.blocks, block{lines, 3})
}

// lines returns the number of lines so far, with the empty ones between blocks.
func (m *markdown) lines() int {
	n := 0
	for _, b := range m.blocks {
		n += len(b.lines) + 1
	}
	return n
}

// maxMarkdown is the number of bytes that a comment of a pull request can have.
const maxMarkdown = 65_536

// write prints the document. Without --full it is cut to what a comment can have, and its
// last line says so.
func (m *markdown) write(w io.Writer) error {
	again := codeSpan(plain.OneLine(m.command)+" -o markdown --full", false)
	pointer := 200 + len(again) // bytes at most
	var text strings.Builder
	left, cut := 0, false
	for i, b := range m.blocks {
		lines := b.lines
		switch {
		case cut:
			lines = nil
		case !m.full:
			lines = b.fitting(maxMarkdown - pointer - text.Len())
		}
		cut = len(lines) < len(b.lines)
		left += len(b.lines) - len(lines)
		if len(lines) == 0 {
			continue
		}
		if i > 0 {
			text.WriteString("\n")
		}
		text.WriteString(strings.Join(lines, "\n") + "\n")
	}
	if left > 0 {
		fmt.Fprintf(&text, "\n%s left out, because a comment has at most %s characters: run %s.\n",
			convert.Plural(left, "line is", "lines are"), convert.Number(maxMarkdown), again)
	}
	_, err := fmt.Fprint(w, text.String())
	return err
}

// fitting returns the first lines of a block that fit into a number of bytes, with an empty
// line before them: all, or as many as the block can be cut to.
func (b block) fitting(size int) []string {
	size-- // the empty line
	for i, line := range b.lines {
		if size -= len(line) + 1; size < 0 {
			if i < b.together {
				return nil
			}
			return b.lines[:i]
		}
	}
	return b.lines
}

// markdownText escapes Markdown and HTML in text of the input, so that it is shown as it is.
func markdownText(s string) string {
	s = markdownEscapes.Replace(plain.Printable(s))
	return linked.ReplaceAllStringFunc(s, unlinked.Replace)
}

// linked are the parts by which a comment on GitHub or GitLab makes links, and notifies who is
// named. An entity alone does not prevent that after @ and #; a space without width does.
var (
	linked   = regexp.MustCompile(`[@#]\b|://|(?i:\bwww\.)`)
	unlinked = strings.NewReplacer("@", "&#64;&#8203;", "#", "&#35;&#8203;", ":", "&#58;", ".", "&#46;")
)

var markdownEscapes = strings.NewReplacer("\n", " ", `\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"~", `\~`, "<", "&lt;", ">", "&gt;", "&", "&amp;")

// markdownSentence escapes like markdownText, but the spans, which a sentence has between
// backticks, are code.
func markdownSentence(s string, spans []string, inTable bool) string {
	var b strings.Builder
	for {
		before, span, after := plain.CutSpan(s, spans)
		b.WriteString(markdownText(before))
		if span == "" {
			return b.String()
		}
		b.WriteString(codeSpan(span, inTable))
		s = after
	}
}

// codeSpan returns text as code within a line.
func codeSpan(text string, inTable bool) string {
	text = strings.ReplaceAll(plain.Printable(text), "\n", " ")
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	if inTable { // where alone this is an escape within code
		text = strings.ReplaceAll(text, "|", `\|`)
	}
	return fence + text + fence
}

// fenced returns text as a code block, with a fence that text does not contain.
func fenced(text, language string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + plain.Printable(text) + "\n" + fence
}
