package manifest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// errWhole says that a list cannot be read item by item, and what was made of its items is void.
var errWhole = errors.New("the list must be read as a whole")

// blockList is a YAML list in block style that is taken apart.
type blockList struct {
	chunk         // from the list's beginning, then from the next item on, as far as it was read
	head   string // what precedes the items, up to a line
	from   int    // that line
	kind   string // of the items, as the head says
	pos    int    // where the next item begins
	open   bool   // more text follows
	count  int    // of items
	length int    // of their text and the head, in bytes
}

// blockList returns the list that c begins, nil if it begins anything else.
func (c chunk) blockList() *blockList {
	at, pos, ok := findItems(c.text)
	if !ok {
		return nil
	}
	indent, dash := indentation(c.text[pos:])
	head := c.around(c.text[:at], "", c.line, 0)
	if !dash || head == nil {
		return nil
	}
	c.indent = indent
	return &blockList{chunk: c, head: c.text[:at], from: c.line, kind: head.kind, pos: pos}
}

// items adds the items that are complete. It returns the text that they have, and whether the
// list ends there.
func (b *blockList) items(add func(chunk)) (text string, ended bool) {
	count, stop, ended := b.splitItems(b.pos, b.indent, b.kind, b.open, add)
	b.count += count
	text = b.text[:stop]
	b.line += strings.Count(text, "\n")
	b.length += len(text)
	b.text, b.pos = b.text[stop:], 0
	return text, ended
}

// list returns the list by the text after its items, nil if that is not a list's.
func (b *blockList) list(after string) *list {
	head := chunk{line: b.from}
	of := head.around(b.head, after, b.line, b.count)
	if of != nil {
		of.splitAs = b.kind
	}
	return of
}

// stream adds the items of the list that is the last document of a part, and reports whether
// there is one; else it does nothing. The error errWhole means that what r has is void.
func (r *inputReader[T]) stream(p *parts, s *splitter, text []byte) (bool, error) {
	if p.size > 0 && p.size-p.length+int64(len(text)) <= int64(r.batch.whole) || r.once && int(p.length) != len(text) {
		return false, nil
	}
	if s.doc == 0 && (strings.HasPrefix(textOf(text), "\uFEFF") || isUTF16(textOf(text)) || beginsJSON(textOf(text))) {
		return false, nil // see add
	}
	after := *s
	complete := strings.TrimSuffix(textOf(text), "\r") // a line feed may follow
	documents := slices.Collect(after.documents(complete))
	if len(documents) == 0 {
		return false, nil
	}
	last := len(documents) - 1
	begin := len(complete) - len(documents[last].text)
	if documents[last].json || documents[last].odd {
		return false, nil
	}
	list := documents[last].blockList()
	if list == nil {
		return false, nil
	}
	if list.text, list.open = textOf(text[begin:]), true; r.once {
		p.keeps, p.kept = true, []io.Reader{bytes.NewReader(text)}
	}
	r.see(textOf(text[:begin]), true)
	for _, document := range documents[:last] {
		if r.batch.add(document); r.isBroken(document.line, document.doc) {
			p.stop()
			return true, nil
		}
	}
	from := r.batch.count
	tail, err := r.streamItems(p, list)
	if err != nil {
		return false, err
	}
	s.doc, s.line = after.doc, list.line+strings.Count(tail, "\n")
	of := list.list(tail)
	if of == nil || of.kind != of.splitAs || list.length+len(tail) <= r.batch.whole {
		return false, errWhole // also if the list's kind follows the items
	}
	r.batch.taken = append(r.batch.taken, takenList{whole: chunk{doc: list.doc}, list: of, from: from, to: r.batch.count})
	p.keeps, p.kept = false, nil
	if r.isBroken(list.from, list.doc) {
		p.stop()
	}
	return true, nil
}

// streamItems adds the items, and returns the text that follows them in their document. The list
// is longer than what batch.run parses at once.
func (r *inputReader[T]) streamItems(p *parts, list *blockList) (tail string, err error) {
	var more []byte
	for ended := false; !ended; {
		if oddBreak(strings.TrimSuffix(list.text, "\r")) { // a line feed may follow
			return "", errWhole
		}
		var text string
		known := list.count
		if text, ended = list.items(r.batch.addChunk); list.count == known && list.open && !ended {
			return "", errWhole // one item is longer than a part
		}
		r.see(text, false)
		n := p.part
		if ended {
			n = taskSize + len("---\n") // more than may follow, see around
		} else if !list.open {
			return "", nil
		}
		if more, err = p.more([]byte(list.text), n); err != nil {
			return "", err
		}
		list.text, list.open = textOf(more), !p.end
	}
	end, _ := nextMarker(list.text, 0)
	switch {
	case end < 0 && list.open:
		return "", errWhole // also where the text grows while it is read
	case end < 0:
		end = len(list.text)
	}
	tail = list.text[:end]
	p.rest = more[end:]
	r.see(tail, false)
	return tail, nil
}

// again makes r read the whole text from its beginning.
func (r *inputReader[T]) again(p *parts) {
	if r.once {
		text := io.NopCloser(io.MultiReader(append(p.kept, p.bounded)...)) // it drops what was read of it
		p.kept = nil
		r.open = func() (io.ReadCloser, error) { return text, nil }
	}
	r.kept, r.problems, r.skip = nil, nil, r.seen
}

// see passes a text to Seen, unless it was. What is left of a document is not whole.
func (r *inputReader[T]) see(text string, whole bool) {
	if r.Seen == nil {
		return
	}
	r.seen += len(text)
	if skip := min(r.skip, len(text)); skip > 0 {
		r.skip -= skip
		end, _ := nextMarker(text[skip:], 0)
		if text = text[skip:]; end < 0 {
			end = len(text)
		}
		if end > 0 {
			r.Seen(text[:end], false)
		}
		text = text[end:]
	}
	if text != "" {
		r.Seen(text, whole)
	}
}
