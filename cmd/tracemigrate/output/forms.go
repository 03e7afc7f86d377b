package output

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/meshtrace"
)

// The forms of each command's output, by the name that the flag --output takes.
var (
	DiffForms = Forms[func(*Printer, *Diff) error]{
		{"text", diffText},
		{"json", diffJSON},
		{"yaml", diffYAML},
		{"junit", diffJUnit},
		{"markdown", diffMarkdown},
	}
	ReportForms = Forms[func(*Printer, *Report) error]{
		{"text", reportText},
		{"json", reportJSON},
		{"yaml", reportYAML},
		{"markdown", reportMarkdown},
		{"html", reportHTML},
	}
	UpgradeForms = Forms[func(*Printer, *Upgrade) error]{
		{"text", upgradeText},
		{"json", upgradeJSON},
		{"markdown", upgradeMarkdown},
		{"junit", upgradeJUnit},
		{"sarif", upgradeSARIF},
	}
	ExplainForms = Forms[func(*Printer, *Explanation) error]{
		{"text", explainText},
		{"json", explainJSON},
		{"yaml", explainYAML},
	}
	VersionForms = Forms[func(*Printer, *Version) error]{
		{"text", versionText},
		{"json", versionJSON},
		{"yaml", versionYAML},
	}
	// ConvertForms are styles, in which package meshtrace writes policies.
	ConvertForms = Forms[meshtrace.Style]{
		{"yaml", meshtrace.Style{}},
		{"json", meshtrace.Style{JSON: true}},
	}
)

// Forms are the forms of a command's output, the default first.
type Forms[W any] []Form[W]

// Form is the name and the writer of a form.
type Form[W any] struct {
	Name  string
	Write W
}

// Find returns the writer of the form name.
func (f Forms[W]) Find(name string) (W, error) {
	i := slices.IndexFunc(f, func(form Form[W]) bool { return form.Name == name })
	if i >= 0 {
		return f[i].Write, nil
	}
	var none W
	if names := f.Names(); len(names) == 2 {
		return none, fmt.Errorf("--output: %q is neither %s nor %s", name, names[0], names[1])
	}
	return none, fmt.Errorf("--output: %q is none of %s", name, strings.Join(f.Names(), ", "))
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
	names := make([]string, 0, len(f))
	for _, form := range f {
		names = append(names, form.Name)
	}
	return names
}
