package output

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// section is a table of a report, in text and in Markdown.
type section struct {
	title string
	heads []string
	rows  [][]string
	more  int // rows that only --full lists
}

// shownProxies is the number of proxies that are listed without --full.
const shownProxies = 50

// reportSections returns the tables of a report that have rows.
func reportSections(r *report.Report, full bool) []section {
	all := []section{
		{"Meshes", []string{"MESH", "PROXIES", "DEFAULT BACKEND", "TRAFFICROUTE"}, nil, 0},
		{"Backends", []string{"MESH", "BACKEND", "TYPE", "ADDRESS", "SAMPLING", "PROXIES", "TRAFFICTRACES"}, nil, 0},
		{"TrafficTraces", []string{"MESH", "TRAFFICTRACE", "BACKEND", "PROXIES", "SELECTOR", "BECOMES"}, nil, 0},
		{"MeshTraces that exist", []string{"MESH", "NAMESPACE", "NAME", "STATE", "SELECTS"}, nil, 0},
		{"MeshTraces to create", []string{"MESH", "NAMESPACE", "NAME", "SELECTS", "SERVER", "FROM"}, nil, 0},
		{"MeshTraces withheld, because existing ones would conflict", []string{"MESH", "NAMESPACE", "NAME", "FROM"}, nil, 0},
		{"Notes", []string{"SEVERITY", "CODE", "SOURCE", "NOTE"}, nil, 0},
		{"Proxies", []string{"VERDICT", "MESH", "PROXY", "KIND", "ZONE", "KUMA", "TRACES GO TO", "DECIDED BY"}, nil, 0},
	}
	meshes, backends, traces, existing, created, withheld, notes, proxies := &all[0], &all[1], &all[2], &all[3], &all[4], &all[5], &all[6], &all[7]
	for _, m := range r.Meshes {
		route := "none"
		if m.TrafficRoute {
			route = "there is one"
		}
		meshes.rows = append(meshes.rows, []string{m.Name, known(r, m.Proxies), cmp.Or(m.DefaultBackend, "none"), route})
		for _, b := range m.Backends {
			users := strings.Join(b.TrafficTraces, ", ")
			if users == "" {
				users = "none"
			}
			name := b.Name
			if name == m.DefaultBackend {
				name += " (default)"
			}
			backends.rows = append(backends.rows, []string{m.Name, name, b.Type, cmp.Or(b.Address, "unusable"), sampling(b.Sampling), known(r, b.Proxies), users})
		}
	}
	for _, t := range r.TrafficTraces {
		for _, s := range t.Selectors {
			becomes := strings.Join(s.Policies, ", ")
			if becomes == "" {
				becomes = "none: " + cmp.Or(s.Reason, "it decides for nobody")
			}
			traces.rows = append(traces.rows, []string{t.Mesh, t.Name, cmp.Or(t.Backend, "none"), known(r, s.Proxies), s.Tags, becomes})
		}
	}
	for _, p := range r.Existing {
		state := "applied"
		switch {
		case p.Shadow:
			state = "shadow"
		case p.Earlier:
			state = "applied, by an earlier run"
		}
		existing.rows = append(existing.rows, []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, state, known(r, p.Proxies)})
	}
	for _, p := range r.Policies {
		created.rows = append(created.rows, []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, known(r, p.Proxies), serverSays(p.Server), p.Source})
	}
	for _, p := range r.Withheld {
		withheld.rows = append(withheld.rows, []string{p.Mesh, cmp.Or(p.Namespace, "-"), p.Name, p.Source})
	}
	for _, n := range r.Notes {
		message := n.Resource + ": " + n.Message()
		if n.Remedy() != "" {
			message += ". To fix: " + n.Remedy()
		}
		notes.rows = append(notes.rows, []string{string(n.Severity), string(n.Code), n.Source.String(), message})
	}
	for _, p := range listed(r, full) {
		if len(proxies.rows) == shownProxies && !full {
			proxies.more++
			continue
		}
		proxies.rows = append(proxies.rows, []string{string(p.Verdict), p.Mesh, p.Name, p.Kind, cmp.Or(p.Zone, "-"), p.Version, p.Target, decidedBy(p)})
	}
	if !full {
		proxies.title = "Proxies that do not stay exactly the same"
	}
	kept := all[:0]
	for _, s := range all {
		if len(s.rows) == 0 {
			continue
		}
		// Columns without information, or with the same in every row.
		if len(r.Meshes) == 1 && !slices.Contains(s.heads, "TRAFFICROUTE") {
			s.drop("MESH", r.Meshes[0].Name)
		}
		s.drop("SERVER", notAsked)
		s.drop("ZONE", "-")
		s.drop("NAMESPACE", "-")
		s.drop("KUMA", r.KumaVersion)
		kept = append(kept, s)
	}
	return kept
}

// drop removes a column when all its cells have one value.
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

const notAsked = "not asked"

// listed returns the proxies to list: all, or those that are not the same, the worst
// first.
func listed(r *report.Report, full bool) []*report.Proxy {
	var first, then []*report.Proxy
	for i := range r.Proxies {
		p := &r.Proxies[i]
		switch {
		case full || p.Verdict == envoydiff.Different || p.Verdict == envoydiff.Unknown:
			first = append(first, p)
		case p.Verdict == envoydiff.Inherent:
			then = append(then, p)
		}
	}
	return append(first, then...)
}

// known returns a number of proxies, or a question mark where it is not known.
func known(r *report.Report, proxies int) string {
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

func serverSays(trial *report.ServerTrial) string {
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

// decidedBy returns what decides before and after, and the differences.
func decidedBy(p *report.Proxy) string {
	text := p.Before + " -> " + p.After
	const shown = 3
	for i, d := range p.Differences {
		if i == shown {
			text += "; and " + plain.Plural(len(p.Differences)-shown, "more difference", "more differences")
			break
		}
		text += fmt.Sprintf("; %s: %s %s -> %s", d.Code, d.Path(), d.Before, d.After)
	}
	return text
}
