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

// stream is a YAML list whose items are added while the rest of its text is read. It is longer
// than two parts, so that its items are never parsed together, see batch.run.
type stream struct {
	chunk         // from the list's beginning, then from the next item on, as far as it was read
	head   string // what precedes the items, up to a line
	from   int    // that line
	kind   string // of the items, as the head says
	pos    int    // where the next item begins
	open   bool   // more text follows
	count  int    // of items
	length int    // of their text and the head, in bytes
}

// newStream returns the list that a chunk begins, nil if it begins anything else.
func newStream(c chunk) *stream {
	if c.json || c.odd {
		return nil
	}
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
	return &stream{chunk: c, head: c.text[:at], from: c.line, kind: head.kind, pos: pos, open: true}
}

// items adds the items that are complete. It returns the text that they have, and whether the
// list ends there.
func (s *stream) items(add func(chunk)) (text string, ended bool, err error) {
	if oddBreak(strings.TrimSuffix(s.text, "\r")) { // a line feed may follow
		return "", false, errWhole
	}
	count, stop, ended := s.splitItems(s.pos, s.indent, s.kind, s.open, add)
	if stop == s.pos && s.open && !ended {
		return "", false, errWhole // one item is longer than a part
	}
	s.count += count
	text = s.text[:stop]
	s.line += strings.Count(text, "\n")
	s.length += len(text)
	s.text, s.pos = s.text[stop:], 0
	return text, ended, nil
}

// list returns the list by the text after its items, nil if that is not a list's.
func (s *stream) list(after string) *list {
	head := chunk{line: s.from}
	of := head.around(s.head, after, s.line, s.count)
	if of == nil || of.kind != s.kind { // the list's kind follows the items
		return nil
	}
	of.splitAs = s.kind
	return of
}

// stream adds the items of the list that is the last document of a part, and reports whether
// there is one; else it does nothing. The error errWhole means that what r has is void.
func (r *inputReader[T]) stream(p *parts, s *splitter, text []byte) (bool, error) {
	if p.size > 0 && p.size-p.length+int64(len(text)) <= int64(2*p.part) || r.once && int(p.length) != len(text) {
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
	list := newStream(documents[last])
	if list == nil {
		return false, nil
	}
	if list.text = textOf(text[begin:]); r.once {
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
	if of == nil || list.length+len(tail) <= 2*p.part {
		return false, errWhole
	}
	r.batch.taken = append(r.batch.taken, takenList{whole: chunk{doc: list.doc}, list: of, from: from, to: r.batch.count})
	p.keeps, p.kept = false, nil
	if r.isBroken(list.from, list.doc) {
		p.stop()
	}
	return true, nil
}

// streamItems adds the items, and returns the text that follows them in their document.
func (r *inputReader[T]) streamItems(p *parts, list *stream) (tail string, err error) {
	for ended := false; !ended; {
		var text string
		if text, ended, err = list.items(r.batch.addChunk); err != nil {
			return "", err
		}
		r.see(text, false)
		n := p.part
		if ended {
			n = taskSize + len("---\n") // more than may follow, see around
		} else if !list.open {
			return "", nil
		}
		more, err := p.more([]byte(list.text), n)
		if err != nil {
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
	p.rest = []byte(list.text[end:])
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
	r.seen = 0
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
