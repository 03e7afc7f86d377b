package runbook

import (
	"cmp"
	"embed"
	"slices"
	"strings"
	"sync"
	"text/template"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/meshtrace"
)

//go:embed templates
var texts embed.FS

// templates are parsed for the first plan, not at each start of the command.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"quote": manifest.ShellQuote, "code": code, "cell": cell, "join": join,
		"patch": meshPatch, "tiedFile": tiedFile, "plural": convert.Plural,
	}).ParseFS(texts, "templates/*"))
})

// code returns text of the input as code of Markdown, on one line, without credentials.
func code(text string) string {
	if text = manifest.Visible(manifest.Redact(text)); text == "" {
		text = `""`
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if fence != "`" {
		text = " " + text + " "
	}
	return fence + text + fence
}

// cell returns code for a table.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

func join(steps []Step, by string) string {
	return strings.Join(lists.Words(steps), by)
}

// script adds a shell script from its template.
func (b *builder) script(name string) {
	b.files = append(b.files, File{Path: name, Text: b.execute(name), Script: true})
}

func (b *builder) execute(name string) []byte {
	var text strings.Builder
	b.fail(templates().ExecuteTemplate(&text, name, b))
	return []byte(strings.TrimRight(text.String(), "\n") + "\n")
}

// TiedTraces returns the TrafficTraces between which creation times decide.
func (b *builder) TiedTraces() []*cluster.Original { return slices.Concat(b.Tied...) }

// HidesHeader reports whether verify.sh needs the value of a header.
func (b *builder) HidesHeader() bool { return strings.Contains(b.Live, "=VALUE") }

// HasShadow reports whether the plan has shadow policies.
func (b *builder) HasShadow() bool { return b.Shadow != nil && len(b.Shadow.Policies) > 0 }

// HasRemove reports whether the plan has legacy resources to remove.
func (b *builder) HasRemove() bool { return b.Removes() && len(b.Traces)+len(b.Meshes) > 0 }

// ReadsZone reports whether verify.sh reads a zone's own control plane.
func (b *builder) ReadsZone(name string) bool { return strings.Contains(b.Live, "--zone "+name+"=") }

// ReadsZones reports whether verify.sh reads the control planes of all zones.
func (b *builder) ReadsZones() bool {
	return !slices.ContainsFunc(b.Report.Origin.Zones, func(zone cluster.Zone) bool { return !b.ReadsZone(zone.Name) })
}

// ZoneCommand returns the command that verifies a step with the zones' own control planes.
func (b *builder) ZoneCommand() string {
	command := "sh verify.sh add " + cmp.Or(b.Live, b.SourceFlag+" NAME")
	for _, zone := range b.Report.Origin.Zones {
		if !b.ReadsZone(zone.Name) {
			command += " --zone " + manifest.ShellQuote(zone.Name+"=SOURCE")
		}
	}
	return command
}

// ZoneDiff returns the command that gets the verdict of a zone's own control plane.
func (b *builder) ZoneDiff() string {
	return b.Program + " diff --shadow " + b.SourceFlag + " ZONE" + b.Commands.Meshes
}

// Changed returns the existing MeshTraces that get another content.
func (b *builder) Changed() []*cluster.Original {
	same := lists.Set(b.Same, func(o *cluster.Original) *cluster.Original { return o })
	return lists.Keep(b.Replaced, func(o *cluster.Original) bool { return !same[o] })
}

// Restoration returns what rollback.sh does, in order, as a sentence.
func (b *builder) Restoration() string {
	var parts []string
	meshes, traces := b.Removes() && len(b.Meshes) > 0, b.Removes() && len(b.Traces) > 0
	if meshes {
		parts = append(parts, "restores the tracing of the Meshes")
	}
	switch {
	case meshes && traces:
		parts = append(parts, "the TrafficTraces")
	case traces:
		parts = append(parts, "restores the TrafficTraces")
	}
	if len(b.Made) > 0 {
		parts = append(parts, "deletes the new MeshTraces")
	}
	last := len(parts) - 1
	if last == 0 {
		return "The script " + parts[0] + "."
	}
	before := strings.Join(parts[:last], ", then ")
	return "The script first " + before + ", and then " + parts[last] + ", so every proxy has tracing at any time."
}

// Deletions returns the number of existing MeshTraces that the plan deletes.
func (b *builder) Deletions() int { return len(b.Idle) + len(b.Deleted) }

// Empties reports whether a policy prevents tracing.
func (b *builder) Empties() bool {
	return slices.ContainsFunc(b.Plan.Policies, func(q *meshtrace.Policy) bool {
		return q.Default.Backends != nil && len(q.Default.Backends) == 0
	})
}

// NoDataplanes reports whether a mesh with TrafficTraces has no Dataplanes.
func (b *builder) NoDataplanes() bool {
	return slices.ContainsFunc(b.MeshRows(), func(row Row) bool { return row.Proxies == 0 && row.TrafficTraces > 0 })
}

// Row counts resources and verdicts of a mesh or a zone.
type Row struct {
	Name          string `json:"name"`
	Version       string `json:"version,omitempty"` // of a zone
	TrafficTraces int    `json:"trafficTraces,omitempty"`
	MeshTraces    int    `json:"meshTraces,omitempty"`
	Replaced      int    `json:"replaced,omitempty"`  // existing MeshTraces that get another content
	Unchanged     int    `json:"unchanged,omitempty"` // existing MeshTraces that already have the new one's content
	Deleted       int    `json:"deleted,omitempty"`   // existing MeshTraces that others replace
	Proxies       int    `json:"proxies"`
	Same          int    `json:"same"`
	Inherent      int    `json:"inherent"`
	Accepted      int    `json:"accepted,omitempty"` // differ only in codes of --accept
}

// count counts the known proxies in the row whose name of returns, and returns the positions
// of rows by their names.
func (b *builder) count(rows []Row, of func(*report.Proxy) string) map[string]int {
	positions := make(map[string]int, len(rows))
	for i := range rows {
		positions[rows[i].Name] = i
	}
	for i := range b.Report.Proxies {
		p := &b.Report.Proxies[i]
		n, ok := positions[of(p)]
		if !ok || p.MadeUp {
			continue
		}
		rows[n].Proxies++
		switch p.Verdict {
		case envoydiff.Same:
			rows[n].Same++
		case envoydiff.Inherent:
			rows[n].Inherent++
		default: // a plan is not written with others
			rows[n].Accepted++
		}
	}
	return positions
}

// MeshRows returns a row for each mesh.
func (b *builder) MeshRows() []Row {
	rows := lists.Each(b.Report.Meshes, func(m report.Mesh) Row { return Row{Name: m.Name} })
	of := b.count(rows, func(p *report.Proxy) string { return p.Mesh })
	for _, p := range b.Made {
		rows[of[p.Mesh]].MeshTraces++
	}
	each := func(existing []*cluster.Original, count func(*Row)) {
		for _, o := range existing {
			if n, ok := of[o.Mesh]; ok {
				count(&rows[n])
			}
		}
	}
	each(b.Traces, func(r *Row) { r.TrafficTraces++ })
	each(b.Changed(), func(r *Row) { r.Replaced++ })
	each(b.Same, func(r *Row) { r.Unchanged++ })
	each(slices.Concat(b.Idle, b.Deleted), func(r *Row) { r.Deleted++ })
	return rows
}

// ZoneRows returns a row for each zone of a global control plane.
func (b *builder) ZoneRows() []Row {
	rows := lists.Each(b.Report.Origin.Zones, func(zone cluster.Zone) Row { return Row{Name: zone.Name, Version: zone.Version} })
	b.count(rows, func(p *report.Proxy) string { return p.Zone })
	return rows
}

// Names are MeshTraces of a mesh whose order decides, highest precedence first.
type Names struct {
	Mesh  string   `json:"mesh"`
	Names []string `json:"names"`
}

// Ordered returns the MeshTraces whose names decide: those of one kind of targetRef in one
// mesh.
func (b *builder) Ordered() []Names {
	type group struct {
		mesh string
		kind meshtrace.Kind
	}
	found := make(map[group][]*meshtrace.Policy)
	var order []group
	for _, p := range b.Plan.Policies {
		g := group{p.Mesh, p.TargetRef.Kind}
		if found[g] == nil {
			order = append(order, g)
		}
		found[g] = append(found[g], p)
	}
	var all []Names
	for _, g := range order {
		if policies := found[g]; len(policies) > 1 {
			meshtrace.Sort(b.Options.Version, policies)
			slices.Reverse(policies)
			all = append(all, Names{g.mesh, lists.Each(policies, func(p *meshtrace.Policy) string { return p.Name })})
		}
	}
	return all
}
