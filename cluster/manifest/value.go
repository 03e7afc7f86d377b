package manifest

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Value is a node that is decoded into a Go value. Every method that reads it records
// what is wrong with the node as a Problem of the resource, with field and line, and
// returns a zero value. So all problems of a resource are reported together. A field
// that is absent or null reads as zero without a problem.
type Value struct {
	node *Node
	in   *scope
	// An absent value belongs under key of parent.
	parent *Node
	key    string
}

// scope is the resource, or the named part of one, where paths begin.
type scope struct {
	place    Place
	of       Subject
	label    string
	root     *Node
	problems *[]*Problem
	count    *[2]int // of errors and of the rest, so far
}

// Value returns the root of the document. Problems are appended to problems, with of as
// their subject.
func (d *Document) Value(of Subject, problems *[]*Problem) Value {
	return Value{node: d.Root, in: &scope{place: d.Place, of: of, root: d.Root, problems: problems, count: new([2]int)}}
}

// Node returns the node of v, nil when it is absent.
func (v Value) Node() *Node { return v.node }

// Place returns the place of v, or the beginning of its resource if v is absent.
func (v Value) Place() Place {
	place := v.in.place
	if v.node != nil {
		place.Line = int(v.node.line)
	}
	return place
}

// Labelled returns v as the start of paths, with label before them.
func (v Value) Labelled(format string, args ...any) Value {
	in := *v.in
	in.root, in.label = v.node, fmt.Sprintf(format, args...)
	return Value{node: v.node, in: &in}
}

// Into returns v with problems appended to another list.
func (v Value) Into(problems *[]*Problem) Value {
	in := *v.in
	in.problems = problems
	return Value{node: v.node, in: &in}
}

// WithoutNodes returns v without its nodes, so that they can be released. Only
// FailResource works on the result, after Into.
func (v Value) WithoutNodes() Value {
	in := *v.in
	in.root, in.problems = nil, nil
	return Value{in: &in}
}

// Recount is Into with the number of problems reset, because a resource may be decoded
// twice.
func (v Value) Recount(problems *[]*Problem) Value {
	v = v.Into(problems)
	v.in.count = new([2]int)
	return v
}

// Present reports whether v has a value other than null.
func (v Value) Present() bool { return v.node != nil && v.node.Kind != Null }

// Field returns the value under key, which may be absent.
func (v Value) Field(key string) Value {
	if v.Present() && v.node.Kind != Mapping {
		v.wrong("an object")
		return Value{in: v.in}
	}
	if node := v.node.Get(key); node != nil {
		return Value{node: node, in: v.in}
	}
	if v.node == nil {
		return Value{in: v.in, parent: v.parent, key: joinPath(v.key, pathKey(key))}
	}
	return Value{in: v.in, parent: v.node, key: pathKey(key)}
}

// Need is Field, and records a problem when the value is absent.
func (v Value) Need(key string) Value {
	at := v.Field(key)
	if !at.Present() && (!v.Present() || v.node.Kind == Mapping) {
		Value{node: v.node, in: v.in}.record(Error, "", "", func() (field, fault string) { return at.path(), "is missing" })
	}
	return at
}

// Str reads a string.
func (v Value) Str() string {
	switch {
	case !v.Present():
	case v.node.Kind == String && strings.Contains(v.node.Text, "{{"):
		v.Fail("%s", templateMessage)
	case v.node.Kind == String:
		return v.node.Text
	case v.node.Kind == Int || v.node.Kind == Float || v.node.Kind == Bool:
		v.Refuse("put it in quotes", "is %s, not a string", v.node.Kind)
	default:
		v.wrong("a string")
	}
	return ""
}

// Bool reads true or false.
func (v Value) Bool() bool {
	if v.Present() && v.node.Kind != Bool {
		v.wrong("true or false")
		return false
	}
	return v.Present() && v.node.Text == "true"
}

// Port reads a port, 1 to 65535. Like protobuf's JSON form it accepts a string of digits
// too.
func (v Value) Port() uint32 {
	if !v.Present() {
		return 0
	}
	if !v.scalar() {
		v.wrong("a port from 1 to 65535")
		return 0
	}
	n, err := strconv.ParseInt(v.node.Text, 10, 64)
	if f, ferr := strconv.ParseFloat(v.node.Text, 64); err != nil && ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1e9 {
		n, err = int64(f), nil
	}
	switch {
	case err != nil && v.node.Kind == String:
		v.wrong("a port from 1 to 65535")
	case err != nil:
		v.Fail("is not a whole number from 1 to 65535")
	case n < 1 || n > 65535:
		v.Fail("%d is out of range 1 to 65535", n)
	default:
		return uint32(n)
	}
	return 0
}

// Percent reads a percentage, 0 to 100: a number, a string of one, or the wrapper
// {value: number} of the oldest documents. It is nil when absent.
func (v Value) Percent() *float64 {
	if v.Wrapped() {
		v.Known("value")
		return v.Need("value").percent()
	}
	return v.percent()
}

// Wrapped reports whether a percentage is the wrapper {value: number}.
func (v Value) Wrapped() bool { return v.Present() && v.node.Kind == Mapping }

