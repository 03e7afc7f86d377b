package cluster

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// Tags of an inbound or a gateway, or those that a selector asks for.
type Tags map[string]string

// ServiceTag is the tag that every inbound and gateway carries.
const ServiceTag = "kuma.io/service"

// ProtocolTag names what an inbound speaks.
const ProtocolTag = "kuma.io/protocol"

// IsTag reports whether a Dataplane can carry the tag: letters, digits and .-_:
// make a value, and a slash too a key (https://kuma.io/docs/2.9.x/production/dp-config/dpp/).
func IsTag(key, value string) bool {
	for i := 0; i < len(key); i++ {
		if !isTagByte(key[i]) && key[i] != '/' {
			return false
		}
	}
	for i := 0; i < len(value); i++ {
		if !isTagByte(value[i]) {
			return false
		}
	}
	return key != "" && value != ""
}

func isTagByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' || c == ':'
}

// Any is the value of a selector's tag that is met by every value.
const Any = "*"

// Match reports whether one tag set satisfies a selector: each key is there, with
// the selector's value unless that is Any.
func (tags Tags) Match(set Tags) bool {
	for key, want := range tags {
		if value, ok := set[key]; !ok || want != Any && want != value {
			return false
		}
	}
	return true
}

// Meets reports whether one tag set can satisfy both selectors.
func (tags Tags) Meets(other Tags) bool {
	if len(other) < len(tags) {
		tags, other = other, tags
	}
	for key, a := range tags {
		if b, ok := other[key]; ok && a != b && a != Any && b != Any {
			return false
		}
	}
	return true
}

// Rank is (number of tags, number of exact tags), by which a selector
// precedes another. Two wildcards outrank one exact tag.
func (tags Tags) Rank() (number, exact int) {
	for _, value := range tags {
		if value != Any {
			exact++
		}
	}
	return len(tags), exact
}

// Keys returns the keys in order.
func (tags Tags) Keys() []string {
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// AppendContent appends to content bytes that are equal for equal tags alone.
func (tags Tags) AppendContent(content []byte) []byte {
	for _, key := range tags.Keys() {
		for _, text := range []string{key, tags[key]} {
			content = append(binary.AppendUvarint(content, uint64(len(text))), text...)
		}
	}
	return content
}

// String is key=value, comma separated, in the order of keys; "any proxy" when empty.
func (tags Tags) String() string {
	if len(tags) == 0 {
		return "any proxy"
	}
	var b strings.Builder
	for i, key := range tags.Keys() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key + "=" + tags[key])
	}
	return b.String()
}

// Compare orders tags by their sorted keys and values.
func (tags Tags) Compare(other Tags) int {
	return cmp.Or(cmp.Compare(len(tags), len(other)), strings.Compare(tags.String(), other.String()))
}

// Never is a selector that no tag set satisfies. It keeps a place in an Index.
var Never = Tags{"\x00": "\x00"}

// Index finds which of many selectors a tag set satisfies. Each selector is
// filed under the one of its tags that fewest selectors share, so a lookup
// costs what the set's own tags have in their drawers, not all selectors.
type Index struct {
	selectors [][]tag    // but for the tag that each is filed under
	keys      []*drawers // by key
	byKey     map[string]*drawers
	anywhere  []int32 // selectors without tags
}

// tag is a key and value of a selector.
type tag struct{ key, value string }

// drawers holds the selectors filed under one key.
type drawers struct {
	key      string
	byValue  map[string][]int32
	wildcard []int32
}

// NewIndex files selectors; they are known by their position from then on.
func NewIndex(selectors []Tags) *Index {
	shared := make(map[tag]int32, len(selectors))
	total := 0
	for _, selector := range selectors {
		total += len(selector)
		for key, value := range selector {
			shared[tag{key, value}]++
		}
	}
	all := make([]tag, 0, total) // those of one selector beside each other
	x := &Index{selectors: make([][]tag, len(selectors)), byKey: make(map[string]*drawers)}
	for i, selector := range selectors {
		if len(selector) == 0 {
			x.anywhere = append(x.anywhere, int32(i))
			continue
		}
		best, fewest := 0, int32(-1)
		from := len(all)
		for key, value := range selector {
			if n := shared[tag{key, value}]; fewest < 0 || n < fewest {
				best, fewest = len(all), n
			}
			all = append(all, tag{key, value})
		}
		filed := all[best]
		all[best] = all[len(all)-1]
		all = all[:len(all)-1]
		x.selectors[i] = all[from:len(all):len(all)]
		of := x.byKey[filed.key]
		if of == nil {
			of = &drawers{key: filed.key, byValue: make(map[string][]int32)}
			x.byKey[filed.key], x.keys = of, append(x.keys, of)
		}
		if filed.value == Any {
			of.wildcard = append(of.wildcard, int32(i))
		} else {
			of.byValue[filed.value] = append(of.byValue[filed.value], int32(i))
		}
	}
	return x
}

// First returns the least position of a selector that one of sets satisfies, -1
// when there is none.
func (x *Index) First(sets ...Tags) int {
	first := int32(-1)
	if len(x.anywhere) > 0 && len(sets) > 0 {
		first = x.anywhere[0]
	}
	for set, drawer := range x.open(sets) {
		for _, i := range drawer {
			if first >= 0 && i >= first {
				break
			}
			if match(x.selectors[i], set) {
				first = i
				break
			}
		}
	}
	return int(first)
}

// open yields the drawers in which a selector of each set may be, with the set;
// what is in them is in ascending order. It looks up the keys of the drawers in the
// set, or those of the set among the drawers, whichever are fewer.
func (x *Index) open(sets []Tags) iter.Seq2[Tags, []int32] {
	return func(yield func(Tags, []int32) bool) {
		for _, set := range sets {
			if len(x.keys) <= len(set) {
				for _, of := range x.keys {
					if value, ok := set[of.key]; ok && (!yield(set, of.byValue[value]) || !yield(set, of.wildcard)) {
						return
					}
				}
				continue
			}
			for key, value := range set {
				of := x.byKey[key]
				if of != nil && (!yield(set, of.byValue[value]) || !yield(set, of.wildcard)) {
					return
				}
			}
		}
	}
}

// match reports whether set has all tags of a selector.
func match(selector []tag, set Tags) bool {
	for _, want := range selector {
		if value, ok := set[want.key]; !ok || want.value != value && want.value != Any {
			return false
		}
	}
	return true
}

// Matching appends to found the positions of all selectors that one of sets
// satisfies, in ascending order and each once.
func (x *Index) Matching(found []int32, sets ...Tags) []int32 {
	from := len(found)
	if len(sets) > 0 {
		found = append(found, x.anywhere...)
	}
	for set, drawer := range x.open(sets) {
		for _, i := range drawer {
			if match(x.selectors[i], set) {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found[from:])
	return append(found[:from], slices.Compact(found[from:])...)
}
