package rewrite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Template is the code of problems about templates, which only a person can change.
const Template = "template"

// addTemplate records the lines of a template that a person must change, with the values that
// their document uses.
func (r *Repo) addTemplate(name string) {
	number := 1
	for _, document := range separator.Split(string(r.texts[name]), -1) {
		remedy := "change this line by hand"
		if values := valuesIn(document); len(values) > 0 {
			remedy = fmt.Sprintf("change this line, or the values that its document uses, by hand: %s", strings.Join(values, ", "))
		}
		for line := range strings.Lines(document) {
			if isLegacyLine(line) {
				r.found = append(r.found, &manifest.Problem{
					Place: manifest.Place{File: name, Line: number}, Severity: manifest.Error, Code: Template,
					Fault:  "the file is a template, which cannot be edited",
					Remedy: "render the chart, pass the result to `tracemigrate convert -f -`, and " + remedy,
				})
			}
			number++
		}
	}
}

// separator matches the begin of the line between two documents, without its text.
var separator = regexp.MustCompile(`(?m)^--`)

// isLegacyLine reports whether a line begins a TrafficTrace or the tracing of a Mesh.
func isLegacyLine(line string) bool {
	text := strings.TrimSpace(line)
	return strings.Contains(text, "TrafficTrace") || strings.HasPrefix(text, "tracing:")
}

// valuesIn returns the values of a Helm chart that a text uses, each once, sorted.
func valuesIn(text string) []string {
	values := helmValue.FindAllString(text, -1)
	slices.Sort(values)
	return slices.Compact(values)
}

// helmValue matches a value of a Helm chart.
var helmValue = regexp.MustCompile(`\.Values(\.[A-Za-z0-9_]+)+`)
