package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSON parses one or more JSON values, with or without commas between them.
// Several, or items of a list, make a Sequence, as a stream of resources (jq's
// output) is a list.
func parseJSON(text string, line int, items bool, nodes *stack) (*Node, *syntaxError) {
	defer nodes.empty()
	r := nodes.jsonReader(text, line)
	var values []Node
	for r.more() {
		n, err := r.value()
		if err != nil {
			return nil, err
		}
		values = append(values, n)
	}
	switch {
	case items || len(values) > 1:
		return &Node{Kind: Sequence, line: int32(line), content: values}, nil
	case len(values) == 0:
		return &Node{line: int32(line)}, nil
	}
	return &values[0], nil
}

// jsonReader makes nodes of JSON values. jsontext reports offsets, not lines; the reader
// counts the lines between two values.
type jsonReader struct {
	text    string
	first   int // line of the text
	line    int // line of the offset at
	at      int
	start   int // offset where the decoder started
	top     int // offset of the top-level value, -1 before the first
	decoder jsontext.Decoder
	buffer  bytes.Buffer // what the decoder reads
	nodes   *stack
}

// jsonReader returns the stack's own reader, whose decoder keeps its memory.
func (s *stack) jsonReader(text string, line int) *jsonReader {
	if s.json == nil {
		s.json = new(jsonReader)
	}
	r := s.json
	r.text, r.first, r.line, r.at, r.top, r.nodes = text, line, line, 0, -1, s
	return r
}

// release forgets the text.
func (r *jsonReader) release() {
	r.text, r.buffer = "", bytes.Buffer{}
	r.decoder.Reset(&r.buffer)
}

// more goes to the next top-level value, over a comma if one exists, and reports whether
// a value follows.
func (r *jsonReader) more() bool {
	if r.top < 0 {
		r.begin(0)
		return r.top < len(r.text)
	}
	rest := trimSpace(r.text[r.offset():])
	if strings.HasPrefix(rest, ",") {
		r.begin(len(r.text) - len(rest) + 1)
		return true
	}
	r.top = len(r.text) - len(rest)
	return rest != ""
}

// begin starts the decoder at the first value from an offset on.
func (r *jsonReader) begin(at int) {
	r.start = len(r.text) - len(trimSpace(r.text[at:]))
	r.top = r.start
	r.buffer = *bytes.NewBuffer(bytesOf(r.text[r.start:]))
	r.decoder.Reset(&r.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// trimSpace is faster than strings.TrimLeft, which builds a set first.
func trimSpace(text string) string {
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return text[i:]
		}
	}
	return ""
}

// bytesOf returns the bytes of a text without a copy. They must not be changed.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// offset returns the end of the last value.
func (r *jsonReader) offset() int { return r.start + int(r.decoder.InputOffset()) }

// lineOf returns the line of an offset, which must not be before the last one.
func (r *jsonReader) lineOf(offset int) int {
	if offset > r.at {
		r.line += strings.Count(r.text[r.at:offset], "\n")
		r.at = offset
	}
	return r.line
}

// fault returns an error with its line, and the remedy for common mistakes.
func (r *jsonReader) fault(err error) *syntaxError {
	if at, ok := template(r.text, r.first); ok {
		return at
	}
	at, message := r.at, err.Error()
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		at, message = r.start+int(syntax.ByteOffset), syntax.Err.Error()
	case errors.Is(err, io.EOF):
		at = len(r.text)
	}
	at = min(max(at, r.at), len(r.text))
	before, rest := strings.TrimRight(r.text[:at], "truefalsn \t\r\n"), r.text[at:] // true, false and null may have begun
	inside, _ := r.decoder.StackIndex(r.decoder.StackDepth())
	switch after := trimSpace(strings.TrimPrefix(rest, ",")); {
	case trimSpace(rest) == "" && !strings.HasPrefix(rest, "\n"):
		message = "it ends within a value"
	case rest[0] == ',' && after != "" && (after[0] == '}' || after[0] == ']'):
		at, message = len(r.text)-len(after), fmt.Sprintf("a comma precedes %c; remove it", after[0])
	case rest[0] == '\n':
		message = "a string is not closed"
	case rest[0] < ' ':
		message += "; write it as an escape"
	case inside == '{' && rest[0] != '"' && (strings.HasSuffix(before, "{") || strings.HasSuffix(before, ",")):
		message = "a key in double quotes is expected"
	}
	return &syntaxError{r.lineOf(at), "not valid JSON: " + message}
}

// next skips a value, and returns where it is. It checks the value's syntax only.
func (r *jsonReader) next() (start, end int, err error) {
	raw, err := r.decoder.ReadValue()
	end = r.offset()
	return end - len(raw), end, err
}

