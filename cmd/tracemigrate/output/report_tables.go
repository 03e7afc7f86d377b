package output

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// section is a table of a report, in text and in Markdown.
type section struct {
	title string
	heads []string
	rows  [][]string
	more  int      // rows that only --full lists, and that are not in rows
	spans []string // parts of cells that are code, see convert.NoteText
}

// reportSections returns the tables of a report that have rows.
func reportSections(r *Report) []section {
	all := []section{
		causeSection(r), meshSection(r), backendSection(r), traceSection(r), existingSection(r), newSection(r), withheldSection(r),
		noteSection(r),
		proxySection(r),
	}
	all = slices.DeleteFunc(all, func(s section) bool { return len(s.rows) == 0 })
	for i := range all {
		all[i].dropColumns(r)
	}
	return all
}

// causeSection lists the causes of what changes, worst first.
func causeSection(r *Report) section {
	rows := lists.Each(r.Causes, func(c report.Cause) []string {
		codes := strings.Join(lists.Words(c.Codes), ", ")
		return []string{string(c.Verdict), causeTitle(c.Proxies, c.TrafficTraces, c.Text), codes, convert.List(c.Examples, c.Proxies)}
	})
	return section{title: "What changes", heads: []string{"VERDICT", "CAUSE", "CODE", "SUCH AS"}, rows: rows}
}

func meshSection(r *Report) section {
	s := section{title: "Meshes", heads: []string{"MESH", "PROXIES", "DEFAULT BACKEND", "TRAFFICROUTE"}}
	for _, m := range r.Meshes {
		route := "none"
		if m.TrafficRoute {
			route = "exists"
		}
		s.rows = append(s.rows, []string{m.Name, knownCount(r, m.Proxies), cmp.Or(m.DefaultBackend, "none"), route})
	}
	return s
}

func backendSection(r *Report) section {
	s := section{title: "Backends", heads: []string{"MESH", "BACKEND", "TYPE", "ADDRESS", "SAMPLING", "PROXIES", "TRAFFICTRACES"}}
	for _, m := range r.Meshes {
		for _, b := range m.Backends {
			name := b.Name
			if name == m.DefaultBackend {
				name += " (default)"
			}
			s.rows = append(s.rows, []string{
				m.Name, name, b.Type, cmp.Or(b.Address, "unusable"), sampling(b.Sampling), knownCount(r, b.Proxies),
				cmp.Or(firstNames(b.TrafficTraces, r.Full), "none"),
			})
		}
	}
	return s
}

func traceSection(r *Report) section {
	s := section{title: "TrafficTraces", heads: []string{"MESH", "TRAFFICTRACE", "BACKEND", "PROXIES", "SELECTOR", "BECOMES"}}
	for _, t := range r.TrafficTraces {
		for _, selector := range t.Selectors {
			becomes := cmp.Or(firstNames(selector.Policies, r.Full), "none: "+cmp.Or(selector.Reason, "it decides for no proxy"))
			s.rows = append(s.rows, []string{
				t.Mesh, t.Name, cmp.Or(t.Backend, "none"), knownCount(r, selector.Proxies), selector.Tags, becomes,
			})
		}
	}
	return s
}

func existingSection(r *Report) section {
	s := section{title: "Existing MeshTraces", heads: []string{"MESH", "NAMESPACE", "NAME", "STATE", "SELECTS"}}
	for _, p := range r.Existing {
		state := "applied"
		switch {
		case p.Shadow:
			state = "shadow"
		case p.Earlier:
			state = "applied, by a previous run"
		}
		s.rows = append(s.rows, []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, state, knownCount(r, p.Proxies)})
	}
	return s
}

func newSection(r *Report) section {
	rows := lists.Each(r.Policies, func(p report.Policy) []string {
		return []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, knownCount(r, p.Proxies), serverAnswer(p.Server), p.Source}
	})
	return section{title: "MeshTraces to create", heads: []string{"MESH", "NAMESPACE", "NAME", "SELECTS", "SERVER", "FROM"}, rows: rows}
}

func withheldSection(r *Report) section {
	rows := lists.Each(r.Withheld, func(p report.Policy) []string { return []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, p.Source} })
	heads := []string{"MESH", "NAMESPACE", "NAME", "FROM"}
	return section{title: "Withheld MeshTraces, which conflict with existing ones", heads: heads, rows: rows}
}

