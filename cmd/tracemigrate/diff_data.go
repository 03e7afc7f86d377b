package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// The data of diff's output, described in docs/diff.md.
type (
	diffData struct {
		Summary diffSummary `json:"summary" yaml:"summary"`
		Proxies []diffProxy `json:"proxies" yaml:"proxies"`
	}
	diffSummary struct {
		Versions        []string `json:"versions,omitempty" yaml:"versions,omitempty"`
		envoydiff.Tally `yaml:",inline"`
		Refused         int      `json:"refused" yaml:"refused"`
		Unread          []string `json:"unread,omitempty" yaml:"unread,omitempty"`
		Holds           bool     `json:"holds" yaml:"holds"`
	}
	diffProxy struct {
		Mesh        string            `json:"mesh" yaml:"mesh"`
		Name        string            `json:"name" yaml:"name"`
		Zone        string            `json:"zone,omitempty" yaml:"zone,omitempty"`
		Version     string            `json:"version,omitempty" yaml:"version,omitempty"`
		Verdict     envoydiff.Verdict `json:"verdict" yaml:"verdict"`
		Differences []diffDifference  `json:"differences" yaml:"differences"`
	}
	diffDifference struct {
		envoydiff.Difference `yaml:",inline"`
		Source               string `json:"source" yaml:"source"`
	}
)

func (o *outcome) data() diffData {
	data := diffData{Proxies: []diffProxy{}}
	data.Summary.Holds, data.Summary.Unread, data.Summary.Refused = o.holds(), o.unread, o.refused
	data.Summary.Tally = envoydiff.Count(o.comparisons)
	for _, c := range o.comparisons {
		version := ""
		if c.Version.Major > 0 {
			version = c.Version.String()
			data.Summary.Versions = append(data.Summary.Versions, version)
		}
		for i := range c.Proxies {
			p := &c.Proxies[i]
			out := diffProxy{Mesh: p.Mesh, Name: p.Name, Version: version, Verdict: p.Verdict, Differences: []diffDifference{}}
			if p.Dataplane != nil {
				out.Zone = p.Dataplane.Zone()
			}
			for _, d := range p.Differences {
				out.Differences = append(out.Differences, diffDifference{*d, p.Source()})
			}
			data.Proxies = append(data.Proxies, out)
		}
	}
	return data
}

func (o *outcome) json(p *printer) error {
	return encodeJSON(p.w, o.data())
}

func (o *outcome) yaml(p *printer) error {
	encoder := yaml.NewEncoder(p.w)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.data()); err != nil {
		return err
	}
	return encoder.Close()
}

// The JUnit form that continuous integration systems read: a test case a proxy.
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

func (o *outcome) junit(p *printer) error {
	var suites junitSuites
	for _, c := range o.comparisons {
		suite := junitSuite{Name: "tracemigrate diff", Tests: len(c.Proxies)}
		if c.Version.Major > 0 {
			suite.Name += " on Kuma " + c.Version.String()
		}
		for i := range c.Proxies {
			proxy := &c.Proxies[i]
			result := junitCase{Class: plain.Printable(proxy.Mesh), Name: plain.Printable(proxy.Name)}
			var lines []string
			for _, d := range proxy.Differences {
				lines = append(lines, plain.Printable(fmt.Sprintf("%s  %s: %s -> %s", d.Code, d.Path, d.Before, d.After)))
			}
			text := strings.Join(lines, "\n")
			if proxy.Verdict == envoydiff.Different || proxy.Verdict == envoydiff.Unknown || o.strict && proxy.Verdict == envoydiff.Inherent {
				suite.Failures++
				result.Failure = &junitFailure{Message: lines[0], Text: text + "\n" + plain.Printable(proxy.Source())}
			} else {
				result.Output = text
			}
			suite.Cases = append(suite.Cases, result)
		}
		suites.Suites = append(suites.Suites, suite)
	}
	if o.refused > 0 {
		why := fmt.Sprintf("%s: see what `tracemigrate convert` says", plain.Plural(o.refused, "error", "errors"))
		suites.Suites = append(suites.Suites, junitSuite{
			Name: "tracemigrate diff: converting", Tests: 1, Failures: 1,
			Cases: []junitCase{{Class: "converting", Name: "everything can be carried over", Failure: &junitFailure{Message: why, Text: why}}},
		})
	}
	if len(o.unread) > 0 {
		why := plain.Printable(o.unknown())
		suites.Suites = append(suites.Suites, junitSuite{
			Name: "tracemigrate diff: reading", Tests: 1, Failures: 1,
			Cases: []junitCase{{Class: "reading", Name: "everything that decides was read", Failure: &junitFailure{Message: why, Text: why}}},
		})
	}
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

// madeUp is how many of them stand in no file.
func (o *outcome) madeUp() int {
	n := 0
	for _, c := range o.comparisons {
		for i := range c.Proxies {
			if dp := c.Proxies[i].Dataplane; dp != nil && dp.File == "" {
				n++
			}
		}
	}
	return n
}

// markdown is for a change ticket: a table of the verdicts, then the groups.
func (o *outcome) markdown(p *printer) error {
	var b strings.Builder
	b.WriteString("# Tracing before and after the migration\n\n")
	switch {
	case envoydiff.Count(o.comparisons).Proxies == 0:
		b.WriteString("**No proxy was compared.**\n\n")
	default:
		for _, sentence := range o.headline() {
			fmt.Fprintf(&b, "**%s.**\n\n", markdownText(sentence))
		}
	}
	if len(o.unread) > 0 {
		fmt.Fprintf(&b, "**%s.**\n\n", markdownText(plain.Capitalise(o.unknown())))
	}
	if o.refused > 0 {
		b.WriteString("**Not everything can be carried over.**\n\n")
	}
	if made := o.madeUp(); made > 0 {
		fmt.Fprintf(&b, "%d of the proxies are made up from the selectors, because no Dataplane of their mesh is known.\n\n", made)
	}
	b.WriteString("| Kuma | proxies | same | inherent | different | unknown | accepted |\n|---|---|---|---|---|---|---|\n")
	for _, c := range o.comparisons {
		version := "dumps"
		if c.Version.Major > 0 {
			version = c.Version.String()
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", version, len(c.Proxies), c.Count(envoydiff.Same), c.Count(envoydiff.Inherent), c.Count(envoydiff.Different), c.Count(envoydiff.Unknown), c.Count(envoydiff.Accepted))
	}
	for _, c := range o.comparisons {
		for _, group := range c.Groups() {
			fmt.Fprintf(&b, "\n## %s: %s\n\n", group.Verdict, markdownText(names(group, o.full)))
			for _, source := range sources(group, o.full) {
				fmt.Fprintf(&b, "%s\n\n", markdownText(source))
			}
			b.WriteString("| code | field | before | after |\n|---|---|---|---|\n")
			for _, d := range group.Differences {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.Code, markdownText(d.Path), markdownText(d.Before), markdownText(d.After))
			}
		}
	}
	_, err := fmt.Fprint(p.w, b.String())
	return err
}

// markdownText keeps text of the input from being read as Markdown or HTML.
func markdownText(s string) string {
	s = strings.ReplaceAll(plain.Printable(s), "\n", " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;").Replace(s)
}
