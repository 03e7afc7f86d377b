package manifest

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// splitJSON splits a JSON list into its items. ok is false if it is not a list; then the
// whole text is parsed for its error.
func (c chunk) splitJSON(kind *string, add func(chunk)) (around *list, ok bool) {
	r := new(stack).jsonReader(c.text, c.line)
	r.more()
	opening, err := r.decoder.ReadToken()
	if err != nil {
		return nil, false
	}
	if opening.Kind() == '[' {
		around = &list{root: &Node{Kind: Mapping, line: int32(r.lineOf(r.top))}}
		var end int
		around.count, end = c.splitItemsJSON(r.offset(), "", add)
		return around, end >= 0 && skipSpace(c.text, end) == len(c.text)
	}
	open := r.itemsOf(opening.Kind())
	if open < 0 {
		return nil, false
	}
	before := c.text[:open]
	head := c.aroundJSON(before, "}", 0, 0)
	if head == nil {
		return nil, false
	}
	splitAs := *cmp.Or(kind, &head.kind)
	count, end := c.splitItemsJSON(open, splitAs, add)
	if end < 0 {
		return nil, false
	}
	line := c.line + strings.Count(c.text[:end], "\n")
	if around = c.aroundJSON(before, c.text[end:], line, count); around == nil {
		return nil, false
	}
	around.splitAs = splitAs
	return around, true
}

// itemsOf returns the offset after the bracket of the array with the key items, -1
// without one, in a value whose opening bracket has been read.
func (r *jsonReader) itemsOf(opening jsontext.Kind) int {
	for opening == '{' && r.decoder.PeekKind() != '}' {
		if fault := r.value(); fault != nil {
			return -1
		}
		key := r.nodes.open[len(r.nodes.open)-1]
		if key.Text == "items" && r.decoder.PeekKind() == '[' {
			_, _ = r.decoder.ReadToken()
			return r.offset()
		}
		if _, _, err := r.next(); err != nil {
			return -1
		}
	}
	return -1
}

// aroundJSON returns a list of count items from the text before the first and the text
// after their array, which begins at a line. It returns nil if these are not the rest of a
// list.
func (c chunk) aroundJSON(before, after string, line, count int) *list {
	if len(before)+len(after) > taskSize {
		return nil
	}
	root, err := parseJSON(before+"]}", c.line, false, new(stack))
	if err != nil {
		return nil
	}
	rest, err := parseJSON(`{"items": []`+after, line, false, new(stack))
	if err != nil || rest.Kind != Mapping {
		return nil
	}
	root.content = append(root.content, rest.content[2:]...)
	return listAround(root, count)
}

// splitItemsJSON splits an array, from the end of its opening bracket on, into chunks.
// Small items stay together. It returns the number of items and the end of the array, -1
// if it has none. Items are found by their brackets; what is not JSON within one does not
// parse, and is parsed again with the list.
func (c chunk) splitItemsJSON(pos int, kind string, add func(chunk)) (count, end int) {
	run := chunk{line: c.line, doc: c.doc, json: true, item: true, list: kind} // items that are together
	from := 0                                                                  // where it begins
	defer func() {
		if run.text != "" {
			add(run)
		}
	}()
	for pos = skipSpace(c.text, pos); ; count++ {
		end = endOfJSON(c.text, pos)
		switch {
		case end == pos && count == 0 && strings.HasPrefix(c.text[pos:], "]"):
			return 0, pos + 1
		case end == pos:
			return count, -1
		case run.text == "" || end-from > runSize:
			if run.text != "" {
				add(run)
			}
			run.line += strings.Count(c.text[from:pos], "\n")
			from, run.items = pos, 0
		}
		run.text = c.text[from:end]
		run.items++
		switch pos = skipSpace(c.text, end); {
		case strings.HasPrefix(c.text[pos:], "]"):
			return count + 1, pos + 1
		case !strings.HasPrefix(c.text[pos:], ","):
			return count, -1
		}
		pos = skipSpace(c.text, pos+1)
	}
}

// endOfJSON returns the end of the JSON value that begins at an offset, or the offset
// itself without one. It reads brackets and strings only: the value may be wrong.
func endOfJSON(text string, at int) int {
	if at == len(text) || strings.IndexByte(",]}", text[at]) >= 0 {
		return at
	}
	if !structure[text[at]] { // a number or a word, which must not be two, as 00 is
		length := strings.IndexAny(text[at:], ",]} \t\r\n")
		if length < 0 || !jsontext.Value(bytesOf(text[at:at+length])).IsValid() {
			return at
		}
		return at + length
	}
	depth := 0
	for i := at; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n': // mostly, an indentation follows
			for strings.HasPrefix(text[i+1:], eightSpaces) {
				i += len(eightSpaces)
			}
			continue
		case !structure[c]:
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		default:
			length := lengthOfString(text[i:])
			if length < 0 {
				return at
			}
			i += length - 1
		}
		if depth == 0 {
			return i + 1
		}
	}
	return at // something is not closed
}

const eightSpaces = "        "

// lengthOfString returns the length of the JSON string that a text begins with, with its
// quotes, -1 if it does not end.
func lengthOfString(text string) int {
	for end := 1; ; end++ {
		next := strings.IndexByte(text[end:], '"')
		if next < 0 {
			return -1
		}
		end += next
		backslashes := 0 // each escapes the byte after it
		for text[end-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end + 1
		}
	}
}

// structure are the bytes that decide where a JSON value ends.
var structure = [256]bool{'{': true, '[': true, '}': true, ']': true, '"': true}
