package edit

import "bytes"

// region is where a document is in its text.
type region struct {
	from   int // its directives, its marker `---`, or the end of the document before
	to     int // the next marker, or the end of the text
	bare   bool
	marker int // where the line of its marker starts; of a bare one, from
}

// documents returns the regions that have more than comments. A line that starts with
// `---` or `...` ends a document anywhere, even within a scalar (YAML 1.2.2, section
// 9.1.2).
func (s source) documents(start int) []region {
	var regions []region
	from, bare := start, true
	directives := -1
	for pos := start; ; {
		marker := s.nextMarker(pos)
		body := from
		if !bare {
			body = from + len("---")
		}
		content, first := s.content(body, marker, bare)
		switch {
		case content && directives >= 0 && !bare:
			regions = append(regions, region{from: directives, to: marker, marker: from})
		case content:
			regions = append(regions, region{from: from, to: marker, bare: bare, marker: from})
		}
		if directives = first; content {
			directives = -1
		}
		if marker >= len(s) {
			return regions
		}
		bare = s[marker] == '.'
		from, pos = marker, s.lineEnd(marker)
		if bare {
			from = pos
		}
	}
}

// content reports whether a text has more than white space and comments. Of a bare
// document, it returns where its directives start, or -1.
func (s source) content(from, to int, bare bool) (is bool, directives int) {
	directives = -1
	for pos := from; pos < to; pos = s.lineEnd(pos) {
		text := bytes.TrimLeft(s[pos:min(s.lineEnd(pos), to)], " \t\r\n")
		switch {
		case len(text) == 0 || text[0] == '#':
		case bare && s[pos] == '%':
			if directives < 0 {
				directives = pos
			}
		default:
			return true, directives
		}
	}
	return false, directives
}

// nextMarker returns the start of the next line, from that at pos on, which is a marker.
func (s source) nextMarker(pos int) int {
	for ; pos < len(s); pos = s.lineEnd(pos) {
		if s.isMarker(pos) {
			return pos
		}
	}
	return len(s)
}

func (s source) isMarker(pos int) bool {
	return (bytes.HasPrefix(s[pos:], []byte("---")) || bytes.HasPrefix(s[pos:], []byte("..."))) && isSpace(s.at(pos+3))
}
