package manifest

import (
	"iter"
	"strings"
)

// Kind is the type of a Node.
type Kind uint8

// The kinds of YAML's core schema, as far as a manifest distinguishes them.
const (
	Null Kind = iota
	String
	Int
	Float
	Bool
	Mapping
	Sequence
)

// kindWords name the kinds in error messages, with their articles.
var kindWords = [...]string{
	Null: "nothing", String: "a string", Int: "a number", Float: "a number",
	Bool: "a boolean", Mapping: "an object", Sequence: "a list",
}

// String returns the word for k in an error message.
func (k Kind) String() string { return kindWords[k] }

// Node is one value of a document. It is small, because the snapshot of a large mesh has
// millions of them while it is read.
type Node struct {
	Kind Kind
	line int32  // 1-based line in the file
	Text string // a scalar's text, without quotes
	// content has a sequence's items, or a mapping's keys and values in turn.
	content []Node
}

// Get returns the value under key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for i := 0; i+1 < len(n.content); i += 2 {
		if n.content[i].Text == key {
			return &n.content[i+1]
		}
	}
	return nil
}

// Pairs yields the keys and values of a mapping in the order of the file.
func (n *Node) Pairs() iter.Seq2[*Node, *Node] {
	return func(yield func(key, value *Node) bool) {
		if n == nil || n.Kind != Mapping {
			return
		}
		for i := 0; i+1 < len(n.content); i += 2 {
			if !yield(&n.content[i], &n.content[i+1]) {
				return
			}
		}
	}
}

// Items returns the items of a sequence.
func (n *Node) Items() []Node {
	if n == nil || n.Kind != Sequence {
		return nil
	}
	return n.content
}

// Equal reports whether two values are the same, in any order of keys and at any place.
func (n *Node) Equal(m *Node) bool {
	if n == nil || m == nil {
		return n == m
	}
	if n.Kind != m.Kind || n.Text != m.Text || len(n.content) != len(m.content) {
		return false
	}
	if n.Kind == Mapping {
		return n.equalMapping(m)
	}
	for i := range n.content {
		if !n.content[i].Equal(&m.content[i]) {
			return false
		}
	}
	return true
}

// equalMapping compares mappings with the same number of keys, which usually have the
// same order.
func (n *Node) equalMapping(m *Node) bool {
	var byKey map[string]*Node
	for i := 0; i+1 < len(n.content); i += 2 {
		other := &m.content[i+1]
		if m.content[i].Text != n.content[i].Text {
			if byKey == nil {
				byKey = make(map[string]*Node, len(m.content)/2)
				for key, value := range m.Pairs() {
					byKey[key.Text] = value
				}
			}
			other = byKey[n.content[i].Text]
		}
		if other == nil || !n.content[i+1].Equal(other) {
			return false
		}
	}
	return true
}

// repeatedKey returns the second of two equal keys of a mapping, or nil.
func (n *Node) repeatedKey() *Node {
	const few = 16
	if len(n.content) <= 2*few {
		for i := 2; i < len(n.content); i += 2 {
			for j := 0; j < i; j += 2 {
				if n.content[i].Text == n.content[j].Text {
					return &n.content[i]
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(n.content)/2)
	for i := 0; i < len(n.content); i += 2 {
		if seen[n.content[i].Text] {
			return &n.content[i]
		}
		seen[n.content[i].Text] = true
	}
	return nil
}

// isSeveral reports whether a mapping has the kind of a resource more than once, as where the
// line between two documents is missing.
func (n *Node) isSeveral() bool {
	kinds := 0
	for key := range n.Pairs() {
		if key.Text == "kind" || key.Text == "type" {
			kinds++
		}
	}
	return kinds > 1
}

// textLen returns the length of all text in n.
func (n *Node) textLen() int {
	length := len(n.Text)
	for i := range n.content {
		length += n.content[i].textLen()
	}
	return length
}

// copyTo copies n, and appends its text to text, which must have enough capacity.
func (n *Node) copyTo(text *strings.Builder) Node {
	to := Node{Kind: n.Kind, line: n.line}
	begin := text.Len()
	text.WriteString(n.Text)
	to.Text = text.String()[begin:]
	if len(n.content) > 0 {
		to.content = make([]Node, len(n.content))
		for i := range n.content {
			to.content[i] = n.content[i].copyTo(text)
		}
	}
	return to
}
