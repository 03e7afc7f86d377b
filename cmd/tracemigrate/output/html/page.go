// Package html writes a report as one HTML page. The page contains its style, its
// script, its pictures and its data, and it requests nothing from any server.
package html

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

//go:embed report.css report.html report.js
var assets embed.FS

// Write writes a report as one self-contained page. The same report gives the same
// bytes.
func Write(w io.Writer, r *report.Report) error {
	page, err := newDocument(r)
	if err != nil {
		return err
	}
	layout, err := template.New("report.html").Funcs(funcs).ParseFS(assets, "report.html")
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
	Data     template.JS // the proxies, as JSON
	Verdict  string
	Tone     string // good, inherent, bad or unknown
	Errors   list[*noteGroup]
	Warnings list[*noteGroup]
	Infos    list[*noteGroup]
	InfoN    int // notes in Infos
	Work     list[string]
	Traces   list[selectorRow]
	Pictures []*picture
	// MorePictures is the number of meshes beyond maxPictures.
	MorePictures int
	Manifests    []shownManifest
}

// list is a long list: the part that the page shows and the folded part.
type list[T any] struct{ Shown, Folded []T }

func newList[T any](all []T, shown int) list[T] {
	if len(all) <= shown+shown/4 { // a fold of a few entries saves no room
		return list[T]{Shown: all}
	}
	return list[T]{all[:shown], all[shown:]}
}

// Len returns the number of entries.
func (l list[T]) Len() int { return len(l.Shown) + len(l.Folded) }

// noteGroup is the notes with one code and remedy, on several resources.
type noteGroup struct {
	convert.NoteText // the first
	Notes            list[convert.NoteText]
}

// groupNotes groups the notes of a severity by code and remedy.
func groupNotes(notes []convert.NoteText, severity manifest.Severity) list[*noteGroup] {
	type kind struct {
		code   convert.Code
		remedy string
	}
	byKind := make(map[kind]*noteGroup)
	var all []*noteGroup
	for _, note := range notes {
		if note.Severity != severity {
			continue
		}
		k := kind{note.Code, note.Remedy}
		if byKind[k] == nil {
			byKind[k] = &noteGroup{NoteText: note}
			all = append(all, byKind[k])
		}
		byKind[k].Notes.Shown = append(byKind[k].Notes.Shown, note)
	}
	for _, group := range all {
		group.Notes = newList(group.Notes.Shown, 4)
	}
	return newList(all, 20)
}

// selectorRow is a row of the table of TrafficTraces.
type selectorRow struct {
	report.Selector
	Trace *report.TrafficTrace
	First bool // of its TrafficTrace
}

// shownManifest is a policy and how to show it.
type shownManifest struct {
	report.Policy
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
	script, err := readAsset("report.js")
	if err != nil {
		return nil, err
	}
	data, err := proxiesJSON(r)
	if err != nil {
		return nil, err
	}
	// The data contains the proxies, so the template needs no copy of them.
	shown := *r
	shown.Proxies = nil
	shown = cleaned(reflect.ValueOf(shown)).Interface().(report.Report)
	page := &document{
		Report: &shown, Security: contentSecurity(style, script),
		// These are files of this program, and JSON in which <, > and & are
		// escaped.
		Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data),
	}
	page.Verdict, page.Tone = plain.ReportVerdict(&shown.Summary)
	page.Errors = groupNotes(shown.Notes, manifest.Error)
	page.Warnings = groupNotes(shown.Notes, manifest.Warning)
	page.Infos = groupNotes(shown.Notes, manifest.Info)
	page.InfoN = len(shown.Notes) - shown.Summary.Errors - shown.Summary.Warnings
	work := make([]string, 0, len(shown.HandWork))
	for _, w := range shown.HandWork {
		work = append(work, w.String())
	}
	page.Work = newList(work, 8)
	var selectors []selectorRow
	for i := range shown.TrafficTraces {
		trace := &shown.TrafficTraces[i]
		if len(trace.Selectors) == 0 {
			selectors = append(selectors, selectorRow{Trace: trace, First: true, Selector: report.Selector{Reason: "it has no selector"}})
		}
		for j, selector := range trace.Selectors {
			selectors = append(selectors, selectorRow{Trace: trace, First: j == 0, Selector: selector})
		}
	}
	page.Traces = newList(selectors, 200)
	const open = 3 // manifests
	for i, policy := range shown.Policies {
		page.Manifests = append(page.Manifests, shownManifest{
			Policy: policy, Altered: policy.Manifest != r.Policies[i].Manifest,
			Open: len(shown.Policies) <= open || policy.Server != nil && !policy.Server.Accepted,
		})
	}
	page.Pictures, page.MorePictures = newPictures(shown.Flows)
	return page, nil
}

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

var funcs = template.FuncMap{
	"number": plain.Number,
	"plural": plain.Plural,
	"percent": func(sampling *float64) string {
		if sampling == nil {
			return "100 % (not set)"
		}
		return strconv.FormatFloat(*sampling, 'f', -1, 64) + " %"
	},
	"join": func(list []string) string {
		const shown = 12
		return plain.List(list[:min(len(list), shown)], len(list))
	},
	"zones": func(zones []cluster.Zone) string {
		list := make([]string, 0, len(zones))
		for _, zone := range zones {
			if zone.Version == "" {
				zone.Version = "version unknown"
			}
			list = append(list, fmt.Sprintf("%s (%s)", zone.Name, zone.Version))
		}
		return strings.Join(list, ", ")
	},
	"list": func(values ...any) []any { return values },
	"inc":  func(n int) int { return n + 1 },
}
