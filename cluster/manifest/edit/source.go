package edit

import "bytes"

// source is a text, read from byte offsets. Searches that fail return its end, and what
// follows is left to the comparison of the result.
type source []byte

// lineStart returns where the line of an offset starts, after a byte order mark.
func (s source) lineStart(offset int) int {
	start := bytes.LastIndexByte(s[:offset], '\n') + 1
	if start == 0 && bytes.HasPrefix(s, []byte(byteOrderMark)) && offset >= len(byteOrderMark) {
		return len(byteOrderMark)
	}
	return start
}

// lineEnd returns where the next line starts.
func (s source) lineEnd(offset int) int {
	if i := bytes.IndexByte(s[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(s)
}

// column returns the bytes before an offset in its line.
func (s source) column(offset int) int { return offset - s.lineStart(offset) }

// line returns the text of the line that starts at an offset, without its indentation
// and its line break, and its indentation.
func (s source) line(start int) (text []byte, indent int) {
	whole := bytes.TrimRight(s[start:s.lineEnd(start)], "\r\n")
	text = bytes.TrimLeft(whole, " ")
	return text, len(whole) - len(text)
}

func (s source) isBlank(from, to int) bool {
	return from >= to || len(bytes.TrimLeft(s[from:to], " \t\r\n")) == 0
}

// isBlankLine reports whether the line that starts at an offset is blank.
func (s source) isBlankLine(start int) bool { return s.isBlank(start, s.lineEnd(start)) }

// leads reports whether an offset follows only white space in its line, and returns the
// start of the line then.
func (s source) leads(offset int) (line int, ok bool) {
	for line = offset; line > 0 && s[line-1] != '\n'; line-- {
		if c := s[line-1]; c != ' ' && c != '\t' {
			return line, line == len(byteOrderMark) && string(s[:line]) == byteOrderMark
		}
	}
	return line, true
}

// comment reports whether the line that starts at an offset is a comment, and returns
// its indentation.
func (s source) comment(start int) (indent int, is bool) {
	text, indent := s.line(start)
	text = bytes.TrimLeft(text, "\t")
	return indent, len(text) > 0 && text[0] == '#'
}

// at returns the byte at an offset, 0 at the end.
func (s source) at(offset int) byte {
	if offset < 0 || offset >= len(s) {
		return 0
	}
	return s[offset]
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }

func isFlow(c byte) bool { return c != 0 && bytes.IndexByte([]byte(",[]{}"), c) >= 0 }

// spaces returns the next offset with something else than white space.
func (s source) spaces(offset int) int {
	for offset < len(s) && isSpace(s[offset]) {
		offset++
	}
	return offset
}

// skip returns the next offset with something else than white space and comments.
func (s source) skip(offset int) int {
	for offset = s.spaces(offset); s.at(offset) == '#' && isSpace(s.at(offset-1)); {
		offset = s.spaces(s.lineEnd(offset))
	}
	return offset
}

// properties returns the end of the anchor and the tag at an offset, and where the
// content after them starts. Without any, both are the offset.
func (s source) properties(offset int) (end, content int) {
	end, content = offset, offset
	for s.at(content) == '&' || s.at(content) == '!' {
		verbatim := s.at(content) == '!' && s.at(content+1) == '<'
		for end = content; !isSpace(s.at(end)) && (verbatim || !isFlow(s.at(end))); end++ {
			verbatim = verbatim && s.at(end) != '>'
		}
		content = s.skip(end)
	}
	return end, content
}

// quoted returns the end of the quoted scalar at an offset.
func (s source) quoted(offset int) int {
	quote := s.at(offset)
	for i := offset + 1; i < len(s); i++ {
		switch {
		case quote == '"' && s[i] == '\\', quote == '\'' && s[i] == '\'' && s.at(i+1) == '\'':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// plain returns the end of the plain scalar at an offset. Its parent has a column. It
// continues on lines that are indented more.
func (s source) plain(offset, column int, flow bool) int {
	end := offset
	for i := offset; i < len(s); i++ {
		c, next := s[i], s.at(i+1)
		switch {
		case c == '#' && i > offset && isSpace(s[i-1]), flow && isFlow(c):
			return end
		case c == ':' && (isSpace(next) || flow && isFlow(next)):
			return end
		case c == '\n':
			at := s.spaces(i)
			if at == len(s) || s[at] == '#' {
				return end
			}
			if _, indent := s.line(s.lineStart(at)); !flow && indent <= column {
				return end
			}
			i = at - 1
		case !isSpace(c):
			end = i + 1
		}
	}
	return end
}

// block returns the end of the literal or folded scalar at an offset, before its last
// line break, and the indentation of its text. Its parent has a column, -1 for none.
func (s source) block(offset, column int) (end, indent int) {
	for end = offset; !isSpace(s.at(end)); end++ {
		if c := s[end]; c >= '1' && c <= '9' {
			indent = max(column, 0) + int(c-'0')
		}
	}
	keep := bytes.IndexByte(s[offset:end], '+') >= 0
	for start := s.lineEnd(end); start < len(s); start = s.lineEnd(start) {
		text, spaces := s.line(start)
		isBlank := len(text) == 0 && (indent == 0 || spaces <= indent)
		if !isBlank && indent == 0 && spaces > column {
			indent = max(spaces, 0)
			if spaces == 0 {
				indent = -1 // a document's scalar without indentation
			}
		}
		if !isBlank && (indent == 0 || spaces < indent) {
			break
		}
		if !isBlank || keep {
			end = start + spaces + len(text)
		}
	}
	return end, max(indent, 0)
}

// comments returns where the comment lines directly above a line start, those with an
// indentation, not before floor.
func (s source) comments(start, column, floor int) int {
	for start > floor {
		above := s.lineStart(start - 1)
		if indent, is := s.comment(above); !is || indent != column || above < floor {
			break
		}
		start = above
	}
	return start
}

// restIsBlank reports whether the rest of a line has nothing but a comment.
func (s source) restIsBlank(offset int) bool {
	for ; offset < len(s) && s[offset] != '\n'; offset++ {
		if s[offset] == '#' && isSpace(s.at(offset-1)) {
			return true
		}
		if !isSpace(s[offset]) {
			return false
		}
	}
	return true
}

// blanksAbove returns the start of the blank lines above a line, not before floor.
func (s source) blanksAbove(start, floor int) int {
	for start > floor {
		above := s.lineStart(start - 1)
		if above < floor || !s.isBlankLine(above) {
			break
		}
		start = above
	}
	return start
}

// blanksBelow returns the end of the blank lines from a line on.
func (s source) blanksBelow(start int) int {
	for start < len(s) && s.isBlankLine(start) {
		start = s.lineEnd(start)
	}
	return start
}

// count returns the number of lines from..to.
func (s source) count(from, to int) (lines int) {
	for ; from < to; from = s.lineEnd(from) {
		lines++
	}
	return lines
}

// lines returns the start of the line that is some lines further.
func (s source) lines(start, lines int) int {
	for range lines {
		start = s.lineEnd(start)
	}
	return start
}
