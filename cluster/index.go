package cluster

import (
	"iter"
	"slices"
)

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
