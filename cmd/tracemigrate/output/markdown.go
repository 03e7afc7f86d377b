package output

import (
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// markdownText escapes Markdown and HTML in text of the input.
func markdownText(s string) string {
	s = strings.ReplaceAll(plain.Printable(s), "\n", " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;").Replace(s)
}

// fenced returns text as a code block, with a fence that text does not contain.
func fenced(text, language string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + plain.Printable(text) + "\n" + fence
}
