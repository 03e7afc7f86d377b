package output

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// diffText prints the head, a summary, the causes of differences, and the outcome.
func diffText(p *Printer, diff *Diff) error {
	p = p.uncut(diff.Full)
	p.head(&diff.Head)
	p.Line("")
	if err := p.Diff(diff); err != nil || !diff.Holds() {
		return err
	}
	p.Line("")
	p.Outcome("%s.", plain.Capitalise(diff.Outcome()))
	return nil
}

// Diff prints a summary of a comparison, then the causes of differences. A quiet printer
// prints neither: a verdict follows.
func (p *Printer) Diff(diff *Diff) error {
	if p.quiet {
		return nil
	}
	for _, sentence := range diff.headline() {
		p.Line("%s.", sentence)
	}
	for _, c := range diff.Comparisons {
		p.Line("%s", summaryLine(c))
	}
	for _, cause := range diff.causes() {
		p.Line("")
		p.heading(cause.Verdict, diff.title(&cause))
		if err := p.cause(&cause, diff); err != nil {
			return err
		}
	}
	return nil
}

// cause prints the proxies of a cause, what decides on them, and what changes.
func (p *Printer) cause(cause *causeOf, diff *Diff) error {
	full, lists := diff.Full, " (--full lists them)"
	if diff.Command == "" { // of verify and rewrite, which do not have --full
		lists = ""
	}
	p.Line("  %s", names(cause.Proxies, full))
	shown, others := firstOf(cause.Sources(), mostSources, full)
	for _, source := range shown {
		p.Line("  %s", source)
	}
	if others > 0 {
		p.Line("  %s%s", otherSources(others), lists)
	}
	for _, field := range cause.Fields {
		shown, others := firstOf(field.Values, mostValues, full)
		for _, value := range shown {
			p.Line("  %s  %s: %s -> %s", field.Code, field.Path, value.Before, value.After)
		}
		if others > 0 {
			p.Line("  %s  %s: and %d more%s", field.Code, field.Path, others, lists)
		}
	}
	return p.envoyDiff(cause)
}

// summaryLine returns the number of proxies of each verdict in a comparison.
func summaryLine(c *envoydiff.Comparison) string {
	t := envoydiff.Count([]*envoydiff.Comparison{c})
	if c.Version.IsRelease() {
		return fmt.Sprintf("Kuma %s: %s", versionsOf(c), compared(&t))
	}
	return compared(&t)
}

// compared returns the number of proxies of each verdict.
func compared(t *envoydiff.Tally) string {
	text := fmt.Sprintf("%s compared: %s same, %s inherent, %s different",
		convert.Plural(t.Proxies, "proxy"), convert.Number(t.Same), convert.Number(t.Inherent), convert.Number(t.Different))
	if t.Unknown > 0 {
		text += fmt.Sprintf(", %s unknown", convert.Number(t.Unknown))
	}
	if t.Accepted > 0 {
		text += fmt.Sprintf(", %s accepted", convert.Number(t.Accepted))
	}
	return text
}

// verdictColours are the colours of verdicts on a terminal.
var verdictColours = map[envoydiff.Verdict]text.Colors{
	envoydiff.Different: {text.FgRed, text.Bold},
	envoydiff.Unknown:   {text.FgYellow},
	envoydiff.Inherent:  {text.FgYellow},
}

// heading prints a verdict and the proxies that have it.
func (p *Printer) heading(v envoydiff.Verdict, proxies string) {
	for i, line := range p.wrapped(string(v) + "  " + p.clean(proxies)) {
		if i == 0 && p.colour {
			line = strings.Replace(line, string(v), verdictColours[v].Sprint(string(v)), 1)
		}
		p.write(line)
	}
}

// envoyDiff prints the unified diff of the first listener whose Envoy configuration
// differs.
func (p *Printer) envoyDiff(cause *causeOf) error {
	first := cause.Proxies[0]
	before, after := cause.comparison.Listeners(first)
	for _, d := range first.Differences {
		for i := range before {
			if before[i].Direction != d.Direction || i >= len(after) {
				continue
			}
			lines, err := plain.ListenerDiff(&before[i], &after[i])
			if err != nil {
				return err
			}
			if len(lines) == 0 {
				continue
			}
			p.unwrapped(fmt.Sprintf("  --- %s before", before[i].Name()))
			p.unwrapped(fmt.Sprintf("  +++ %s after", after[i].Name()))
			for _, line := range lines {
				p.diffLine(line)
			}
			return nil
		}
	}
	return nil
}

func (p *Printer) diffLine(line string) {
	line = plain.Printable(line)
	if colour, ok := lineColours[line[0]]; ok && p.colour {
		line = colour.Sprint(line)
	}
	p.write("  " + line)
}

// lineColours are the colours of a unified diff, by the first character of a line.
var lineColours = map[byte]text.Color{'+': text.FgGreen, '-': text.FgRed, '@': text.FgCyan}
