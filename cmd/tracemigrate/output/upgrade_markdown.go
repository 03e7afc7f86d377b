package output

import (
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/upgrade"
)

// upgradeMarkdown prints the causes and the services that are renamed, for a pull request.
func upgradeMarkdown(p *Printer, u *Upgrade) error {
	m := &markdown{command: u.Command, full: u.Full}
	m.paragraph("# Tracing on Kuma %s", u.To)
	m.head(&u.Head)
	m.paragraph("**%s.**", markdownText(plain.Capitalise(u.Outcome())))
	for _, c := range u.Causes {
		m.upgradeCause(u, c)
	}
	if rows := u.serviceRows(); len(rows) > 0 {
		m.paragraph("## Services in Datadog and OpenTelemetry")
		m.table([]string{"today", "afterwards", "proxies", "what keeps the name"}, rows, nil)
	}
	return m.write(p.w)
}

func (m *markdown) upgradeCause(u *Upgrade, c *upgrade.Cause) {
	text := u.Words.Text(u.Result, c)
	m.paragraph("## %s: %s", c.Verdict, c.Code)
	m.paragraph("%s. %s.", markdownText(text.Fact), markdownText(text.Consequence))
	if proxies := u.proxyNames(c); proxies != "" {
		m.paragraph("%s", markdownText(proxies))
	}
	for _, remedy := range text.Remedies {
		m.paragraph("To fix: %s", markdownText(remedy.Title))
		if remedy.Command != "" {
			m.paragraph("%s", fenced(plain.OneLine(remedy.Command), "sh"))
		}
	}
	shown, others := firstOf(c.Resources, mostResources, u.Full)
	if len(shown) > 0 {
		rows := lists.Each(shown, func(r *upgrade.Resource) []string { return []string{r.Place.String(), r.String()} })
		m.table([]string{"place", "resource"}, rows, nil)
	}
	m.more(others)
}