// value reads the next value, or the next key of an object.
func (r *jsonReader) value() (Node, *syntaxError) {
	kind := r.decoder.PeekKind()
	if r.decoder.StackDepth() > maxDepth {
		r.lineOf(r.offset())
		return Node{}, r.fault(fmt.Errorf("values are nested more than %d deep", maxDepth))
	}
	if kind == '{' || kind == '[' {
		return r.collection(kind)
	}
	start, end, err := r.next()
	if err != nil {
		return Node{}, r.fault(err)
	}
	n := Node{line: int32(r.lineOf(start)), Text: r.text[start:end]}
	switch kind {
	case 'n':
		n.Text = ""
	case 't', 'f':
		n.Kind = Bool
	case '0':
		n.Kind = Int
		if strings.ContainsAny(n.Text, ".eE") {
			n.Kind = Float
		}
	case '"':
		n.Kind = String
		if !utf8.ValidString(n.Text) {
			return n, r.fault(errors.New("a string is not UTF-8"))
		}
		if strings.IndexByte(n.Text, '\\') < 0 {
			n.Text = n.Text[1 : len(n.Text)-1]
			break
		}
		text, _ := jsontext.AppendUnquote(nil, n.Text) // its syntax is right; half a surrogate becomes U+FFFD
		n.Text = string(text)
	}
	return n, nil
}

// collection reads an object or an array.
func (r *jsonReader) collection(kind jsontext.Kind) (Node, *syntaxError) {
	n, end := Node{Kind: Mapping}, jsontext.Kind('}')
	if kind == '[' {
		n.Kind, end = Sequence, ']'
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return n, r.fault(err)
	}
	n.line = int32(r.lineOf(r.offset() - 1))
	from := len(r.nodes.open)
	for r.decoder.PeekKind() != end {
		child, err := r.value()
		if err != nil {
			return n, err
		}
		r.nodes.push(child)
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return n, r.fault(err)
	}
	n.content = r.nodes.cut(from)
	if n.Kind == Mapping {
		if twice := n.repeatedKey(); twice != nil {
			return n, &syntaxError{int(twice.line), fmt.Sprintf("an object contains key %.80q twice; keep one", twice.Text)}
		}
	}
	return n, nil
}

// splitJSON splits a JSON list into its items. ok is false if it is not a list; then the
// whole text is parsed for its error.
func (c chunk) splitJSON(kind *string, add func(chunk)) (around *list, ok bool) {
	r := new(stack).jsonReader(c.text, c.line)
	r.more()
	around = &list{root: &Node{Kind: Mapping, line: int32(r.lineOf(r.top))}}
	opening, err := r.decoder.ReadToken()
	if err != nil {
		return nil, false
	}
	if opening.Kind() == '[' {
		around.count, ok = c.splitItemsJSON(r, "", add)
		return around, ok && !r.more()
	}
	found := false
	for opening.Kind() == '{' && r.decoder.PeekKind() != '}' {
		key, fault := r.value()
		if fault != nil {
			return nil, false
		}
		value := &Node{}
		if key.Text == "items" && !found && r.decoder.PeekKind() == '[' {
			_, _ = r.decoder.ReadToken()
			around.splitAs = around.kindBefore(kind)
			if around.count, found = c.splitItemsJSON(r, around.splitAs, add); !found {
				return nil, false
			}
		} else {
			start, end, err := r.next()
			if err != nil || end-start > taskSize {
				return nil, false
			}
			if value, fault = parseJSON(c.text[start:end], r.lineOf(start), false, new(stack)); fault != nil {
				return nil, false
			}
		}
		around.root.content = append(around.root.content, key, *value)
	}
	if _, err := r.decoder.ReadToken(); err != nil || r.more() {
		return nil, false
	}
	around.kind, ok = listKind(around.root)
	return around, ok && found && around.root.repeatedKey() == nil
}

// splitItemsJSON splits an array, whose bracket has been read, into chunks. Small items
// stay together. count is the number of items.
func (c chunk) splitItemsJSON(r *jsonReader, kind string, add func(chunk)) (count int, ok bool) {
	var run chunk // of items that are together
	from := 0     // where it begins
	for r.decoder.PeekKind() != ']' {
		start, end, err := r.next()
		if err != nil {
			return 0, false
		}
		count++
		if run.text == "" || end-from > runSize {
			if run.text != "" {
				add(run)
			}
			run, from = chunk{line: r.lineOf(start), doc: c.doc, json: true, item: true, list: kind}, start
		}
		run.text = c.text[from:end]
	}
	if run.text != "" {
		add(run)
	}
	_, err := r.decoder.ReadToken()
	return count, err == nil
}

// faultJSON returns the first error of a text that is too large to be parsed.
func faultJSON(text string, line int) *syntaxError {
	r := new(stack).jsonReader(text, line)
	for r.more() {
		if _, _, err := r.next(); err != nil {
			return r.fault(err)
		}
	}
	return nil
}
