package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// printer writes words for people. On a terminal it wraps and colours them;
// elsewhere a row stays on its line, for grep.
type printer struct {
	w      io.Writer
	width  int // columns; 0: not a terminal
	colour bool
}

func newPrinter(w io.Writer) *printer {
	p := &printer{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			p.width = width
		}
		p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return p
}

// whole prints to stdout what fill writes, all of it or nothing. Its printer
// wraps and colours as the terminal behind stdout wants it.
func whole(c *cli.Context, fill func(*printer) error) error {
	var text bytes.Buffer
	out := newPrinter(c.App.Writer)
	out.w = &text
	if err := fill(out); err != nil {
		return err
	}
	if _, err := c.App.Writer.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

// clear takes what stands on a terminal's current line away.
func (p *printer) clear() {
	if p.width > 0 {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *printer) line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, plain.Clean(fmt.Sprintf(format, args...))) // a closed stderr hinders nothing
}

// paragraphs is a message of one or more lines; on a terminal the first, which
// is words, is wrapped, and those that follow, such as a role, stay as they are.
func (p *printer) paragraphs(message string) {
	first, rest, more := strings.Cut(plain.Printable(manifest.Redact(message)), "\n")
	if p.width > 0 {
		first = text.WrapSoft(first, p.width)
	}
	_, _ = fmt.Fprintln(p.w, first) // stderr is the last resort
	if more {
		_, _ = fmt.Fprintln(p.w, rest)
	}
}

// whole is line for what must not be cut, however long.
func (p *printer) whole(text string) {
	_, _ = fmt.Fprintln(p.w, plain.OneLine(text)) // a closed stderr hinders nothing
}