// noteHeads are the columns of noteRows.
var noteHeads = []string{"SEVERITY", "CODE", "SOURCE", "NOTE"}

func noteSection(r *Report) section {
	s := section{title: "Notes", heads: noteHeads, rows: noteRows(r.Notes)}
	for i := range r.Notes {
		for _, span := range r.Notes[i].Spans {
			if !slices.Contains(s.spans, span) {
				s.spans = append(s.spans, span)
			}
		}
	}
	return s
}

func noteRows(notes []convert.NoteText) [][]string {
	return lists.Each(notes, func(note convert.NoteText) []string {
		message := note.Resource + ": " + note.Message
		if note.Remedy != "" {
			message += ". To fix: " + note.Remedy
		}
		return []string{string(note.Severity), string(note.Code), note.Source.String(), message}
	})
}

// firstNames returns the first names, or all, in one line.
func firstNames(names []string, full bool) string {
	shown, _ := firstOf(names, 4, full)
	return convert.List(shown, len(names))
}

// MostProxies is the number of proxies that a report lists without --full.
const MostProxies = 50

// proxySection lists the proxies that are not the same, the worst first, or with --full all.
func proxySection(r *Report) section {
	s := section{title: "Proxies", heads: []string{"VERDICT", "MESH", "PROXY", "KIND", "ZONE", "KUMA", "TRACES GO TO", "DECIDED BY"}}
	var proxies []*report.Proxy
	for i := range r.Proxies {
		if p := &r.Proxies[i]; r.Full || p.Verdict.Compare(envoydiff.Inherent) >= 0 {
			proxies = append(proxies, p)
		}
	}
	if !r.Full {
		s.title = "Proxies whose tracing changes"
		slices.SortStableFunc(proxies, func(a, b *report.Proxy) int { return b.Verdict.Compare(a.Verdict) })
	}
	proxies, s.more = firstOf(proxies, MostProxies, r.Full)
	s.more += r.Unlisted
	for _, p := range proxies {
		s.rows = append(s.rows, []string{
			string(p.Verdict), p.Mesh, p.Name, p.Kind, cmp.Or(p.Zone, "-"), p.Version, p.Target, decidedBy(p, r.Full),
		})
	}
	return s
}

// dropColumns removes the columns without information, or with the same in every row.
func (s *section) dropColumns(r *Report) {
	if len(r.Meshes) == 1 && !slices.Contains(s.heads, "TRAFFICROUTE") {
		s.drop("MESH", r.Meshes[0].Name)
	}
	s.drop("SERVER", notAsked)
	s.drop("ZONE", "-")
	s.drop("NAMESPACE", "-")
	s.drop("KUMA", r.KumaVersion)
}

// drop removes a column if all its cells have one value.
func (s *section) drop(head, value string) {
	at := slices.Index(s.heads, head)
	if at < 0 || slices.ContainsFunc(s.rows, func(row []string) bool { return row[at] != value }) {
		return
	}
	s.heads = slices.Delete(slices.Clone(s.heads), at, at+1)
	for i := range s.rows {
		s.rows[i] = slices.Delete(s.rows[i], at, at+1)
	}
}

// knownCount returns a number of proxies, or a question mark if it is not known.
func knownCount(r *Report, proxies int) string {
	if r.Summary.Unverified {
		return "?"
	}
	return strconv.Itoa(proxies)
}

func sampling(percent *float64) string {
	if percent == nil {
		return "100% (unset)"
	}
	return strconv.FormatFloat(*percent, 'f', -1, 64) + "%"
}

const notAsked = "not asked"

// serverAnswer returns the API server's answer to a dry run.
func serverAnswer(trial *cluster.Trial) string {
	switch {
	case trial == nil:
		return notAsked
	case !trial.Accepted:
		return "REFUSED: " + trial.Message
	case len(trial.Warnings) > 0:
		return "accepted, warns: " + strings.Join(trial.Warnings, "; ")
	}
	return "accepted"
}

// decidedBy returns the policies that decide before and after, and the first differences, or all.
func decidedBy(p *report.Proxy, full bool) string {
	text := p.Before + " -> " + p.After
	shown, others := firstOf(p.Differences, 3, full)
	for _, d := range shown {
		text += fmt.Sprintf("; %s: %s %s -> %s", d.Code, d.Path(), d.Before, d.After)
	}
	if others > 0 {
		text += "; and " + convert.Plural(others, "more difference")
	}
	return text
}
