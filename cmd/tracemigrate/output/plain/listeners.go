package plain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"

	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
)

// ListenerDiff returns the lines of the unified diff of two listeners' Envoy
// configuration as YAML. It returns none when they are equal.
func ListenerDiff(before, after *envoydiff.Listener) ([]string, error) {
	old, err := envoyYAML(before)
	if err != nil {
		return nil, err
	}
	now, err := envoyYAML(after)
	if err != nil || old == now {
		return nil, err
	}
	return unified(old, now), nil
}

// envoyYAML returns the compared fields of a listener as YAML.
func envoyYAML(l *envoydiff.Listener) (string, error) {
	text, err := manifest.EncodeYAML(l.Values())
	if err != nil {
		return "", fmt.Errorf("printing listener %s: %w", l.Name(), err)
	}
	return manifest.Redact(string(text)), nil
}

// Unified returns the lines of the unified diff of two texts, with three lines of context. A
// last line without a line feed is followed by the line that says so.
func Unified(before, after string) []string {
	mark := func(text string) string {
		if text == "" || strings.HasSuffix(text, "\n") {
			return text
		}
		return text + noNewline
	}
	lines := unified(mark(before), mark(after))
	var marked []string
	for _, line := range lines {
		text, missing := strings.CutSuffix(line, noNewline)
		marked = append(marked, text)
		if missing {
			marked = append(marked, `\ No newline at end of file`)
		}
	}
	return marked
}

// noNewline ends a last line without a line feed.
const noNewline = "\x00"

// unified returns the unified diff of two texts by lines, with three lines of context.
func unified(before, after string) []string {
	const context = 3
	marks := map[diffmatchpatch.Operation]string{
		diffmatchpatch.DiffDelete: "-", diffmatchpatch.DiffInsert: "+", diffmatchpatch.DiffEqual: " ",
	}
	differ := diffmatchpatch.New()
	a, b, dictionary := differ.DiffLinesToRunes(before, after)
	var lines []string
	for _, diff := range differ.DiffCharsToLines(differ.DiffMainRunes(a, b, false), dictionary) {
		mark := marks[diff.Type]
		for line := range strings.Lines(diff.Text) {
			lines = append(lines, mark+strings.TrimSuffix(line, "\n"))
		}
	}
	var hunks []string
	for from := 0; from < len(lines); {
		first := from + slices.IndexFunc(lines[from:], func(line string) bool { return line[0] != ' ' })
		if first < from {
			break
		}
		last := first
		for i := first; i < len(lines) && i <= last+2*context; i++ {
			if lines[i][0] != ' ' {
				last = i
			}
		}
		start, end := max(from, first-context), min(len(lines), last+context+1)
		hunks = append(hunks, hunkHeader(lines, start, end))
		hunks = append(hunks, lines[start:end]...)
		from = end
	}
	return hunks
}

// hunkHeader returns the position of lines start to end in the two texts.
func hunkHeader(lines []string, start, end int) string {
	count := func(from, to int, mark byte) int {
		n := 0
		for _, line := range lines[from:to] {
			if line[0] == ' ' || line[0] == mark {
				n++
			}
		}
		return n
	}
	position := func(mark byte) (line, length int) {
		length = count(start, end, mark)
		return count(0, start, mark) + min(length, 1), length // an empty range has the line before it
	}
	line, length := position('-')
	newLine, newLength := position('+')
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", line, length, newLine, newLength)
}
