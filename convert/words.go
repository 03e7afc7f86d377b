package convert

import (
	"strconv"
	"strings"
)

// Number groups the digits of n by three: 12,345.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural returns "1 proxy" or "2 proxies". many is for plurals that Word does not know.
func Plural(n int, one string, many ...string) string { return Number(n) + " " + Word(n, one, many...) }

// Word returns the word that follows a number.
func Word(n int, one string, many ...string) string {
	stem, ok := strings.CutSuffix(one, "y")
	switch {
	case n == 1:
		return one
	case len(many) > 0:
		return many[0]
	case ok && !strings.HasSuffix(stem, "a"):
		return stem + "ies"
	case strings.HasSuffix(one, "sh"):
		return one + "es"
	}
	return one + "s"
}

// First returns the first names in one line and, where they are not all, the number of the
// others.
func First(names []string, most int) string { return List(names[:min(len(names), most)], len(names)) }

// List returns names in one line and, where they are not all, the number of the others.
func List(names []string, all int) string {
	list := strings.Join(names, ", ")
	if all > len(names) {
		list += " and " + Number(all-len(names)) + " more"
	}
	return list
}
