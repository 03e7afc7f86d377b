package output

import (
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/html"
	"tracemigrate/convert/report"
	"tracemigrate/meshtrace"
)

// The forms of each command's output, by the name that the flag --output takes.
var (
	DiffForms = Forms[func(*Printer, *Diff) error]{
		{"text", diffText},
		{"json", inJSON((*Diff).data)},
		{"yaml", inYAML((*Diff).data)},
		{"junit", diffJUnit},
		{"markdown", diffMarkdown},
	}
	ReportForms = Forms[func(*Printer, *Report) error]{
		{"text", reportText},
		{"json", inJSON(reportData)},
		{"yaml", inYAML(reportData)},
		{"markdown", reportMarkdown},
		{"html", func(p *Printer, r *Report) error { return html.Write(p.w, r.Report) }},
	}
	UpgradeForms = Forms[func(*Printer, *Upgrade) error]{
		{"text", upgradeText},
		{"json", inJSON((*Upgrade).data)},
		{"markdown", upgradeMarkdown},
		{"junit", upgradeJUnit},
		{"sarif", inJSON((*Upgrade).sarif)},
	}
	ExplainForms = Forms[func(*Printer, *Explanation) error]{
		{"text", explainText},
		{"json", inJSON((*Explanation).data)},
		{"yaml", inYAML((*Explanation).data)},
	}
	VersionForms = Forms[func(*Printer, *Version) error]{
		{"text", versionText},
		{"json", inJSON(versionData)},
		{"yaml", inYAML(versionData)},
	}
	// ConvertForms are styles, in which package meshtrace writes policies.
	ConvertForms = Forms[meshtrace.Style]{
		{"yaml", meshtrace.Style{}},
		{"json", meshtrace.Style{JSON: true}},
	}
)

// A report and a version are data already.
func reportData(r *Report) *report.Report { return r.Report }
func versionData(v *Version) *Version     { return v }

// Forms are the forms of a command's output, the default first.
type Forms[W any] []Form[W]

// Form is the name and the writer of a form.
type Form[W any] struct {
	Name  string
	Write W
}

// Find returns the writer of the form name, and reports whether the form exists.
func (f Forms[W]) Find(name string) (write W, exists bool) {
	i := slices.IndexFunc(f, func(form Form[W]) bool { return form.Name == name })
	if i < 0 {
		return write, false
	}
	return f[i].Write, true
}

// Default returns the name of the default form.
func (f Forms[W]) Default() string { return f[0].Name }

// Usage returns the help of the flag --output.
func (f Forms[W]) Usage() string {
	names := f.Names()
	last := len(names) - 1
	return "`FORM` of the output: " + strings.Join(names[:last], ", ") + " or " + names[last]
}

// Names returns the names of the forms, the default first.
func (f Forms[W]) Names() []string {
	return lists.Each(f, func(form Form[W]) string { return form.Name })
}
