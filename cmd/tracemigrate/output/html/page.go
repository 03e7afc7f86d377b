// Package html writes a report as one HTML page. The page contains its style, its
// script, its pictures and its data, and it requests nothing from any server.
package html

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

//go:embed report.css report.html parts.html table.js report.js
var assets embed.FS

// Write writes a report as one self-contained page. The same report gives the same
// bytes.
func Write(w io.Writer, r *report.Report) error {
	page, err := newDocument(r)
	if err != nil {
		return err
	}
	layout, err := template.New("report.html").Funcs(funcs).ParseFS(assets, "report.html", "parts.html")
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	if err := layout.Execute(w, page); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// document is the data of the template. The texts of its report contain no credentials
// and no unprintable characters; html/template escapes them.
type document struct {
	*report.Report
	Security template.HTMLAttr // http-equiv and content of the content security policy
	Style    template.CSS
	Script   template.JS
	Data     template.JS // the proxies and selectors, as JSON
	Verdict  string
	Heading  string
	Tone     string // good, inherent, bad, error or unknown
	Failed   int    // proxies that are an error, not a difference
	Causes   list[cause]
	Errors   list[*noteGroup]
	Warnings list[*noteGroup]
	Infos    list[*noteGroup]
	InfoN    int // notes in Infos
	Work     list[report.HandWork]
	Picture  *picture // nil without proxies
	Backends list[backendRow]
	Bare     list[report.Mesh] // without a backend
	NoRoute  list[report.Mesh] // with a backend and without a TrafficRoute
	// Selectors is the first page of the table of TrafficTraces, for browsers without
	// scripts, and SelectorN the number of all selectors.
	Selectors []selectorRow
	SelectorN int
	Existing  list[report.Existing]
	Manifests list[shownManifest]
	Withheld  list[report.Policy]
}

// HasSteps reports whether there is anything to do.
func (d *document) HasSteps() bool { return d.Work.Len() > 0 || len(d.Way)+len(d.NextSteps) > 0 }

// cause is proxies that differ in the same, and the filters of the table that show them.
type cause struct {
	report.Cause
	Shown envoydiff.Verdict
	Key   string
}

// backendRow is a row of the table of backends.
type backendRow struct {
	report.Backend
	Mesh    string
	Default bool // of its mesh
}

// shownManifest is a policy and how to show it.
type shownManifest struct {
	report.Policy
	Number int // from 0
	// Altered reports that the manifest shown differs from the one that is written:
	// it has no credentials and no unprintable characters.
	Altered bool
	Open    bool
}

func newDocument(r *report.Report) (*document, error) {
	style, err := readAsset("report.css")
	if err != nil {
		return nil, err
	}
	var script string
	for _, name := range []string{"table.js", "report.js"} {
		part, err := readAsset(name)
		if err != nil {
			return nil, err
		}
		script += part
	}
	data, err := tablesJSON(r)
	if err != nil {
		return nil, err
	}
	// The data contains the proxies, so the template needs no copy of them.
	shown := *r
	shown.Proxies = nil
	shown = cleaned(reflect.ValueOf(shown)).Interface().(report.Report)
	page := &document{
		Report: &shown, Security: contentSecurity(style, script), Picture: newPicture(r.Proxies),
		// These are files of this program, and JSON in which <, > and & are
		// escaped.
		Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data),
	}
	page.Verdict, page.Tone = plain.ReportVerdict(&shown.Summary)
	page.Heading = cmp.Or(shown.Head.Sentence, page.Verdict+".")
	page.fillNotes(&shown)
	page.Tone = page.toneOf(page.Tone)
	page.fillMeshes(&shown)
	selectors := selectorsOf(&shown)
	page.Selectors, page.SelectorN = selectors[:min(len(selectors), selectorPage)], len(selectors)
	page.Existing = newList(shown.Existing, 6)
	page.fillManifests(&shown, r)
	return page, nil
}

// toneOf returns the tone of the page, instead of one that is only good or bad. What
// fails without a proxy that differs is an error; a report that could not compare is
// unknown.
func (d *document) toneOf(tone string) string {
	switch sum := &d.Summary; {
	case tone != "bad" || sum.Different > d.Failed:
		return tone
	case sum.Errors > 0:
		return "error"
	}
	return "unknown"
}

