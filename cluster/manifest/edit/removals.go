package edit

import "bytes"

// removals returns the changes of the text that remove documents with their separators.
func (f *File) removals(plans []*plan) []change {
	tail := len(plans) // from here on, all is removed
	for end := len(f.text); tail > 0 && plans[tail-1].removed && plans[tail-1].region.to == end && plans[tail-1].endsBlank(); tail-- {
		end = plans[tail-1].region.from
	}
	var changes []change
	kept := -1 // the document before that remains
	for i, p := range plans {
		if !p.removed {
			kept = i
			continue
		}
		floor, keeps := f.starts[0], false
		if kept >= 0 && plans[kept].odd() {
			floor, keeps = p.region.from, true // the end of its text is unknown
		} else if kept >= 0 {
			floor = f.text.lineEnd(plans[kept].end(plans[kept].Root, -1, false))
			keeps = plans[kept].keepsBlanks(plans[kept].Root)
		}
		changes = append(changes, p.removal(floor, keeps, i >= tail)...)
		if end, ok := f.terminator(plans, i, kept); ok {
			changes = append(changes, change{from: p.region.to, to: end})
		}
	}
	return changes
}

// removal returns the changes that remove a document and the marker before it. floor is
// where the text before it ends; keeps marks a text to which blank lines would be added.
// isLast marks a document after which nothing remains.
func (p *plan) removal(floor int, keeps, isLast bool) []change {
	s := p.text()
	var changes []change
	from, _ := p.head()
	if !p.region.bare {
		line := s.lineEnd(p.region.marker)
		if from <= line || s.isBlank(line, from) {
			from = p.region.from
		} else { // a comment block above, such as a licence, stays
			if keeps || p.followsBlank(p.region.from) {
				line = s.blanksBelow(line)
			}
			changes = append(changes, change{from: p.region.from, to: line})
		}
	}
	to := p.after(p.end(p.Root, -1, false), 0)
	rest := s.blanksBelow(to)
	above := s.blanksAbove(from, max(floor, p.file.starts[0]))
	switch {
	case rest >= len(s):
		to = rest
		if isLast {
			from = above
		}
	case keeps || p.followsBlank(from):
		to = rest
	}
	return append(changes, change{from: from, to: to})
}

// followsBlank reports whether a line is the first or follows a blank one.
func (d *Document) followsBlank(start int) bool {
	first := d.file.starts[0]
	return start <= first || d.text().isBlankLine(d.text().lineStart(start-1))
}

// endsBlank reports whether the document has no comment after its last node.
func (d *Document) endsBlank() bool {
	s := d.text()
	return s.isBlank(d.after(d.end(d.Root, -1, false), 0), len(s))
}

// terminator reports whether the marker after a removed document is removed, and returns
// the end of its line.
func (f *File) terminator(plans []*plan, i, kept int) (end int, ok bool) {
	marker := plans[i].region.to
	if marker >= len(f.text) {
		return 0, false
	}
	end = f.text.lineEnd(marker)
	if f.text[marker] == '.' {
		isNeeded := i+1 < len(plans) && (plans[i+1].region.bare || plans[i+1].region.from != plans[i+1].region.marker)
		return end, kept < 0 || !isNeeded || f.text.at(plans[kept].region.to) == '.'
	}
	// A first document without a marker has its separator after it.
	if !plans[0].region.bare || kept >= 0 {
		return 0, false
	}
	if len(bytes.TrimSpace(f.text[marker+len("---"):end])) > 0 {
		return 0, false
	}
	if head, _ := plans[0].head(); plans[0].followsBlank(head) {
		end = f.text.blanksBelow(end)
	}
	return end, true
}
