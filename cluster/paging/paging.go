// Package paging keeps the pages of a server's list until the list is complete. They are
// compressed, because a large mesh has hundreds of megabytes of similar JSON, and
// limited, because a server may send anything.
package paging

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Limits are the maximum size of one list.
type Limits struct {
	Answer int64 // bytes of a single answer
	List   int64 // bytes of all pages together
	Pages  int
}

// Defaults exceed what a control plane has: a Dataplane takes half a kilobyte, and a
// page has 500 of them.
var Defaults = Limits{Answer: 256 << 20, List: 1 << 30, Pages: 20_000}

// Or returns l with the values of other where l has none.
func (l Limits) Or(other Limits) Limits {
	return Limits{Answer: cmp.Or(l.Answer, other.Answer), List: cmp.Or(l.List, other.List), Pages: cmp.Or(l.Pages, other.Pages)}
}

// Size returns a number of bytes in the form that the flags accept.
func Size(bytes int64) string { return resource.NewQuantity(bytes, resource.BinarySI).String() }

// blockSize is how much text is compressed at a time.
const blockSize = 256 << 10

// List has the items of one list. The zero List is empty and accepts no page.
type List struct {
	limits Limits
	bytes  int64 // of the pages
	pages  int
	items  int
	blocks [][]byte // compressed
	open   []byte   // not compressed yet
	writer *flate.Writer
}

// New returns an empty list.
func New(limits Limits) *List { return &List{limits: limits} }

// Len returns the number of items.
func (l *List) Len() int { return l.items }

// Page counts a page of size bytes. It returns an error when the list exceeds the
// limits.
func (l *List) Page(size int64) error {
	l.pages++
	l.bytes += size
	switch {
	case l.pages > l.limits.Pages:
		return fmt.Errorf("it has more than %d pages (%d items so far); raise --max-pages, or read less with --mesh",
			l.limits.Pages, l.items)
	case l.bytes > l.limits.List:
		return fmt.Errorf("it has more than %s bytes (%d items so far); raise --max-list-size, or read less with --mesh",
			Size(l.limits.List), l.items)
	}
	return nil
}

// Add adds an item: the name of a resource and its text.
func (l *List) Add(name string, text []byte) error {
	for _, part := range [][]byte{[]byte(name), text} {
		l.open = binary.AppendUvarint(l.open, uint64(len(part)))
		l.open = append(l.open, part...)
	}
	l.items++
	if len(l.open) < blockSize {
		return nil
	}
	return l.compress()
}

// compress moves the open items to a compressed block.
func (l *List) compress() error {
	var block bytes.Buffer
	if l.writer == nil {
		l.writer, _ = flate.NewWriter(nil, flate.BestSpeed) // which knows this level
	}
	l.writer.Reset(&block)
	_, err := l.writer.Write(l.open)
	if err := errors.Join(err, l.writer.Close()); err != nil {
		return fmt.Errorf("compressing a page: %w", err)
	}
	l.blocks = append(l.blocks, bytes.Clone(block.Bytes()))
	l.open = l.open[:0]
	return nil
}

// Drain calls use for every item, in the order in which they were added, and empties the
// list.
func (l *List) Drain(use func(name string, text []byte)) error {
	for i, block := range l.blocks {
		l.blocks[i] = nil
		text, err := io.ReadAll(flate.NewReader(bytes.NewReader(block)))
		if err == nil {
			err = eachItem(text, use)
		}
		if err != nil {
			return fmt.Errorf("reading a page again: %w", err)
		}
	}
	rest := l.open
	*l = List{limits: l.limits}
	return eachItem(rest, use)
}

// eachItem calls use for every item of a block.
func eachItem(block []byte, use func(name string, text []byte)) error {
	next := func() ([]byte, error) {
		size, n := binary.Uvarint(block)
		if n <= 0 || size > uint64(len(block)-n) {
			return nil, io.ErrUnexpectedEOF
		}
		part := block[n : n+int(size)]
		block = block[n+int(size):]
		return part, nil
	}
	for len(block) > 0 {
		name, err := next()
		if err != nil {
			return err
		}
		text, err := next()
		if err != nil {
			return err
		}
		use(string(name), text)
	}
	return nil
}
