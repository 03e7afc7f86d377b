package manifest

import "strings"

// parsePlain parses the YAML that machines write: block mappings and sequences
// of one-line scalars. It returns nil for everything else (anchors, tags, flow
// style, block scalars, escapes, numbers of unusual form, every error), which
// is parseYAML's to judge, so it decides nothing by itself: FuzzPlain holds the
// two together. It exists because yaml.v3 reads about 10 MB a second, half of
// it spent on tokens and on finding the type of scalars, and the Dataplanes of
// a large mesh are nearly all of what this tool reads.
func parsePlain(text string, line int) *Node {
	p := plain{rest: text, number: line - 1}
	p.next()
	if p.bad || p.done {
		return nil
	}
	root := new(Node)
	p.block(root, 0)
	if p.bad || !p.done {
		return nil
	}
	return root
}

type plain struct {
	rest   string // what follows the current line
	number int    // the current line in the file
	indent int    // columns before what is left of the current line
	text   string // what is left of the current line, not blank
	done   bool   // there is no current line
	bad    bool   // the text is not plain
}

// next goes to the next line that is neither blank nor a comment.
func (p *plain) next() {
	for p.rest != "" {
		var line string
		if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
			line, p.rest = p.rest[:i], p.rest[i+1:]
		} else {
			line, p.rest = p.rest, ""
		}
		p.number++
		indent := 0
		for indent < len(line) && line[indent] == ' ' {
			indent++
		}
		end := len(line)
		for end > indent && (line[end-1] == ' ' || line[end-1] == '\r') {
			end--
		}
		if end == indent {
			continue
		}
		line = line[:end]
		for i := indent; i < end; i++ {
			if c := line[i]; c < ' ' || c >= 0x7f {
				p.bad = true
				return
			}
		}
		if line[indent] == '#' {
			continue
		}
		p.indent, p.text = indent, line[indent:]
		return
	}
	p.done = true
}

// block parses the value that begins on the current line into n.
func (p *plain) block(n *Node, depth int) {
	n.Line = int32(p.number)
	switch {
	case depth > maxDepth:
		p.bad = true
	case p.text == "-" || strings.HasPrefix(p.text, "- "):
		p.sequence(n, depth)
	default:
		p.mapping(n, depth)
	}
}

func (p *plain) sequence(n *Node, depth int) {
	n.Kind = Sequence
	column := p.indent
	for !p.bad && !p.done && p.indent == column && p.text[0] == '-' {
		if p.text != "-" && p.text[1] != ' ' {
			p.bad = true
			return
		}
		n.content = append(n.content, Node{})
		item := &n.content[len(n.content)-1]
		after := strings.TrimLeft(p.text[1:], " ")
		if after == "" || after[0] == '#' {
			p.bad = true // rare, and null or nested by what follows
			return
		}
		if after[0] == '-' || isKey(after) {
			p.indent += len(p.text) - len(after)
			p.text = after
			p.block(item, depth+1)
			continue
		}
		item.Line = int32(p.number)
		p.scalar(item, after, column)
	}
	if !p.done && p.indent > column {
		p.bad = true
	}
}

func (p *plain) mapping(n *Node, depth int) {
	n.Kind = Mapping
	column := p.indent
	for !p.bad && !p.done && p.indent == column {
		key := wordLen(p.text)
		if key == 0 || key == len(p.text) || p.text[key] != ':' || p.text[0] == '-' {
			p.bad = true
			return
		}
		n.content = append(n.content,
			Node{Kind: String, Line: int32(p.number), Text: p.text[:key]}, Node{Line: int32(p.number)})
		value := &n.content[len(n.content)-1]
		after := p.text[key+1:]
		if after != "" {
			if after[0] != ' ' {
				p.bad = true
				return
			}
			p.scalar(value, strings.TrimLeft(after, " "), column)
			continue
		}
		p.next()
		switch {
		case p.bad || p.done:
		case p.indent > column:
			p.block(value, depth+1)
		case p.indent == column && (p.text == "-" || strings.HasPrefix(p.text, "- ")):
			// A sequence may stand in the column of its key.
			n.content[len(n.content)-1].Line = int32(p.number)
			p.sequence(value, depth+1)
		}
	}
	if p.bad || !p.done && p.indent > column || n.repeatedKey() != nil {
		p.bad = true
	}
}

// scalar parses text, the rest of the current line, into n and goes to the next
// line, which must not continue the scalar: it may not stand deeper than column.
func (p *plain) scalar(n *Node, text string, column int) {
	kind, ok := Null, false
	switch c := text[0]; {
	case text == "{}":
		kind, ok, text = Mapping, true, ""
	case text == "[]":
		kind, ok, text = Sequence, true, ""
	case c == '"' || c == '\'':
		end := len(text) - 1
		ok = end > 0 && text[end] == c && strings.IndexByte(text[1:end], c) < 0 &&
			(c == '\'' || strings.IndexByte(text, '\\') < 0)
		if ok {
			kind, text = String, text[1:end]
		}
	default:
		kind, ok = resolve(text)
	}
	if !ok {
		p.bad = true
		return
	}
	n.Kind, n.Text = kind, text
	p.next()
	if !p.done && p.indent > column {
		p.bad = true
	}
}

// resolve tells the kind of a plain scalar whose kind is beyond doubt.
func resolve(text string) (Kind, bool) {
	digits, dots, dashes, special, word := 0, 0, 0, false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '.':
			dots++
		case c == '-':
			dashes++
		case isWord(c) || c == '/':
			// Letters that stand in no number of any base, nor in an exponent.
			word = word || c == '/' || strings.IndexByte("abcdefoxABCDEFOX_", c) < 0
		case c == ':' && i+1 < len(text) && text[i+1] != ' ' && i > 0:
			special = true
		case strings.IndexByte("@*=,+()~%;^$", c) >= 0 && i > 0 || c == ' ' && i+1 < len(text) && text[i+1] != '#':
			special = true
		default:
			return Null, false
		}
	}
	first := text[0]
	letter := first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z' || first == '/'
	switch {
	case digits == len(text):
		return Int, len(text) < 18 && (first != '0' || len(text) == 1)
	case digits+dots == len(text):
		// One dot makes a number, and only the usual form is beyond doubt.
		if dots == 1 {
			return Float, first != '.' && text[len(text)-1] != '.' && first != '0' && digits < 15
		}
		return String, first != '.' && dots >= 2
	case '0' <= first && first <= '9':
		return String, word || dashes > 1 // such as 5m or a UUID
	case !letter:
		return Null, false
	case special:
		return String, true
	}
	switch text {
	case "true", "false":
		return Bool, true
	case "null", "Null", "NULL", "True", "TRUE", "False", "FALSE":
		return Null, false
	}
	return String, true
}

// isKey says whether text begins with a plain key.
func isKey(text string) bool {
	n := wordLen(text)
	return n > 0 && n < len(text) && text[n] == ':' && (n+1 == len(text) || text[n+1] == ' ')
}

func wordLen(text string) int {
	i := 0
	for i < len(text) && (isWord(text[i]) || text[i] == '/') {
		i++
	}
	return i
}
