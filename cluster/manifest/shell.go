package manifest

import (
	"regexp"
	"strings"
)

// shellWord matches what every shell takes literally. zsh expands a word that begins with
// an equals sign.
var shellWord = regexp.MustCompile(`^[-a-zA-Z0-9._/:@+,][-a-zA-Z0-9._/:@=+,]*$`)

// IsPlainWord reports whether a shell, and xargs, take a word literally without quotes.
func IsPlainWord(word string) bool { return shellWord.MatchString(word) }

// ShellQuote returns a word that a POSIX shell takes literally. Every command that the tool
// writes or prints has its words from here.
func ShellQuote(word string) string {
	if IsPlainWord(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
