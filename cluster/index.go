package cluster

import (
	"iter"
	"maps"
	"slices"

	"tracemigrate/cluster/lists"
)

// Never is a selector that no tag set satisfies. It keeps a place in an Index.
var Never = Tags{{"\x00", "\x00"}}

func (tags Tags) never() bool {
	return len(tags) == 1 && tags[0].Key == Never[0].Key
}

// Index finds which of many selectors a tag set satisfies. Each selector is stored under
// the one of its tags that fewest selectors share, so a lookup visits the selectors
// under the set's own tags only.
type Index struct {
	selectors []Tags
	next      []int32   // the next selector that is stored under the same tag, none at the end
	keys      []*bucket // by key
	byKey     map[string]*bucket
	anywhere  []int32 // selectors without tags
}

// none is the position of no selector.
const none = int32(-1)

// bucket has the selectors that are stored under one key.
type bucket struct {
	key      string
	byValue  map[string]chain
	wildcard int32 // the first of the value Any, or none
	isUsed   bool  // a selector is stored
}

// chain is the first and the last of the selectors that are stored under one tag, which
// ascend, or none, and how many selectors have the tag.
type chain struct{ first, last, shared int32 }

// NewIndex returns an Index of selectors. Its methods return positions in selectors.
func NewIndex(selectors []Tags) *Index {
	x := &Index{
		selectors: selectors, next: slices.Repeat([]int32{none}, len(selectors)), byKey: make(map[string]*bucket),
	}
	for i, selector := range selectors {
		switch {
		case selector.never():
			continue
		case len(selector) == 0:
			x.anywhere = append(x.anywhere, int32(i))
			continue
		}
		for _, tag := range selector {
			x.count(tag)
		}
	}
	for i, selector := range selectors {
		if len(selector) == 0 || selector.never() {
			continue
		}
		best, fewest := selector[0], x.shared(selector[0])
		for _, tag := range selector[1:] {
			if n := x.shared(tag); n < fewest {
				best, fewest = tag, n
			}
		}
		x.store(int32(i), best)
	}
	x.keys = lists.Keep(x.keys, func(b *bucket) bool { return b.isUsed })
	maps.DeleteFunc(x.byKey, func(_ string, b *bucket) bool { return !b.isUsed })
	return x
}

// count counts a selector that has a tag.
func (x *Index) count(of Tag) {
	b := x.byKey[of.Key]
	if b == nil {
		b = &bucket{key: of.Key, byValue: make(map[string]chain), wildcard: none}
		x.byKey[of.Key], x.keys = b, append(x.keys, b)
	}
	stored, ok := b.byValue[of.Value]
	if !ok {
		stored = chain{first: none, last: none}
	}
	stored.shared++
	b.byValue[of.Value] = stored
}

// shared returns the number of selectors that have a tag.
func (x *Index) shared(of Tag) int32 { return x.byKey[of.Key].byValue[of.Value].shared }

// store stores the selector at a position under a tag.
func (x *Index) store(position int32, under Tag) {
	b := x.byKey[under.Key]
	stored := b.byValue[under.Value]
	if stored.last == none {
		stored.first = position
	} else {
		x.next[stored.last] = position
	}
	stored.last = position
	b.byValue[under.Value], b.isUsed = stored, true
	if under.Value == Any {
		b.wildcard = stored.first
	}
}

// First returns the smallest position of a selector that one of sets satisfies, -1 when
// none does.
func (x *Index) First(sets ...Tags) int {
	return x.firstOf(func(int32) bool { return true }, sets)
}

// firstOf is First among the selectors at the positions that counts accepts.
func (x *Index) firstOf(counts func(int32) bool, sets []Tags) int {
	first := none
	if at := slices.IndexFunc(x.anywhere, counts); at >= 0 && len(sets) > 0 {
		first = x.anywhere[at]
	}
	for set, i := range x.open(sets) {
		for ; i != none && (first == none || i < first); i = x.next[i] {
			if x.selectors[i].Match(set) && counts(i) {
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
					if value, ok := set.Lookup(of.key); ok && !of.open(set, value, yield) {
						return
					}
				}
				continue
			}
			for _, tag := range set {
				if of := x.byKey[tag.Key]; of != nil && !of.open(set, tag.Value, yield) {
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

// Matching appends to found the positions of all selectors that one of sets
// satisfies, in ascending order and each once.
func (x *Index) Matching(found []int32, sets ...Tags) []int32 {
	from := len(found)
	if len(sets) > 0 {
		found = append(found, x.anywhere...)
	}
	for set, i := range x.open(sets) {
		for ; i != none; i = x.next[i] {
			if x.selectors[i].Match(set) {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found[from:])
	return append(found[:from], slices.Compact(found[from:])...)
}
