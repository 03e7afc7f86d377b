package manifest

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// The codes of warnings about fields that are not read. MisspeltField is that of a field
// which resembles one that is read and missing.
const (
	unknownField  = "unknown-field"
	MisspeltField = "misspelt-field"
)

// Known warns of every field whose key is not among keys.
func (v Value) Known(keys ...string) { v.warnFields(keys, true) }

// Misspelt warns of every field whose key resembles one of keys that v does not have. It
// ignores other fields, which newer versions may know.
func (v Value) Misspelt(keys ...string) { v.warnFields(keys, false) }

func (v Value) warnFields(keys []string, all bool) {
	var space [12]string
	var missing []string // looked up once, since an object can have 100,000 unknown fields
	for key := range v.node.Pairs() {
		if slices.Contains(keys, key.Text) {
			continue
		}
		if missing == nil {
			missing = slices.DeleteFunc(append(space[:0], keys...), func(key string) bool { return v.node.Get(key) != nil })
		}
		code, meant := unknownField, ""
		var remedy string
		if known := Closest(key.Text, missing); known != "" {
			code, meant, remedy = MisspeltField, " (did you mean "+known+"?)", "write "+known+", or remove the field"
		} else if all {
			remedy = "known fields: " + strings.Join(keys, ", ")
		} else {
			continue
		}
		Value{node: key, in: v.in}.record(Warning, code, remedy, func() (field, fault string) {
			return "", fmt.Sprintf("unknown field %s has no effect%s", joinPath(v.path(), pathKey(key.Text)), meant)
		})
	}
}

// IsMisspelt reports whether the key of a mapping resembles one of keys that the mapping
// does not have.
func (n *Node) IsMisspelt(key string, keys iter.Seq[string]) bool {
	for known := range keys {
		if _, resembles := edits(key, known); resembles && !strings.Contains(known, "/") && n.Get(known) == nil {
			return true
		}
	}
	return false
}

// Closest returns the one of known that word is probably a misspelt form of: it differs in
// case, - or _ only, in two swapped letters, in one letter, or in two of a long name. It is the
// one with the fewest edits, the first of several by name, and empty if there is none.
func Closest(word string, known []string) string {
	best, fewest := "", 0
	for _, name := range known {
		n, ok := edits(word, name)
		if ok && (best == "" || n < fewest || n == fewest && name < best) {
			best, fewest = name, n
		}
	}
	return best
}

// edits returns how many edits make word of known, and false where these are too many.
func edits(word, known string) (n int, ok bool) {
	const long = 7
	if difference := len(word) - len(known); difference > 2 || difference < -2 {
		return 0, false
	}
	word, known = separators.Replace(strings.ToLower(word)), separators.Replace(strings.ToLower(known))
	most := 1
	if len(known) >= long {
		most = 2
	}
	// The distance takes time. Each edit that does not change the length removes one letter
	// and adds one, and every other edit does one of both.
	if bits.OnesCount32(lettersOf(word)^lettersOf(known)) > 2*most-max(len(word)-len(known), len(known)-len(word)) {
		return 0, false
	}
	if isSwapped(word, known) {
		return 1, true
	}
	n = smetrics.WagnerFischer(word, known, 1, 1, 1)
	return n, n <= most
}

// lettersOf returns a bit for each letter from a to z of a text.
func lettersOf(text string) (letters uint32) {
	for i := range len(text) {
		if c := text[i]; 'a' <= c && c <= 'z' {
			letters |= 1 << (c - 'a')
		}
	}
	return letters
}

var separators = strings.NewReplacer("-", "", "_", "")

// isSwapped reports whether two texts differ in two adjacent letters that are swapped.
func isSwapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}
