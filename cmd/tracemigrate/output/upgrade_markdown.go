package output

import (
	"fmt"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// upgradeMarkdown prints the causes and the services that are renamed, for a pull request.
func upgradeMarkdown(p *Printer, u *Upgrade) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Tracing on Kuma %s\n\n**%s.**\n", u.To, markdownText(plain.Capitalise(u.headline())))
	for _, c := range u.Causes {
		text := u.Words.Text(u.Result, c)
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s. %s.\n", c.Verdict, c.Code, markdownText(text.Fact), markdownText(text.Consequence))
		if proxies := u.proxyNames(c); proxies != "" {
			fmt.Fprintf(&b, "\n%s\n", markdownText(proxies))
		}
		for _, remedy := range text.Remedies {
			fmt.Fprintf(&b, "\nTo fix: %s\n", markdownText(remedy.Title))
			if remedy.Command != "" {
				fmt.Fprintf(&b, "\n%s\n", fenced(plain.OneLine(remedy.Command), "sh"))
			}
		}
		shown, others := u.shownResources(c)
		if len(shown) > 0 {
			b.WriteString("\n| place | resource |\n|---|---|\n")
		}
		for _, r := range shown {
			fmt.Fprintf(&b, "| %s | %s |\n", markdownText(r.Place.String()), markdownText(plain.Clean(r.String())))
		}
		if others > 0 {
			fmt.Fprintf(&b, "\nand %d more (--full lists them)\n", others)
		}
	}
	if rows := u.serviceRows(); len(rows) > 0 {
		b.WriteString("\n## Services in Datadog and OpenTelemetry\n\n| today | afterwards | proxies | what keeps the name |\n|---|---|---|---|\n")
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdownText(row[0]), markdownText(row[1]), row[2], markdownText(row[3]))
		}
	}
	_, err := fmt.Fprint(p.w, b.String())
	return err
}
