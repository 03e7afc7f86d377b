package output

import (
	"fmt"
	"slices"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/report"
)

// reportText prints sentences, tables and the next steps.
func reportText(p *Printer, r *Report) error {
	for _, line := range aboutOrigin(r.Report) {
		p.Line("%s", line)
	}
	p.Line("")
	sentence, _ := plain.ReportVerdict(&r.Summary)
	p.Line("%s.", sentence)
	p.Line("%s", counts(r.Report))
	for _, s := range reportSections(r.Report, r.Full) {
		p.Line("")
		p.Line("%s", s.title)
		p.table(s.heads, s.rows)
		if s.more > 0 {
			p.Line("and %d more (--full lists them)", s.more)
		}
	}
	if len(r.HandWork) > 0 {
		p.Line("")
		p.Line("To do by hand")
		for _, work := range r.HandWork {
			p.Line("  - %s", work)
		}
	}
	p.way(r.Way)
	if len(r.NextSteps) > 0 {
		p.Line("")
		p.Line("Next steps")
		for i, step := range r.NextSteps {
			p.Line("  %d. %s:", i+1, step.Title)
			p.unwrapped("       " + step.Command) // to be copied
		}
	}
	return nil
}

// shownBlocks is how many reasons a stage to 3.0 has in text and Markdown at most.
const shownBlocks = 5

// way prints the stages to 3.0: what is ready, what prevents the others, and a command.
func (p *Printer) way(stages []report.Stage) {
	if len(stages) == 0 {
		return
	}
	p.Line("")
	p.Line("The way to Kuma 3.0")
	for i, stage := range stages {
		p.Line("  %d. %s: %s", i+1, stage.Name, stageState(stage))
		for _, block := range firstBlocks(stage.Blocks) {
			p.Line("     - %s", block)
		}
		if stage.Command != "" {
			p.unwrapped("       " + stage.Command) // to be copied
		}
	}
}

// stageState returns whether a stage is ready, and its summary.
func stageState(stage report.Stage) string {
	switch {
	case stage.Ready:
		return "ready: " + stage.Summary
	case len(stage.Blocks) > 0:
		return "blocked: " + stage.Summary
	}
	return "open: " + stage.Summary
}

func firstBlocks(blocks []string) []string {
	if len(blocks) <= shownBlocks {
		return blocks
	}
	return append(slices.Clone(blocks[:shownBlocks]), fmt.Sprintf("and %d more", len(blocks)-shownBlocks))
}
