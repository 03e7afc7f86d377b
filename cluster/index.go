package cluster

import (
	"iter"
	"slices"
)

// Never is a selector that no tag set satisfies. It keeps a place in an Index.
var Never = Tags{"\x00": "\x00"}

func (tags Tags) never() bool {
	_, ok := tags["\x00"]
	return ok
}

// Index finds which of many selectors a tag set satisfies. Each selector is stored under
// the one of its tags that fewest selectors share, so a lookup visits the selectors
// under the set's own tags only.
type Index struct {
	selectors [][]tag   // without the tag that each is stored under
	next      []int32   // the next selector that is stored under the same tag, none at the end
	keys      []*bucket // by key
	byKey     map[string]*bucket
	anywhere  []int32 // selectors without tags
}

// none is the position of no selector.
const none = int32(-1)

// tag is a key and value of a selector.
type tag struct{ key, value string }

// bucket has the selectors that are stored under one key.
type bucket struct {
	key      string
	byValue  map[string]chain
	wildcard int32 // the first of the value Any, or none
}

// chain is the first and the last of the selectors that are stored under one tag, which
// ascend, or none, and how many selectors have the tag.
type chain struct{ first, last, shared int32 }

// NewIndex returns an Index of selectors. Its methods return positions in selectors.
func NewIndex(selectors []Tags) *Index {
	total := 0
	for _, selector := range selectors {
		if !selector.never() {
			total += len(selector)
		}
	}
	all := make([]tag, 0, total) // the tags of one selector are adjacent
	x := &Index{
		selectors: make([][]tag, len(selectors)), next: slices.Repeat([]int32{none}, len(selectors)),
		byKey: make(map[string]*bucket),
	}
	for i, selector := range selectors {
		switch {
		case selector.never():
			continue
		case len(selector) == 0:
			x.anywhere = append(x.anywhere, int32(i))
			continue
		}
		from := len(all)
		for key, value := range selector {
			all = append(all, tag{key, value})
			x.count(tag{key, value})
		}
		x.selectors[i] = all[from:len(all):len(all)]
	}
	for i, tags := range x.selectors {
		if len(tags) == 0 {
			continue
		}
		best, fewest := 0, x.shared(tags[0])
		for j := 1; j < len(tags); j++ {
			if n := x.shared(tags[j]); n < fewest {
				best, fewest = j, n
			}
		}
		last := len(tags) - 1
		tags[best], tags[last] = tags[last], tags[best]
		x.store(int32(i), tags[last])
		x.selectors[i] = tags[:last:last]
	}
	return x
}

// count counts a selector that has a tag.
func (x *Index) count(of tag) {
	b := x.byKey[of.key]
	if b == nil {
		b = &bucket{key: of.key, byValue: make(map[string]chain), wildcard: none}
		x.byKey[of.key], x.keys = b, append(x.keys, b)
	}
	stored, ok := b.byValue[of.value]
	if !ok {
		stored = chain{first: none, last: none}
	}
	stored.shared++
	b.byValue[of.value] = stored
}

// shared returns the number of selectors that have a tag.
func (x *Index) shared(of tag) int32 { return x.byKey[of.key].byValue[of.value].shared }

// store stores the selector at a position under a tag.
func (x *Index) store(position int32, under tag) {
	b := x.byKey[under.key]
	stored := b.byValue[under.value]
	if stored.last == none {
		stored.first = position
	} else {
		x.next[stored.last] = position
	}
	stored.last = position
	b.byValue[under.value] = stored
	if under.value == Any {
		b.wildcard = stored.first
	}
}

// First returns the smallest position of a selector that one of sets satisfies, -1 when
// none does.
func (x *Index) First(sets ...Tags) int {
	first := none
	if len(x.anywhere) > 0 && len(sets) > 0 {
		first = x.anywhere[0]
	}
	for set, i := range x.open(sets) {
		for ; i != none && (first == none || i < first); i = x.next[i] {
			if match(x.selectors[i], set) {
				first = i
				break
			}
		}
	}
	return int(first)
}

// open yields, for each set, the first position of each chain of selectors that it may
// satisfy. It looks up the buckets' keys in the set, or the set's keys among the buckets,
// whichever are fewer.
func (x *Index) open(sets []Tags) iter.Seq2[Tags, int32] {
	return func(yield func(Tags, int32) bool) {
		for _, set := range sets {
			if len(x.keys) <= len(set) {
				for _, of := range x.keys {
					if value, ok := set[of.key]; ok && !of.open(set, value, yield) {
						return
					}
				}
				continue
			}
			for key, value := range set {
				if of := x.byKey[key]; of != nil && !of.open(set, value, yield) {
					return
				}
			}
		}
	}
}

// open yields the chains of a value of the bucket's key.
func (b *bucket) open(set Tags, value string, yield func(Tags, int32) bool) bool {
	stored, ok := b.byValue[value]
	return (!ok || yield(set, stored.first)) && (b.wildcard == none || yield(set, b.wildcard))
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
	for set, i := range x.open(sets) {
		for ; i != none; i = x.next[i] {
			if match(x.selectors[i], set) {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found[from:])
	return append(found[:from], slices.Compact(found[from:])...)
}
