package output

import (
	"fmt"
	"slices"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/report"
)

// The most lines of a table, and of work to do by hand, without --full.
const (
	mostTableLines = 12
	mostWork       = 8
)

// reportText prints the head, sentences, tables and the next steps. Without --full, long
// tables are cut.
func reportText(p *Printer, r *Report) error {
	p.head(&r.Head)
	for _, line := range aboutOrigin(r.Report) {
		p.Line("%s", line)
	}
	p.Line("")
	p.Line("%s", r.Head.Sentence)
	p.Line("%s", counts(r.Report))
	limit := mostTableLines
	if r.Full {
		limit = 0
	}
	for _, s := range reportSections(r) {
		p.Line("")
		p.Line("%s", s.title)
		left := p.tableUpTo(limit, s.heads, s.rows) + s.more
		p.more(left)
	}
	p.handWork(r)
	p.way(r.Way)
	if len(r.NextSteps) > 0 {
		p.Line("")
		p.Line("Next steps")
		for i, step := range r.NextSteps {
			p.Line("  %d. %s:", i+1, step.Title)
			p.unwrapped("       " + step.Command) // to be copied
		}
	}
	if r.Summary.Holds {
		p.Line("")
		p.Line("%s.", plain.Capitalise(r.Verdict()))
	}
	return nil
}

// more prints how many rows of a list are left out, if any.
func (p *Printer) more(n int) {
	if n > 0 {
		p.Line("and %s more (--full lists them)", plain.Number(n))
	}
}

// handWork prints what to do by hand.
func (p *Printer) handWork(r *Report) {
	if len(r.HandWork) == 0 {
		return
	}
	p.Line("")
	p.Line("To do by hand")
	for i, work := range r.HandWork {
		if i == mostWork && !r.Full {
			p.more(len(r.HandWork) - mostWork)
			return
		}
		p.Line("  - %s", work)
	}
}

// shownBlocks is how many reasons a stage to 3.0 has in text and Markdown at most.
const shownBlocks = 3

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
