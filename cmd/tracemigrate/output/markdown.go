package output

import (
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// markdownText escapes Markdown and HTML in text of the input.
func markdownText(s string) string {
	return markdownEscapes.Replace(plain.Printable(s))
}

var markdownEscapes = strings.NewReplacer("\n", " ", `\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;")

// fenced returns text as a code block, with a fence that text does not contain.
func fenced(text, language string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + plain.Printable(text) + "\n" + fence
}
