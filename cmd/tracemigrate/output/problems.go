package output

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// Problems prints the errors and warnings of the input, and the number of errors.
func (p *Printer) Problems(problems []*manifest.Problem, done string) {
	const shown = 100
	errors := p.list(problems, manifest.Error, "", shown)
	if errors > shown {
		p.Line("and %d more errors", errors-shown)
	}
	p.Warnings(problems)
	is := "is 1 error"
	if errors != 1 {
		is = fmt.Sprintf("are %d errors", errors)
	}
	p.Line("tracemigrate: there %s in the input; nothing was %s", is, done)
}

// Warnings prints the warnings of the input.
func (p *Printer) Warnings(problems []*manifest.Problem) {
	p.list(problems, manifest.Warning, " (warning)", 100)
}

// Skipped prints the resources of a cluster that could not be decoded, and returns
// those that policies depend on.
func (p *Printer) Skipped(s *cluster.Snapshot) []string {
	var names []string
	for _, problem := range manifest.SortProblems(s.Skipped) {
		p.Line("%s (left out)", problem.Error())
		if name := problem.Resource(); !convert.IsProxy(problem) && !slices.Contains(names, name) {
			names = append(names, cmp.Or(name, "a document"))
		}
	}
	return names
}

// Unread prints the kinds of a cluster that could not be listed, and returns those
// without which proxies are not compared.
func (p *Printer) Unread(s *cluster.Snapshot) []string {
	if s.Origin == nil {
		return nil
	}
	var names []string
	for _, u := range s.Origin.Unread {
		if u.What == cluster.VersionOfControlPlane || u.What == cluster.ModeOfControlPlane {
			continue
		}
		p.Line("not known: %s, because %s. To do: %s", u.What, u.Reason, u.Remedy)
		if u.What == cluster.KindDataplane && len(s.TrafficTraces) > 0 {
			names = append(names, "the Dataplanes")
		}
	}
	return names
}

// Errors prints all errors among problems.
func (p *Printer) Errors(problems []*manifest.Problem) {
	p.list(problems, manifest.Error, "", len(problems))
}

// list prints the first problems of a severity, at most shown, and returns the number
// of all.
func (p *Printer) list(problems []*manifest.Problem, severity manifest.Severity, suffix string, shown int) int {
	n := 0
	for _, problem := range manifest.SortProblems(problems) {
		if problem.Severity != severity {
			continue
		}
		if n++; n <= shown {
			p.Line("%s%s", problem.Error(), suffix)
		}
	}
	return n
}

// colours are those of severities in the first column of a table.
var colours = map[string]text.Colors{
	string(manifest.Error):   {text.FgRed, text.Bold},
	string(manifest.Warning): {text.FgYellow},
	string(manifest.Info):    {text.FgCyan},
}
