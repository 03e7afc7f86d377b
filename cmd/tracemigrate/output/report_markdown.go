package output

import (
	"fmt"
	"strings"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// reportMarkdown prints the same as reportText for a change ticket, and the manifests.
func reportMarkdown(p *Printer, r *Report) error {
	var b strings.Builder
	sentence, _ := plain.ReportVerdict(&r.Summary)
	fmt.Fprintf(&b, "# Tracing migration: %s\n\n", markdownText(sentence))
	for _, line := range aboutOrigin(r.Report) {
		fmt.Fprintf(&b, "- %s\n", markdownText(manifest.Redact(line)))
	}
	fmt.Fprintf(&b, "\n%s.\n", markdownText(counts(r.Report)))
	for _, s := range reportSections(r.Report, r.Full) {
		heads := strings.ToLower(strings.Join(s.heads, " | "))
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", s.title, heads, strings.Repeat("---|", len(s.heads)))
		for _, row := range s.rows {
			cells := make([]string, 0, len(row))
			for _, cell := range row {
				cells = append(cells, markdownText(manifest.Redact(cell)))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
		if s.more > 0 {
			fmt.Fprintf(&b, "\nand %d more (`--full` lists them).\n", s.more)
		}
	}
	if len(r.HandWork) > 0 {
		b.WriteString("\n## To do by hand\n\n")
		for _, work := range r.HandWork {
			fmt.Fprintf(&b, "- [ ] %s\n", markdownText(manifest.Redact(work.String())))
		}
	}
	if len(r.Way) > 0 {
		b.WriteString("\n## The way to Kuma 3.0\n")
		for i, stage := range r.Way {
			fmt.Fprintf(&b, "\n%d. %s: %s\n", i+1, stage.Name, markdownText(stageState(stage)))
			for _, block := range firstBlocks(stage.Blocks) {
				fmt.Fprintf(&b, "   - %s\n", markdownText(manifest.Redact(block)))
			}
			if stage.Command != "" {
				fmt.Fprintf(&b, "\n%s\n", fenced(stage.Command, "sh"))
			}
		}
	}
	if len(r.NextSteps) > 0 {
		b.WriteString("\n## Next steps\n")
		for i, step := range r.NextSteps {
			fmt.Fprintf(&b, "\n%d. %s\n\n%s\n", i+1, markdownText(step.Title), fenced(step.Command, "sh"))
		}
	}
	if len(r.Policies) > 0 {
		b.WriteString("\n## Manifests\n\n")
		var all []string
		for _, p := range r.Policies {
			all = append(all, p.Manifest)
		}
		b.WriteString(fenced(strings.TrimRight(strings.Join(all, "---\n"), "\n"), "yaml") + "\n")
	}
	_, err := fmt.Fprint(p.w, b.String())
	return err
}
