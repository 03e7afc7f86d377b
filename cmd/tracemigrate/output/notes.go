package output

import (
	"fmt"
	"io"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Result prints what each selector became, the notes, and the effects on proxies.
func (p *Printer) Result(s *cluster.Snapshot, r *convert.Plan) {
	if len(r.Policies) == 0 {
		p.Line("no MeshTrace comes of this: %s", whyNothing(s, r))
	}
	if len(r.Fates) > 0 {
		p.tableOf([]string{"TRAFFICTRACE", "SELECTOR", "BECOMES"}, func(yield func([]string) bool) {
			for _, fate := range r.Fates {
				if !yield([]string{traceName(fate), selectorText(fate), becomes(r, fate)}) {
					return
				}
			}
		})
	}
	if len(r.Notes) > 0 {
		if len(r.Fates) > 0 {
			p.Line("")
		}
		rows := make([][]string, 0, len(r.Notes))
		for _, note := range r.Notes {
			message := note.Resource + ": " + note.Message()
			if note.Remedy() != "" {
				message += ". To fix: " + note.Remedy()
			}
			rows = append(rows, []string{string(note.Severity), string(note.Code), note.Source.String(), message})
		}
		p.table([]string{"SEVERITY", "CODE", "SOURCE", "NOTE"}, rows)
	}
	if t := envoydiff.Count(r.Comparisons); t.Proxies > 0 {
		p.Line("")
		p.wrapped("%s", plain.Effects(&t))
	}
}

// whyNothing returns the reason that there is no policy.
func whyNothing(s *cluster.Snapshot, r *convert.Plan) string {
	switch {
	case len(s.Meshes) == 0 && len(s.TrafficTraces) == 0:
		return "the input has neither a Mesh nor a TrafficTrace"
	case len(s.TrafficTraces) == 0 && r.Tracing() > 0:
		return fmt.Sprintf("the input has no TrafficTrace; %s with a backend %s there", plain.Plural(r.Tracing(), "MeshTrace", "MeshTraces"), map[bool]string{true: "is", false: "are"}[r.Tracing() == 1])
	case len(s.TrafficTraces) == 0:
		return "the input has no TrafficTrace, and without one nothing is traced"
	case r.Refused():
		return "what there is cannot be carried over, see the errors below"
	}
	for _, fate := range r.Fates {
		return fmt.Sprintf("TrafficTrace %q: %s", fate.TrafficTrace, fate.Reason)
	}
	return "no TrafficTrace has a selector"
}

// MadeUp prints the number of made-up proxies, and whether they are complete; at most
// most of them are made for a mesh.
func (p *Printer) MadeUp(n int, complete bool, most int) {
	if n == 0 {
		return
	}
	p.Line("tracemigrate: no Dataplane is known in a mesh with TrafficTraces: %d made-up proxies stand for what selectors can select", n)
	if !complete {
		p.Line("tracemigrate: there are more combinations of selectors than %d a mesh; only that many were compared", most)
	}
}

// Refusals prints the notes on what could not be carried over.
func (p *Printer) Refusals(version cluster.Version, r *convert.Plan) {
	for _, note := range r.Notes {
		if note.Severity == manifest.Error {
			p.Line("%s: %s: %s (%s, on Kuma %s)", note.Source, note.Resource, note.Message(), note.Code, version)
		}
	}
}

// Noted prints the notes of a code.
func (p *Printer) Noted(code convert.Code, version cluster.Version, r *convert.Plan) {
	for _, note := range r.Notes {
		if note.Code == code {
			p.Line("%s: %s: %s (%s, on Kuma %s)", note.Source, note.Resource, note.Message(), note.Code, version)
		}
	}
}

func traceName(fate *convert.Fate) string {
	if fate.Mesh == "default" {
		return fate.TrafficTrace
	}
	return fate.Mesh + "/" + fate.TrafficTrace
}

func selectorText(fate *convert.Fate) string {
	switch {
	case fate.Selector == 0:
		return "(none)"
	case fate.Selectors > 1:
		return fmt.Sprintf("%d: %s", fate.Selector, fate.Tags)
	}
	return fate.Tags.String()
}

// becomes returns the policies that a selector became, or why it became none.
func becomes(r *convert.Plan, fate *convert.Fate) string {
	if len(fate.Policies) == 0 {
		return "none: " + fate.Reason
	}
	var names []string
	for _, policy := range fate.Policies {
		stands := ""
		if r.Exists(policy) {
			stands = "; stands already"
		}
		names = append(names, fmt.Sprintf("%s (%s%s)", policy.Name, &policy.TargetRef, stands))
	}
	const shown = 4
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	return strings.Join(names, ", ")
}

// NotKept returns the names of some proxies that are different or unknown and the number
// of the others, empty when all keep their tracing.
func NotKept(comparisons []*envoydiff.Comparison) string {
	const shown = 3
	var list []string
	more := 0
	for _, c := range comparisons {
		for i := range c.Proxies {
			switch p := &c.Proxies[i]; {
			case p.Verdict != envoydiff.Different && p.Verdict != envoydiff.Unknown:
			case len(list) < shown:
				list = append(list, fmt.Sprintf("%s (%s on Kuma %s)", p.Dataplane, p.Verdict, c.Version))
			default:
				more++
			}
		}
	}
	text := strings.Join(list, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// WriteNotes writes notes as a JSON list.
func WriteNotes(w io.Writer, notes []*convert.Note) error {
	if notes == nil {
		notes = []*convert.Note{}
	}
	return encodeJSON(w, notes)
}
