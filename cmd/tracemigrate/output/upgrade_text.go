package output

import (
	"fmt"

	"tracemigrate/convert/upgrade"
)

// upgradeText prints the head, and one line for a mesh that is ready. Otherwise it prints the
// causes, each with a line for every resource: place, verdict, code and name. The last line
// of a check that passes is its outcome.
func upgradeText(p *Printer, u *Upgrade) error {
	p = p.uncut(u.Full)
	p.head(&u.Head)
	p.Line("")
	p.Outcome("%s", u.Outcome())
	for _, c := range u.Causes {
		p.Line("")
		u.cause(p, c)
	}
	if rows := u.serviceRows(); len(rows) > 0 {
		p.Line("")
		p.table(serviceHeads, rows)
	}
	if u.Holds() && len(u.Causes)+len(u.Renames) > 0 { // else the headline is the last line
		p.Line("")
		p.Outcome("%s", u.Outcome())
	}
	return nil
}

func (u *Upgrade) cause(p *Printer, c *upgrade.Cause) {
	heading := string(c.Code)
	if proxies := u.proxyNames(c); proxies != "" {
		heading += "  " + proxies
	}
	p.heading(c.Verdict, heading)
	text := u.Words.Text(u.Result, c)
	p.Line("  %s. %s.", text.Fact, text.Consequence)
	for i, remedy := range text.Remedies {
		begin := "To fix"
		if i > 0 {
			begin = "Or"
		}
		p.Line("  %s: %s", begin, remedy.Title)
		if remedy.Command != "" {
			p.unwrapped("    " + remedy.Command)
		}
	}
	shown, others := firstOf(c.Resources, mostResources, u.Full)
	for _, r := range shown {
		p.finding(fmt.Sprintf("  %s  %s  %s  %s", r.Place, c.Verdict, c.Code, r))
	}
	if others > 0 {
		p.Line("  and %d more (--full lists them)", others)
	}
}
