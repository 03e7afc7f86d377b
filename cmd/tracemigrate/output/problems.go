package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Problems prints the errors and warnings of the input. Its last line has the number of
// errors, and what the command would otherwise have done.
func (p *Printer) Problems(problems []*manifest.Problem, done string) {
	const shown = 100
	errors := p.list(problems, manifest.Error, "", shown)
	if errors > shown {
		p.Verdict("and %d more errors", errors-shown)
	}
	p.Warnings(problems)
	p.Verdict("tracemigrate: the input has %s; nothing was %s", convert.Plural(errors, "error"), done)
}

// Warnings prints the warnings of the input.
func (p *Printer) Warnings(problems []*manifest.Problem) {
	p.list(problems, manifest.Warning, " (warning)", 100)
}

// Misspelt returns the number of fields that are probably misspelt.
func Misspelt(problems []*manifest.Problem) int {
	return len(lists.Keep(manifest.SortProblems(problems), func(p *manifest.Problem) bool { return p.Code == manifest.MisspeltField }))
}

// strictFlag is what counts inherent differences and misspelt fields, unless a Diff names
// something else.
const strictFlag = "--strict"

// strictly returns a clause on what only something strict counts; empty without any.
func strictly(by string, inherent, misspelt int) string {
	var parts []string
	if inherent > 0 {
		parts = append(parts, fmt.Sprintf("%d inherent", inherent))
	}
	if misspelt > 0 {
		parts = append(parts, convert.Plural(misspelt, "misspelt field"))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " and ") + ", and " + by + " counts these"
}

// Skipped prints the resources of a cluster that could not be decoded. It returns the
// names of those that policies depend on.
func (p *Printer) Skipped(s *cluster.Snapshot) []string {
	var names []string
	for _, problem := range manifest.SortProblems(s.Skipped) {
		p.Verdict("%s (skipped)", problem.Error())
		if name := cmp.Or(problem.Resource(), "a document"); !convert.IsProxy(problem) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// NotRead returns the names of documents that are not read and that policies depend on. The
// warnings of the input have the reasons.
func NotRead(s *cluster.Snapshot) []string {
	var names []string
	for _, problem := range manifest.SortProblems(convert.NotRead(s)) {
		if name := cmp.Or(problem.Resource(), "a document"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// NotReadClause returns a clause on the documents that are not read; empty without any. It
// counts those that have one name as a report does: each.
func NotReadClause(s *cluster.Snapshot) string {
	n := len(convert.NotRead(s))
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", convert.Plural(n, "document was not read", "documents were not read"), convert.First(NotRead(s), 3))
}

// Unread prints the kinds of a cluster that could not be listed. It returns those without
// which no proxy is compared, and the documents that are not read.
func (p *Printer) Unread(s *cluster.Snapshot) []string {
	names := NotRead(s)
	for _, u := range s.About().Unread {
		if u.What != cluster.VersionOfControlPlane && u.What != cluster.ModeOfControlPlane {
			p.Verdict("%s", unreadText(u))
		}
	}
	if convert.Unverified(s) {
		names = append(names, "the Dataplanes")
	}
	return names
}

// unreadText returns what could not be read, why, and the remedy.
func unreadText(u cluster.Unread) string {
	return fmt.Sprintf("not known: %s, because %s. To fix: %s", u.What, u.Reason, cmp.Or(u.Remedy, "nothing"))
}

// Errors prints all errors among problems.
func (p *Printer) Errors(problems []*manifest.Problem) {
	p.list(problems, manifest.Error, "", len(problems))
}

// list prints the first problems of a severity, at most shown, and returns the number
// of all.
func (p *Printer) list(problems []*manifest.Problem, severity manifest.Severity, suffix string, shown int) int {
	all := lists.Keep(manifest.SortProblems(problems), func(p *manifest.Problem) bool { return p.Severity == severity })
	for _, problem := range all[:min(len(all), shown)] {
		p.Verdict("%s%s", problem.Error(), suffix)
	}
	return len(all)
}

// colourOf returns the colour of a cell that is a severity or a verdict. A name is never coloured.
func colourOf(header, cell string) (colour text.Colors, ok bool) {
	switch header {
	case "SEVERITY":
		colour, ok = severityColours[cell]
	case "VERDICT":
		colour, ok = verdictColours[envoydiff.Verdict(cell)]
	}
	return colour, ok
}

var severityColours = map[string]text.Colors{
	string(manifest.Error):   {text.FgRed, text.Bold},
	string(manifest.Warning): {text.FgYellow},
	string(manifest.Info):    {text.FgCyan},
}
