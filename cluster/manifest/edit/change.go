package edit

import (
	"bytes"
	"cmp"
	"slices"
)

// change replaces the bytes from..to by a text.
type change struct {
	from, to int
	text     string
	// whole marks text as whole lines without the last line break: it starts a new line,
	// and ends with a line break unless the file ends without one.
	whole bool
}

// apply returns the text with changes. They may overlap, as removals of neighbours do.
func (f *File) apply(changes []change) []byte {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	out := bytes.NewBuffer(make([]byte, 0, len(f.text)+64*len(changes)))
	pos := 0
	for _, c := range changes {
		if c.from > pos {
			out.Write(f.text[pos:c.from])
			pos = c.from
		}
		pos = max(pos, c.to)
		switch written := out.Bytes(); {
		case !c.whole:
			out.WriteString(c.text)
		case len(written) > 0 && written[len(written)-1] != '\n' && string(written) != byteOrderMark:
			out.WriteString(f.eol + c.text)
		default:
			out.WriteString(c.text + f.eol)
		}
	}
	out.Write(f.text[pos:])
	return out.Bytes()
}
