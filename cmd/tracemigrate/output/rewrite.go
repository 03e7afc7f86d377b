package output

import (
	"bytes"
	"fmt"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// FileChange is the change of a file.
type FileChange struct {
	Name          string
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

// FileDiffs prints the unified diff of files, which `git apply` and `patch -p1` accept.
func (p *Printer) FileDiffs(changes []FileChange) error {
	for i := range changes {
		if _, err := p.w.Write(fileDiff(&changes[i])); err != nil {
			return fmt.Errorf("writing to stdout: %w", err)
		}
	}
	return nil
}

// fileDiff returns the unified diff of a file.
func fileDiff(c *FileChange) []byte {
	var b bytes.Buffer
	from, to := "a/"+c.Name, "b/"+c.Name
	fmt.Fprintf(&b, "diff --git %s %s\n", quotedPath(from), quotedPath(to))
	switch c.Action() {
	case "A":
		b.WriteString("new file mode 100644\n")
		from = "/dev/null"
	case "D":
		b.WriteString("deleted file mode 100644\n")
		to = "/dev/null"
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", quotedPath(from), quotedPath(to))
	for _, line := range plain.Unified(string(c.Before), string(c.After)) {
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

// quotedPath quotes a path as Git does, if necessary.
func quotedPath(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) {
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
	return path
}

// SummaryOf returns how many files are added, modified and deleted.
func SummaryOf(changes []FileChange) string {
	counts := make(map[string]int)
	for i := range changes {
		counts[changes[i].Action()]++
	}
	var parts []string
	for _, action := range []struct{ letter, word string }{{"A", "to add"}, {"M", "to change"}, {"D", "to delete"}} {
		if n := counts[action.letter]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", plain.Plural(n, "file", "files"), action.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Overlays prints what changes for the proxies of each overlay.
func (p *Printer) Overlays(diff *Diff) {
	for _, c := range diff.Comparisons {
		t := envoydiff.Count([]*envoydiff.Comparison{c})
		effects := plain.Effects(&t)
		if t.Proxies == 0 {
			effects = "no proxy was compared"
		}
		if c.Overlay != "" {
			effects = c.Overlay + ": " + effects
		}
		p.Line("%s", effects)
	}
}

// Diff prints what a comparison found as text.
func (p *Printer) Diff(diff *Diff) error { return diffText(p, diff) }
