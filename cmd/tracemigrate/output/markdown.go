package output

import (
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// markdownText escapes text of the input, so that none of it is Markdown or HTML.
func markdownText(s string) string {
	s = strings.ReplaceAll(plain.Printable(s), "\n", " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;").Replace(s)
}

// fenced returns a code block that its text cannot end.
func fenced(text, language string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + plain.Printable(text) + "\n" + fence
}
