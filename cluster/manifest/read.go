package manifest

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Document is one resource: a YAML document, a JSON value, or an item of a list.
type Document struct {
	Place
	// ListKind is the kind of the items of a typed list such as
	// DataplaneList, for items that do not name their own.
	ListKind string
	Root     *Node
}

// Keep makes a copy of all that d holds. Without it the nodes, and the text they are
// of, serve other documents once use of [Read] returns.
func (d *Document) Keep() {
	var text strings.Builder
	text.Grow(d.Root.textLen())
	root := d.Root.copyTo(&text)
	d.Root = &root
	d.ListKind = strings.Clone(d.ListKind)
}

// Wanted says from the head of a document whether it is worth parsing: kind is
// its `kind`, or its `type` where it has no kind. Documents that tell neither
// are always parsed.
type Wanted func(apiVersion, kind string) bool

// maxDocument is the size in bytes above which a document is refused. etcd
// takes 1.5 MiB for a whole request, so no resource comes near it, and
// yaml.v3 needs half a second and 200 MB for that much.
const maxDocument = 2 << 20

// taskSize is how many bytes of text one goroutine parses at a time: enough to
// hide the cost of handing them over, little enough to share the work evenly.
const taskSize = 128 << 10

// Read parses inputs and calls use for every wanted document, from several
// goroutines at once, to append its results to those before it. They are returned in
// the order of the input; use must not hold on to a document that it does not Keep. Problems
// are in the order of the input too: a document that cannot be parsed yields
// one, and the others are read all the same. An input is released as soon as
// it is parsed: what use needs of a document it must take.
func Read[T any](inputs iter.Seq[Input], wanted Wanted, use func(d *Document, kept []T) []T) ([]T, []*Problem) {
	var results []T
	var problems []*Problem
	for input := range inputs {
		kept, wrong := readInput(input, wanted, use)
		results = append(results, kept...)
		problems = append(problems, wrong...)
	}
	return results, problems
}

// chunk is a piece of text that is parsed at once: a document, or an item of a
// list that was taken apart.
type chunk struct {
	text   string
	line   int    // of its first line in the file
	doc    int    // document number
	indent int    // columns before its top-level keys
	list   string // kind of the list it was taken from, "" for none
	item   bool
	json   bool
	odd    bool // it may have line breaks that are no line feed, see oddBreak
}

// outcome is what became of one document's chunks.
type outcome[T any] struct {
	kept     []T
	problems []*Problem
}

func readInput[T any](input Input, wanted Wanted, use func(d *Document, kept []T) []T) ([]T, []*Problem) {
	file := input.Name
	fail := func(line, document int, message string) []*Problem {
		return []*Problem{{Place: Place{File: file, Line: line, Document: document}, Severity: Error, Fault: message}}
	}
	parse := func(c chunk, kept []T) ([]T, []*Problem) {
		nodes := stacks.Get().(*stack)
		defer nodes.release()
		documents, problems := c.parse(file, wanted, nodes)
		for i := range documents {
			kept = use(&documents[i], kept)
		}
		return kept, problems
	}

	var kept []T
	var problems []*Problem
	batch := newBatch(file, parse)
	flush := func() bool {
		k, p := batch.run()
		kept, problems = append(kept, k...), append(problems, p...)
		batch = newBatch(file, parse)
		return len(problems) < maxBroken
	}
	defer func() { batch.run() }() // ends its workers
	s := splitter{line: 1}
	for text, err := range input.parts() {
		if err != nil {
			return nil, fail(0, 0, err.Error())
		}
		if s.doc == 0 && s.line == 1 {
			text = strings.TrimPrefix(text, "\uFEFF")
		}
		if input.Seen != nil {
			input.Seen(text)
		}
		switch {
		case strings.HasPrefix(text, "\xFF\xFE"), strings.HasPrefix(text, "\xFE\xFF"):
			return nil, fail(1, 0, "the text is UTF-16; save it as UTF-8")
		case input.Unnumbered && len(text) < taskSize:
			return parse(chunk{text: strings.ReplaceAll(text, "\n", " "), doc: 1, json: true}, nil)
		case s.doc == 0 && beginsJSON(text):
			// A list in JSON needs no search for the markers of YAML documents: one of
			// them makes it invalid.
			list := batch.addList(chunk{text: text, line: 1, doc: 1, json: true})
			k, p := batch.run()
			batch = newBatch(file, parse)
			if list && len(p) == 0 {
				return k, nil
			}
		}
		for doc := range s.documents(text) {
			batch.add(doc)
			if batch.count >= batchSize && !flush() {
				return kept, append(problems, fail(doc.line, doc.doc, fmt.Sprintf("the rest of the file was not read, after %d errors", len(problems)))...)
			}
		}
	}
	flush()
	return kept, problems
}

