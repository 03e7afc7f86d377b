package output

import (
	"encoding/xml"
	"fmt"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// The JUnit XML that continuous integration systems read: one test case a proxy.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func diffJUnit(p *Printer, diff *Diff) error {
	var suites junitSuites
	for _, c := range diff.Comparisons {
		suite := junitSuite{Name: "tracemigrate diff", Tests: len(c.Proxies)}
		if c.Version.IsRelease() {
			suite.Name += " on Kuma " + versionsOf(c)
		}
		for i := range c.Proxies {
			proxy := &c.Proxies[i]
			result := junitCase{Class: plain.Printable(proxy.Mesh), Name: plain.Printable(proxy.Name)}
			lines := lists.Each(proxy.Differences, func(d *envoydiff.Difference) string {
				return plain.Printable(fmt.Sprintf("%s  %s: %s -> %s", d.Code, d.Path(), d.Before, d.After))
			})
			text := strings.Join(lines, "\n")
			switch v := proxy.Verdict; {
			case v == envoydiff.Different, v == envoydiff.Unknown, diff.Strict && proxy.HasInherent():
				suite.Failures++
				message := lines[0]
				if others := len(lines) - 1; others > 0 {
					message += fmt.Sprintf(" (and %d more)", others)
				}
				result.Failure = &junitFailure{Message: message, Text: text + "\n" + plain.Printable(proxy.Source())}
			default:
				result.Output = text
			}
			suite.Cases = append(suite.Cases, result)
		}
		suites.Suites = append(suites.Suites, suite)
	}
	if diff.Refused > 0 {
		why := fmt.Sprintf("%s: see the output of `tracemigrate convert`", convert.Plural(diff.Refused, "error"))
		suites.addFailed("diff", "converting", "everything can be carried over", why)
	}
	if diff.meshDiffers() {
		why := plain.Printable(strings.Join(diff.transitions(), "\n"))
		suites.addFailed("diff", "meshes", "every Mesh exists, and none has the field tracing without TrafficTraces", why)
	}
	if diff.Strict && diff.Misspelt > 0 {
		suites.addFailed("diff", "reading", "no field is misspelt", strictly(diff.strictBy(), 0, diff.Misspelt))
	}
	if len(diff.Unread) > 0 {
		suites.addFailed("diff", "reading", "everything that decides was read", plain.Printable(diff.unknown()))
	}
	return writeJUnit(p, &suites)
}

// writeJUnit writes suites as XML.
func writeJUnit(p *Printer, suites *junitSuites) error {
	if _, err := fmt.Fprint(p.w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(p.w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.w)
	return err
}

// addFailed adds a suite with one test case, which failed.
func (s *junitSuites) addFailed(command, step, test, why string) {
	failed := junitCase{Class: step, Name: test, Failure: &junitFailure{Message: why, Text: why}}
	name := "tracemigrate " + command + ": " + step
	s.Suites = append(s.Suites, junitSuite{Name: name, Tests: 1, Failures: 1, Cases: []junitCase{failed}})
}
