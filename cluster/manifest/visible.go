package manifest

import (
	"strings"
	"unicode"
)

// invisible are the characters that unicode.IsPrint accepts and no font shows: fillers, and
// what selects the variant of another character.
var invisible = []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector}

// IsVisible reports whether a character is shown where it is: it controls neither a terminal
// nor the direction of text, and is not invisible. A space is visible, and a line end is not.
func IsVisible(r rune) bool {
	return ' ' <= r && r < 0x7f || unicode.IsPrint(r) && !unicode.In(r, invisible...)
}

// Visible replaces every character that is not visible.
func Visible(text string) string {
	if isPlain(text) {
		return text // mostly, and faster
	}
	return strings.Map(func(r rune) rune {
		if IsVisible(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// isPlain reports whether a text is visible ASCII alone.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