func (d *document) fillNotes(shown *report.Report) {
	causes := make([]cause, 0, len(shown.Causes))
	for _, c := range shown.Causes {
		verdict := shownVerdict(c.Verdict, c.Codes)
		if verdict == failed {
			d.Failed += c.Proxies
		}
		causes = append(causes, cause{c, verdict, causeKey(c.Codes)})
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return compareVerdicts(b.Shown, a.Shown) })
	d.Causes = newList(causes, 6)
	d.Errors = groupNotes(shown.Notes, manifest.Error)
	d.Warnings = groupNotes(shown.Notes, manifest.Warning)
	d.Infos = groupNotes(shown.Notes, manifest.Info)
	d.InfoN = len(shown.Notes) - shown.Summary.Errors - shown.Summary.Warnings
	d.Work = newList(shown.HandWork, 6)
}

func (d *document) fillMeshes(shown *report.Report) {
	var rows []backendRow
	var bare, noRoute []report.Mesh
	for i := range shown.Meshes {
		mesh := &shown.Meshes[i]
		for _, backend := range mesh.Backends {
			rows = append(rows, backendRow{backend, mesh.Name, backend.Name == mesh.DefaultBackend})
		}
		switch {
		case len(mesh.Backends) == 0:
			bare = append(bare, *mesh)
		case !mesh.TrafficRoute:
			noRoute = append(noRoute, *mesh)
		}
	}
	d.Backends, d.Bare, d.NoRoute = newList(rows, 6), newList(bare, 4), newList(noRoute, 4)
}

func (d *document) fillManifests(shown, written *report.Report) {
	const open = 3
	all := make([]shownManifest, 0, len(shown.Policies))
	for i, policy := range shown.Policies {
		all = append(all, shownManifest{
			Policy: policy, Number: i, Altered: policy.Redacted || policy.Manifest != written.Policies[i].Manifest,
			Open: len(shown.Policies) <= open || isRefused(&policy),
		})
	}
	all = lists.Last(all, func(m shownManifest) bool { return !isRefused(&m.Policy) })
	d.Manifests, d.Withheld = newList(all, 6), newList(shown.Withheld, 6)
}

// isRefused reports whether the API server refused the policy, which is then shown first.
func isRefused(p *report.Policy) bool { return p.Server != nil && !p.Server.Accepted }

// readAsset returns a file of the page. A checkout on Windows may change its line
// ends; a browser changes them back before it compares the hashes.
func readAsset(name string) (string, error) {
	text, err := assets.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading a file of the page: %w", err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n"), nil
}

// contentSecurity returns the content security policy: it allows the page's own script
// and style, and forbids requests, other scripts, event attributes and text as markup.
func contentSecurity(style, script string) template.HTMLAttr {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) +
		"; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	return template.HTMLAttr(`http-equiv="Content-Security-Policy" content="` + policy + `"`)
}

// joinNames returns the first of many names, and the number of the others.
func joinNames(names []string) string { return convert.First(names, 12) }

var funcs = template.FuncMap{
	"newest": cluster.Newest.String, "sinceTrafficRoute": cluster.SinceTrafficRoute.MajorMinor,
	"number": convert.Number, "plural": convert.Plural,
	"prose": prose, "pieces": pieces, "command": command, "backticked": plain.Backticked,
	"percent": func(sampling *float64) string {
		if sampling == nil {
			return "100%"
		}
		return strconv.FormatFloat(*sampling, 'f', -1, 64) + "%"
	},
	"join": joinNames,
	"zones": func(zones []cluster.Zone) string {
		return strings.Join(lists.Each(zones, func(zone cluster.Zone) string {
			return fmt.Sprintf("%s (%s)", zone.Name, cmp.Or(zone.Version, "version unknown"))
		}), ", ")
	},
	"fold":  newList[string],
	"list":  func(values ...any) []any { return values },
	"minus": func(a, b int) int { return a - b },
	"inc":   func(n int) int { return n + 1 },
}
