package edit

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// embedded is a literal block scalar (|) whose text is YAML of its own, such as an inline
// patch of a kustomization.
type embedded struct {
	file   *File // the text of the scalar, with LF line breaks
	outer  *File
	start  int // of its first line in the outer text
	indent int
}

// Embedded parses the literal block scalar at a path as a file of its own. Changes to it
// are changes of this file.
func (d *Document) Embedded(path ...any) (*File, error) {
	parent, last, rest, err := d.walk(path)
	if err == nil && len(rest) > 0 {
		err = d.missing(last.value, path, rest)
	}
	if err != nil {
		return nil, err
	}
	n := last.value
	if e := d.inner[n]; e != nil {
		return e.file, nil
	}
	refuse := func(fault string) error { return d.file.fail(n.Line, formatPath(path)+" "+fault, "edit it by hand") }
	if n.Style&yaml.LiteralStyle == 0 || d.odd() {
		return nil, refuse("is not a literal block scalar (|)")
	}
	column := -1
	if parent != nil {
		column = d.columnOf(parent)
	}
	e := d.embed(n, column)
	if e == nil {
		return nil, refuse("has line breaks or indentation that cannot be mapped")
	}
	if e.file, err = parse(d.file.name, []byte(n.Value), d.file.lineAt(e.start)); err != nil {
		return nil, err
	}
	record(&d.inner, n, e)
	return e.file, nil
}

// embed finds the lines of a literal scalar. It returns nil if they are not the lines of
// its value.
func (d *Document) embed(n *yaml.Node, column int) *embedded {
	s := d.text()
	_, content := s.properties(min(d.file.offset(n), len(s)))
	_, indent := s.block(content, column)
	e := &embedded{outer: d.file, start: s.lineEnd(content), indent: indent}
	pos := e.start
	for line := range strings.Lines(n.Value) {
		text := bytes.TrimRight(s[pos:s.lineEnd(pos)], "\r\n")
		line = strings.TrimSuffix(line, "\n")
		if len(text) < indent && line != "" || len(text) >= indent && string(text[indent:]) != line || pos >= len(s) {
			return nil
		}
		pos = s.lineEnd(pos)
	}
	return e
}

func (e *embedded) changed() bool {
	return slices.ContainsFunc(e.file.documents, func(d *Document) bool {
		p := d.settle()
		return p.removed || len(p.touched) > 0
	})
}

// changes returns the changes of the outer text.
func (e *embedded) changes() ([]change, error) {
	_, inner, err := e.file.changes()
	if err != nil {
		return nil, err
	}
	outer := make([]change, len(inner))
	for i, c := range inner {
		isLine := e.file.text.column(c.from) == 0 && (e.file.text.column(c.to) == 0 || c.to == len(e.file.text))
		indent := strings.Repeat(" ", e.indent)
		text := strings.ReplaceAll(c.text, "\n", e.outer.eol+indent)
		if c.whole || isLine && c.text != "" {
			text = indent + text
		}
		isLine = isLine || c.whole
		outer[i] = change{from: e.offset(c.from, isLine), to: e.offset(c.to, isLine), text: text, whole: c.whole}
	}
	return outer, nil
}

// offset returns the place in the outer text of an offset of the inner one. With isLine,
// that is the start of its line, at the end the start of the line after the scalar.
func (e *embedded) offset(inner int, isLine bool) int {
	line := e.file.lineAt(inner) - e.file.line
	start := e.outer.starts[min(e.outer.lineAt(e.start)-e.outer.line+line, len(e.outer.starts)-1)]
	column := inner - e.file.starts[line]
	switch {
	case !isLine:
		return min(start+e.indent+column, len(e.outer.text))
	case column > 0: // the end of a text without a final line break
		return e.outer.text.lineEnd(start)
	}
	return start
}
