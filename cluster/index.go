package cluster

import (
	"iter"
	"slices"
)

// Never is a selector that no tag set satisfies. It keeps a place in an Index.
var Never = Tags{"\x00": "\x00"}

// Index finds which of many selectors a tag set satisfies. Each selector is stored under
// the one of its tags that fewest selectors share, so a lookup visits the selectors
// under the set's own tags only.
type Index struct {
	selectors [][]tag   // without the tag that each is stored under
	keys      []*bucket // by key
	byKey     map[string]*bucket
	anywhere  []int32 // selectors without tags
}

// tag is a key and value of a selector.
type tag struct{ key, value string }

// bucket has the selectors that are stored under one key.
type bucket struct {
	key      string
	byValue  map[string][]int32
	wildcard []int32
}

// NewIndex returns an Index of selectors. Its methods return positions in selectors.
func NewIndex(selectors []Tags) *Index {
	shared := make(map[tag]int32, len(selectors))
	total := 0
	for _, selector := range selectors {
		total += len(selector)
		for key, value := range selector {
			shared[tag{key, value}]++
		}
	}
	all := make([]tag, 0, total) // the tags of one selector are adjacent
	x := &Index{selectors: make([][]tag, len(selectors)), byKey: make(map[string]*bucket)}
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
		stored := all[best]
		all[best] = all[len(all)-1]
		all = all[:len(all)-1]
		x.selectors[i] = all[from:len(all):len(all)]
		of := x.byKey[stored.key]
		if of == nil {
			of = &bucket{key: stored.key, byValue: make(map[string][]int32)}
			x.byKey[stored.key], x.keys = of, append(x.keys, of)
		}
		if stored.value == Any {
			of.wildcard = append(of.wildcard, int32(i))
		} else {
			of.byValue[stored.value] = append(of.byValue[stored.value], int32(i))
		}
	}
	return x
}

// First returns the smallest position of a selector that one of sets satisfies, -1 when
// none does.
func (x *Index) First(sets ...Tags) int {
	first := int32(-1)
	if len(x.anywhere) > 0 && len(sets) > 0 {
		first = x.anywhere[0]
	}
	for set, positions := range x.open(sets) {
		for _, i := range positions {
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

// open yields, for each set, the ascending positions of the selectors that it may
// satisfy. It looks up the buckets' keys in the set, or the set's keys among the
// buckets, whichever are fewer.
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
	for set, positions := range x.open(sets) {
		for _, i := range positions {
			if match(x.selectors[i], set) {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found[from:])
	return append(found[:from], slices.Compact(found[from:])...)
}
