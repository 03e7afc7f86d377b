package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Document is one resource: a YAML document, a JSON value, or an item of a list.
type Document struct {
	Place
	// ListKind is the kind of the items of a typed list such as
	// DataplaneList, for items that do not name their own.
	ListKind string
	Root     *Node
}

// Keep copies everything that d refers to. Without it, the nodes and their text are
// reused for other documents once use of [Read] returns.
func (d *Document) Keep() {
	var text strings.Builder
	text.Grow(d.Root.textLen())
	root := d.Root.copyTo(&text)
	d.Root = &root
	d.ListKind = strings.Clone(d.ListKind)
}

// Wanted reports from the head of a document whether it must be parsed. kind is its
// `kind`, else its `type`. Documents with neither are always parsed.
type Wanted func(apiVersion, kind string) bool

// maxDocument is the size in bytes above which a document is refused. etcd accepts 1.5
// MiB per request, so no resource is that large, and yaml.v3 needs half a second and 200
// MB for it.
const maxDocument = 2 << 20

// taskSize is how many bytes of text one goroutine parses at a time: enough to hide the
// cost of sending them, and few enough to share the work evenly.
const taskSize = 128 << 10

// Read parses inputs and calls use for every wanted document, from several goroutines at
// once, to append its results to kept. Results and problems have the order of the input.
// A document that cannot be parsed has one problem, and the others are read anyway. use
// must not refer to a document that it does not Keep: an input is released as soon as it
// is parsed.
func Read[T any](inputs iter.Seq[Input], wanted Wanted, use func(d *Document, kept []T) []T) ([]T, []*Problem) {
	var results []T
	var problems []*Problem
	for input := range inputs {
		kept, wrong := readInput(input, wanted, use)
		results = joined(results, kept)
		problems = append(problems, wrong...)
	}
	return results, problems
}

// chunk is a piece of text that is parsed at once: a document, or an item of a list that
// was split.
type chunk struct {
	text   string
	line   int    // of its first line in the file
	doc    int    // document number
	items  int    // of a list, 0 for a document
	indent int    // columns before its top-level keys
	list   string // kind of the list it was taken from, "" for none
	item   bool
	alone  bool // its items are not put together
	json   bool
	odd    bool // it may have line breaks other than line feeds, see oddBreak
}

// inputReader reads one input, see [Read].
type inputReader[T any] struct {
	Input
	wanted   Wanted
	use      func(d *Document, kept []T) []T
	batch    *batch[T] // which is not parsed yet
	kept     []T
	problems []*Problem
	seen     int // bytes passed to Seen
	skip     int // bytes that were passed to it before, see again
}

// readInput reads one input, see [Read].
func readInput[T any](input Input, wanted Wanted, use func(d *Document, kept []T) []T) ([]T, []*Problem) {
	r := &inputReader[T]{Input: input, wanted: wanted, use: use}
	if !r.read(true) {
		r.read(false)
	}
	return r.kept, r.problems
}

// read reads the input; long lists as streams, if it may. It reports false if one cannot be
// read in that way, and r is to read again.
func (r *inputReader[T]) read(streams bool) bool {
	p, err := r.parts()
	if err != nil {
		return r.give(nil, r.fail(0, 0, err.Error()))
	}
	defer func() { _ = p.file.Close() }()
	r.batch = newBatch(r.Name, 2*p.part, r.parse)
	defer func() { r.batch.run() }() // ends its workers
	s := splitter{line: 1}
	for part, err := range p.each() {
		streamed := false
		if err == nil && !part.whole {
			if streams {
				streamed, err = r.stream(p, &s, part.text)
			}
			if err == nil && !streamed {
				part.text, err = p.toEnd(part.text)
			}
		}
		switch {
		case errors.Is(err, errWhole):
			r.again(p)
			return false
		case err != nil:
			return r.give(nil, r.fail(0, 0, err.Error()))
		case !streamed && r.add(&s, textOf(part.text)):
			return true
		}
	}
	r.flush()
	return true
}

// add adds the documents of a text, and reports whether r is done.
func (r *inputReader[T]) add(s *splitter, text string) bool {
	if r.see(text, true); s.doc == 0 && s.line == 1 {
		text = strings.TrimPrefix(text, "\uFEFF")
	}
	switch {
	case isUTF16(text):
		return r.give(nil, r.fail(1, 0, "the text is UTF-16; save it as UTF-8"))
	case r.Unnumbered && len(text) < taskSize:
		return r.give(r.parse(chunk{text: strings.ReplaceAll(text, "\n", " "), doc: 1, json: true}, nil))
	case s.doc == 0 && beginsJSON(text):
		if kept, ok := r.jsonList(text); ok {
			return r.give(kept, nil)
		}
	}
	for doc := range s.documents(text) {
		if r.batch.add(doc); r.isBroken(doc.line, doc.doc) {
			return true
		}
	}
	return false
}

// give makes kept and problems the result.
func (r *inputReader[T]) give(kept []T, problems []*Problem) bool {
	r.kept, r.problems = kept, problems
	return true
}

// isBroken parses the batch if it is full, and reports whether there are too many errors to go
// on after a line and document.
func (r *inputReader[T]) isBroken(line, document int) bool {
	if r.batch.count < batchSize {
		return false
	}
	if r.flush(); len(r.problems) < maxBroken {
		return false
	}
	rest := fmt.Sprintf("the rest of the file was not read, after %d errors", len(r.problems))
	r.problems = append(r.problems, r.fail(line, document, rest)...)
	return true
}

