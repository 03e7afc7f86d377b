package edit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tracemigrate/cluster/manifest"
)

// File is a text of YAML documents, or JSON, with the changes recorded for it.
type File struct {
	name      string
	text      source
	line      int           // number of the first line
	starts    []int         // where each line starts
	marks     map[int][]int // offsets within long lines, see measure
	eol       string
	documents []*Document
}

const byteOrderMark = "\ufeff"

// Parse reads a text of YAML documents, or JSON. Errors name the file and the line. The
// caller must not change text afterwards.
func Parse(name string, text []byte) (*File, error) { return parse(name, text, 1) }

// parse reads a text whose first line has the given number in its file.
func parse(name string, text []byte, line int) (*File, error) {
	f := newFile(name, text, line)
	if !utf8.Valid(text) {
		return nil, f.fail(0, "is not UTF-8", "save it as UTF-8 text")
	}
	var problems []error
	for _, region := range f.text.documents(f.starts[0]) {
		switch root, err := f.decode(region); {
		case err != nil:
			problems = append(problems, err)
		case root != nil:
			f.documents = append(f.documents, &Document{Root: root, file: f, region: region})
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return f, nil
}

// newFile returns a file whose documents are not parsed yet.
func newFile(name string, text []byte, line int) *File {
	f := &File{name: name, text: text, line: line, eol: "\n"}
	start := 0
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	f.starts = append(make([]int, 0, bytes.Count(text, []byte("\n"))+1), start)
	for i, c := range text {
		if c == '\n' {
			f.starts = append(f.starts, i+1)
		}
	}
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		f.eol = "\r\n"
	}
	return f
}

// Documents returns the documents that are not empty, in order.
func (f *File) Documents() []*Document { return f.documents }

// Empty reports whether the changes leave no document, only comments and blank lines.
func (f *File) Empty() bool {
	return !slices.ContainsFunc(f.documents, func(d *Document) bool { return !d.settle().removed })
}

// Bytes returns the text with all changes. Without changes it is the text itself. It
// returns an error and no text if a change would affect anything else.
func (f *File) Bytes() ([]byte, error) {
	plans, changes, err := f.changes()
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return bytes.Clone(f.text), nil
	}
	text := f.apply(changes)
	if err := f.check(plans, text); err != nil {
		return nil, err
	}
	return text, nil
}

// changes returns what happens to each document, and the changes of the text that follow.
func (f *File) changes() ([]*plan, []change, error) {
	plans := make([]*plan, len(f.documents))
	var changes []change
	var problems []error
	for i, d := range f.documents {
		p := d.settle()
		plans[i] = p
		switch err := p.conflict(); {
		case err != nil:
			problems = append(problems, err)
		case (p.removed || p.touched[d.Root]) && d.odd():
			problems = append(problems, d.oddBreak())
		case p.touched[d.Root] && !p.removed:
			p.edit(d.Root)
			changes = append(changes, p.changes...)
		}
		if p.unclear != nil {
			problems = append(problems, p.refuse(p.unclear))
		}
		if p.failure != nil {
			problems = append(problems, p.failure)
		}
	}
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	return plans, append(changes, f.removals(plans)...), nil
}

// fail returns a problem of a line; 0 is the whole file.
func (f *File) fail(line int, fault, remedy string) error {
	return &manifest.Problem{
		Place:    manifest.Place{File: f.name, Line: line},
		Severity: manifest.Error, Fault: fault, Remedy: remedy,
	}
}

// formatPath formats a path for a message: spec.items[0].
func formatPath(path []any) string {
	var text strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", step)
		default:
			if text.Len() > 0 {
				text.WriteByte('.')
			}
			word := fmt.Sprint(step)
			if quoted := fmt.Sprintf("%q", word); len(quoted) != len(word)+2 || strings.ContainsAny(word, ".[] ") {
				word = quoted
			}
			text.WriteString(word)
		}
	}
	return text.String()
}
