package manifest

import (
	"iter"
	"slices"
	"strings"
)

// splitter counts the documents and lines of a text.
type splitter struct {
	doc  int // documents found
	line int // the next one
}

// documents yields the YAML documents of a part of the text, and JSON texts unchanged. A
// line that starts with `---` or `...` ends a document anywhere, even within a scalar
// (YAML 1.2.2, section 9.1.2), so no parser is needed.
func (s *splitter) documents(text string) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		start := 0
		odd := oddBreak(text)
		emit := func(end int) bool {
			body := text[start:end]
			skipped, isBlank := blank(body)
			if odd { // a comment may end before its line does
				skipped, isBlank = 0, strings.TrimSpace(body) == ""
			}
			if isBlank {
				return true
			}
			s.doc++
			if beginsJSON(body) {
				return yield(chunk{text: body, line: s.line, doc: s.doc, json: true})
			}
			// Comments and empty lines before a document may be many.
			return yield(chunk{text: body[skipped:], line: s.line + strings.Count(body[:skipped], "\n"), doc: s.doc, odd: odd})
		}
		for pos := 0; pos < len(text); {
			marker, end := nextMarker(text, pos)
			if marker < 0 {
				break
			}
			if !emit(marker) {
				return
			}
			s.line += strings.Count(text[start:marker], "\n")
			start, pos = marker+3, end
		}
		if emit(len(text)) {
			s.line += strings.Count(text[start:], "\n")
		}
	}
}

// oddBreak reports whether a text has a line break of YAML 1.1 that is not a line feed:
// a single carriage return, U+0085, U+2028 or U+2029.
func oddBreak(text string) bool {
	// A search for one byte is several times faster, and usually finds none.
	for first, breaks := range map[byte][]string{0xC2: {"\u0085"}, 0xE2: {"\u2028", "\u2029"}} {
		at := strings.IndexByte(text, first)
		if at >= 0 && slices.ContainsFunc(breaks, func(r string) bool { return strings.Contains(text[at:], r) }) {
			return true
		}
	}
	at := strings.IndexByte(text, '\r')
	return at >= 0 && strings.Count(text[at:], "\r") > strings.Count(text[at:], "\r\n")
}

// nextMarker finds the next line, from pos on, that ends a document. It returns where
// the line begins and where the next one begins.
func nextMarker(text string, pos int) (marker, end int) {
	for {
		for pos < len(text) && text[pos] == '\n' {
			pos++ // faster than a search for the next one
		}
		end = len(text)
		if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		switch {
		case isMarker(text[pos:]):
			return pos, end
		case end == len(text):
			return -1, end
		}
		pos = end
	}
}

// values yields each of a stream of JSON values (jq's output) as a chunk. Small ones
// stay together.
func (c chunk) values() iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		r := new(stack).jsonReader(c.text, c.line)
		var run chunk
		from := 0 // where run begins
		for r.more() {
			start, end, err := r.next()
			if err == nil && run.text != "" && end-from < runSize {
				run.text, run.item = c.text[from:end], true
				continue
			}
			if run.text != "" && !yield(run) {
				return
			}
			if err != nil {
				yield(chunk{text: c.text[r.top:], line: r.lineOf(r.top), doc: c.doc, json: true})
				return
			}
			run, from = chunk{text: c.text[start:end], line: r.lineOf(start), doc: c.doc, json: true}, start
		}
		if run.text != "" {
			yield(run)
		}
	}
}

func isMarker(line string) bool {
	return (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...")) &&
		(len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0)
}

// blank reports whether a text has only white space, comments and directives. It also
// returns the length of the leading part that does, in whole lines.
func blank(text string) (length int, is bool) {
	for {
		white := len(text) - len(strings.TrimLeft(text[length:], " \t\r\n"))
		if white == len(text) {
			return white, true
		}
		length += strings.LastIndexByte(text[length:white], '\n') + 1
		if text[white] != '#' && text[white] != '%' {
			return length, false
		}
		end := strings.IndexByte(text[white:], '\n')
		if end < 0 {
			return len(text), true
		}
		length = white + end + 1
	}
}

// beginsJSON reports whether a text is JSON: its first bracket distinguishes it from
// YAML's block style, and the text after that from YAML's flow style.
func beginsJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	if text == "" || text[0] != '{' && text[0] != '[' || strings.HasPrefix(text, "{{") {
		return false
	}
	next := strings.TrimLeft(text[1:], " \t\r\n")
	return next == "" || strings.IndexByte(`"{[]}-0123456789tfn`, next[0]) >= 0
}

// runSize is how many bytes of small items of a list are parsed together.
const runSize = 4 << 10

