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
	var space [8]string
	var missing []string // looked up once, since an object can have 100,000 unknown fields
	for key := range v.node.Pairs() {
		if slices.Contains(keys, key.Text) {
			continue
		}
		if missing == nil {
			missing = v.node.missing(space[:0], keys)
		}
		code, meant := unknownField, ""
		var remedy string
		if known := closest(key.Text, missing); known != "" {
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
		if resembles(key, known) && n.Get(known) == nil {
			return true
		}
	}
	return false
}

// missing appends to missing those of keys that n does not have.
func (n *Node) missing(missing, keys []string) []string {
	for _, key := range keys {
		if n.Get(key) == nil {
			missing = append(missing, key)
		}
	}
	return missing
}

// closest returns the first of the missing keys that key resembles, else "".
func closest(key string, missing []string) string {
	best := ""
	for _, known := range missing {
		if resembles(key, known) && (best == "" || known < best) {
			best = known
		}
	}
	return best
}

// resembles reports whether key is probably a misspelt known: it differs in case, - or _
// only, in two swapped letters, in one letter, or in two of a long name.
func resembles(key, known string) bool {
	const long = 7
	if difference := len(key) - len(known); difference > 2 || difference < -2 || strings.Contains(known, "/") {
		return false
	}
	key, known = separators.Replace(strings.ToLower(key)), strings.ToLower(known)
	most := 1
	if len(known) >= long {
		most = 2
	}
	// The distance takes time. Each edit that does not change the length removes one letter
	// and adds one, and every other edit does one of both.
	if bits.OnesCount32(lettersOf(key)^lettersOf(known)) > 2*most-max(len(key)-len(known), len(known)-len(key)) {
		return false
	}
	return isSwapped(key, known) || smetrics.WagnerFischer(key, known, 1, 1, 1) <= most
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
