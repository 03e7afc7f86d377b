package edit

import "gopkg.in/yaml.v3"

// entry is a pair of a mapping or an item of a sequence, with the bytes that it takes:
// from its key or dash to the end of its value.
type entry struct {
	first, value *yaml.Node // key and value; the item twice
	start, end   int
}

// entries returns the entries of a collection, without their bytes.
func entries(n *yaml.Node) []entry {
	var all []entry
	switch n.Kind {
	case yaml.MappingNode:
		all = make([]entry, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			all = append(all, entry{first: n.Content[i], value: n.Content[i+1]})
		}
	case yaml.SequenceNode:
		all = make([]entry, 0, len(n.Content))
		for _, item := range n.Content {
			all = append(all, entry{first: item, value: item})
		}
	}
	return all
}

// lastEntry returns the last entry of a collection that is not empty, without its bytes.
func lastEntry(n *yaml.Node) entry {
	last := len(n.Content) - 1
	e := entry{first: n.Content[last], value: n.Content[last]}
	if n.Kind == yaml.MappingNode {
		e.first = n.Content[last-1]
	}
	return e
}

func isFlowStyle(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

// isAbsent reports whether a scalar has no text: the null in `key:`.
func isAbsent(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

// layout returns the entries of a collection with their bytes.
func (d *Document) layout(n *yaml.Node) []entry {
	all, s := entries(n), d.text()
	flow := isFlowStyle(n)
	column := 0
	if !flow {
		column = d.columnOf(n)
	}
	_, dash := s.properties(min(d.file.offset(n), len(s)))
	for i := range all {
		e := &all[i]
		e.start = dash
		if flow || n.Kind == yaml.MappingNode {
			e.start = d.start(e.first)
		}
		e.end = d.endOf(*e, column, flow)
		dash = s.skip(e.end)
	}
	return all
}

// start returns where a key or an item of a flow sequence starts, with the indicator of
// an explicit key.
func (d *Document) start(n *yaml.Node) int {
	s := d.text()
	start := min(d.file.offset(n), len(s))
	for before := start - 1; before >= 0 && s[before] != '\n'; before-- {
		if s[before] == '?' && before < start-1 && isSpace(s.at(before-1)) {
			return before
		}
		if !isSpace(s[before]) {
			break
		}
	}
	return start
}

// columnOf returns the column of the keys or dashes of a block collection.
func (d *Document) columnOf(n *yaml.Node) int {
	s := d.text()
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		return s.column(d.start(n.Content[0]))
	}
	_, dash := s.properties(min(d.file.offset(n), len(s)))
	return s.column(dash)
}

// endOf returns the end of an entry.
func (d *Document) endOf(e entry, column int, flow bool) int {
	s := d.text()
	switch {
	case !isAbsent(e.value):
		return d.end(e.value, column, flow)
	case e.first == e.value: // an item
		return min(d.file.offset(e.value), len(s))
	}
	end := d.end(e.first, column, flow)
	if colon := s.skip(end); s.at(colon) == ':' {
		return colon + 1
	}
	return end
}

// end returns the end of a node whose parent has a column, -1 for a document.
func (d *Document) end(n *yaml.Node, column int, flow bool) int {
	s := d.text()
	start := min(d.file.offset(n), len(s))
	end, content := s.properties(start)
	switch {
	case isCollection(n):
		if end, ok := d.ends[n]; ok {
			return end
		}
		if isFlowStyle(n) || len(n.Content) == 0 {
			end = d.endOfFlow(n, content)
		} else {
			end = d.endOf(lastEntry(n), d.columnOf(n), false)
		}
		record(&d.ends, n, end)
		return end
	case n.Kind == yaml.AliasNode:
		for end = start + 1; !isSpace(s.at(end)) && !isFlow(s[end]) && s[end] != ':'; {
			end++
		}
		return min(end, len(s))
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return s.quoted(content)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		end, _ = s.block(content, column)
		return end
	case n.Value == "":
		return end // properties only
	}
	return s.plain(content, column, flow)
}

// endOfFlow returns the end of a flow collection whose bracket is at an offset. A pair
// within a flow sequence has no bracket.
func (d *Document) endOfFlow(n *yaml.Node, bracket int) int {
	s := d.text()
	end := bracket + 1
	if len(n.Content) > 0 {
		end = d.endOf(lastEntry(n), 0, true)
	}
	if c := s.at(bracket); c != '{' && c != '[' {
		return end
	}
	for end = s.skip(end); s.at(end) == ','; {
		end = s.skip(end + 1)
	}
	return min(end+1, len(s))
}
