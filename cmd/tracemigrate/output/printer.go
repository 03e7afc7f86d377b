package output

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// Printer writes messages for people. On a terminal it wraps and colours them;
// elsewhere it keeps every row on one line, for grep, unless it prints a text.
type Printer struct {
	w       io.Writer
	width   int // of the terminal; 0: not a terminal
	columns int // where lines are wrapped; 0: nowhere
	colour  bool
	quiet   bool // only errors, what could not be read, and verdicts
	whole   bool // no line is cut, for --full
}

// NewPrinter returns a printer of messages to w. The width is that of a terminal in
// columns; it is 0 when w is not a terminal.
func NewPrinter(w io.Writer, width int, colour bool) *Printer {
	return &Printer{w: w, width: width, columns: width, colour: colour}
}

// NewTextPrinter returns a printer of a text to w, which it wraps also elsewhere than on a
// terminal, because people read it in files and logs.
func NewTextPrinter(w io.Writer, width int, colour bool) *Printer {
	const columns = 100 // without a terminal
	return &Printer{w: w, width: width, columns: cmp.Or(width, columns), colour: colour}
}

// Quiet returns a printer that prints only errors, what could not be read, and verdicts.
func (p *Printer) Quiet() *Printer {
	quiet := *p
	quiet.quiet = true
	return &quiet
}

// uncut returns a printer for --full, if that is set: it prints lines of any length.
func (p *Printer) uncut(full bool) *Printer {
	uncut := *p
	uncut.whole = full
	return &uncut
}

// clean returns text as one line that is safe to print. Without --full, a long one is cut.
func (p *Printer) clean(s string) string { return cleaned(s, p.whole) }

func cleaned(s string, full bool) string {
	if full {
		return plain.OneLine(s)
	}
	return plain.Clean(s)
}

// Line prints one line of a note. It wraps a long line and indents the continuations.
func (p *Printer) Line(format string, args ...any) {
	if !p.quiet {
		p.Verdict(format, args...)
	}
}

// Verdict prints a line as Line does, also if the printer is quiet: a verdict or an error.
func (p *Printer) Verdict(format string, args ...any) {
	p.wrap(p.clean(fmt.Sprintf(format, args...)))
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

// Outcome prints the outcome, the last line of a text. Only a terminal wraps it, so that
// tail -1 gives it as a whole.
func (p *Printer) Outcome(format string, args ...any) { p.finding(fmt.Sprintf(format, args...)) }

// finding prints one line about a place. Only a terminal wraps it, so that grep finds it as
// a whole.
func (p *Printer) finding(line string) {
	if p.width == 0 {
		p.write(p.clean(line))
		return
	}
	p.wrap(p.clean(line))
}

// wrap prints a line. It wraps a long one and indents the continuations.
func (p *Printer) wrap(line string) {
	for _, part := range p.wrapped(line) {
		p.write(part)
	}
}

// wrapped returns the lines that a line is wrapped to.
func (p *Printer) wrapped(line string) []string {
	if p.columns == 0 || plain.Width(line) <= p.columns {
		return []string{line}
	}
	words := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(words)]
	parts := wrapWords(words, max(p.columns-len(indent)-4, 20))
	for i, part := range parts {
		if i > 0 {
			part = "    " + part
		}
		parts[i] = indent + part
	}
	return parts
}

// wrapWords breaks s at spaces into lines of a width, and a longer word anywhere. It keeps the
// spaces within a line, because two of them separate columns; text.WrapSoft does not.
func wrapWords(s string, width int) []string {
	var lines []string
	var line string
	for rest := s; rest != ""; {
		words := strings.TrimLeft(rest, " ")
		gap := rest[:len(rest)-len(words)]
		word, _, _ := strings.Cut(words, " ")
		rest = words[len(word):]
		if line != "" && plain.Width(line)+len(gap)+plain.Width(word) <= width {
			line += gap + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		pieces := strings.Split(strings.TrimRight(text.WrapHard(word, width), "\n"), "\n")
		lines, line = append(lines, pieces[:len(pieces)-1]...), pieces[len(pieces)-1]
	}
	return append(lines, line)
}

// write prints text and a line end. It ignores errors: most printers write to a buffer,
// and without stderr nothing can report them.
func (p *Printer) write(text string) { _, _ = fmt.Fprintln(p.w, text) }
