package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cluster/manifest"
)

// Printable replaces characters that could control a terminal, because text of the input
// is data. It keeps line ends.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || manifest.IsVisible(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// OneLine returns s without credentials, as one line that is safe to print.
func OneLine(s string) string {
	return manifest.Visible(manifest.Redact(s))
}

// Clean returns OneLine of s, cut at 2000 bytes.
func Clean(s string) string {
	const most = 2000 // bytes; the longest note has 900
	s = OneLine(s)
	if len(s) > most {
		cut := most
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return s
}

// Width returns the number of columns that s takes on a terminal.
func Width(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return text.StringWidth(s)
		}
	}
	return len(s)
}

// Capitalise returns a sentence with its first letter in upper case.
func Capitalise(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}
