package manifest

import (
	"fmt"
	"iter"
	"runtime"
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
// goroutines at once, giving its results in the order of the input. Problems
// are in the order of the input too: a document that cannot be parsed yields
// one, and the others are read all the same. An input is released as soon as
// it is parsed: what use needs of a document it must take.
func Read[T any](inputs iter.Seq[Input], wanted Wanted, use func(*Document) []T) ([]T, []*Problem) {
	var results []T
	var problems []*Problem
	for input := range inputs {
		text, err := input.read()
		if err != nil {
			problems = append(problems, &Problem{Place: Place{File: input.Name}, Severity: Error, Message: err.Error()})
			continue
		}
		kept, wrong := readText(input, text, wanted, use)
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
}

// outcome is what became of one document's chunks.
type outcome[T any] struct {
	kept     []T
	problems []*Problem
}

func readText[T any](input Input, text string, wanted Wanted, use func(*Document) []T) ([]T, []*Problem) {
	file := input.Name
	text = strings.TrimPrefix(text, "\uFEFF")
	if input.Seen != nil {
		input.Seen(text)
	}
	if strings.HasPrefix(text, "\xFF\xFE") || strings.HasPrefix(text, "\xFE\xFF") {
		return nil, []*Problem{{Place: Place{File: file, Line: 1}, Severity: Error, Message: "the text is UTF-16; save it as UTF-8"}}
	}
	parse := func(c chunk) outcome[T] {
		var out outcome[T]
		documents, problem := c.parse(file, wanted)
		if problem != nil {
			out.problems = []*Problem{problem}
		}
		for i := range documents {
			out.kept = append(out.kept, use(&documents[i])...)
		}
		return out
	}

	var kept []T
	var problems []*Problem
	if input.Unnumbered && len(text) < taskSize {
		out := parse(chunk{text: strings.ReplaceAll(text, "\n", " "), doc: 1, json: true})
		return out.kept, out.problems
	}
	batch := &batch[T]{parse: parse}
	flush := func() bool {
		k, p := batch.run()
		kept, problems = append(kept, k...), append(problems, p...)
		return len(problems) < maxBroken
	}
	for doc := range documents(text) {
		batch.add(doc)
		if len(batch.chunks) < batchSize {
			continue
		}
		if !flush() {
			return kept, append(problems, &Problem{
				Place: Place{File: file, Line: doc.line, Document: doc.doc}, Severity: Error,
				Message: fmt.Sprintf("the rest of the file was not read, after %d errors", len(problems)),
			})
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

// batch is chunks that are parsed together.
type batch[T any] struct {
	parse  func(chunk) outcome[T]
	chunks []chunk
	taken  []takenList // lists that were taken apart
}

// add takes a document in, in pieces if it is a long list.
func (b *batch[T]) add(doc chunk) {
	items, ok := doc.takeApart()
	if !ok && doc.json && len(doc.text) >= taskSize {
		for value := range doc.values() {
			b.chunks = append(b.chunks, value)
		}
		return
	}
	if !ok {
		b.chunks = append(b.chunks, doc)
		return
	}
	b.taken = append(b.taken, takenList{whole: doc, from: len(b.chunks), to: len(b.chunks) + len(items)})
	b.chunks = append(b.chunks, items...)
}

// run parses what was added, and forgets it.
func (b *batch[T]) run() (kept []T, problems []*Problem) {
	outcomes := inParallel(b.chunks, b.parse)
	// An item that does not parse by itself may do so in its list (an alias to
	// an anchor of another item, a quoted scalar that looks like an item), and
	// the whole list gives the better message.
	for _, list := range b.taken {
		if list.from == list.to {
			continue
		}
		failed := false
		for i := list.from; i < list.to; i++ {
			failed = failed || len(outcomes[i].problems) > 0
		}
		if failed {
			clear(outcomes[list.from:list.to])
			outcomes[list.from] = b.parse(list.whole)
		}
	}
	for _, out := range outcomes {
		kept = append(kept, out.kept...)
		problems = append(problems, out.problems...)
	}
	b.chunks, b.taken = b.chunks[:0], b.taken[:0]
	return kept, problems
}

// takenList is a list document and the range of its items among all chunks.
type takenList struct {
	whole    chunk
	from, to int
}

// inParallel applies parse to chunks on all processors, a task at a time.
func inParallel[T any](chunks []chunk, parse func(chunk) outcome[T]) []outcome[T] {
	outcomes := make([]outcome[T], len(chunks))
	type span struct{ from, to int }
	tasks := make(chan span)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for task := range tasks {
				for i := task.from; i < task.to; i++ {
					outcomes[i] = parse(chunks[i])
				}
			}
		})
	}
	from, size := 0, 0
	for i := range chunks {
		if size += len(chunks[i].text); size >= taskSize || i == len(chunks)-1 {
			tasks <- span{from, i + 1}
			from, size = i+1, 0
		}
	}
	close(tasks)
	workers.Wait()
	return outcomes
}

// parse turns a chunk into its documents: one, or the items of a list.
func (c chunk) parse(file string, wanted Wanted) (documents []Document, problem *Problem) {
	fail := func(line int, format string, args ...any) *Problem {
		return &Problem{
			Place:    Place{File: file, Line: line, Document: c.doc},
			Severity: Error, Message: fmt.Sprintf(format, args...),
		}
	}
	if !c.json && c.indent != severalItems {
		apiVersion, kind := head(c.text, c.indent)
		if kind != "" && !strings.HasSuffix(kind, "List") && !wanted(apiVersion, kind) {
			return nil, nil
		}
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
		if root, err = parseJSON(c.text, c.line, c.item); err != nil && !strings.HasSuffix(file, ".json") {
			// YAML's flow style begins like JSON, and takes more.
			if flow, flowErr := parseYAML(c.text, c.line); flowErr == nil {
				root, err = flow, nil
			}
		}
	} else if root = parsePlain(c.text, c.line); root == nil {
		root, err = parseYAML(c.text, c.line)
	}
	if err != nil {
		return nil, fail(err.line, "%s", err.message)
	}
	if root.Kind == Null {
		return nil, nil
	}
	return c.spread(nil, Place{File: file, Document: c.doc}, root, c.list), nil
}

// fewScalars is how many items of a list that are no resources are passed on.
const fewScalars = 3

// spread appends root, or if it is a list, its items, and theirs.
func (c chunk) spread(documents []Document, place Place, root *Node, listKind string) []Document {
	items, kind, ok := listItems(root)
	if kind == "" {
		kind = listKind
	}
	if !ok {
		return append(documents, c.document(place, root, listKind))
	}
	scalars := 0
	for i := range items {
		if items[i].Kind != Mapping && items[i].Kind != Sequence {
			if scalars++; scalars > fewScalars {
				continue // enough to see that it is no list of resources
			}
		}
		documents = c.spread(documents, place, &items[i], kind)
	}
	return documents
}

func (c chunk) document(place Place, root *Node, listKind string) Document {
	place.Line = int(root.Line)
	return Document{Place: place, ListKind: listKind, Root: root}
}

// listItems returns the items of a list and the kind that its name gives them:
// Kubernetes' List and typed lists, the REST API's {"total", "items"}, or a bare sequence.
func listItems(root *Node) (items []Node, kind string, ok bool) {
	if root.Kind == Sequence {
		return root.Items(), "", true
	}
	list := root.Get("items")
	if list == nil || (list.Kind != Sequence && list.Kind != Null) {
		return nil, "", false
	}
	name := root.Get("kind")
	switch {
	case name == nil && root.Get("type") == nil:
		return list.Items(), "", true
	case name != nil && strings.HasSuffix(name.Text, "List"):
		return list.Items(), strings.TrimSuffix(name.Text, "List"), true
	}
	return nil, "", false
}

// head reads apiVersion and kind (or type) from lines that stand indent columns
// in, without parsing the document.
func head(text string, indent int) (apiVersion, kind string) {
	var universal string
	for line := range strings.Lines(text) {
		if len(line) <= indent {
			continue
		}
		for _, r := range []byte(line[:indent]) {
			if r != ' ' && r != '-' {
				line = ""
				break
			}
		}
		if len(line) <= indent {
			continue
		}
		line = line[indent:]
		switch line[0] {
		case 'a', 'k', 't':
			key, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			switch key {
			case "apiVersion":
				apiVersion = plainWord(value)
			case "kind":
				kind = plainWord(value)
			case "type":
				universal = plainWord(value)
			}
		}
	}
	if kind == "" && apiVersion == "" {
		kind = universal
	}
	return apiVersion, kind
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

func isWord(r byte) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
}