// fail returns the problem of a line or of the whole input.
func (r *inputReader[T]) fail(line, document int, fault string) []*Problem {
	return []*Problem{{Place: Place{File: r.Name, Line: line, Document: document}, Severity: Error, Fault: fault}}
}

// parse parses a chunk, and passes its documents on.
func (r *inputReader[T]) parse(c chunk, kept []T) ([]T, []*Problem) {
	nodes := stacks.Get().(*stack)
	defer nodes.release()
	documents, problems := r.documents(c, nodes)
	if len(problems) > 0 && c.items > 1 && !c.json { // a broken one takes no other along
		problems, c.alone = nil, true
		c.splitItems(0, c.indent-2, c.list, false, func(item chunk) {
			more, wrong := r.parse(item, kept)
			kept, problems = more, append(problems, wrong...)
		})
		return kept, problems
	}
	if len(problems) > 0 && r.Optional != nil && c.isUnwanted(func(apiVersion, kind string) bool {
		return r.wanted(apiVersion, kind) && !r.Optional(apiVersion, kind)
	}) {
		return kept, nil
	}
	for i := range documents {
		kept = r.use(&documents[i], kept)
	}
	return kept, problems
}

// parsed returns what the batch has, parsed, and begins another.
func (r *inputReader[T]) parsed() ([]T, []*Problem) {
	kept, problems := r.batch.run()
	r.batch = newBatch(r.Name, r.batch.whole, r.parse)
	return kept, problems
}

// flush keeps what the batch has.
func (r *inputReader[T]) flush() {
	kept, problems := r.parsed()
	r.kept, r.problems = joined(r.kept, kept), append(r.problems, problems...)
}

// joined appends more to list. One long input needs no copy.
func joined[T any](list, more []T) []T {
	if len(list) > 0 || len(more) == 0 {
		return append(list, more...)
	}
	return more
}

// jsonList parses a text that is one long JSON list, which cannot contain the markers of
// YAML documents, and reports whether it is one.
func (r *inputReader[T]) jsonList(text string) ([]T, bool) {
	list := r.batch.addList(chunk{text: text, line: 1, doc: 1, json: true})
	kept, problems := r.parsed()
	return kept, list && len(problems) == 0
}

// isUTF16 reports whether a text begins with the byte order mark of UTF-16.
func isUTF16(text string) bool {
	return strings.HasPrefix(text, "\xFF\xFE") || strings.HasPrefix(text, "\xFE\xFF")
}

// documents parses a chunk into its documents: one, or the items of a list.
func (r *inputReader[T]) documents(c chunk, nodes *stack) ([]Document, []*Problem) {
	if c.isUnwanted(r.wanted) {
		return nil, nil
	}
	if len(c.text) > maxDocument {
		if c.json {
			if err := faultJSON(c.text, c.line); err != nil {
				return nil, r.fail(err.line, c.doc, err.message)
			}
		}
		return nil, r.fail(c.line, c.doc, fmt.Sprintf("the document has more than %d MiB; a mesh resource has 1.5 MiB at most (etcd's limit), "+
			"and a YAML list must be written in block style, one item per line", maxDocument>>20))
	}
	var root *Node
	var err *syntaxError
	if c.json {
		if root, err = parseJSON(c.text, c.line, c.item, nodes); err != nil && !strings.HasSuffix(r.Name, ".json") {
			// YAML's flow style begins like JSON, and allows more.
			if flow, flowErr := parseYAML(c.text, c.line); flowErr == nil {
				root, err = flow, nil
			}
		}
	} else if root = parsePlain(c.text, c.line, nodes); root == nil {
		root, err = parseYAML(c.text, c.line)
	}
	if err != nil {
		return nil, r.fail(err.line, c.doc, err.message)
	}
	if root.Kind == Null {
		return nil, nil
	}
	spread := spreader{place: Place{File: r.Name, Document: c.doc}, wanted: r.wanted}
	spread.add(root, c.list)
	return spread.documents, spread.problems
}

// isWanted reports whether the document has a wanted kind.
func (d *Document) isWanted(wanted Wanted) bool {
	kind := d.ListKind
	if n := cmp.Or(d.Root.Get("kind"), d.Root.Get("type")); n != nil {
		kind = n.Text
	}
	apiVersion := ""
	if n := d.Root.Get("apiVersion"); n != nil {
		apiVersion = n.Text
	}
	return wanted(apiVersion, kind)
}

// isUnwanted reports whether a YAML chunk is certainly one document of an unwanted kind,
// by the lines of its own keys only; such a document need not be valid. The kind is
// uncertain if YAML may read the keys in another way, for example keys in quotes.
func (c chunk) isUnwanted(wanted Wanted) bool {
	if c.json || c.odd || c.items > 1 || c.list != "" {
		return false
	}
	var apiVersion, kind, universal string
	first := true
	for rest := c.text; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		column := spaces(line)
		if column == len(line) || strings.IndexByte("\r\t#", line[column]) >= 0 || strings.HasPrefix(line[column:], "{{") {
			continue
		}
		if first && c.item && line[column] == '-' {
			column++
			column += spaces(line[column:])
		}
		if column > c.indent && !first || column == c.indent && column < len(line) && line[column] == '-' && !first {
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

// plainWord returns value if it is a word that YAML reads as itself, else "".
func plainWord(value string) string {
	value = strings.Trim(value, " \r\n")
	if wordLen(value) < len(value) || strings.EqualFold(value, "null") {
		return ""
	}
	return value
}
