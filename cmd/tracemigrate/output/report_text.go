package output

import "tracemigrate/cmd/tracemigrate/output/plain"

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
