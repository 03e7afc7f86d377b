package output

import (
	"strconv"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// diffMarkdown prints a table of the verdicts, then the causes, for a change ticket.
func diffMarkdown(p *Printer, diff *Diff) error {
	m := &markdown{command: diff.Command, full: diff.Full}
	m.paragraph("# Tracing before and after the migration")
	m.head(&diff.Head)
	if envoydiff.Count(diff.Comparisons).Proxies == 0 {
		m.paragraph("**No proxy was compared.**")
	}
	for _, sentence := range diff.headline() {
		m.paragraph("**%s.**", markdownText(sentence))
	}
	if diff.Refused > 0 {
		m.paragraph("**Not everything can be carried over.**")
	}
	if made := madeUp(diff.Comparisons); made > 0 {
		m.paragraph("%d of the proxies are made up from the selectors, because the input has no Dataplane of their mesh.", made)
	}
	var rows [][]string
	for _, c := range diff.Comparisons {
		version := "dumps"
		if c.Version.IsRelease() {
			version = versionsOf(c)
		}
		t, row := envoydiff.Count([]*envoydiff.Comparison{c}), []string{version}
		for _, n := range []int{t.Proxies, t.Same, t.Inherent, t.Different, t.Unknown, t.Accepted} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	m.table([]string{"Kuma", "proxies", "same", "inherent", "different", "unknown", "accepted"}, rows, nil)
	for _, cause := range diff.causes() {
		m.paragraph("## %s: %s", cause.Verdict, markdownText(diff.title(&cause)))
		m.cause(cause.Cause)
	}
	return m.write(p.w)
}

// head adds what was read, and when and from what the output was made.
func (m *markdown) head(head *report.Head) {
	var items []string
	if head.Cluster != "" {
		items = append(items, "- "+markdownText(plain.Clean(head.Cluster)))
	}
	if head.Tool != "" {
		items = append(items, "- "+markdownText(made(head)))
	}
	m.list(items)
}

// cause adds the proxies of a cause, what decides on them, and what changes.
func (m *markdown) cause(cause *envoydiff.Cause) {
	m.paragraph("%s", markdownText(names(cause.Proxies, m.full)))
	sources, others := firstOf(cause.Sources(), mostSources, m.full)
	for _, source := range sources {
		m.paragraph("%s", markdownText(cleaned(source, m.full)))
	}
	if others > 0 {
		m.paragraph("%s (`--full` lists them)", otherSources(others))
	}
	var rows [][]string
	for _, f := range cause.Fields {
		shown, others := firstOf(f.Values, mostValues, m.full)
		for _, value := range shown {
			rows = append(rows, []string{string(f.Code), f.Path, value.Before, value.After})
		}
		if others > 0 {
			rows = append(rows, []string{string(f.Code), f.Path, "and " + convert.Number(others) + " more", "`--full` lists them"})
		}
	}
	m.table([]string{"code", "field", "before", "after"}, rows, []string{"--full"})
}
