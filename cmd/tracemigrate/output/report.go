package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// Report is what report found, and how to print it.
type Report struct {
	*report.Report
	Full    bool   // list every proxy
	Command string // that makes it, without its form
}

// Holds reports whether the exit code is 0.
func (r *Report) Holds() bool { return r.Summary.Holds }

// Verdict returns the outcome in one sentence, without a capital letter.
func (r *Report) Verdict() string { return r.Outcome() }

// Outcome returns the outcome in one sentence, without a capital letter.
func (r *Report) Outcome() string {
	sentence, _ := plain.ReportVerdict(&r.Summary)
	return strings.ToLower(sentence[:1]) + sentence[1:]
}

// made returns when and from what an output was made, in one line.
func made(head *report.Head) string {
	parts := []string{head.Date, "tracemigrate " + head.Tool, head.Digest}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// head prints what was read, and when and from what the output was made.
func (p *Printer) head(head *report.Head) {
	if head.Cluster != "" {
		p.Line("%s", head.Cluster)
	}
	if head.Tool != "" {
		p.Line("%s", made(head))
	}
}

// aboutOrigin returns the lines that describe the source, except its name.
func aboutOrigin(r *report.Report) []string {
	var lines []string
	if r.Origin.Zone != "" {
		lines = append(lines, fmt.Sprintf("zone %q", r.Origin.Zone))
	}
	if len(r.Origin.Zones) > 0 {
		zones := lists.Each(r.Origin.Zones, func(z cluster.Zone) string {
			return z.Name + " " + cmp.Or(z.Version, "(version unknown)")
		})
		lines = append(lines, "zones: "+strings.Join(zones, ", "))
	}
	if len(r.Origin.Meshes) > 0 {
		lines = append(lines, "only these meshes: "+strings.Join(r.Origin.Meshes, ", "))
	}
	for _, kind := range r.Origin.Absent {
		lines = append(lines, fmt.Sprintf("the source does not have the kind %s", kind))
	}
	for _, u := range r.Origin.Unread {
		lines = append(lines, unreadText(u))
	}
	if r.Origin.NothingLegacy() && r.Summary.TrafficTraces == 0 {
		lines = append(lines, "no legacy tracing is left here")
	}
	if r.Summary.TrafficTraces > 0 {
		lines = append(lines, fmt.Sprintf("policies for Kuma %s", r.KumaVersion))
	}
	if len(r.Policies) > 0 && r.Policies[0].Server != nil && r.Summary.Refused == 0 {
		lines = append(lines, "the API server accepts every policy (dry run: nothing was stored)")
	}
	return lines
}

// counts returns a sentence with the numbers of the summary.
func counts(r *report.Report) string {
	s := &r.Summary
	create := convert.Plural(s.Policies, "MeshTrace") + " to create"
	switch {
	case s.Earlier > 0 && s.Policies == 0:
		create = fmt.Sprintf("no MeshTrace to create: %d of a previous run %s", s.Earlier, convert.Word(s.Earlier, "exists", "exist"))
	case s.Earlier > 0:
		create += fmt.Sprintf(" in addition to %d of a previous run", s.Earlier)
	case s.Policies == 0:
		create = "no MeshTrace to create"
	}
	text := fmt.Sprintf("%s, %s, %s; %s",
		convert.Plural(s.Meshes, "mesh"), convert.Plural(s.TrafficTraces, "TrafficTrace"), create, compared(&s.Tally))
	if s.MadeUp > 0 {
		text += fmt.Sprintf(" (%d made up from selectors, because the input has no Dataplane of their mesh)", s.MadeUp)
	}
	return text
}
