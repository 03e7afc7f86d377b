package manifest

import (
	"strings"
	"sync"
)

// parsePlain parses the YAML that machines write: block mappings and sequences of
// one-line scalars. It returns nil for everything else (anchors, tags, flow style, block
// scalars, escapes, numbers of unusual form, every error), which parseYAML then parses.
// FuzzPlain compares the two. It exists because yaml.v3 reads about 10 MB a second, half
// of it spent on tokens and on finding the type of scalars, and the Dataplanes of a
// large mesh are nearly all of what this tool reads.
func parsePlain(text string, line int, nodes *stack) *Node {
	p := plain{rest: text, number: line - 1, nodes: nodes}
	defer nodes.empty()
	p.next()
	if p.bad || p.done {
		return nil
	}
	root := p.block(0)
	if p.bad || !p.done {
		return nil
	}
	return &root
}

type plain struct {
	rest   string // what follows the current line
	number int    // the current line in the file
	indent int    // columns before what is left of the current line
	text   string // what is left of the current line, not blank
	done   bool   // there is no current line
	bad    bool   // the text is not plain
	nodes  *stack
}

// stack has the nodes of all unfinished collections, so that each collection is
// allocated once, in its exact size. Blocks of finished nodes are reused for the next
// chunk once the parsed document is used: see [Document.Keep].
type stack struct {
	open  []Node // of unfinished collections
	block []Node // what is finished
	json  *jsonReader
}

var stacks = sync.Pool{New: func() any { return new(stack) }}

// release returns the stack to the pool, with all nodes that it made.
func (s *stack) release() {
	clear(s.block)
	s.block = s.block[:0]
	if s.json != nil {
		s.json.release()
	}
	stacks.Put(s)
}

// empty drops unfinished collections.
func (s *stack) empty() {
	clear(s.open[:cap(s.open)])
	s.open = s.open[:0]
}

func (s *stack) push(n Node) { s.open = append(s.open, n) }

// pushed pushes an empty node, for the caller to fill before the next one is pushed.
func (s *stack) pushed() *Node {
	s.open = append(s.open, Node{})
	return &s.open[len(s.open)-1]
}

// cut removes the nodes above from off the stack, and returns a copy.
func (s *stack) cut(from int) []Node {
	n := len(s.open) - from
	if n == 0 {
		return nil
	}
	if cap(s.block)-len(s.block) < n {
		s.block = make([]Node, 0, max(n, min(2*cap(s.block), maxBlock), minBlock))
	}
	begin := len(s.block)
	s.block = append(s.block, s.open[from:]...)
	s.open = s.open[:from]
	return s.block[begin:len(s.block):len(s.block)]
}

// minBlock and maxBlock are how many nodes are allocated together.
const (
	minBlock = 256
	maxBlock = 8192
)

// next goes to the next line that is not blank or a comment.
func (p *plain) next() {
	for p.rest != "" {
		var line string
		if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
			line, p.rest = p.rest[:i], p.rest[i+1:]
		} else {
			line, p.rest = p.rest, ""
		}
		p.number++
		indent, end := spaces(line), len(line)
		for end > indent && (line[end-1] == ' ' || line[end-1] == '\r') {
			end--
		}
		if end == indent {
			continue
		}
		line = line[indent:end]
		if line[0] == '#' {
			if p.bad = !isPlain(line); p.bad {
				return
			}
			continue
		}
		p.indent, p.text = indent, line
		return
	}
	p.done = true
}

// block parses the value that begins on the current line.
func (p *plain) block(depth int) Node {
	switch {
	case depth > maxDepth:
		p.bad = true
		return Node{}
	case p.text == "-" || strings.HasPrefix(p.text, "- "):
		return p.sequence(depth)
	default:
		return p.mapping(depth)
	}
}

// maxKey is the maximum length of a key without a question mark, in bytes (YAML 1.2.2,
// section 7.4.2: 1024 characters with what surrounds it).
const maxKey = 1000

func (p *plain) sequence(depth int) Node {
	n := Node{Kind: Sequence, line: int32(p.number)}
	column, from := p.indent, len(p.nodes.open)
	for !p.bad && !p.done && p.indent == column && p.text[0] == '-' {
		after := p.text[1+spaces(p.text[1:]):]
		if after == "" || after[0] == '#' || p.text[1] != ' ' {
			p.bad = true // rare: null, or nested, depending on the next line
			break
		}
		if after[0] == '-' || isKey(after) {
			p.indent += len(p.text) - len(after)
			p.text = after
			p.nodes.push(p.block(depth + 1))
			continue
		}
		p.nodes.push(p.scalar(after, column))
	}
	if !p.done && p.indent > column {
		p.bad = true
	}
	n.content = p.nodes.cut(from)
	return n
}

