package output

import (
	"bytes"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// What a list has at most without --full.
const (
	mostWork   = 8
	mostSteps  = 12
	mostBlocks = 3
)

// brevity is what the lists of a text have at most: lines and rows of tables, and items.
type brevity struct{ lines, rows, work, steps, blocks int }

// brevities are tried in order until a text has at most mostTextLines: rows with long names
// are wrapped.
var brevities = []brevity{
	{12, 3, mostWork, mostSteps, mostBlocks}, {10, 1, 4, mostSteps, mostBlocks}, {6, 1, 2, 6, 1}, {3, 1, 1, 4, 1},
}

const mostTextLines = 199

// reportText prints the head, sentences, tables and the next steps. Without --full, long
// lists are cut.
func reportText(p *Printer, r *Report) error {
	p = p.uncut(r.Full)
	if r.Full {
		p.report(r, &brevity{})
		return nil
	}
	var text bytes.Buffer
	for i := range brevities {
		text.Reset()
		draft := *p
		draft.w = &text
		draft.report(r, &brevities[i])
		if bytes.Count(text.Bytes(), []byte("\n")) <= mostTextLines {
			break
		}
	}
	_, err := p.w.Write(text.Bytes())
	return err
}

// report prints a report; with --full, most is not used.
func (p *Printer) report(r *Report, most *brevity) {
	p.head(&r.Head)
	for _, line := range aboutOrigin(r.Report) {
		p.Line("%s", line)
	}
	p.Line("")
	p.Line("%s", r.Head.Sentence)
	p.Line("%s", counts(r.Report))
	for _, s := range reportSections(r) {
		p.Line("")
		p.Line("%s", s.title)
		left := p.tableUpTo(most.lines, most.rows, s.heads, s.rows) + s.more
		p.more(left)
	}
	p.handWork(r, most.work)
	p.way(r, most.blocks)
	p.nextSteps(r, most.steps)
	p.Line("") // the last line is the verdict, for a report that is redirected or long
	p.Outcome("%s.", plain.Capitalise(r.Verdict()))
}

// nextSteps prints the steps of the migration, each with its command.
func (p *Printer) nextSteps(r *Report, most int) {
	listed(p, "Next steps", r.NextSteps, most, r.Full, func(i int, step report.Step) {
		p.Line("  %d. %s:", i+1, step.Title)
		p.unwrapped("       " + step.Command) // to be copied
	})
}

// listed prints a title and the first items of a list, or all with --full.
func listed[T any](p *Printer, title string, list []T, most int, full bool, show func(i int, item T)) {
	if len(list) == 0 {
		return
	}
	p.Line("")
	p.Line("%s", title)
	shown, others := firstOf(list, most, full)
	for i, item := range shown {
		show(i, item)
	}
	p.more(others)
}

// more prints how many rows of a list are left out, if any.
func (p *Printer) more(n int) {
	if n > 0 {
		p.Line("and %s more (--full lists them)", convert.Number(n))
	}
}

// handWork prints what to do by hand.
func (p *Printer) handWork(r *Report, most int) {
	listed(p, "To do by hand", r.HandWork, most, r.Full, func(_ int, work report.HandWork) { p.Line("  - %s", work) })
}

// way prints the stages to 3.0: what is ready, what prevents the others, and a command.
func (p *Printer) way(r *Report, most int) {
	if len(r.Way) == 0 {
		return
	}
	p.Line("")
	p.Line("The way to Kuma %s", cluster.Newest)
	for i := range r.Way {
		stage := &r.Way[i]
		p.Line("  %d. %s: %s: %s", i+1, stage.Name, stage.State(), stage.Summary)
		shown, others := firstOf(stage.Blocks, most, r.Full)
		for _, block := range shown {
			p.Line("     - %s", block)
		}
		if others > 0 {
			p.Line("     - and %s more (--full lists them)", convert.Number(others))
		}
		if stage.Command != "" {
			p.unwrapped("       " + stage.Command) // to be copied
		}
	}
}

// firstOf returns the first items of a list, or all with --full, and the number of the
// others.
func firstOf[T any](list []T, most int, full bool) (shown []T, others int) {
	if full || len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}
