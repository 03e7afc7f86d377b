package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/manifest"
)

// decode parses the document of a region. Lines of the result are those of the file. It
// returns nil for an empty document.
func (f *File) decode(r region) (root *yaml.Node, failure error) {
	first := f.lineAt(r.from)
	defer func() {
		// yaml.v3 panics on some broken input instead of returning an error.
		if recover() != nil {
			root, failure = nil, f.fail(first, "the YAML parser failed", "correct the document that starts here")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(f.text[r.from:r.to]))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, f.syntax(err, first)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, f.fail(first, "another document begins after a line break that is not a line feed (CR, U+0085, U+2028 or U+2029)",
			"save the file with LF or CRLF line breaks")
	case !errors.Is(err, io.EOF):
		return nil, f.syntax(err, first)
	}
	root = document.Content[0]
	if isAbsent(root) {
		return nil, nil
	}
	shift(root, first-1)
	return root, nil
}

// lineAt returns the number of the line that an offset is in.
func (f *File) lineAt(offset int) int {
	line, starts := slices.BinarySearch(f.starts, offset)
	if !starts {
		line--
	}
	return f.line + max(line, 0) // a byte order mark is before the first
}

func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, child := range n.Content {
		shift(child, lines)
	}
}

// syntax converts an error of yaml.v3 for a text that starts at a line of the file.
func (f *File) syntax(err error, line int) error {
	below, message := manifest.ParserError(err)
	if start := line - f.line; 0 <= start && start < len(f.starts) {
		if lines, explained, ok := manifest.UnknownAnchor(string(f.text[f.starts[start]:]), message); ok {
			below, message = lines, explained
		}
	}
	last := len(f.starts) - 1
	if last > 0 && f.starts[last] == len(f.text) {
		last-- // the parser finds some errors at the end of the text
	}
	message = strconv.QuoteToGraphic(fmt.Sprintf("%.*s", manifest.MaxMessage, message))
	return f.fail(min(line+below, f.line+last), "is not valid YAML: "+message[1:len(message)-1], "correct it")
}

// stride is the number of characters between the marks of a long line.
const stride = 64

// offset returns where a node starts in the text. Columns of yaml.v3 count characters.
// Long lines, such as JSON in one line, are measured once.
func (f *File) offset(n *yaml.Node) int {
	line := n.Line - f.line
	if line < 0 || line >= len(f.starts) {
		return len(f.text)
	}
	offset, characters := f.starts[line], n.Column-1
	if characters > 2*stride {
		marks := f.measure(line)
		mark := min(characters/stride, len(marks)-1)
		offset, characters = marks[mark], characters-mark*stride
	}
	for ; characters > 0 && offset < len(f.text); characters-- {
		_, size := utf8.DecodeRune(f.text[offset:])
		offset += size
	}
	return offset
}

// measure returns the offset of every stride-th character of a line.
func (f *File) measure(line int) []int {
	if marks := f.marks[line]; marks != nil {
		return marks
	}
	end := len(f.text)
	if line+1 < len(f.starts) {
		end = f.starts[line+1]
	}
	var marks []int
	characters := 0
	for i := range string(f.text[f.starts[line]:end]) {
		if characters%stride == 0 {
			marks = append(marks, f.starts[line]+i)
		}
		characters++
	}
	if f.marks == nil {
		f.marks = make(map[int][]int)
	}
	f.marks[line] = marks
	return marks
}