func (p *plain) mapping(depth int) Node {
	n := Node{Kind: Mapping, line: int32(p.number)}
	column, from := p.indent, len(p.nodes.open)
	for !p.bad && !p.done && p.indent == column {
		key := wordLen(p.text)
		if key == 0 || key > maxKey || key == len(p.text) || p.text[key] != ':' || p.text[0] == '-' || !isPlainKey(p.text[:key]) {
			p.bad = true
			break
		}
		p.nodes.push(Node{Kind: String, line: int32(p.number), Text: p.text[:key]})
		value := Node{line: int32(p.number)}
		if after := p.text[key+1:]; after != "" {
			if after[0] != ' ' {
				p.bad = true
				break
			}
			value = p.scalar(after[spaces(after):], column)
		} else {
			p.next()
			switch {
			case p.bad || p.done:
			case p.indent > column:
				value = p.block(depth + 1)
			case p.indent == column && (p.text == "-" || strings.HasPrefix(p.text, "- ")):
				// A sequence may have the same column as its key.
				value = p.sequence(depth + 1)
			}
		}
		p.nodes.push(value)
	}
	if !p.done && p.indent > column {
		p.bad = true
	}
	if n.content = p.nodes.cut(from); !p.bad && n.repeatedKey() != nil {
		p.bad = true
	}
	return n
}

// scalar parses text, the rest of the current line, and goes to the next line. That line
// must not continue the scalar, so it must not be deeper than column.
func (p *plain) scalar(text string, column int) Node {
	n := Node{line: int32(p.number)}
	var ok bool
	switch c := text[0]; {
	case text == "{}":
		n.Kind, ok, text = Mapping, true, ""
	case text == "[]":
		n.Kind, ok, text = Sequence, true, ""
	case c == '"' || c == '\'':
		end := len(text) - 1
		ok = end > 0 && text[end] == c && strings.IndexByte(text[1:end], c) < 0 &&
			(c == '\'' || strings.IndexByte(text, '\\') < 0) && isPlain(text)
		if ok {
			n.Kind, text = String, text[1:end]
		}
	default:
		n.Kind, ok = resolve(text)
	}
	if !ok {
		p.bad = true
		return n
	}
	n.Text = text
	p.next()
	if !p.done && p.indent > column {
		p.bad = true
	}
	return n
}

// resolve returns the kind of a plain scalar whose kind is certain.
func resolve(text string) (Kind, bool) {
	var seen class
	for i := range len(text) {
		seen |= classes[text[i]]
	}
	if seen&(other|inside) != 0 && !isInside(text) {
		return Null, false
	}
	first := classes[text[0]]
	switch {
	case seen == digit:
		return Int, len(text) < 18 && (text[0] != '0' || len(text) == 1)
	case seen&^(digit|dot) == 0:
		// One dot makes a number, and only the usual form is certain.
		if strings.Count(text, ".") == 1 {
			return Float, first != dot && text[len(text)-1] != '.' && text[0] != '0' && len(text) <= 15
		}
		return String, first != dot
	case first == digit:
		return String, seen&(letter|slash) != 0 || strings.Count(text, "-") > 1 // such as 5m or a UUID
	case first&(letter|numberLetter|slash) == 0 || text[0] == '_':
		return Null, false
	case seen&inside != 0 || len(text) > maxSpecial:
		return String, true
	}
	switch text {
	case "true", "false":
		return Bool, true
	}
	kind, _ := resolveScalar(text)
	return String, kind == String
}

// class is what a byte can be in a plain scalar.
type class uint8

const (
	digit        class = 1 << iota
	dot                // .
	dash               // -
	letter             // that no number has, in any base or exponent
	numberLetter       // every other letter, and _
	slash              // /
	inside             // what a scalar can have, but not everywhere
	other
)

var classes = func() (classes [256]class) {
	for c := range 256 {
		switch of := &classes[c]; {
		case '0' <= c && c <= '9':
			*of = digit
		case c == '.':
			*of = dot
		case c == '-':
			*of = dash
		case c == '/':
			*of = slash
		case strings.IndexByte("abcdefoxABCDEFOX_", byte(c)) >= 0:
			*of = numberLetter
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			*of = letter
		case strings.IndexByte(":@*=,+()~%;^$ ", byte(c)) >= 0:
			*of = inside
		default:
			*of = other
		}
	}
	return classes
}()

// isInside reports whether every byte that a scalar cannot have everywhere is where it can
// be, and no byte is one that it cannot have.
func isInside(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case classes[c] == other:
			return false
		case classes[c] != inside:
		case i == 0:
			return false
		case c == ':' && (i+1 == len(text) || text[i+1] == ' '):
			return false
		case c == ' ' && (i+1 == len(text) || text[i+1] == '#'):
			return false
		}
	}
	return true
}

// maxSpecial is the length of the longest word that is not a string: false.
const maxSpecial = 5

// isPlainKey reports whether a key is certainly a string.
func isPlainKey(key string) bool {
	c := key[0] | 0x20
	if c >= 'a' && c <= 'z' && len(key) > maxSpecial {
		return true
	}
	kind, ok := resolve(key)
	return ok && kind == String
}

// isKey reports whether text begins with a plain key.
func isKey(text string) bool {
	n := wordLen(text)
	return n > 0 && n < len(text) && text[n] == ':' && (n+1 == len(text) || text[n+1] == ' ')
}

// wordLen returns the length of the word, with slashes, that text begins with.
func wordLen(text string) int {
	i := 0
	for i < len(text) && classes[text[i]] < inside {
		i++
	}
	return i
}

// spaces returns the number of spaces that text begins with. It is faster than
// strings.TrimLeft.
func spaces(text string) int {
	n := 0
	for n < len(text) && text[n] == ' ' {
		n++
	}
	return n
}
