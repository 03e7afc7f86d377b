package output

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// FileChange is the change of a file.
type FileChange struct {
	Name          string // relative to the current directory
	Path          string // in the diff, relative to the root of the repository
	Before, After []byte // After is nil if the file is deleted
	Existed       bool
}

// Action returns the letter of the change, as in `git status`: A, M or D.
func (c *FileChange) Action() string {
	switch {
	case c.After == nil:
		return "D"
	case c.Existed:
		return "M"
	}
	return "A"
}

// FileDiffs prints the unified diff of files, which `git apply` and `patch -p1` accept. On a
// terminal it colours the lines, and replaces control characters.
func (p *Printer) FileDiffs(changes []FileChange) error {
	for i := range changes {
		diff := fileDiff(&changes[i])
		if p.width > 0 || p.colour {
			diff = p.forTerminal(diff)
		}
		if _, err := p.w.Write(diff); err != nil {
			return fmt.Errorf("writing to stdout: %w", err)
		}
	}
	return nil
}

// forTerminal returns a diff as a terminal shows it. A carriage return is part of a line's
// end, as in Git.
func (p *Printer) forTerminal(diff []byte) []byte {
	var b bytes.Buffer
	inHunk := false
	for line := range strings.Lines(string(diff)) {
		line = plain.Printable(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    "))
		colour, coloured := text.Bold, true
		if inHunk = inHunk || strings.HasPrefix(line, "@@ "); inHunk {
			colour, coloured = lineColours[line[0]]
		}
		if p.colour && coloured {
			line = colour.Sprint(line)
		}
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

// fileDiff returns the unified diff of a file.
func fileDiff(c *FileChange) []byte {
	var b bytes.Buffer
	from, to := "a/"+c.Path, "b/"+c.Path
	fmt.Fprintf(&b, "diff --git %s %s\n", quotedPath(from), quotedPath(to))
	switch c.Action() {
	case "A":
		b.WriteString("new file mode 100644\n")
		from = "/dev/null"
	case "D":
		b.WriteString("deleted file mode 100644\n")
		to = "/dev/null"
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", endedPath(from), endedPath(to))
	for _, line := range plain.Unified(string(c.Before), string(c.After)) {
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

// endedPath returns a path with a tab at the end if it has a space, where patch would else
// end it.
func endedPath(path string) string {
	quoted := quotedPath(path)
	if strings.Contains(quoted, " ") {
		return quoted + "\t"
	}
	return quoted
}

// quotedPath quotes a path as Git does, if necessary.
func quotedPath(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) {
		return path
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(path) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// SummaryOf returns how many files are added, modified and deleted.
func SummaryOf(changes []FileChange) string {
	counts := lists.Count(changes, func(c FileChange) string { return c.Action() })
	var parts []string
	for _, action := range []struct{ letter, word string }{{"A", "to add"}, {"M", "to change"}, {"D", "to delete"}} {
		if n := counts[action.letter]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", convert.Plural(n, "file"), action.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Overlays prints what changes for the proxies of each overlay.
func (p *Printer) Overlays(diff *Diff) {
	for _, c := range diff.Comparisons {
		text := effects([]*envoydiff.Comparison{c})
		if len(c.Proxies) == 0 {
			text = "no proxy was compared"
		}
		if c.Overlay != "" {
			text = c.Overlay + ": " + text
		}
		p.Line("%s", text)
	}
}
