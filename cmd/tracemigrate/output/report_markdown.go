package output

import (
	"fmt"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// The most rows of a table, and lines of the document, without --full.
const (
	mostMarkdownRows  = 12
	mostMarkdownLines = 300
)

// reportMarkdown prints the same as reportText for a change ticket, and the manifests.
func reportMarkdown(p *Printer, r *Report) error {
	m := &markdown{command: r.Command, full: r.Full}
	sentence, _ := plain.ReportVerdict(&r.Summary)
	m.paragraph("# Tracing migration: %s", markdownText(sentence))
	m.origin(r)
	m.paragraph("%s.", markdownText(counts(r.Report)))
	for _, s := range reportSections(r) {
		m.section(&s)
	}
	m.handWork(r)
	m.way(r)
	if len(r.NextSteps) > 0 {
		m.paragraph("## Next steps")
		shown, others := firstOf(r.NextSteps, mostSteps, r.Full)
		for i, step := range shown {
			m.paragraph("%d. %s\n\n%s", i+1, markdownText(step.Title), fenced(step.Command, "sh"))
		}
		m.more(others)
	}
	m.manifests(r)
	return m.write(p.w)
}

// origin adds the head and what describes the source.
func (m *markdown) origin(r *Report) {
	items := append([]string{r.Head.Cluster, made(&r.Head)}, aboutOrigin(r.Report)...)
	var spans []string
	for _, u := range r.Origin.Unread {
		spans = append(spans, plain.Backticked(u.Remedy)...)
	}
	for i, item := range items {
		items[i] = "- " + markdownSentence(cleaned(item, m.full), spans, false)
	}
	m.list(items)
}

// section adds a table under its title. Without --full, it has the first rows.
func (m *markdown) section(s *section) {
	rows, more := firstOf(s.rows, mostMarkdownRows, m.full)
	m.paragraph("## %s", s.title)
	m.table(lists.Each(s.heads, strings.ToLower), rows, s.spans)
	m.more(more + s.more)
}

// more adds how many rows of a list are left out, if any.
func (m *markdown) more(n int) {
	if n > 0 {
		m.paragraph("and %s more (`--full` lists them).", convert.Number(n))
	}
}

// handWork adds what to do by hand as boxes to check.
func (m *markdown) handWork(r *Report) {
	if len(r.HandWork) == 0 {
		return
	}
	m.paragraph("## To do by hand")
	shown, others := firstOf(r.HandWork, mostWork, m.full)
	m.list(lists.Each(shown, func(work report.HandWork) string {
		return "- [ ] " + markdownSentence(cleaned(work.String(), m.full), work.Spans, false)
	}))
	m.more(others)
}

// way adds the stages to 3.0.
func (m *markdown) way(r *Report) {
	if len(r.Way) == 0 {
		return
	}
	m.paragraph("## The way to Kuma %s", cluster.Newest)
	for i := range r.Way {
		stage := &r.Way[i]
		text := fmt.Sprintf("%d. %s: %s", i+1, stage.Name, markdownText(stage.State()+": "+stage.Summary))
		shown, others := firstOf(stage.Blocks, mostBlocks, m.full)
		for _, block := range shown {
			text += "\n   - " + markdownText(cleaned(block, m.full))
		}
		if others > 0 {
			text += "\n   - " + fmt.Sprintf("and %s more (`--full` lists them)", convert.Number(others))
		}
		if stage.Command != "" {
			text += "\n\n" + fenced(stage.Command, "sh")
		}
		m.paragraph("%s", text)
	}
}

// manifests adds the policies. Without --full, it adds as many as the document has lines for.
func (m *markdown) manifests(r *Report) {
	if len(r.Policies) == 0 {
		return
	}
	m.paragraph("## Manifests")
	room := mostMarkdownLines - m.lines() - 6 // for the fence and the line after it
	var texts []string
	redacted := false
	for _, p := range r.Policies {
		room -= strings.Count(p.Manifest, "\n") + 1
		if room < 0 && !m.full {
			break
		}
		texts, redacted = append(texts, p.Manifest), redacted || p.Redacted
	}
	if redacted {
		m.paragraph("Credentials are removed here; `tracemigrate convert` writes the complete manifests.")
	}
	if len(texts) > 0 {
		m.paragraph("%s", fenced(strings.TrimRight(strings.Join(texts, "---\n"), "\n"), "yaml"))
	}
	if left := len(r.Policies) - len(texts); left > 0 {
		m.paragraph("%s left out (`tracemigrate convert` writes all, and `--full` lists them).",
			convert.Plural(left, "manifest is", "manifests are"))
	}
}