// splitList splits a long list into its items and calls add for each. The items get
// the kind; nil means the one that precedes them. If ok is false, what was added is
// void. Items that do not parse alone are parsed again with their list, see batch.run.
//
// Items are parsed in parallel and released one by one. Converting 10,000 Dataplanes
// in a YAML list takes 144 ms and 6.8 times the list's size in memory, without it 233
// ms and 11.9 times; in JSON 146 ms and 3.8 times, without it 200 ms and 5.9 times
// (BenchmarkConvertYAMLList and BenchmarkConvertJSON, two processors).
func (c chunk) splitList(kind *string, add func(chunk)) (around *list, ok bool) {
	if len(c.text) < taskSize || c.odd {
		return nil, false
	}
	if c.json {
		return c.splitJSON(kind, add)
	}
	b := c.blockList()
	if b == nil {
		return nil, false
	}
	if kind != nil {
		b.kind = *kind
	}
	b.items(add)
	around = b.list(b.text)
	return around, around != nil
}

// findItems returns where the line with a list's key items begins, and where the next
// line begins, if the items follow there.
func findItems(text string) (at, pos int, ok bool) {
	const key = "items:"
	if !strings.HasPrefix(text, key) {
		if at = strings.Index(text, "\n"+key) + 1; at == 0 {
			return 0, 0, false
		}
	}
	rest := text[at+len(key):]
	end := strings.IndexByte(rest, '\n')
	if end < 0 || strings.Trim(rest[:end], " \r") != "" {
		return 0, 0, false
	}
	return at, at + len(key) + end + 1, true
}

// splitItems splits the items from pos on, whose dashes have an indent. Small items stay
// together unless c says otherwise. It returns the number of items, where they end, and
// whether the list ends there. Else, if the text is open, the last item may go on, and is
// not one of them.
func (c chunk) splitItems(pos, indent int, kind string, open bool, add func(chunk)) (count, stop int, ended bool) {
	line := c.line + strings.Count(c.text[:pos], "\n")
	start, startLine, end := pos, line, pos // of the item, and of last
	var last chunk
	finish := func() {
		if last.text != "" {
			add(last)
		}
	}
	item := func(to int) {
		if to == start {
			return
		}
		if !c.alone && last.text != "" && to-start < runSize && len(last.text)+to-start < runSize {
			last.text = c.text[end-len(last.text) : to]
			last.items, end = last.items+1, to
			return
		}
		finish()
		last = chunk{text: c.text[start:to], line: startLine, doc: c.doc, indent: indent + 2, items: 1, item: true, list: kind}
		end = to
	}
	limit := len(c.text)
	if open {
		limit = strings.LastIndexByte(c.text, '\n') + 1 // a part of a line says nothing
	}
	for ; pos < limit; line++ {
		next := limit
		if i := strings.IndexByte(c.text[pos:], '\n'); i >= 0 {
			next = pos + i + 1
		}
		columns, isItem := indentation(c.text[pos:next])
		if isItem && columns == indent {
			item(pos)
			count++
			start, startLine = pos, line
		} else if columns <= indent && columns >= 0 {
			ended = true
			break
		}
		pos = next
	}
	if stop = pos; open && !ended {
		stop, count = start, max(count-1, 0)
	}
	item(stop)
	finish()
	return count, stop, ended
}

// around returns a list of count items from the text before them and the text after
// them, which begins at a line. It returns nil if these texts are not the rest of a
// list.
func (c chunk) around(before, after string, line, count int) *list {
	root := &Node{Kind: Mapping, line: int32(c.line), content: []Node{{Kind: String, Text: "items"}, {}}}
	for _, part := range []chunk{{text: before, line: c.line}, {text: after, line: line}} {
		if len(part.text) > taskSize {
			return nil
		}
		n, err := parseYAML(part.text, part.line)
		if err != nil || n.Kind != Mapping && n.Kind != Null {
			return nil
		}
		root.content = append(root.content, n.content...)
	}
	return listAround(root, count)
}

// listAround returns a list of count items by the rest of its keys, nil if these are not
// those of a list.
func listAround(root *Node, count int) *list {
	kind, ok := listKind(root)
	if !ok || root.repeatedKey() != nil {
		return nil
	}
	return &list{count: count, kind: kind, root: root}
}

// indentation returns the number of spaces before the first line's text, -1 for a blank
// line or a comment, and whether the text is a sequence entry.
func indentation(line string) (columns int, dash bool) {
	columns = spaces(line)
	if columns == len(line) || strings.IndexByte("\r\n#", line[columns]) >= 0 {
		return -1, false
	}
	return columns, strings.HasPrefix(line[columns:], "- ")
}
