package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"unsafe"
)

// partSize is how many bytes of a text are read at a time. A list of more than two parts is never
// parsed at once, because it is longer than a document.
const partSize = maxDocument / 2

// parts reads a text in parts, so that only what is being parsed needs memory.
type parts struct {
	*bounded
	file  io.Closer
	part  int    // how many bytes are read at a time
	rest  []byte // what was read, but is in no part yet
	end   bool   // the text was read to its end
	keeps bool   // kept has what was read
	kept  []io.Reader
}

// part is a piece of a text.
type part struct {
	text []byte
	// whole is set if the text ends between YAML documents. Else it is longer than a part, and
	// its last document goes on.
	whole bool
}

// parts opens the text.
func (in Input) parts() (*parts, error) {
	f, err := in.open()
	if err != nil {
		return nil, WithoutPath(err)
	}
	b, err := newBounded(f, in.Limit)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &parts{bounded: b, file: f, part: cmp.Or(in.part, partSize)}, nil
}

// each yields the parts. An error is the last one.
func (p *parts) each() iter.Seq2[part, error] {
	return func(yield func(part, error) bool) {
		for more := true; more; more = !p.end || len(p.rest) > 0 {
			next, err := p.next()
			if !yield(next, err) || err != nil {
				return
			}
		}
	}
}

func (p *parts) next() (part, error) {
	first := p.length == 0
	text, err := p.more(p.rest, max(p.part-len(p.rest), 1))
	p.rest = nil
	cut := 0
	if err == nil && !p.end && (!first || !beginsJSON(textOf(text))) {
		cut = lastMarker(text)
	}
	if cut == 0 {
		return part{text, p.end}, err
	}
	p.rest = slices.Clone(text[cut:])
	return part{text[:cut], true}, nil
}

// more appends the next n bytes to text, fewer at the end.
func (p *parts) more(text []byte, n int) ([]byte, error) {
	if p.end {
		return text, nil
	}
	from := len(text)
	text, err := p.fill(text, p.available(n))
	if errors.Is(err, io.EOF) {
		p.end, err = true, nil
	}
	if p.keeps && err == nil {
		p.kept = append(p.kept, bytes.NewReader(text[from:]))
	}
	return text, err
}

// stop makes the part that was yielded the last one.
func (p *parts) stop() { p.rest, p.end = nil, true }

// toEnd appends the rest to text. It never keeps more than twice the text.
func (p *parts) toEnd(text []byte) ([]byte, error) {
	if p.end {
		return text, nil
	}
	text, err := p.all(text)
	if p.end = true; errors.Is(err, io.EOF) {
		err = nil
	}
	return text, err
}

// lastMarker returns where the last document after the first begins, 0 if there is one
// document.
func lastMarker(text []byte) int {
	if !bytes.Contains(text, []byte("\n---")) {
		return 0 // a list; this search is five times faster than the one from the end
	}
	for end := len(text); ; {
		i := bytes.LastIndex(text[:end], []byte("\n---"))
		if i < 0 || i+4 < len(text) && isMarker(textOf(text[i+1:])) {
			return i + 1
		}
		end = i + 3
	}
}

// textOf returns text as a string without a copy. text must not change afterwards.
func textOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// bounded reads a text up to a limit.
type bounded struct {
	io.Reader
	limit, length int64 // in bytes; length is what was read
	size          int64 // of the whole text, 0 if unknown
}

// newBounded returns an error for a directory, and for a text longer than limit bytes; 0
// is no limit.
func newBounded(r io.Reader, limit int64) (*bounded, error) {
	if limit == 0 {
		limit = math.MaxInt64 - 1
	}
	b := &bounded{Reader: io.LimitReader(r, limit+1), limit: limit}
	switch r := r.(type) {
	case whole:
		b.size = r.Size()
	case interface{ Stat() (os.FileInfo, error) }:
		info, err := r.Stat()
		switch {
		case err != nil:
			return nil, WithoutPath(err)
		case info.IsDir():
			return nil, errors.New("it is a directory")
		case info.Mode().IsRegular():
			b.size = info.Size()
		}
	}
	if b.size > limit {
		return nil, tooLong(limit)
	}
	return b, nil
}

// available returns how many of the next n bytes exist, plus one to find the end of the
// text.
func (b *bounded) available(n int) int {
	if b.size > 0 {
		n = int(min(int64(n), max(b.size-b.length, 0)+1))
	}
	return n
}

// fill appends n bytes to text. It returns io.EOF with the last bytes.
func (b *bounded) fill(text []byte, n int) ([]byte, error) {
	from := len(text)
	text = append(make([]byte, 0, from+n), text...)[:from+n]
	n, err := io.ReadFull(b, text[from:])
	text = text[:from+n]
	switch b.length += int64(n); {
	case b.length > b.limit:
		return nil, tooLong(b.limit)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return text, io.EOF
	case err != nil:
		return nil, fmt.Errorf("reading it: %w", WithoutPath(err))
	}
	return text, nil
}

// all appends the rest.
func (b *bounded) all(text []byte) ([]byte, error) {
	text, err := b.fill(text, int(max(b.size-b.length, 0)))
	pieces := [][]byte{text} // then what exceeds the known size
	length := len(text)
	for next := 4 << 10; err == nil; next = min(2*next, partSize) {
		var piece []byte
		piece, err = b.fill(nil, next)
		pieces = append(pieces, piece)
		length += len(piece)
	}
	if !errors.Is(err, io.EOF) || length == len(text) {
		return text, err
	}
	text = make([]byte, 0, length)
	for i, piece := range pieces {
		text = append(text, piece...)
		pieces[i] = nil
	}
	return text, err
}
