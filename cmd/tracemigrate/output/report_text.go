package output

import (
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// The most lines of a table, and of work to do by hand, without --full.
const (
	mostTableLines = 12
	mostWork       = 8
)

// reportText prints the head, sentences, tables and the next steps. Without --full, long
// tables are cut.
func reportText(p *Printer, r *Report) error {
	p = p.uncut(r.Full)
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
	p.way(r)
	if len(r.NextSteps) > 0 {
		p.Line("")
		p.Line("Next steps")
		for i, step := range r.NextSteps {
			p.Line("  %d. %s:", i+1, step.Title)
			p.unwrapped("       " + step.Command) // to be copied
		}
	}
	p.Line("") // the last line is the verdict, for a report that is redirected or long
	p.Outcome("%s.", plain.Capitalise(r.Verdict()))
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

// way prints the stages to 3.0: what is ready, what prevents the others, and a command.
func (p *Printer) way(r *Report) {
	if len(r.Way) == 0 {
		return
	}
	p.Line("")
	p.Line("The way to Kuma 3.0")
	for i := range r.Way {
		stage := &r.Way[i]
		p.Line("  %d. %s: %s: %s", i+1, stage.Name, stage.State(), stage.Summary)
		shown, others := firstBlocks(stage.Blocks, r.Full)
		for _, block := range shown {
			p.Line("     - %s", block)
		}
		if others > 0 {
			p.Line("     - and %s more (--full lists them)", plain.Number(others))
		}
		if stage.Command != "" {
			p.unwrapped("       " + stage.Command) // to be copied
		}
	}
}

// firstBlocks returns the first reasons that a stage is not ready, or all, and the number of
// the others.
func firstBlocks(blocks []string, full bool) (shown []string, others int) {
	const most = 3 // without full
	if full || len(blocks) <= most {
		return blocks, 0
	}
	return blocks[:most], len(blocks) - most
}
