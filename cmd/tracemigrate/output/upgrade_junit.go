package output

import (
	"fmt"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// upgradeJUnit prints one test case for each cause, which fails if the cause is a reason for
// exit code 1, and one for the proxies that keep their tracing.
func upgradeJUnit(p *Printer, u *Upgrade) error {
	suite := junitSuite{Name: fmt.Sprintf("tracemigrate upgrade-check from Kuma %s to %s", u.From, u.To)}
	for _, c := range u.Causes {
		text := u.Words.Text(u.Result, c)
		lines := []string{text.Fact + ". " + text.Consequence + "."}
		for _, remedy := range text.Remedies {
			lines = append(lines, "To fix: "+remedy.Title)
			if remedy.Command != "" {
				lines = append(lines, "  "+remedy.Command)
			}
		}
		for _, r := range c.Resources {
			lines = append(lines, fmt.Sprintf("%s  %s", r.Place, r))
		}
		name := u.proxyNames(c)
		if name == "" {
			name = convert.Plural(len(c.Resources), "resource")
		}
		for i := range lines {
			lines[i] = cleaned(lines[i], u.Full)
		}
		result, all := junitCase{Class: string(c.Code), Name: cleaned(name, u.Full)}, strings.Join(lines, "\n")
		if u.failed(c) {
			suite.Failures++
			result.Failure = &junitFailure{Message: lines[0], Text: all}
		} else {
			result.Output = all
		}
		suite.Cases = append(suite.Cases, result)
	}
	if t := envoydiff.Count(u.Comparisons); t.Same+t.Inherent > 0 {
		name := convert.Plural(t.Same+t.Inherent, "proxy keeps its tracing", "proxies keep their tracing")
		suite.Cases = append(suite.Cases, junitCase{Class: "proxies", Name: name})
	}
	suite.Tests = len(suite.Cases)
	suites := junitSuites{Suites: []junitSuite{suite}}
	if u.Strict && u.Misspelt > 0 {
		suites.addFailed("upgrade-check", "reading", "no field is misspelt", strictly(strictFlag, 0, u.Misspelt))
	}
	if len(u.Unread) > 0 {
		suites.addFailed("upgrade-check", "reading", "everything that decides was read", plain.Clean(u.unread()))
	}
	return writeJUnit(p, &suites)
}
