package output

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// Printer writes words for people. On a terminal it wraps and colours them;
// elsewhere it keeps every row on one line, for grep.
type Printer struct {
	w      io.Writer
	width  int // columns; 0: not a terminal
	colour bool
}

// NewPrinter returns a printer to w. The width is that of a terminal in columns; it is
// 0 when w is not a terminal.
func NewPrinter(w io.Writer, width int, colour bool) *Printer {
	return &Printer{w: w, width: width, colour: colour}
}

// Line prints one line.
func (p *Printer) Line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, plain.Clean(fmt.Sprintf(format, args...))) // a closed stderr hinders nothing
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
	if p.width == 0 {
		return false
	}
	text = plain.Clean(text)
	if runes := []rune(text); len(runes) >= p.width {
		text = string(runes[:p.width-1])
	}
	_, _ = fmt.Fprint(p.w, "\r\x1b[K"+text) // a closed stderr hinders nothing
	return true
}

// Paragraphs prints a message of one or more lines. On a terminal it wraps the first,
// which is words; it does not wrap those that follow, such as a role.
func (p *Printer) Paragraphs(message string) {
	first, rest, more := strings.Cut(plain.Printable(manifest.Redact(message)), "\n")
	if p.width > 0 {
		first = text.WrapSoft(first, p.width)
	}
	_, _ = fmt.Fprintln(p.w, first) // stderr is the last resort
	if more {
		_, _ = fmt.Fprintln(p.w, rest)
	}
}

// whole prints one line and does not cut it, however long it is.
func (p *Printer) whole(text string) {
	_, _ = fmt.Fprintln(p.w, plain.OneLine(text)) // a closed stderr hinders nothing
}

// wrapped prints one line; on a terminal it wraps and indents what is too long.
func (p *Printer) wrapped(format string, args ...any) {
	line := plain.Clean(fmt.Sprintf(format, args...))
	if p.width == 0 || plain.Width(line) <= p.width {
		_, _ = fmt.Fprintln(p.w, line) // a closed stderr hinders nothing
		return
	}
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
	for i, part := range strings.Split(text.WrapSoft(strings.TrimLeft(line, " "), max(p.width-len(indent)-4, 20)), "\n") {
		if i > 0 {
			part = "    " + part
		}
		_, _ = fmt.Fprintln(p.w, indent+strings.TrimRight(part, " "))
	}
}
