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
	r.unicode = utf8.ValidString(text) // faster than each string
	for r.more() {
		if err := r.value(); err != nil {
			return nil, err
		}
	}
	values := nodes.cut(0)
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
	start   int  // offset where the decoder started
	top     int  // offset of the top-level value, -1 before the first
	unicode bool // the text is UTF-8, so each of its strings is
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
	r.top = skipSpace(r.text, r.offset())
	if strings.HasPrefix(r.text[r.top:], ",") {
		r.begin(r.top + 1)
		return true
	}
	return r.top < len(r.text)
}

// begin starts the decoder at the first value from an offset on.
func (r *jsonReader) begin(at int) {
	r.start = skipSpace(r.text, at)
	r.top = r.start
	r.buffer = *bytes.NewBuffer(bytesOf(r.text[r.start:]))
	r.decoder.Reset(&r.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// skipSpace returns the offset of the first byte that is not JSON's white space. It is
// faster than strings.TrimLeft, which builds a set first.
func skipSpace(text string, at int) int {
	for ; at < len(text); at++ {
		if c := text[at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
	}
	return at
}

func trimSpace(text string) string { return text[skipSpace(text, 0):] }

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
	if at := template(r.text, r.first); at != nil {
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

// value reads the next value, or the next key of an object, and pushes it on the stack.
func (r *jsonReader) value() *syntaxError {
	kind := r.decoder.PeekKind()
	if r.decoder.StackDepth() > maxDepth {
		r.lineOf(r.offset())
		return r.fault(fmt.Errorf("values are nested more than %d deep", maxDepth))
	}
	if kind == '{' || kind == '[' {
		return r.collection(kind)
	}
	start, end, err := r.next()
	if err != nil {
		return r.fault(err)
	}
	n := r.nodes.pushed()
	n.line, n.Text = int32(r.lineOf(start)), r.text[start:end]
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
		if !r.unicode && !utf8.ValidString(n.Text) {
			return r.fault(errors.New("a string is not UTF-8"))
		}
		if strings.IndexByte(n.Text, '\\') < 0 {
			n.Text = n.Text[1 : len(n.Text)-1]
			break
		}
		text, _ := jsontext.AppendUnquote(nil, n.Text) // its syntax is right; half a surrogate becomes U+FFFD
		n.Text = string(text)
	}
	return nil
}

// collection reads an object or an array, and pushes it.
func (r *jsonReader) collection(kind jsontext.Kind) *syntaxError {
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.fault(err)
	}
	line := int32(r.lineOf(r.offset() - 1))
	from := len(r.nodes.open)
	for end := kind + 2; r.decoder.PeekKind() != end; { // '}' or ']'
		if err := r.value(); err != nil {
			return err
		}
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.fault(err)
	}
	content := r.nodes.cut(from)
	n := r.nodes.pushed()
	n.Kind, n.line, n.content = Mapping, line, content
	if kind == '[' {
		n.Kind = Sequence
	} else if twice := n.repeatedKey(); twice != nil {
		return &syntaxError{int(twice.line), fmt.Sprintf("an object contains key %.80q twice; keep one", twice.Text)}
	}
	return nil
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