// batchSize is how many chunks are parsed before errors are counted, and
// maxBroken how many errors end the reading of a file.
const (
	batchSize = 10_000
	maxBroken = 1_000
)

// batch is chunks that are parsed together, on all processors while more are added.
type batch[T any] struct {
	file    string
	parse   func(c chunk, kept []T) ([]T, []*Problem)
	count   int // of chunks
	taken   []takenList
	tasks   []*task[T]
	open    *task[T] // not handed over yet
	size    int      // of its text
	handed  chan *task[T]
	workers sync.WaitGroup
}

// task is chunks that one goroutine parses.
type task[T any] struct {
	chunks   []chunk
	outcomes []outcome[T]
}

// takenList is a list document and the range of its items among all chunks. Of one
// without a list the items do not count.
type takenList struct {
	whole    chunk
	list     *list
	from, to int
}

// run parses the task's chunks.
func (t *task[T]) run(parse func(c chunk, kept []T) ([]T, []*Problem)) {
	t.outcomes = make([]outcome[T], len(t.chunks))
	kept := make([]T, 0, len(t.chunks)) // of all, mostly one each
	for i, c := range t.chunks {
		from := len(kept)
		kept, t.outcomes[i].problems = parse(c, kept)
		t.outcomes[i].kept = kept[from:len(kept):len(kept)]
	}
	t.chunks = nil // and their text
}

func newBatch[T any](file string, parse func(c chunk, kept []T) ([]T, []*Problem)) *batch[T] {
	b := &batch[T]{file: file, parse: parse, open: &task[T]{}, handed: make(chan *task[T])}
	for range runtime.GOMAXPROCS(0) {
		b.workers.Go(func() {
			for t := range b.handed {
				t.run(parse)
			}
		})
	}
	return b
}

// add takes a document in, in pieces if it is a long list.
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

