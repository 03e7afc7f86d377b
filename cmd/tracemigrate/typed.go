package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tracemigrate/cluster/manifest"
)

// typed returns an argument in quotes for an error, which a log may keep. A credential that
// was typed in a wrong place is not repeated: that of a url, that after a name such as token=,
// and a word that nobody would give a file or a resource.
func typed(argument string) string {
	if _, err := os.Lstat(argument); err == nil {
		return strconv.Quote(argument)
	}
	if strings.ContainsAny(argument, "@?#") {
		argument = manifest.RedactURL(argument)
	}
	argument = strings.TrimPrefix(manifest.Redact(";"+argument), ";") // as of a path parameter
	if looksRandom(argument) {
		argument = "REDACTED"
	}
	return strconv.Quote(argument)
}

// tokenPrefix begins the tokens of well-known services.
var tokenPrefix = regexp.MustCompile(`^(eyJ|gh[a-z]_|github_pat_|gl[a-z]+-|xox[a-z]-|sk-|hvs\.|AKIA)`)

// uuid is a random one, which services use as a token.
var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// looksRandom reports whether a word looks like a token: a long part of it has digits between
// letters, as neither words nor the suffixes of pods have.
func looksRandom(word string) bool {
	if manifest.IsFile(word) {
		return false
	}
	if len(word) >= 12 && tokenPrefix.MatchString(word) || uuid.MatchString(word) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("-./:=@", r) }), func(part string) bool {
		return len(part) >= 16 && strings.ContainsFunc(part, unicode.IsDigit) && strings.ContainsFunc(part, unicode.IsLetter)
	})
}
