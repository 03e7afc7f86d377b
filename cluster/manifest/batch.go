package manifest

import (
	"runtime"
	"slices"
	"sync"
)

// outcome is the result of one document's chunks.
type outcome[T any] struct {
	kept     []T
	problems []*Problem
}

// batchSize is how many chunks are parsed before errors are counted. maxBroken is how
// many errors end the reading of a file.
const (
	batchSize = 10_000
	maxBroken = 1_000
)

// batch has the chunks that are parsed together, on all processors while more are added.
type batch[T any] struct {
	file    string
	whole   int // bytes of the longest list that is parsed at once, if its items cannot be
	parse   func(c chunk, kept []T) ([]T, []*Problem)
	count   int // of chunks
	taken   []takenList
	tasks   []*task[T]
	open    *task[T] // not sent to a worker yet
	size    int      // of its text
	handed  chan *task[T]
	workers sync.WaitGroup
}

// task is chunks that one goroutine parses.
type task[T any] struct {
	chunks   []chunk
	outcomes []outcome[T]
}

// takenList is a list document and the range of its items among all chunks. If list is
// nil, the items are dropped. If it was read as a stream, whole has no text.
type takenList struct {
	whole    chunk
	list     *list
	from, to int
}

// run parses the task's chunks.
func (t *task[T]) run(parse func(c chunk, kept []T) ([]T, []*Problem)) {
	t.outcomes = make([]outcome[T], len(t.chunks))
	items := 0
	for _, c := range t.chunks {
		items += max(1, c.items)
	}
	kept := make([]T, 0, items) // of all, mostly one each
	for i, c := range t.chunks {
		from := len(kept)
		kept, t.outcomes[i].problems = parse(c, kept)
		t.outcomes[i].kept = kept[from:len(kept):len(kept)]
	}
	t.chunks = nil // and their text
}

func newBatch[T any](file string, whole int, parse func(c chunk, kept []T) ([]T, []*Problem)) *batch[T] {
	return &batch[T]{file: file, whole: whole, parse: parse, open: &task[T]{}}
}

// start starts the workers.
func (b *batch[T]) start() {
	b.handed = make(chan *task[T], 4)
	for range runtime.GOMAXPROCS(0) {
		b.workers.Go(func() {
			for t := range b.handed {
				t.run(b.parse)
			}
		})
	}
}

// add adds a document, in pieces if it is a long list.
func (b *batch[T]) add(doc chunk) {
	switch {
	case b.addList(doc):
	case doc.json && len(doc.text) >= taskSize:
		for value := range doc.values() {
			b.addChunk(value)
		}
	default:
		b.addChunk(doc)
	}
}

// addList adds a document item by item, and reports whether it is a long list.
func (b *batch[T]) addList(doc chunk) bool {
	from := b.count
	list, ok := doc.splitList(nil, b.addChunk)
	if ok && list.kind != list.splitAs { // the list's kind follows the items
		b.taken = append(b.taken, takenList{from: from, to: b.count})
		from = b.count
		list, ok = doc.splitList(&list.kind, b.addChunk)
	}
	if !ok {
		list = nil
	}
	if b.count > from {
		b.taken = append(b.taken, takenList{whole: doc, list: list, from: from, to: b.count})
	}
	return ok
}

func (b *batch[T]) addChunk(c chunk) {
	b.open.chunks = append(b.open.chunks, c)
	b.count++
	if b.size += len(c.text); b.size >= taskSize {
		b.hand()
	}
}

// hand sends the open task to the workers.
func (b *batch[T]) hand() {
	if b.handed == nil {
		b.start() // only now: a server's list has one small input per resource
	}
	b.tasks = append(b.tasks, b.open)
	chunks := len(b.open.chunks)
	b.handed <- b.open
	b.open, b.size = &task[T]{chunks: make([]chunk, 0, chunks)}, 0 // mostly, as many follow
}

// run waits until every chunk is parsed. Nothing can be added afterwards.
func (b *batch[T]) run() (kept []T, problems []*Problem) {
	if len(b.open.chunks) > 0 {
		b.hand()
	}
	if b.handed != nil {
		close(b.handed)
		b.workers.Wait()
	}
	outcomes := make([]outcome[T], 0, b.count)
	for _, t := range b.tasks {
		outcomes = append(outcomes, t.outcomes...)
	}
	// An item that does not parse alone may parse in its list (an alias to an anchor of
	// another item, a quoted scalar that looks like an item), and the whole list gives
	// the better message, if it is not too long to be parsed at once.
	for _, list := range b.taken {
		items := outcomes[list.from:list.to]
		if list.list == nil {
			clear(items)
			continue
		}
		failed := slices.ContainsFunc(items, func(out outcome[T]) bool { return len(out.problems) > 0 })
		kept := slices.ContainsFunc(items, func(out outcome[T]) bool { return len(out.kept) > 0 })
		if failed && list.whole.text != "" && len(list.whole.text) <= b.whole {
			clear(items)
			items[0].kept, items[0].problems = b.parse(list.whole, nil)
			continue
		}
		if problem := list.list.incomplete(Place{File: b.file, Document: list.whole.doc}); problem != nil && kept {
			items[0].problems = append(items[0].problems, problem)
		}
	}
	length := 0
	for _, out := range outcomes {
		length += len(out.kept)
	}
	kept = make([]T, 0, length)
	for _, out := range outcomes {
		kept = append(kept, out.kept...)
		problems = append(problems, out.problems...)
	}
	return kept, problems
}
