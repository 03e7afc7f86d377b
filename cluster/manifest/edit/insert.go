package edit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"

	"gopkg.in/yaml.v3"
)

// insert records the text of additions to a sequence, or of new lists in a mapping.
func (p *plan) insert(n *yaml.Node, all []entry) {
	added := slices.Clone(p.added[n])
	slices.SortStableFunc(added, func(a, b addition) int { return a.index - b.index })
	flow := isFlowStyle(n)
	isTogether := flow && !slices.ContainsFunc(all, func(e entry) bool { return !p.gone[e.first] })
	for i := 0; i < len(added); {
		index := added[i].index
		var values []string
		for ; i < len(added) && (isTogether || added[i].index == index); i++ {
			values = append(values, added[i].value)
		}
		if flow {
			p.insertFlow(n, all, index, p.quoteAll(values, n))
		} else {
			p.insertItems(n, all, index, values)
		}
	}
	for _, l := range p.made[n] {
		if flow {
			list := "[" + strings.Join(p.quoteAll(l.values, n), ", ") + "]"
			p.insertFlow(n, all, len(all), []string{p.quote(l.key, n) + ": " + list})
		} else {
			p.insertList(n, all, l)
		}
	}
}

// insertItems inserts whole lines into a block sequence before an item.
func (p *plan) insertItems(n *yaml.Node, all []entry, index int, values []string) {
	s := p.text()
	neighbour := all[min(index, len(all)-1)]
	column := s.column(neighbour.start)
	gap := " "
	if from, to := neighbour.start+1, min(p.file.offset(neighbour.first), len(s)); from < to && len(bytes.Trim(s[from:to], " ")) == 0 {
		gap = string(s[from:to])
	}
	var at int
	switch line := s.lineStart(neighbour.start); {
	case index == len(all):
		at = p.after(neighbour.end, column)
	case !s.isBlank(line, neighbour.start):
		p.unclear = n
		return
	default:
		floor := p.region.marker
		if index > 0 {
			floor = p.after(all[index-1].end, column)
		}
		at = s.comments(line, column, floor)
	}
	p.insertLines(at, column, "-"+gap, values)
}

// insertLines inserts a line for each value, with a column and a prefix.
func (p *plan) insertLines(at, column int, prefix string, values []string) {
	lines := lists.Each(values, func(value string) string { return strings.Repeat(" ", column) + prefix + quote(value, false) })
	p.changes = append(p.changes, change{from: at, to: at, text: strings.Join(lines, p.file.eol), whole: true})
}

// insertList inserts a new key with a list at the end of a block mapping. Its dashes are
// indented like those of the other lists there.
func (p *plan) insertList(n *yaml.Node, all []entry, l *list) {
	s := p.text()
	column := s.column(all[0].start)
	if !s.isBlank(s.lineStart(all[0].start), all[0].start) && p.gone[all[0].first] && p.gone[all[len(all)-1].first] {
		p.unclear = n
	}
	indent := 0
	for _, e := range all {
		if e.value.Kind == yaml.SequenceNode && !isFlowStyle(e.value) {
			indent = max(p.columnOf(e.value)-column, 0)
		}
	}
	at := p.after(all[len(all)-1].end, column)
	lines := []string{strings.Repeat(" ", column) + quote(l.key, false) + ":"}
	for _, value := range l.values {
		lines = append(lines, strings.Repeat(" ", column+indent)+"- "+quote(value, false))
	}
	p.changes = append(p.changes, change{from: at, to: at, text: strings.Join(lines, p.file.eol), whole: true})
}

// insertFlow inserts entries before an entry of a flow collection, with its commas.
func (p *plan) insertFlow(n *yaml.Node, all []entry, index int, texts []string) {
	s := p.text()
	before, after := -1, -1
	for i, e := range all {
		switch {
		case p.gone[e.first]:
		case i < index:
			before = i
		case after < 0:
			after = i
		}
	}
	var at int
	var text string
	separator := ", "
	neighbour := max(before, 0)
	if len(all) > 0 {
		start := all[neighbour].start
		if line, ok := s.leads(start); ok {
			separator = "," + p.file.eol + string(s[line:start])
		}
	}
	joined := strings.Join(texts, separator)
	switch {
	case before >= 0:
		at, text = all[before].end, separator+joined
	case after >= 0:
		if separator != ", " {
			separator = "," + p.file.eol + string(s[s.lineStart(all[after].start):all[after].start])
		}
		at, text = all[after].start, joined+separator
	case len(all) > 0:
		at, text = all[0].start, joined
	default:
		_, bracket := s.properties(min(p.file.offset(n), len(s)))
		at, text = bracket+1, joined
	}
	p.changes = append(p.changes, change{from: at, to: at, text: text})
}

// replaceNull makes a list from the null of an entry.
func (p *plan) replaceNull(n *yaml.Node, e entry) {
	s := p.text()
	values := lists.Each(p.added[e.value], func(a addition) string { return a.value })
	list := "[" + strings.Join(p.quoteAll(values, n), ", ") + "]"
	switch {
	case !isAbsent(e.value):
		p.changes = append(p.changes, change{from: min(p.file.offset(e.value), len(s)), to: e.end, text: list})
	case n.Kind == yaml.MappingNode && !isFlowStyle(n):
		p.insertLines(s.lineEnd(e.end), s.column(e.start), "- ", values)
	default:
		p.changes = append(p.changes, change{from: e.end, to: e.end, text: " " + list})
	}
}

func (p *plan) quoteAll(values []string, n *yaml.Node) []string {
	return lists.Each(values, func(value string) string { return p.quote(value, n) })
}

// quote returns a scalar for a flow collection, like its neighbours in double quotes.
func (p *plan) quote(value string, n *yaml.Node) string {
	isDouble := p.text().at(p.file.offset(p.Root)) == '{' && p.isJSON(p.Root)
	for _, child := range n.Content {
		isDouble = isDouble || isFlowStyle(n) && child.Kind == yaml.ScalarNode && child.Style&yaml.DoubleQuotedStyle != 0
	}
	if !isDouble {
		return quote(value, true)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return quote(value, true)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// isJSON reports whether a flow mapping has its first key in double quotes.
func (p *plan) isJSON(n *yaml.Node) bool {
	return isFlowStyle(n) && len(n.Content) > 0 && n.Content[0].Style&yaml.DoubleQuotedStyle != 0
}

// quote returns a scalar in one line that YAML reads as the string value.
func quote(value string, flow bool) string {
	var style yaml.Style
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		style = yaml.DoubleQuotedStyle
	case flow && strings.ContainsAny(value, ",[]{}:?"):
		style = yaml.SingleQuotedStyle
	}
	var in any = value // as a string, words of YAML 1.1 such as on are quoted too
	if style != 0 {
		in = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: style}
	}
	text, err := yaml.Marshal(in)
	if err != nil {
		return value // the comparison of the result refuses it
	}
	return strings.TrimSuffix(string(text), "\n")
}
