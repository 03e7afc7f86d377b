package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseJSON parses one or more JSON values; several, or items of a list, make a
// Sequence, as a stream of resources (jq's output) is a list. encoding/json tells no lines and
// its token reader is slower than its decoder, hence a scanner of our own; it
// leaves strings with escapes to encoding/json.
func parseJSON(text string, line int, items bool, nodes *stack) (*Node, *syntaxError) {
	s := jsonScanner{text: text, line: line, nodes: nodes}
	defer nodes.empty()
	values := s.values()
	if s.err != nil {
		return nil, s.err
	}
	switch {
	case items || len(values) > 1:
		return &Node{Kind: Sequence, line: int32(line), content: values}, nil
	case len(values) == 0:
		return &Node{line: int32(line)}, nil
	}
	return &values[0], nil
}

type jsonScanner struct {
	text string
	pos  int
	line int
	err  *syntaxError

	nodes *stack
}

// values parses values one after the other, with or without commas, to the end.
func (s *jsonScanner) values() []Node {
	var values []Node
	for s.space(); s.err == nil && s.pos < len(s.text); s.space() {
		if len(values) > 0 && s.text[s.pos] == ',' {
			s.pos++
			s.space()
		}
		values = append(values, s.value(0))
	}
	return values
}

func (s *jsonScanner) fail(format string, args ...any) {
	if s.err != nil {
		return
	}
	if at, ok := template(s.text, s.line-strings.Count(s.text[:min(s.pos, len(s.text))], "\n")); ok {
		s.err = at
		return
	}
	s.err = &syntaxError{s.line, "not valid JSON: " + fmt.Sprintf(format, args...)}
}

func (s *jsonScanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '\n':
			s.line++
		case ' ':
			s.indentation()
			continue
		case '\t', '\r':
		default:
			return
		}
		s.pos++
	}
}

// indentation skips spaces, of which machines write many.
func (s *jsonScanner) indentation() {
	const eight = "        "
	for len(s.text)-s.pos >= len(eight) && s.text[s.pos:s.pos+len(eight)] == eight {
		s.pos += len(eight)
	}
	for s.pos < len(s.text) && s.text[s.pos] == ' ' {
		s.pos++
	}
}

func (s *jsonScanner) value(depth int) Node {
	s.space()
	n := Node{line: int32(s.line)}
	if s.pos == len(s.text) {
		s.fail("it ends where a value is expected")
		return n
	}
	if depth > maxDepth {
		s.fail("values are nested more than %d deep", maxDepth)
		return n
	}
	switch c := s.text[s.pos]; {
	case c == '{':
		n.Kind = Mapping
		n.content = s.object(depth)
		if s.err == nil {
			if twice := n.repeatedKey(); twice != nil {
				s.err = &syntaxError{int(twice.line), fmt.Sprintf("key %.80q stands twice in one object; keep one", twice.Text)}
			}
		}
	case c == '[':
		n.Kind = Sequence
		n.content = s.array(depth)
	case c == '"':
		n.Kind, n.Text = String, s.string()
	case c == '-' || '0' <= c && c <= '9':
		n.Kind, n.Text = s.number()
	case s.word("null"):
	case s.word("true"):
		n.Kind, n.Text = Bool, "true"
	case s.word("false"):
		n.Kind, n.Text = Bool, "false"
	default:
		s.fail("a value cannot begin with %q", rune(c))
	}
	return n
}

// word skips word if it is next.
func (s *jsonScanner) word(word string) bool {
	if !strings.HasPrefix(s.text[s.pos:], word) {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *jsonScanner) object(depth int) []Node {
	s.pos++
	from := len(s.nodes.open)
	for s.err == nil {
		s.space()
		if len(s.nodes.open) == from && s.is('}') {
			break
		}
		if s.pos == len(s.text) || s.text[s.pos] != '"' {
			if len(s.nodes.open) > from && s.is('}') {
				s.fail("a comma stands before }")
			}
			s.fail("a key in double quotes is expected")
			break
		}
		line := s.line
		s.nodes.push(Node{Kind: String, line: int32(line), Text: s.string()})
		s.space()
		if !s.is(':') {
			s.fail("a colon is expected after a key")
			break
		}
		s.nodes.push(s.value(depth + 1))
		s.space()
		if s.is(',') {
			continue
		}
		if !s.is('}') {
			s.fail("a comma or } is expected after a value")
		}
		break
	}
	return s.nodes.cut(from)
}

func (s *jsonScanner) array(depth int) []Node {
	s.pos++
	from := len(s.nodes.open)
	for s.err == nil {
		s.space()
		if s.is(']') {
			if len(s.nodes.open) > from {
				s.fail("a comma stands before ]")
			}
			break
		}
		s.nodes.push(s.value(depth + 1))
		s.space()
		if s.is(',') {
			continue
		}
		if !s.is(']') {
			s.fail("a comma or ] is expected after a value")
		}
		break
	}
	return s.nodes.cut(from)
}

// is skips c if it is next.
func (s *jsonScanner) is(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// string parses a string, whose opening quote is next.
func (s *jsonScanner) string() string {
	end, escaped, ascii := s.stringEnd()
	if end < 0 {
		s.fail("a string is not closed")
		return ""
	}
	quoted := s.text[s.pos:end]
	s.pos = end
	if !ascii && !utf8.ValidString(quoted) {
		s.fail("a string is not UTF-8")
		return ""
	}
	if !escaped {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		s.fail("%s", stringFault(quoted))
	}
	return text
}

// stringFault says what is wrong with a string that encoding/json refuses.
func stringFault(quoted string) string {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] < ' ' {
			return fmt.Sprintf("a control character (%U) in a string; write it as an escape", quoted[i])
		}
	}
	return "an escape (\\) that JSON does not know"
}

