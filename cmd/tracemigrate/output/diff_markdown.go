package output

import (
	"fmt"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// diffMarkdown prints a table of the verdicts, then the groups, for a change ticket.
func diffMarkdown(p *Printer, diff *Diff) error {
	var b strings.Builder
	b.WriteString("# Tracing before and after the migration\n\n")
	if envoydiff.Count(diff.Comparisons).Proxies == 0 {
		b.WriteString("**No proxy was compared.**\n\n")
	}
	for _, sentence := range diff.headline() {
		fmt.Fprintf(&b, "**%s.**\n\n", markdownText(sentence))
	}
	if len(diff.Unread) > 0 {
		fmt.Fprintf(&b, "**%s.**\n\n", markdownText(plain.Capitalise(diff.unknown())))
	}
	if diff.Refused > 0 {
		b.WriteString("**Not everything can be carried over.**\n\n")
	}
	if made := diff.madeUp(); made > 0 {
		fmt.Fprintf(&b, "%d of the proxies are made up from the selectors, because the input has no Dataplane of their mesh.\n\n", made)
	}
	b.WriteString("| Kuma | proxies | same | inherent | different | unknown | accepted |\n|---|---|---|---|---|---|---|\n")
	for _, c := range diff.Comparisons {
		version := "dumps"
		if c.Version.IsRelease() {
			version = versionsOf(c)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", version, len(c.Proxies), c.Count(envoydiff.Same),
			c.Count(envoydiff.Inherent), c.Count(envoydiff.Different), c.Count(envoydiff.Unknown), c.Count(envoydiff.Accepted))
	}
	for _, c := range diff.Comparisons {
		for _, cause := range envoydiff.Causes(c) {
			fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\n", cause.Verdict, markdownText(title(cause)), markdownText(names(cause.Proxies, diff.Full)))
			for _, source := range sources(cause, diff.Full) {
				fmt.Fprintf(&b, "%s\n\n", markdownText(source))
			}
			b.WriteString("| code | field | before | after |\n|---|---|---|---|\n")
			for _, f := range cause.Fields {
				shown, others := shownValues(f, diff.Full)
				for _, value := range shown {
					fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Code, markdownText(f.Path), markdownText(value.Before), markdownText(value.After))
				}
				if others > 0 {
					fmt.Fprintf(&b, "| %s | %s | and %d more | (--full lists them) |\n", f.Code, markdownText(f.Path), others)
				}
			}
		}
	}
	_, err := fmt.Fprint(p.w, b.String())
	return err
}
