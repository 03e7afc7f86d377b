package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// sections are a report's tables, which text and Markdown have in common.
type section struct {
	title string
	heads []string
	rows  [][]string
	more  int // rows that only --full lists
}

// shownProxies is how many proxies are listed without --full.
const shownProxies = 50

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
		message := n.Resource + ": " + n.Message
		if n.Remedy != "" {
			message += ". To do: " + n.Remedy
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
		// Columns that tell nothing, or the same of every row.
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

// drop takes a column away whose every cell is of one value.
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

// listed are the proxies to list: all, or those that do not stay the same, the
// different ones first.
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

// known is a number of proxies, or a question mark where they are not known.
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

// decidedBy says what decides before and after, and how that differs.
func decidedBy(p *report.Proxy) string {
	text := p.Before + " -> " + p.After
	const shown = 3
	for i, d := range p.Differences {
		if i == shown {
			text += "; and " + plain.Plural(len(p.Differences)-shown, "more difference", "more differences")
			break
		}
		text += fmt.Sprintf("; %s: %s %s -> %s", d.Code, d.Path, d.Before, d.After)
	}
	return text
}

// aboutOrigin is what is said of the source before all else.
func aboutOrigin(r *report.Report) []string {
	lines := []string{r.Origin.String()}
	if r.Origin.Zone != "" {
		lines = append(lines, fmt.Sprintf("zone %q", r.Origin.Zone))
	}
	if len(r.Origin.Zones) > 0 {
		var zones []string
		for _, z := range r.Origin.Zones {
			zones = append(zones, z.Name+" "+cmp.Or(z.Version, "(version unknown)"))
		}
		lines = append(lines, "zones: "+strings.Join(zones, ", "))
	}
	if len(r.Origin.Meshes) > 0 {
		lines = append(lines, "only these meshes: "+strings.Join(r.Origin.Meshes, ", "))
	}
	for _, kind := range r.Origin.Absent {
		lines = append(lines, fmt.Sprintf("there is no kind %s here", kind))
	}
	for _, u := range r.Origin.Unread {
		lines = append(lines, fmt.Sprintf("not known: %s, because %s. To do: %s", u.What, u.Reason, cmp.Or(u.Remedy, "nothing")))
	}
	if r.Origin.NothingLegacy() && r.Summary.TrafficTraces == 0 {
		lines = append(lines, "nothing legacy is left here")
	}
	if r.Summary.TrafficTraces > 0 {
		lines = append(lines, fmt.Sprintf("policies are for Kuma %s", r.KumaVersion))
	}
	if len(r.Policies) > 0 && r.Policies[0].Server != nil && r.Summary.Refused == 0 {
		lines = append(lines, "the API server accepts every policy (a dry run: nothing was stored)")
	}
	return lines
}

func counts(r *report.Report) string {
	s := &r.Summary
	create := plain.Plural(s.Policies, "MeshTrace", "MeshTraces") + " to create"
	switch {
	case s.Earlier > 0 && s.Policies == 0:
		create = fmt.Sprintf("no MeshTrace to create, as %d of a previous run exist", s.Earlier)
	case s.Earlier > 0:
		create += fmt.Sprintf(" besides %d of a previous run", s.Earlier)
	case s.Policies == 0:
		create = "no MeshTrace to create"
	}
	text := fmt.Sprintf("%s, %s, %s; %s compared: %d same, %d inherent, %d different",
		plain.Plural(s.Meshes, "mesh", "meshes"), plain.Plural(s.TrafficTraces, "TrafficTrace", "TrafficTraces"), create,
		plain.Plural(s.Proxies, "proxy", "proxies"), s.Same, s.Inherent, s.Different)
	if s.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown", s.Unknown)
	}
	if s.MadeUp > 0 {
		text += fmt.Sprintf(" (%d made up from selectors, because no Dataplane of their mesh is known)", s.MadeUp)
	}
	return text
}

func reportText(w *printer, r *report.Report, full bool) error {
	for _, line := range aboutOrigin(r) {
		w.wrapped("%s", line)
	}
	w.line("")
	sentence, _ := plain.ReportVerdict(&r.Summary)
	w.wrapped("%s.", sentence)
	w.wrapped("%s", counts(r))
	for _, s := range reportSections(r, full) {
		w.line("")
		w.line("%s", s.title)
		w.table(s.heads, s.rows)
		if s.more > 0 {
			w.line("and %d more, which --full lists", s.more)
		}
	}
	if len(r.HandWork) > 0 {
		w.line("")
		w.line("To do by hand")
		for _, work := range r.HandWork {
			w.wrapped("  - %s", work)
		}
	}
	if len(r.NextSteps) > 0 {
		w.line("")
		w.line("Next steps")
		for i, step := range r.NextSteps {
			w.wrapped("  %d. %s:", i+1, step.Title)
			w.whole("       " + step.Command) // to be copied
		}
	}
	return nil
}

func reportMarkdown(w *printer, r *report.Report, full bool) error {
	var b strings.Builder
	sentence, _ := plain.ReportVerdict(&r.Summary)
	fmt.Fprintf(&b, "# Tracing migration: %s\n\n", markdownText(sentence))
	for _, line := range aboutOrigin(r) {
		fmt.Fprintf(&b, "- %s\n", markdownText(manifest.Redact(line)))
	}
	fmt.Fprintf(&b, "\n%s.\n", markdownText(counts(r)))
	for _, s := range reportSections(r, full) {
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", s.title, strings.ToLower(strings.Join(s.heads, " | ")), strings.Repeat("---|", len(s.heads)))
		for _, row := range s.rows {
			cells := make([]string, 0, len(row))
			for _, cell := range row {
				cells = append(cells, markdownText(manifest.Redact(cell)))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
		if s.more > 0 {
			fmt.Fprintf(&b, "\nand %d more, which `--full` lists.\n", s.more)
		}
	}
	if len(r.HandWork) > 0 {
		b.WriteString("\n## To do by hand\n\n")
		for _, work := range r.HandWork {
			fmt.Fprintf(&b, "- [ ] %s\n", markdownText(manifest.Redact(work)))
		}
	}
	if len(r.NextSteps) > 0 {
		b.WriteString("\n## Next steps\n")
		for i, step := range r.NextSteps {
			fmt.Fprintf(&b, "\n%d. %s\n\n%s\n", i+1, markdownText(step.Title), fenced(step.Command, "sh"))
		}
	}
	if len(r.Policies) > 0 {
		b.WriteString("\n## Manifests\n\n")
		var all []string
		for _, p := range r.Policies {
			all = append(all, p.Manifest)
		}
		b.WriteString(fenced(strings.TrimRight(strings.Join(all, "---\n"), "\n"), "yaml") + "\n")
	}
	_, err := fmt.Fprint(w.w, b.String())
	return err
}

// fenced is a code block that its text cannot leave.
func fenced(text, language string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + plain.Printable(text) + "\n" + fence
}
