package output

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// diffText prints a summary, then the groups of proxies with the same difference.
func diffText(p *Printer, diff *Diff) error {
	for _, sentence := range diff.headline() {
		p.Line("%s.", sentence)
	}
	for _, c := range diff.Comparisons {
		p.Line("%s", summaryLine(c))
	}
	for _, c := range diff.Comparisons {
		for _, cause := range envoydiff.Causes(c) {
			p.Line("")
			heading := title(cause)
			if len(diff.Comparisons) > 1 {
				heading = "on Kuma " + versionsOf(c) + "  " + heading
			}
			p.heading(cause.Verdict, heading)
			if err := p.cause(c, cause, diff.Full); err != nil {
				return err
			}
		}
	}
	return nil
}

// cause prints the proxies of a cause, what decides on them, and what changes.
func (p *Printer) cause(c *envoydiff.Comparison, cause *envoydiff.Cause, full bool) error {
	p.Line("  %s", names(cause.Proxies, full))
	for _, source := range sources(cause, full) {
		p.Line("  %s", source)
	}
	for _, field := range cause.Fields {
		shown, others := shownValues(field, full)
		for _, value := range shown {
			p.Line("  %s  %s: %s -> %s", field.Code, field.Path, value.Before, value.After)
		}
		if others > 0 {
			p.Line("  %s  %s: and %d more (--full lists them)", field.Code, field.Path, others)
		}
	}
	return p.envoyDiff(c, cause)
}

// summaryLine returns the number of proxies of each verdict.
func summaryLine(c *envoydiff.Comparison) string {
	t := envoydiff.Count([]*envoydiff.Comparison{c})
	line := fmt.Sprintf("%s compared: %d same, %d inherent, %d different",
		plain.Plural(t.Proxies, "proxy", "proxies"), t.Same, t.Inherent, t.Different)
	if t.Unknown > 0 {
		line += fmt.Sprintf(", %d unknown", t.Unknown)
	}
	if t.Accepted > 0 {
		line += fmt.Sprintf(", %d accepted", t.Accepted)
	}
	if c.Version.IsRelease() {
		line = fmt.Sprintf("Kuma %s: %s", versionsOf(c), line)
	}
	return line
}

// verdictColours are the colours of verdicts on a terminal.
var verdictColours = map[envoydiff.Verdict]text.Colors{
	envoydiff.Different: {text.FgRed, text.Bold},
	envoydiff.Unknown:   {text.FgYellow},
	envoydiff.Inherent:  {text.FgYellow},
}

// heading prints a verdict and the proxies that have it.
func (p *Printer) heading(v envoydiff.Verdict, proxies string) {
	word, line := string(v), string(v)+"  "+plain.Clean(proxies)
	if p.width > 0 {
		line = text.WrapSoft(line, p.width)
	}
	if p.colour {
		line = strings.Replace(line, word, verdictColours[v].Sprint(word), 1)
	}
	p.write(line)
}

// envoyDiff prints the unified diff of the first listener whose Envoy configuration
// differs.
func (p *Printer) envoyDiff(c *envoydiff.Comparison, cause *envoydiff.Cause) error {
	first := cause.Proxies[0]
	before, after := c.Listeners(first)
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
	if p.colour {
		switch line[0] {
		case '+':
			line = text.FgGreen.Sprint(line)
		case '-':
			line = text.FgRed.Sprint(line)
		case '@':
			line = text.FgCyan.Sprint(line)
		}
	}
	p.write("  " + line)
}