func (v Value) percent() *float64 {
	if !v.Present() {
		return nil
	}
	if !v.scalar() {
		v.wrong("a percentage from 0 to 100")
		return nil
	}
	f, err := strconv.ParseFloat(v.node.Text, 64)
	goOnly := v.node.Kind == String && strings.ContainsAny(v.node.Text, "_xX") // a number in Go but not in JSON
	switch {
	case goOnly, err != nil && v.node.Kind == String:
		v.wrong("a percentage from 0 to 100")
	case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
		v.Fail("is not a decimal number from 0 to 100 (percent)")
	case f < 0 || f > 100:
		v.Fail("%s is out of range 0 to 100 (percent)", strconv.FormatFloat(f, 'f', -1, 64))
	default:
		f += 0 // -0 is 0
		return &f
	}
	return nil
}

func (v Value) scalar() bool {
	return v.node.Kind == Int || v.node.Kind == Float || v.node.Kind == String
}

// Items yields the items of a list.
func (v Value) Items() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		v.List()
		items := v.node.Items()
		for i := range items {
			if !yield(i, Value{node: &items[i], in: v.in}) {
				return
			}
		}
	}
}

// List records a problem unless the value is a list, or absent.
func (v Value) List() {
	if v.Present() && v.node.Kind != Sequence {
		v.wrong("a list")
	}
}

// StringPairs yields the keys and values of an object of strings.
func (v Value) StringPairs() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		if v.Present() && v.node.Kind != Mapping {
			v.wrong("an object of strings")
			return
		}
		for key, value := range v.node.Pairs() {
			entry := Value{node: value, in: v.in}
			if strings.Contains(key.Text, "{{") {
				entry.Fail("%s", templateMessage)
			}
			if !entry.Present() {
				entry.Refuse("write one, or leave the key out", "is nothing, not a string")
			}
			if !yield(key.Text, entry.Str()) {
				return
			}
		}
	}
}

// Len returns the number of items of a list, or of keys of an object.
func (v Value) Len() int {
	switch {
	case v.node == nil:
		return 0
	case v.node.Kind == Mapping:
		return len(v.node.content) / 2
	}
	return len(v.node.content)
}

// Fail records an error of this field. The message follows the path of the field.
func (v Value) Fail(format string, args ...any) {
	v.Refuse("", format, args...)
}

// Refuse is Fail with a remedy.
func (v Value) Refuse(remedy, format string, args ...any) {
	v.record(Error, "", remedy, func() (field, fault string) { return v.path(), fmt.Sprintf(format, args...) })
}

// Warn records a warning of this field with a code. The message follows the path of the
// field.
func (v Value) Warn(code, format string, args ...any) {
	v.WarnTo("", code, format, args...)
}

// WarnTo is Warn with a remedy.
func (v Value) WarnTo(remedy, code, format string, args ...any) {
	v.record(Warning, code, remedy, func() (field, fault string) { return v.path(), fmt.Sprintf(format, args...) })
}

// wrong records that the value has another type. It does not repeat the value, which may
// be a secret or very long.
func (v Value) wrong(want string) {
	switch {
	case v.node.Kind != String:
		v.Fail("is %s, not %s", v.node.Kind, want)
	case strings.Contains(v.node.Text, "{{"):
		v.Fail("%s", templateMessage)
	default:
		v.Fail("is a string that is not %s", want)
	}
}

// record appends a problem. what is a function because finding the path of the field
// takes time.
func (v Value) record(severity Severity, code, remedy string, what func() (field, fault string)) {
	kind := 1
	if severity == Error {
		kind = 0
	}
	p := &Problem{Place: v.Place(), Severity: severity, Code: code, Of: v.in.of, Part: v.in.label}
	switch v.in.count[kind]++; {
	case v.in.count[kind] > maxProblems:
		return
	case v.in.count[kind] < maxProblems:
		p.Field, p.Fault = what()
		p.Remedy = remedy
	default:
		p.Fault = "there are more such problems, which are not listed"
	}
	*v.in.problems = append(*v.in.problems, p)
}

// maxProblems is how many errors, and how many warnings, of a resource are listed,
// because finding the path of each takes time.
const maxProblems = 50

// path returns the path from the scope's root to v, such as networking.inbound[0].port.
// It is searched for on demand, so that values stay small.
func (v Value) path() string {
	path, _ := find(v.in.root, cmp.Or(v.node, v.parent))
	return joinPath(path, v.key)
}

func find(in, target *Node) (string, bool) {
	if in == target || in == nil || target == nil {
		return "", true
	}
	for key, value := range in.Pairs() {
		if rest, ok := find(value, target); ok || key == target {
			return joinPath(pathKey(key.Text), rest), true
		}
	}
	for i := range in.Items() {
		if rest, ok := find(&in.content[i], target); ok {
			return joinPath("["+strconv.Itoa(i)+"]", rest), true
		}
	}
	return "", false
}

func joinPath(path, rest string) string {
	if path == "" || rest == "" || rest[0] == '[' {
		return path + rest
	}
	return path + "." + rest
}

func pathKey(key string) string {
	if len(key) > 80 {
		return fmt.Sprintf("[%.80q...]", key)
	}
	for i := range len(key) {
		if of := classes[key[i]]; of == dot || of >= slash {
			return fmt.Sprintf("[%.80q]", key)
		}
	}
	return key
}

// FailResource records an error of the whole resource, with a remedy.
func (v Value) FailResource(remedy, format string, args ...any) {
	Value{in: v.in}.Refuse(remedy, format, args...)
}
