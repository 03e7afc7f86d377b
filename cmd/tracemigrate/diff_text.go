package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// text prints a summary, then groups of proxies with the same difference.
func (o *outcome) text(p *printer) error {
	for _, sentence := range o.headline() {
		p.wrapped("%s.", sentence)
	}
	for _, c := range o.comparisons {
		p.line("%s", o.summaryLine(c))
	}
	for _, c := range o.comparisons {
		for _, group := range c.Groups() {
			p.line("")
			heading := names(group, o.full)
			if len(o.comparisons) > 1 {
				heading = "on Kuma " + c.Version.String() + "  " + heading
			}
			p.heading(group.Verdict, heading)
			for _, source := range sources(group, o.full) {
				p.wrapped("  %s", source)
			}
			for _, d := range group.Differences {
				p.wrapped("  %s  %s: %s -> %s", d.Code, d.Path, d.Before, d.After)
			}
			if err := p.envoyDiff(c, group); err != nil {
				return err
			}
		}
	}
	return nil
}

// headline says what becomes of the proxies, for each version that all are
// compared for.
func (o *outcome) headline() []string {
	if !o.supposed {
		t := envoydiff.Count(o.comparisons)
		if t.Proxies == 0 {
			return nil
		}
		return []string{plain.Capitalise(plain.Effects(&t))}
	}
	var sentences []string
	for _, c := range o.comparisons {
		t := envoydiff.Count([]*envoydiff.Comparison{c})
		if t.Proxies > 0 {
			sentences = append(sentences, fmt.Sprintf("On Kuma %s, %s", c.Version, plain.Effects(&t)))
		}
	}
	return sentences
}

// summaryLine counts the verdicts.
func (o *outcome) summaryLine(c *envoydiff.Comparison) string {
	t := envoydiff.Count([]*envoydiff.Comparison{c})
	line := fmt.Sprintf("%s compared: %d same, %d inherent, %d different", plain.Plural(t.Proxies, "proxy", "proxies"), t.Same, t.Inherent, t.Different)
	if t.Unknown > 0 {
		line += fmt.Sprintf(", %d unknown", t.Unknown)
	}
	if t.Accepted > 0 {
		line += fmt.Sprintf(", %d accepted", t.Accepted)
	}
	if c.Version.Major > 0 {
		line = fmt.Sprintf("Kuma %s: %s", c.Version, line)
	}
	return line
}

// sources lists what gave the group's proxies their tracing: one, or all.
func sources(group *envoydiff.Group, full bool) []string {
	if full || len(group.Sources) <= 1 {
		return group.Sources
	}
	return []string{group.Sources[0], fmt.Sprintf("and %d other sources (--full lists them)", len(group.Sources)-1)}
}

// names lists three of the group's proxies, or all.
func names(group *envoydiff.Group, full bool) string {
	const shown = 3
	var list []string
	for _, proxy := range group.Proxies {
		if len(list) == shown && !full {
			list = append(list, fmt.Sprintf("and %d more", len(group.Proxies)-shown))
			break
		}
		name := proxy.Name
		if proxy.Mesh != "" {
			name = proxy.Mesh + "/" + name
		}
		list = append(list, name)
	}
	if len(group.Proxies) == 1 {
		return "1 proxy: " + list[0]
	}
	return fmt.Sprintf("%d proxies: %s", len(group.Proxies), strings.Join(list, ", "))
}

// heading prints a verdict, in its colour on a terminal, and whose it is.
func (p *printer) heading(v envoydiff.Verdict, whose string) {
	word, line := string(v), string(v)+"  "+plain.Clean(whose)
	if p.width > 0 {
		line = text.WrapSoft(line, p.width)
	}
	if p.colour {
		colours := map[envoydiff.Verdict]text.Colors{envoydiff.Different: {text.FgRed, text.Bold}, envoydiff.Unknown: {text.FgYellow}, envoydiff.Inherent: {text.FgYellow}}
		line = strings.Replace(line, word, colours[v].Sprint(word), 1)
	}
	_, _ = fmt.Fprintln(p.w, line) // a buffer takes everything
}

// envoyDiff prints how the first listener that differs does, as a unified diff
// of its Envoy configuration.
func (p *printer) envoyDiff(c *envoydiff.Comparison, group *envoydiff.Group) error {
	before, after := c.Listeners(group.Proxies[0])
	for _, d := range group.Differences {
		direction, _, _ := strings.Cut(d.Path, ".")
		for i := range before {
			if string(before[i].Direction) != direction || i >= len(after) {
				continue
			}
			lines, err := plain.ListenerDiff(&before[i], &after[i])
			if err != nil {
				return err
			}
			if len(lines) == 0 {
				continue
			}
			p.line("  --- %s before", before[i].Name())
			p.line("  +++ %s after", after[i].Name())
			for _, line := range lines {
				p.diffLine(line)
			}
			return nil
		}
	}
	return nil
}

func (p *printer) diffLine(line string) {
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
	_, _ = fmt.Fprintln(p.w, "  "+line) // a buffer takes everything
}