// wrapped is line, but what does not fit a terminal goes on, indented, on the next.
func (p *printer) wrapped(format string, args ...any) {
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

// problems prints what is wrong with the input, and how much of it there is.
func (p *printer) problems(problems []*manifest.Problem, done string) {
	const shown = 100
	errors := p.list(problems, manifest.Error, "", shown)
	if errors > shown {
		p.line("and %d more errors", errors-shown)
	}
	p.warnings(problems)
	is := "is 1 error"
	if errors != 1 {
		is = fmt.Sprintf("are %d errors", errors)
	}
	p.line("tracemigrate: there %s in the input; nothing was %s", is, done)
}

// warnings prints what is odd in the input.
func (p *printer) warnings(problems []*manifest.Problem) {
	p.list(problems, manifest.Warning, " (warning)", 100)
}

// skipped prints what of a cluster could not be read and was left out, and
// returns what of it policies depend on.
func (p *printer) skipped(s *cluster.Snapshot) []string {
	var names []string
	for _, problem := range manifest.SortProblems(s.Skipped) {
		p.line("%s (left out)", problem.Error())
		if name := problem.Resource(); !convert.IsProxy(problem) && !slices.Contains(names, name) {
			names = append(names, cmp.Or(name, "a document"))
		}
	}
	return names
}

// unread prints what of a cluster could not be listed, and returns what of it
// leaves proxies uncompared.
func (p *printer) unread(s *cluster.Snapshot) []string {
	if s.Origin == nil {
		return nil
	}
	var names []string
	for _, u := range s.Origin.Unread {
		if u.What == "version" || u.What == "mode" {
			continue
		}
		p.line("not known: %s, because %s. To do: %s", u.What, u.Reason, u.Remedy)
		if u.What == cluster.KindDataplane && len(s.TrafficTraces) > 0 {
			names = append(names, "the Dataplanes")
		}
	}
	return names
}

// list prints the first shown problems of a severity, and returns how many
// there are.
func (p *printer) list(problems []*manifest.Problem, severity manifest.Severity, suffix string, shown int) int {
	n := 0
	for _, problem := range manifest.SortProblems(problems) {
		if problem.Severity != severity {
			continue
		}
		if n++; n <= shown {
			p.line("%s%s", problem.Error(), suffix)
		}
	}
	return n
}

// result prints the map of selectors to policies, then the notes.
func (p *printer) result(s *cluster.Snapshot, r *convert.Result) {
	if len(r.Policies) == 0 {
		p.line("no MeshTrace comes of this: %s", whyNothing(s, r))
	}
	if len(r.Fates) > 0 {
		p.tableOf([]string{"TRAFFICTRACE", "SELECTOR", "BECOMES"}, func(yield func([]string) bool) {
			for _, fate := range r.Fates {
				if !yield([]string{traceName(fate), selectorText(fate), becomes(r, fate)}) {
					return
				}
			}
		})
	}
	if len(r.Notes) > 0 {
		if len(r.Fates) > 0 {
			p.line("")
		}
		rows := make([][]string, 0, len(r.Notes))
		for _, note := range r.Notes {
			message := note.Resource + ": " + note.Message
			if note.Remedy != "" {
				message += ". To do: " + note.Remedy
			}
			rows = append(rows, []string{string(note.Severity), string(note.Code), note.Source.String(), message})
		}
		p.table([]string{"SEVERITY", "CODE", "SOURCE", "NOTE"}, rows)
	}
	if t := envoydiff.Count(r.Comparisons); t.Proxies > 0 {
		p.line("")
		p.wrapped("%s", plain.Effects(&t))
	}
}

var colours = map[string]text.Colors{
	string(manifest.Error):   {text.FgRed, text.Bold},
	string(manifest.Warning): {text.FgYellow},
	string(manifest.Info):    {text.FgCyan},
}

// whyNothing is the reason that there is no policy.
func whyNothing(s *cluster.Snapshot, r *convert.Result) string {
	switch {
	case len(s.Meshes) == 0 && len(s.TrafficTraces) == 0:
		return "the input has neither a Mesh nor a TrafficTrace"
	case len(s.TrafficTraces) == 0 && r.Tracing() > 0:
		return fmt.Sprintf("the input has no TrafficTrace; %s with a backend %s there", plain.Plural(r.Tracing(), "MeshTrace", "MeshTraces"), map[bool]string{true: "is", false: "are"}[r.Tracing() == 1])
	case len(s.TrafficTraces) == 0:
		return "the input has no TrafficTrace, and without one nothing is traced"
	case r.Refused():
		return "what there is cannot be carried over, see the errors below"
	}
	for _, fate := range r.Fates {
		return fmt.Sprintf("TrafficTrace %q: %s", fate.TrafficTrace, fate.Reason)
	}
	return "no TrafficTrace has a selector"
}

// madeUp prints that made-up proxies stand for unknown ones.
func (p *printer) madeUp(n int, complete bool) {
	if n == 0 {
		return
	}
	p.line("tracemigrate: no Dataplane is known in a mesh with TrafficTraces: %d made-up proxies stand for what selectors can select", n)
	if !complete {
		p.line("tracemigrate: there are more combinations of selectors than %d a mesh; only that many were compared", maxMadeUp)
	}
}

// refusals prints what could not be carried over, as far as diff concerns.
func (p *printer) refusals(version cluster.Version, r *convert.Result) {
	for _, note := range r.Notes {
		if note.Severity == manifest.Error {
			p.line("%s: %s: %s (%s, on Kuma %s)", note.Source, note.Resource, note.Message, note.Code, version)
		}
	}
}

// noted prints the notes of a code, as far as diff and explain concern.
func (p *printer) noted(code convert.Code, version cluster.Version, r *convert.Result) {
	for _, note := range r.Notes {
		if note.Code == code {
			p.line("%s: %s: %s (%s, on Kuma %s)", note.Source, note.Resource, note.Message, note.Code, version)
		}
	}
}

func traceName(fate *convert.Fate) string {
	if fate.Mesh == "default" {
		return fate.TrafficTrace
	}
	return fate.Mesh + "/" + fate.TrafficTrace
}

func selectorText(fate *convert.Fate) string {
	switch {
	case fate.Selector == 0:
		return "(none)"
	case fate.Selectors > 1:
		return fmt.Sprintf("%d: %s", fate.Selector, fate.Tags)
	}
	return fate.Tags.String()
}

// becomes says which policies a selector became, or why none.
func becomes(r *convert.Result, fate *convert.Fate) string {
	if len(fate.Policies) == 0 {
		return "none: " + fate.Reason
	}
	var names []string
	for _, policy := range fate.Policies {
		stands := ""
		if r.Stands(policy) {
			stands = "; stands already"
		}
		names = append(names, fmt.Sprintf("%s (%s%s)", policy.Name, &policy.TargetRef, stands))
	}
	const shown = 4
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	return strings.Join(names, ", ")
}

// table prints rows in columns, see tableOf.
func (p *printer) table(headers []string, rows [][]string) {
	p.tableOf(headers, slices.Values(rows))
}

// tableOf prints rows in columns. On a terminal that is too narrow for them, the
// last columns stand beneath the others, wrapped. It asks for the rows twice, so
// that many need not be kept.
func (p *printer) tableOf(headers []string, rows iter.Seq[[]string]) {
	all := func(yield func(int, []string) bool) {
		n := 0
		next := func(row []string) bool {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = plain.Clean(cell)
			}
			n++
			return yield(n-1, cells)
		}
		if !next(headers) {
			return
		}
		rows(next)
	}
	widths := make([]int, len(headers))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], plain.Width(cell))
		}
	}
	beside := p.fitting(widths)
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row[:beside] {
			padding := strings.Repeat(" ", widths[i]-plain.Width(cell)+2)
			if colour, ok := colours[cell]; ok && i == 0 && p.colour {
				cell = colour.Sprint(cell)
			}
			line.WriteString(cell + padding)
		}
		rest := row[beside:]
		if head := strings.Join(rest, ", "); n == 0 && head != "" {
			if p.width > 0 && plain.Width(line.String())+plain.Width(head) > p.width {
				line.WriteString("\n    ")
			}
			line.WriteString(head)
		}
		_, _ = fmt.Fprintln(p.w, strings.TrimRight(line.String(), " ")) // a closed stderr hinders nothing
		if n > 0 {
			p.beneath(headers[beside:], rest)
		}
	}
}

// fitting is how many columns of these widths stand beside each other: all,
// unless a terminal is too narrow.
func (p *printer) fitting(widths []int) int {
	total := -2
	for _, width := range widths {
		total += width + 2
	}
	if p.width == 0 || total <= p.width {
		return len(widths)
	}
	beside := len(widths) - 1
	for total -= widths[beside] + 2; beside > 1 && total > p.width; {
		beside--
		total -= widths[beside] + 2
	}
	return beside
}

// beneath prints cells under a row, each by the name of its column where there
// are several.
func (p *printer) beneath(headers, cells []string) {
	const indent = "    "
	for i, cell := range cells {
		if len(cells) > 1 {
			cell = strings.ToLower(headers[i]) + " " + cell
		}
		for line := range strings.Lines(text.WrapSoft(cell, max(p.width-len(indent), 20))) {
			_, _ = fmt.Fprintln(p.w, indent+strings.TrimRight(line, " \n"))
		}
	}
}

// encodeJSON writes v as JSON, with an escape for what could steer a terminal.
func encodeJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	out.Grow(text.Len())
	for _, r := range text.String() {
		if r == '\n' || ' ' <= r && r < 0x7f || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // within a string, as nowhere else in JSON
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
