package output

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// Printer writes messages for people. On a terminal it wraps and colours them;
// elsewhere it keeps every row on one line, for grep.
type Printer struct {
	w      io.Writer
	width  int // columns; 0: not a terminal
	colour bool
	quiet  bool // only errors and verdicts
}

// NewPrinter returns a printer to w. The width is that of a terminal in columns; it is
// 0 when w is not a terminal.
func NewPrinter(w io.Writer, width int, colour bool) *Printer {
	return &Printer{w: w, width: width, colour: colour}
}

// Quiet returns a printer that prints only errors and verdicts.
func (p *Printer) Quiet() *Printer {
	return &Printer{w: p.w, width: p.width, colour: p.colour, quiet: true}
}

// Line prints one line of a note. On a terminal it wraps a long line and indents the
// continuations.
func (p *Printer) Line(format string, args ...any) {
	if !p.quiet {
		p.Verdict(format, args...)
	}
}

// Verdict prints a line as Line does, also if the printer is quiet: a verdict or an error.
func (p *Printer) Verdict(format string, args ...any) {
	p.wrap(plain.Clean(fmt.Sprintf(format, args...)))
}

// Clear removes the text on a terminal's current line.
func (p *Printer) Clear() {
	if p.width > 0 {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// Status replaces the text on a terminal's current line, and reports whether there is
// a terminal.
func (p *Printer) Status(text string) bool {
	if p.width == 0 || p.quiet {
		return false
	}
	text = plain.Clean(text)
	if runes := []rune(text); len(runes) >= p.width {
		text = string(runes[:p.width-1])
	}
	_, _ = fmt.Fprint(p.w, "\r\x1b[K"+text)
	return true
}

// Paragraphs prints a message of one or more lines. It treats the first as Line does, and
// prints the others, such as a role to copy, as they are.
func (p *Printer) Paragraphs(message string) {
	first, rest, more := strings.Cut(plain.Printable(manifest.Redact(message)), "\n")
	p.wrap(first)
	if more {
		p.write(rest)
	}
}

// unwrapped prints a line that users copy: it is neither wrapped nor cut.
func (p *Printer) unwrapped(text string) { p.write(plain.OneLine(text)) }

// wrap prints a line. On a terminal it wraps a long line and indents the continuations.
func (p *Printer) wrap(line string) {
	if p.width == 0 || plain.Width(line) <= p.width {
		p.write(line)
		return
	}
	words := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(words)]
	for i, part := range strings.Split(text.WrapSoft(words, max(p.width-len(indent)-4, 20)), "\n") {
		if i > 0 {
			part = "    " + part
		}
		p.write(indent + strings.TrimRight(part, " "))
	}
}

// write prints text and a line end. It ignores errors: most printers write to a buffer,
// and without stderr nothing can report them.
func (p *Printer) write(text string) { _, _ = fmt.Fprintln(p.w, text) }
