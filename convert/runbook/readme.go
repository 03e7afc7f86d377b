package runbook

import (
	"cmp"
	"embed"
	"slices"
	"strings"
	"text/template"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/meshtrace"
)

//go:embed templates
var texts embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"quote": manifest.ShellQuote, "code": code, "cell": cell, "join": join, "patch": MeshPatch,
}).ParseFS(texts, "templates/*"))

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
	return strings.Join(convert.Words(steps), by)
}

// page is the data of the templates.
type page struct {
	*builder
	Tied []wave
}

// wave is a file of TrafficTraces that are created together.
type wave struct {
	File  string
	Count int
}

// script adds a shell script from its template.
func (b *builder) script(name string) {
	b.files = append(b.files, File{Path: name, Text: b.execute(name), Script: true})
}

func (b *builder) execute(name string) []byte {
	p := page{builder: b}
	for i, resources := range b.tied {
		p.Tied = append(p.Tied, wave{tiedFile(i), len(resources)})
	}
	var text strings.Builder
	b.fail(templates.ExecuteTemplate(&text, name, p))
	return []byte(strings.TrimRight(text.String(), "\n") + "\n")
}

// The data of the templates.

func (p page) Meshes() []*cluster.Original   { return p.meshes }
func (p page) Traces() []*cluster.Original   { return p.traces }
func (p page) Made() []*meshtrace.Policy     { return p.made }
func (p page) Replaced() []*cluster.Original { return p.replaced }
func (p page) Source() string                { return p.Report.Origin.Source }
func (p page) KumaVersion() string           { return p.Report.KumaVersion }
func (p page) Mode() string                  { return string(p.Report.Origin.Mode) }
func (p page) HasShadow() bool               { return p.hasShadow() }
func (p page) Restores() bool                { return p.Removes() }

func (p page) Untied() int                       { return len(p.untied) }
func (p page) UntiedTraces() []*cluster.Original { return p.untied }
func (p page) TiedCount() int                    { return len(p.TiedTraces()) }
func (p page) TiedTraces() []*cluster.Original   { return slices.Concat(p.tied...) }

func (p page) HidesHeader() bool { return strings.Contains(p.Live, "=VALUE") }

func (p page) ReplacedCount() string { return convert.Plural(len(p.replaced), "MeshTrace") }

func (p page) Warnings() string {
	if p.Report.Summary.Warnings == 0 {
		return ""
	}
	return convert.Plural(p.Report.Summary.Warnings, "warning")
}

func (b *builder) hasShadow() bool { return b.Shadow != nil && len(b.Shadow.Policies) > 0 }

// ReadsZone reports whether verify.sh reads a zone's own control plane.
func (p page) ReadsZone(name string) bool { return strings.Contains(p.Live, "--zone "+name+"=") }

// ReadsZones reports whether verify.sh reads the control planes of all zones.
func (p page) ReadsZones() bool {
	return !slices.ContainsFunc(p.Report.Origin.Zones, func(zone cluster.Zone) bool { return !p.ReadsZone(zone.Name) })
}

// ZoneCommand returns the command that verifies a step with the zones' own control planes.
func (p page) ZoneCommand() string {
	command := "sh verify.sh add " + cmp.Or(p.Live, p.SourceFlag+" NAME")
	for _, zone := range p.Report.Origin.Zones {
		if !p.ReadsZone(zone.Name) {
			command += " --zone " + manifest.ShellQuote(zone.Name+"=SOURCE")
		}
	}
	return command
}

// ZoneDiff returns the command that gets the verdict of a zone's own control plane.
func (p page) ZoneDiff() string {
	return p.Program + " diff --shadow " + p.SourceFlag + " ZONE" + p.Commands.Meshes
}

// Empties reports whether a policy prevents tracing.
func (p page) Empties() bool {
	return slices.ContainsFunc(p.Plan.Policies, func(q *meshtrace.Policy) bool {
		return q.Default.Backends != nil && len(q.Default.Backends) == 0
	})
}

// NoDataplanes reports whether a mesh with TrafficTraces has no Dataplanes.
func (p page) NoDataplanes() bool {
	return slices.ContainsFunc(p.MeshRows(), func(row Row) bool { return row.Proxies == 0 && row.TrafficTraces > 0 })
}

// Row counts resources and verdicts of a mesh or a zone.
type Row struct {
	Name          string `json:"name"`
	Version       string `json:"version,omitempty"` // of a zone
	TrafficTraces int    `json:"trafficTraces,omitempty"`
	MeshTraces    int    `json:"meshTraces,omitempty"`
	Proxies       int    `json:"proxies"`
	Same          int    `json:"same"`
	Inherent      int    `json:"inherent"`
}

func (r *Row) count(p *report.Proxy) {
	r.Proxies++
	switch p.Verdict {
	case envoydiff.Inherent:
		r.Inherent++
	default: // a plan is not written with others
		r.Same++
	}
}

// MeshRows returns a row for each mesh.
func (b *builder) MeshRows() []Row {
	rows := make([]Row, 0, len(b.Report.Meshes))
	of := make(map[string]int, len(b.Report.Meshes))
	for i, m := range b.Report.Meshes {
		rows = append(rows, Row{Name: m.Name})
		of[m.Name] = i
	}
	for _, o := range b.traces {
		rows[of[o.Mesh]].TrafficTraces++
	}
	for _, p := range b.made {
		rows[of[p.Mesh]].MeshTraces++
	}
	for i := range b.Report.Proxies {
		p := &b.Report.Proxies[i]
		if n, ok := of[p.Mesh]; ok && !p.MadeUp {
			rows[n].count(p)
		}
	}
	return rows
}

// ZoneRows returns a row for each zone of a global control plane.
func (b *builder) ZoneRows() []Row {
	rows := make([]Row, 0, len(b.Report.Origin.Zones))
	of := make(map[string]int)
	for i, zone := range b.Report.Origin.Zones {
		rows = append(rows, Row{Name: zone.Name, Version: zone.Version})
		of[zone.Name] = i
	}
	for i := range b.Report.Proxies {
		p := &b.Report.Proxies[i]
		if n, ok := of[p.Zone]; ok && !p.MadeUp {
			rows[n].count(p)
		}
	}
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
	found := make(map[group][]string)
	var order []group
	for _, p := range b.Plan.Policies {
		g := group{p.Mesh, p.TargetRef.Kind}
		if found[g] == nil {
			order = append(order, g)
		}
		found[g] = append(found[g], p.Name)
	}
	var all []Names
	for _, g := range order {
		if len(found[g]) > 1 {
			all = append(all, Names{g.mesh, found[g]})
		}
	}
	return all
}
