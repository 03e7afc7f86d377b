package edit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Document is one YAML document, or the JSON value, of a file.
type Document struct {
	Root *yaml.Node // its content, with lines of the file; callers must not change it

	file    *File
	region  region
	removed bool
	gone    map[*yaml.Node]bool // entries: keys of mappings, items of sequences
	added   map[*yaml.Node][]addition
	made    map[*yaml.Node][]*list
	inner   map[*yaml.Node]*embedded
	stays   map[*yaml.Node]bool // mappings that become {} when they are empty
	ends    map[*yaml.Node]int  // of collections, see end
	steps   []string            // what was recorded, for errors
}

// addition is a scalar inserted before an item of a sequence.
type addition struct {
	index int
	value string
}

// list is a sequence of scalars made under a new key.
type list struct {
	key    string
	values []string
}

// Line returns the line of the first node.
func (d *Document) Line() int { return d.Root.Line }

// Comment returns the comment lines directly above the first node, as they are written,
// with LF line breaks.
func (d *Document) Comment() string {
	start, end := d.head()
	text := bytes.ReplaceAll(d.file.text[start:end], []byte("\r\n"), []byte("\n"))
	return string(bytes.TrimSuffix(text, []byte("\n")))
}

// head returns where the comment above the first node starts and ends.
func (d *Document) head() (start, end int) {
	s, floor := d.text(), d.region.marker
	end = s.lineStart(min(d.file.offset(d.Root), len(s)))
	if end <= floor {
		return end, end
	}
	return s.comments(end, d.file.offset(d.Root)-end, floor), end
}

// Remove removes the document, its separator and the comment above its first node.
func (d *Document) Remove() {
	d.removed = true
	d.steps = append(d.steps, "remove the document")
}

// RemoveAt removes the entry of a mapping (string) or sequence (int) at a path, and each
// collection that thereby becomes empty.
func (d *Document) RemoveAt(path ...any) error {
	if len(path) == 0 {
		d.Remove()
		return nil
	}
	_, last, rest, err := d.walk(path)
	if err == nil && len(rest) > 0 {
		err = d.missing(last.value, path, rest)
	}
	if err != nil {
		return err
	}
	record(&d.gone, last.first, true)
	d.steps = append(d.steps, "remove "+formatPath(path))
	return nil
}

// Keep makes the mapping at a path stay as {} if it becomes empty.
func (d *Document) Keep(path ...any) error {
	_, last, rest, err := d.walk(path)
	if err == nil && (len(rest) > 0 || last.value.Kind != yaml.MappingNode) {
		err = d.missing(last.value, path, rest)
	}
	if err == nil {
		record(&d.stays, last.value, true)
	}
	return err
}

// Insert inserts a scalar into the sequence at path[:len-1], before the item of the file
// that has index path[len-1]; the length of the sequence appends. It makes a sequence
// from a missing key and from null.
func (d *Document) Insert(value string, path ...any) error {
	if len(path) < 2 {
		return d.file.fail(d.Line(), "an insertion needs the path of a sequence and an index", "correct the path")
	}
	index, ok := path[len(path)-1].(int)
	_, last, rest, err := d.walk(path[:len(path)-1])
	if err != nil {
		return err
	}
	n, key := last.value, ""
	if len(rest) == 1 && n.Kind == yaml.MappingNode {
		key, _ = rest[0].(string)
	}
	isNull := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
	switch {
	case !ok || index < 0 || n.Kind == yaml.SequenceNode && index > len(n.Content) || n.Kind != yaml.SequenceNode && index > 0:
		return d.file.fail(n.Line, formatPath(path)+" is not the index of an item", "correct the path")
	case key != "":
		d.makeList(n, key, value)
	case len(rest) == 0 && (isNull || n.Kind == yaml.SequenceNode):
		record(&d.added, n, append(d.added[n], addition{index, value}))
	default:
		return d.file.fail(n.Line, formatPath(path[:len(path)-1])+" is not a list", "make it a list by hand")
	}
	d.steps = append(d.steps, fmt.Sprintf("insert %q at %s", value, formatPath(path)))
	return nil
}

// makeList records a value of a list under a new key of a mapping.
func (d *Document) makeList(n *yaml.Node, key, value string) {
	at := slices.IndexFunc(d.made[n], func(l *list) bool { return l.key == key })
	if at < 0 {
		record(&d.made, n, append(d.made[n], &list{key: key}))
		at = len(d.made[n]) - 1
	}
	d.made[n][at].values = append(d.made[n][at].values, value)
}

func record[V any](to *map[*yaml.Node]V, n *yaml.Node, value V) {
	if *to == nil {
		*to = make(map[*yaml.Node]V)
	}
	(*to)[n] = value
}

// walk follows a path. It returns the last collection and entry that exist, and the rest
// of the path from the first key that is missing.
func (d *Document) walk(path []any) (parent *yaml.Node, last entry, rest []any, err error) {
	last.value = d.Root
	for i, step := range path {
		n := last.value
		next, ok, err := d.step(n, step, path[:i+1])
		if err != nil {
			return nil, last, nil, err
		}
		if !ok {
			return parent, last, path[i:], nil
		}
		parent, last = n, next
	}
	return parent, last, nil, nil
}

// step finds an entry of a collection.
func (d *Document) step(n *yaml.Node, step any, path []any) (found entry, ok bool, err error) {
	refuse := func(line int, fault string) error {
		return d.file.fail(line, formatPath(path)+" "+fault, "edit it by hand")
	}
	if n.Kind == yaml.AliasNode {
		return found, false, refuse(n.Line, fmt.Sprintf("is in the alias *%.80s, which shares its value with other places", n.Value))
	}
	if index, isIndex := step.(int); isIndex {
		if n.Kind != yaml.SequenceNode || index < 0 || index >= len(n.Content) {
			return found, false, nil
		}
		item := n.Content[index]
		return entry{first: item, value: item}, true, nil
	}
	if n.Kind != yaml.MappingNode {
		return found, false, nil
	}
	for _, e := range entries(n) {
		switch {
		case e.first.Kind != yaml.ScalarNode:
		case e.first.ShortTag() == "!!merge":
			return found, false, refuse(e.first.Line, "is in a mapping with a merge key (<<), whose value may be elsewhere")
		case e.first.Value == step && ok:
			return found, false, refuse(e.first.Line, fmt.Sprintf("exists twice, and first in line %d", found.first.Line))
		case e.first.Value == step:
			found, ok = e, true
		}
	}
	return found, ok, nil
}

// missing returns the error for a path that does not exist.
func (d *Document) missing(n *yaml.Node, path, rest []any) error {
	return d.file.fail(n.Line, formatPath(path[:min(len(path)-len(rest)+1, len(path))])+" does not exist", "correct the path")
}

// text returns the text of the file up to the end of the document.
func (d *Document) text() source { return d.file.text[:d.region.to] }

// odd reports whether the document has a line break of YAML 1.1 that is not a line feed,
// after which lines and columns of yaml.v3 are not those of the text.
func (d *Document) odd() bool {
	text := d.file.text[d.region.from:d.region.to]
	return bytes.ContainsAny(text, "\u0085\u2028\u2029") || bytes.Count(text, []byte("\r")) > bytes.Count(text, []byte("\r\n"))
}

func (d *Document) oddBreak() error {
	return d.file.fail(d.Line(), "has a line break that is not a line feed (CR, U+0085, U+2028 or U+2029)",
		"save the file with LF or CRLF line breaks, or edit it by hand: "+strings.Join(d.steps, ", "))
}