// stringEnd finds the end of the string that is next: -1 when there is none.
// escaped is set for whatever needs a closer look, control characters too.
func (s *jsonScanner) stringEnd() (end int, escaped, ascii bool) {
	ascii = true
	for i := s.pos + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			return i + 1, escaped, ascii
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			if c == '\n' {
				return -1, false, ascii
			}
			escaped = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return -1, false, ascii
}

func (s *jsonScanner) number() (Kind, string) {
	start, kind := s.pos, Int
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c == '.' || c == 'e' || c == 'E' {
			kind = Float
		} else if (c < '0' || c > '9') && c != '-' && c != '+' {
			break
		}
	}
	text := s.text[start:s.pos]
	if !usualNumber(text) && !json.Valid([]byte(text)) {
		s.fail("%.20q is not a number", text)
	}
	return kind, text
}

// usualNumber reports whether text is digits without a leading zero.
func usualNumber(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text[0] != '0' || len(text) == 1
}

// takeApartJSON finds the items of a JSON list by brackets alone. Anything odd
// makes ok false, and the whole is parsed for its error.
func (c chunk) takeApartJSON(kind *string, add func(chunk)) (around *list, ok bool) {
	s := jsonScanner{text: c.text, line: c.line}
	s.space()
	around = &list{root: &Node{Kind: Mapping, line: int32(s.line)}}
	if s.is('[') {
		around.count, ok = c.itemsJSON(&s, "", add)
		s.space()
		return around, ok && s.pos == len(s.text)
	}
	s.is('{')
	found := false
	for {
		s.space()
		if s.pos == len(s.text) || s.text[s.pos] != '"' {
			return nil, false
		}
		key := Node{Kind: String, line: int32(s.line), Text: s.string()}
		s.space()
		if !s.is(':') || s.err != nil {
			return nil, false
		}
		s.space()
		start, line := s.pos, s.line
		value := &Node{}
		switch {
		case key.Text == "items" && !found && s.is('['):
			around.given = around.kindBefore(kind)
			if around.count, found = c.itemsJSON(&s, around.given, add); !found {
				return nil, false
			}
		case !s.skip() || s.pos-start > taskSize:
			return nil, false
		default:
			var err *syntaxError
			if value, err = parseJSON(s.text[start:s.pos], line, false, new(stack)); err != nil {
				return nil, false
			}
		}
		around.root.content = append(around.root.content, key, *value)
		s.space()
		if s.is(',') {
			continue
		}
		ended := s.is('}')
		s.space()
		if around.kind, ok = listKind(around.root); !ok || !ended || s.pos != len(s.text) || !found || around.root.repeatedKey() != nil {
			return nil, false
		}
		return around, true
	}
}

// itemsJSON cuts the items of an array, whose bracket has been read, into
// chunks; small ones stay together. count is how many there are.
func (c chunk) itemsJSON(s *jsonScanner, kind string, add func(chunk)) (count int, ok bool) {
	s.space()
	if s.is(']') {
		return 0, true
	}
	var run chunk // of items that are together
	from := 0     // where it begins
	for {
		s.space()
		start, line := s.pos, s.line
		if !s.skip() || s.pos == start {
			return 0, false
		}
		count++
		if run.text == "" || s.pos-from > runSize {
			if run.text != "" {
				add(run)
			}
			run, from = chunk{line: line, doc: c.doc, json: true, item: true, list: kind}, start
		}
		run.text = s.text[from:s.pos]
		s.space()
		if s.is(',') {
			continue
		}
		add(run)
		return count, s.is(']')
	}
}

// skip passes over a value without looking into it. A wrong one may pass, so
// its text must be parsed afterwards.
func (s *jsonScanner) skip() bool {
	start, depth := s.pos, 0
	ended := func() bool {
		s.line += strings.Count(s.text[start:s.pos], "\n")
		return true
	}
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c == ' ' {
			s.indentation()
			continue
		}
		if !structural[c] {
			s.pos++
			continue
		}
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return ended()
			}
			if depth--; depth == 0 {
				s.pos++
				return ended()
			}
		case '"':
			end, _, _ := s.stringEnd()
			if end < 0 {
				return false
			}
			if s.pos = end; depth == 0 {
				return ended()
			}
			continue
		case ',':
			if depth == 0 {
				return ended()
			}
		}
		s.pos++
	}
	return false
}

// structural are the bytes that skip looks at.
var structural = [256]bool{'{': true, '}': true, '[': true, ']': true, '"': true, ',': true}

// faultJSON is the first error of a text that is too large to be parsed for
// it, or nil.
func faultJSON(text string, line int) *syntaxError {
	var nothing struct{}
	var syntax *json.SyntaxError
	if err := json.Unmarshal([]byte(text), &nothing); errors.As(err, &syntax) {
		at := min(int(syntax.Offset), len(text))
		return &syntaxError{line + strings.Count(text[:at], "\n"), "not valid JSON: " + syntax.Error()}
	}
	return nil
}