// addList takes a document in, item by item, if it is a long list, which it reports.
func (b *batch[T]) addList(doc chunk) bool {
	from := b.count
	list, ok := doc.takeApart(nil, b.addChunk)
	if ok && list.kind != list.given { // it is said behind the items
		b.taken = append(b.taken, takenList{from: from, to: b.count})
		from = b.count
		list, ok = doc.takeApart(&list.kind, b.addChunk)
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

// hand hands over the open task.
func (b *batch[T]) hand() {
	b.tasks = append(b.tasks, b.open)
	b.handed <- b.open
	b.open, b.size = &task[T]{}, 0
}

// run waits until all that was added is parsed. Nothing can be added afterwards.
func (b *batch[T]) run() (kept []T, problems []*Problem) {
	if len(b.open.chunks) > 0 {
		b.hand()
	}
	close(b.handed)
	b.workers.Wait()
	outcomes := make([]outcome[T], 0, b.count)
	for _, t := range b.tasks {
		outcomes = append(outcomes, t.outcomes...)
	}
	// An item that does not parse by itself may do so in its list (an alias to
	// an anchor of another item, a quoted scalar that looks like an item), and
	// the whole list gives the better message.
	for _, list := range b.taken {
		if list.list == nil {
			clear(outcomes[list.from:list.to])
			continue
		}
		failed, kept := false, false
		for i := list.from; i < list.to; i++ {
			failed = failed || len(outcomes[i].problems) > 0
			kept = kept || len(outcomes[i].kept) > 0
		}
		if failed {
			clear(outcomes[list.from:list.to])
			first := &outcomes[list.from]
			first.kept, first.problems = b.parse(list.whole, nil)
			continue
		}
		if problem := list.list.incomplete(Place{File: b.file, Document: list.whole.doc}); problem != nil && kept {
			outcomes[list.from].problems = append(outcomes[list.from].problems, problem)
		}
	}
	kept = make([]T, 0, b.count)
	for _, out := range outcomes {
		kept = append(kept, out.kept...)
		problems = append(problems, out.problems...)
	}
	return kept, problems
}

// parse turns a chunk into its documents: one, or the items of a list.
func (c chunk) parse(file string, wanted Wanted, nodes *stack) (documents []Document, problems []*Problem) {
	fail := func(line int, format string, args ...any) []*Problem {
		return []*Problem{{
			Place:    Place{File: file, Line: line, Document: c.doc},
			Severity: Error, Fault: fmt.Sprintf(format, args...),
		}}
	}
	if c.isUnwanted(wanted) {
		return nil, nil
	}
	if len(c.text) > maxDocument {
		if c.json {
			if err := faultJSON(c.text, c.line); err != nil {
				return nil, fail(err.line, "%s", err.message)
			}
		}
		return nil, fail(c.line, "the document has more than %d MiB; a mesh resource has 1.5 MiB at most (etcd's limit), and a YAML list must be written in block style, an item a line", maxDocument>>20)
	}
	var root *Node
	var err *syntaxError
	if c.json {
		if root, err = parseJSON(c.text, c.line, c.item, nodes); err != nil && !strings.HasSuffix(file, ".json") {
			// YAML's flow style begins like JSON, and takes more.
			if flow, flowErr := parseYAML(c.text, c.line); flowErr == nil {
				root, err = flow, nil
			}
		}
	} else if root = parsePlain(c.text, c.line, nodes); root == nil {
		root, err = parseYAML(c.text, c.line)
	}
	if err != nil {
		return nil, fail(err.line, "%s", err.message)
	}
	if root.Kind == Null {
		return nil, nil
	}
	spread := spreader{place: Place{File: file, Document: c.doc}, wanted: wanted}
	spread.add(root, c.list)
	return spread.documents, spread.problems
}

// fewScalars is how many items of a list that are no resources are passed on.
const fewScalars = 3

// spreader gathers documents from lists, and from lists in lists.
type spreader struct {
	place     Place
	wanted    Wanted
	documents []Document
	problems  []*Problem
}

// add appends root, or if it is a list, its items, and theirs.
func (s *spreader) add(root *Node, listKind string) {
	list := asList(root)
	if list == nil {
		d := Document{Place: s.place, ListKind: listKind, Root: root}
		d.Line = int(root.line)
		s.documents = append(s.documents, d)
		return
	}
	if list.kind == "" {
		list.kind = listKind
	}
	from, scalars := len(s.documents), 0
	for i := range list.items {
		item := &list.items[i]
		if item.Kind != Mapping && item.Kind != Sequence {
			if scalars++; scalars > fewScalars {
				continue // enough to see that it is no list of resources
			}
		}
		s.add(item, list.kind)
	}
	problem := list.incomplete(s.place)
	if problem != nil && slices.ContainsFunc(s.documents[from:], func(d Document) bool { return d.isWanted(s.wanted) }) {
		s.problems = append(s.problems, problem)
	}
}

// isWanted reports whether the document says a kind that is wanted.
func (d *Document) isWanted(wanted Wanted) bool {
	kind := d.ListKind
	for _, key := range []string{"type", "kind"} {
		if n := d.Root.Get(key); n != nil {
			kind = n.Text
		}
	}
	apiVersion := ""
	if n := d.Root.Get("apiVersion"); n != nil {
		apiVersion = n.Text
	}
	return wanted(apiVersion, kind)
}

// list is a list of resources.
type list struct {
	items []Node
	count int    // of items
	kind  string // of the items, as the list's own kind says; empty for any
	given string // the kind that its items were taken apart with
	root  *Node  // what stands around the items
}

// asList returns root as a list, nil when it is none: Kubernetes' List and typed
// lists, the REST API's {"total", "items"}, or a bare sequence.
func asList(root *Node) *list {
	if root.Kind == Sequence {
		return &list{items: root.Items(), count: len(root.Items()), root: root}
	}
	items := root.Get("items")
	if items == nil || (items.Kind != Sequence && items.Kind != Null) {
		return nil
	}
	kind, ok := listKind(root)
	if !ok {
		return nil
	}
	return &list{items: items.Items(), count: len(items.Items()), kind: kind, root: root}
}

// listKind is the kind of the items of a list by what stands around them; ok is
// false for what is no list, though it has items.
func listKind(root *Node) (kind string, ok bool) {
	name := root.Get("kind")
	if name == nil {
		name = root.Get("type")
	}
	if name == nil {
		return "", true
	}
	return strings.CutSuffix(name.Text, "List")
}

// incomplete returns an error when the list is one page of several.
func (l *list) incomplete(place Place) *Problem {
	const (
		rest       = "get all pages, with a larger --size of kumactl get, or with --control-plane instead of -f"
		kubernetes = "get all pages, as kubectl get does without --raw"
	)
	metadata := l.root.Get("metadata")
	total := l.root.Get("total")
	for _, sign := range []struct {
		field       string
		node        *Node
		means, todo string
	}{
		{"next", l.root.Get("next"), "names a further page", rest},
		{"metadata.continue", metadata.Get("continue"), "names a further page", kubernetes},
		{"metadata.remainingItemCount", metadata.Get("remainingItemCount"), "says that items are missing", kubernetes},
		{"total", total, fmt.Sprintf("is more than the number of items, %d", l.count), rest},
	} {
		if sign.node == nil || sign.node.Text == "" || sign.node.Text == "0" {
			continue
		}
		if sign.node == total {
			if n, err := strconv.Atoi(total.Text); err != nil || total.Kind != Int || n <= l.count {
				continue
			}
		}
		place.Line = int(sign.node.line)
		return &Problem{Place: place, Severity: Error, Fault: fmt.Sprintf("the list is not whole: %s %s", sign.field, sign.means), Remedy: sign.todo}
	}
	return nil
}

// isUnwanted reports whether a YAML chunk is beyond doubt one document of a kind
// that is not wanted, by the lines of its own keys alone: then it need not be
// valid. What YAML may read in another way, such as keys in quotes, is in doubt.
func (c chunk) isUnwanted(wanted Wanted) bool {
	if c.json || c.odd || c.indent == severalItems || c.list != "" {
		return false
	}
	var apiVersion, kind, universal string
	first := true
	for rest := c.text; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		column := 0
		for column < len(line) && line[column] == ' ' {
			column++
		}
		if column == len(line) || strings.IndexByte("\r\t#", line[column]) >= 0 || strings.HasPrefix(line[column:], "{{") {
			continue
		}
		if first && c.item && line[column] == '-' {
			column++
			column += len(line[column:]) - len(strings.TrimLeft(line[column:], " "))
		}
		if column > c.indent && !first || column == c.indent && line[column] == '-' && !first {
			continue // belongs to the key before it
		}
		line = line[min(column, len(line)):]
		n := wordLen(line)
		if column != c.indent || n == 0 || n == len(line) || line[n] != ':' || n+1 < len(line) && line[n+1] != ' ' && line[n+1] != '\r' {
			return false
		}
		first = false
		word := &universal
		switch line[:n] {
		case "apiVersion":
			word = &apiVersion
		case "kind":
			word = &kind
		case "type":
		default:
			continue
		}
		if *word != "" {
			return false // twice
		}
		if *word = plainWord(line[n+1:]); *word == "" || kind != "" && apiVersion != "" && wanted(apiVersion, kind) {
			return false
		}
	}
	if kind == "" && apiVersion == "" {
		kind = universal
	}
	return kind != "" && !strings.HasSuffix(kind, "List") && !wanted(apiVersion, kind)
}

// plainWord is value when it is a word that means itself in YAML, else "".
func plainWord(value string) string {
	value = strings.Trim(value, " \r\n")
	for _, r := range []byte(value) {
		if !isWord(r) && r != '/' {
			return ""
		}
	}
	if strings.EqualFold(value, "null") {
		return ""
	}
	return value
}

func isWord(r byte) bool { return words[r] }

// words are the bytes of words.
var words = func() (words [256]bool) {
	for r := range 256 {
		words[r] = 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
	}
	return words
}()
