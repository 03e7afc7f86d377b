package edit

import (
	"bytes"

	"gopkg.in/yaml.v3"
)

// after returns the start of the line after the end of a block entry. Comments that are
// indented more than the entry belong to it.
func (d *Document) after(end, column int) int {
	s := d.text()
	end = s.lineEnd(end)
	for pos := end; pos < len(s); pos = s.lineEnd(pos) {
		if indent, is := s.comment(pos); is && indent > column {
			end = s.lineEnd(pos)
		} else if !s.isBlankLine(pos) {
			break
		}
	}
	return end
}

// cutBlock removes the neighbours from..to of a block collection.
func (p *plan) cutBlock(n *yaml.Node, all []entry, from, to int) {
	s := p.text()
	start := all[from].start
	column := s.column(start)
	floor := p.region.marker
	if from > 0 {
		floor = p.after(all[from-1].end, column)
	}
	end := p.after(all[to].end, column)
	if !s.isBlank(s.lineStart(start), start) {
		// The entry starts after a dash, which then starts what follows.
		if from > 0 || to == len(all)-1 {
			p.unclear = n
			return
		}
		p.cut(start, s.spaces(end))
		return
	}
	first := s.comments(s.lineStart(start), column, floor)
	above, below := s.blanksAbove(first, floor), s.blanksBelow(end)
	isLast := to == len(all)-1
	indent, is := s.comment(min(below, len(s)))
	footer := is && indent >= column
	switch {
	case from == 0 && !isLast && above == first && !p.isComment(first):
		end = below // the first entry has no blank line above
	case from > 0 && p.keepsBlanks(all[from-1].value):
		end = below // otherwise they would become part of the text before
	case above < first && end < below:
		end = s.lines(end, min(s.count(above, first), s.count(end, below)))
	case above < first && isLast && !footer:
		first = above
	}
	p.cut(first, end)
}

// keepsBlanks reports whether what remains of a node ends with a block scalar to which
// the blank lines after it belong.
func (p *plan) keepsBlanks(n *yaml.Node) bool {
	for isCollection(n) {
		last := n
		for _, e := range entries(n) {
			if !p.gone[e.first] {
				last = e.value
			}
		}
		if last == n {
			return false
		}
		n = last
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return false
	}
	s := p.text()
	_, header := s.properties(min(p.file.offset(n), len(s)))
	text, _ := s.line(header)
	return bytes.IndexByte(bytes.TrimRight(text[:min(3, len(text))], " #"), '+') > 0
}

// isComment reports whether the line above another is a comment.
func (p *plan) isComment(start int) bool {
	s := p.text()
	if start <= p.region.marker {
		return false
	}
	_, is := s.comment(s.lineStart(start - 1))
	return is
}

// cutFlow removes the neighbours from..to of a flow collection and one comma.
func (p *plan) cutFlow(all []entry, from, to int) {
	s := p.text()
	start, end := all[from].start, all[to].end
	comma := s.skip(end)
	hasComma := s.at(comma) == ','
	if hasComma {
		end = comma + 1
	}
	before := -1 // the comma before
	if from > 0 {
		before = s.skip(all[from-1].end)
	}
	if line, ok := s.leads(start); ok && s.restIsBlank(end) {
		floor := p.region.marker
		if from > 0 {
			floor = s.lineEnd(before)
		}
		p.cut(s.comments(line, start-line, floor), s.lineEnd(end))
		if !hasComma && before >= 0 {
			p.cut(before, before+1)
		}
		return
	}
	p.cutInline(all, from, to, before, end)
}

// cutInline removes neighbours that share lines with others.
func (p *plan) cutInline(all []entry, from, to, before, end int) {
	s := p.text()
	start := all[from].start
	isAlone := before >= 0 && s.isBlank(before+1, start)
	switch isLast := to == len(all)-1; {
	case isLast && isAlone:
		p.cut(before, all[to].end)
	case isLast && before >= 0:
		p.cut(before, before+1)
		p.cut(start, all[to].end)
	case isLast:
		p.cut(start, end)
	case s.restIsBlank(end) && isAlone:
		p.cut(before+1, end)
	case s.isBlank(end, all[to+1].start):
		p.cut(start, all[to+1].start)
	default:
		p.cut(start, end)
	}
}

// empty replaces the mapping of a pair by {}.
func (p *plan) empty(n *yaml.Node, e entry) {
	s := p.text()
	start := min(p.file.offset(e.value), len(s))
	if isFlowStyle(e.value) {
		_, open := s.properties(start)
		p.cut(open+1, p.end(e.value, 0, true)-1)
		return
	}
	all := p.layout(e.value)
	colon := s.skip(p.end(e.first, s.column(e.start), false))
	if n.Kind != yaml.MappingNode || s.at(colon) != ':' || s.lineStart(all[0].start) == s.lineStart(colon) ||
		s.at(start) == '&' || s.at(start) == '!' {
		p.unclear = e.value
		return
	}
	p.changes = append(p.changes, change{from: colon + 1, to: colon + 1, text: " {}"})
	p.cutBlock(e.value, all, 0, len(all)-1)
}
