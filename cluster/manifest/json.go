package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseJSON parses one or more JSON values; several make a Sequence, as a
// stream of resources (jq's output) is a list. encoding/json tells no lines and
// its token reader is slower than its decoder, hence a scanner of our own; it
// leaves strings with escapes to encoding/json.
func parseJSON(text string, line int) (*Node, *syntaxError) {
	s := jsonScanner{text: text, line: line}
	values := s.values()
	if s.err != nil {
		return nil, s.err
	}
	switch len(values) {
	case 0:
		return &Node{Line: int32(line)}, nil
	case 1:
		return &values[0], nil
	}
	return &Node{Kind: Sequence, Line: values[0].Line, content: values}, nil
}

type jsonScanner struct {
	text string
	pos  int
	line int
	err  *syntaxError
}

// values parses values one after the other, with or without commas, to the end.
func (s *jsonScanner) values() []Node {
	var values []Node
	for s.space(); s.err == nil && s.pos < len(s.text); s.space() {
		if len(values) > 0 && s.text[s.pos] == ',' {
			s.pos++
			s.space()
		}
		values = append(values, Node{})
		s.value(&values[len(values)-1], 0)
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
		case ' ', '\t', '\r':
		default:
			return
		}
		s.pos++
	}
}

func (s *jsonScanner) value(n *Node, depth int) {
	s.space()
	if s.pos == len(s.text) {
		s.fail("it ends where a value is expected")
		return
	}
	if depth > maxDepth {
		s.fail("values are nested more than %d deep", maxDepth)
		return
	}
	n.Line = int32(s.line)
	switch c := s.text[s.pos]; {
	case c == '{':
		s.object(n, depth)
	case c == '[':
		s.array(n, depth)
	case c == '"':
		n.Kind, n.Text = String, s.string()
	case c == '-' || '0' <= c && c <= '9':
		s.number(n)
	default:
		for word, kind := range map[string]Kind{"null": Null, "true": Bool, "false": Bool} {
			if strings.HasPrefix(s.text[s.pos:], word) {
				n.Kind, s.pos = kind, s.pos+len(word)
				if kind == Bool {
					n.Text = word
				}
				return
			}
		}
		s.fail("a value cannot begin with %q", rune(c))
	}
}

func (s *jsonScanner) object(n *Node, depth int) {
	n.Kind = Mapping
	s.pos++
	for s.err == nil {
		s.space()
		if s.is('}') && len(n.content) == 0 {
			break
		}
		if s.pos == len(s.text) || s.text[s.pos] != '"' {
			s.fail("a key in double quotes is expected")
			return
		}
		n.content = append(n.content, Node{Kind: String, Line: int32(s.line), Text: s.string()}, Node{})
		s.space()
		if !s.is(':') {
			s.fail("a colon is expected after a key")
			return
		}
		s.value(&n.content[len(n.content)-1], depth+1)
		s.space()
		if s.is(',') {
			continue
		}
		if !s.is('}') {
			s.fail("a comma or } is expected after a value")
			return
		}
		break
	}
	if s.err == nil {
		if twice := n.repeatedKey(); twice != nil {
			s.err = &syntaxError{int(twice.Line), fmt.Sprintf("key %q stands twice in one object; keep one", twice.Text)}
		}
	}
}

func (s *jsonScanner) array(n *Node, depth int) {
	n.Kind = Sequence
	s.pos++
	for s.err == nil {
		s.space()
		if s.is(']') && len(n.content) == 0 {
			return
		}
		n.content = append(n.content, Node{})
		s.value(&n.content[len(n.content)-1], depth+1)
		s.space()
		if s.is(',') {
			continue
		}
		if !s.is(']') {
			s.fail("a comma or ] is expected after a value")
		}
		return
	}
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
		s.fail("a string with a control character or a wrong escape")
	}
	return text
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

func (s *jsonScanner) number(n *Node) {
	start := s.pos
	n.Kind = Int
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c == '.' || c == 'e' || c == 'E' {
			n.Kind = Float
		} else if (c < '0' || c > '9') && c != '-' && c != '+' {
			break
		}
	}
	n.Text = s.text[start:s.pos]
	if !usualNumber(n.Text) && !json.Valid([]byte(n.Text)) {
		s.fail("%.20q is not a number", n.Text)
	}
}

// usualNumber says whether text is digits without a leading zero.
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
func (c chunk) takeApartJSON() (items []chunk, ok bool) {
	s := jsonScanner{text: c.text, line: c.line}
	s.space()
	if s.is('[') {
		items, ok = c.itemsJSON(&s)
		s.space()
		return items, ok && s.pos == len(s.text)
	}
	s.is('{')
	kind, found := "", false
	for {
		s.space()
		if s.pos == len(s.text) || s.text[s.pos] != '"' {
			return nil, false
		}
		key := s.string()
		s.space()
		if !s.is(':') || s.err != nil {
			return nil, false
		}
		s.space()
		start := s.pos
		if key == "items" && !found && s.is('[') {
			if items, found = c.itemsJSON(&s); !found {
				return nil, false
			}
		} else if !s.skip() {
			return nil, false
		} else if key == "kind" || key == "type" {
			kind = strings.Trim(s.text[start:s.pos], `"`)
		}
		s.space()
		if s.is(',') {
			continue
		}
		ended := s.is('}')
		s.space()
		if !ended || s.pos != len(s.text) || !found || kind != "" && !strings.HasSuffix(kind, "List") {
			return nil, false
		}
		for i := range items {
			items[i].list = strings.TrimSuffix(kind, "List")
		}
		return items, true
	}
}

// itemsJSON cuts the items of an array, whose bracket has been read, into chunks.
func (c chunk) itemsJSON(s *jsonScanner) (items []chunk, ok bool) {
	s.space()
	if s.is(']') {
		return nil, true
	}
	for {
		s.space()
		item := chunk{line: s.line, doc: c.doc, json: true}
		start := s.pos
		if !s.skip() {
			return nil, false
		}
		item.text = s.text[start:s.pos]
		items = append(items, item)
		s.space()
		if s.is(',') {
			continue
		}
		return items, s.is(']')
	}
}

// skip passes over a value without looking into it. A wrong one may pass, so
// its text must be parsed afterwards.
func (s *jsonScanner) skip() bool {
	depth := 0
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return true
			}
			if depth--; depth == 0 {
				s.pos++
				return true
			}
		case '"':
			end, _, _ := s.stringEnd()
			if end < 0 {
				return false
			}
			if s.pos = end; depth == 0 {
				return true
			}
			continue
		case ',':
			if depth == 0 {
				return true
			}
		case '\n':
			s.line++
		}
		s.pos++
	}
	return false
}
