package output

import (
	"fmt"
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Result prints the policies of each selector, and the notes.
func (p *Printer) Result(s *cluster.Snapshot, r *convert.Plan) {
	if len(r.Policies) == 0 {
		p.Verdict("no MeshTrace to create: %s", whyNothing(s, r))
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
	notes := r.Notes
	if p.quiet {
		notes = slices.DeleteFunc(slices.Clone(notes), func(note *convert.Note) bool {
			return note.Severity != manifest.Error && note.Code != convert.Code(cluster.NotRead)
		})
	}
	if len(notes) > 0 {
		if len(r.Fates) > 0 {
			p.Line("")
		}
		all := *p
		all.quiet = false
		all.table(noteHeads, noteRows(convert.Texts(notes)))
	}
}

// Effects returns the effects of the conversion of a snapshot on proxies in one sentence,
// without a capital letter. It is empty if no proxy was compared.
func Effects(s *cluster.Snapshot, comparisons []*envoydiff.Comparison) string {
	text := effects(comparisons)
	if text == "" {
		return ""
	}
	return text + partly(convert.Partial(s), len(convert.ZonesUnread(s)))
}

// whyNothing returns the reason that there is no policy.
func whyNothing(s *cluster.Snapshot, r *convert.Plan) string {
	switch {
	case len(s.Meshes) == 0 && len(s.TrafficTraces) == 0:
		return "the input has neither a Mesh nor a TrafficTrace"
	case len(s.TrafficTraces) == 0 && r.Tracing() > 0:
		return "the input has no TrafficTrace; " +
			convert.Plural(r.Tracing(), "MeshTrace with a backend exists", "MeshTraces with a backend exist")
	case len(s.TrafficTraces) == 0:
		return "the input has no TrafficTrace, so nothing is traced"
	case r.Refused():
		return "nothing can be carried over; see the errors below"
	}
	for _, fate := range r.Fates {
		return fmt.Sprintf("TrafficTrace %q: %s", fate.TrafficTrace, fate.Reason)
	}
	return "no TrafficTrace has a selector"
}

// MadeUp prints the number of made-up proxies and, if they do not cover all combinations
// of selectors, the limit for each mesh.
func (p *Printer) MadeUp(n int, complete bool, limit int) {
	if n == 0 {
		return
	}
	p.Line("tracemigrate: a mesh with TrafficTraces has no Dataplane in the input: "+
		"%s what selectors can select", convert.Plural(n, "made-up proxy represents", "made-up proxies represent"))
	if !complete {
		p.Line("tracemigrate: a mesh has more than %d combinations of selectors; not all were compared", limit)
	}
}

// ErrorNotes prints the notes on what cannot be carried over.
func (p *Printer) ErrorNotes(version cluster.Version, notes []*convert.Note) {
	p.notes(version, notes, func(note *convert.Note) bool { return note.Severity == manifest.Error })
}

// WarningNotes prints the notes on what to look at.
func (p *Printer) WarningNotes(version cluster.Version, notes []*convert.Note) {
	p.notes(version, notes, func(note *convert.Note) bool { return note.Severity == manifest.Warning })
}

// NotesOf prints the notes of a code.
func (p *Printer) NotesOf(code convert.Code, version cluster.Version, notes []*convert.Note) {
	p.notes(version, notes, func(note *convert.Note) bool { return note.Code == code })
}

func (p *Printer) notes(version cluster.Version, notes []*convert.Note, match func(*convert.Note) bool) {
	for _, note := range notes {
		if !match(note) {
			continue
		}
		line := p.Line
		if note.Severity == manifest.Error {
			line = p.Verdict
		}
		line("%s: %s: %s (%s, on Kuma %s)", note.Source, note.Resource, note.Message(), note.Code, version)
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
		return strconv.Itoa(fate.Selector) + ": " + fate.Tags.String()
	}
	return fate.Tags.String()
}

// becomes returns the policies that a selector becomes, or why it becomes none.
func becomes(r *convert.Plan, fate *convert.Fate) string {
	if len(fate.Policies) == 0 {
		return "none: " + fate.Reason
	}
	const shown = 4
	var names []string
	for _, policy := range fate.Policies[:min(len(fate.Policies), shown)] {
		exists := ""
		if r.Exists(policy) {
			exists = "; exists"
		}
		names = append(names, policy.Name+" ("+policy.TargetRef.String()+exists+")")
	}
	return convert.List(names, len(fate.Policies))
}

// NotKept names some of the proxies that are different or unknown, and returns an empty
// text if all keep their tracing.
func NotKept(comparisons []*envoydiff.Comparison) string {
	const shown = 3
	var list []string
	all := 0
	for c, p := range envoydiff.All(comparisons) {
		if p.Verdict != envoydiff.Different && p.Verdict != envoydiff.Unknown {
			continue
		}
		if all++; all <= shown {
			list = append(list, fmt.Sprintf("%s (%s on Kuma %s)", p.Dataplane, p.Verdict, versionsOf(c)))
		}
	}
	return convert.List(list, all)
}
