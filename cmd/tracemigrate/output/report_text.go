package output

import "tracemigrate/cmd/tracemigrate/output/plain"

// reportText prints sentences, tables and the next steps.
func reportText(p *Printer, r *Report) error {
	for _, line := range aboutOrigin(r.Report) {
		p.wrapped("%s", line)
	}
	p.Line("")
	sentence, _ := plain.ReportVerdict(&r.Summary)
	p.wrapped("%s.", sentence)
	p.wrapped("%s", counts(r.Report))
	for _, s := range reportSections(r.Report, r.Full) {
		p.Line("")
		p.Line("%s", s.title)
		p.table(s.heads, s.rows)
		if s.more > 0 {
			p.Line("and %d more, which --full lists", s.more)
		}
	}
	if len(r.HandWork) > 0 {
		p.Line("")
		p.Line("To do by hand")
		for _, work := range r.HandWork {
			p.wrapped("  - %s", work)
		}
	}
	if len(r.NextSteps) > 0 {
		p.Line("")
		p.Line("Next steps")
		for i, step := range r.NextSteps {
			p.wrapped("  %d. %s:", i+1, step.Title)
			p.whole("       " + step.Command) // to be copied
		}
	}
	return nil
}
