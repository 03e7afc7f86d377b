package cluster

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"tracemigrate/cluster/manifest"
)

// words keeps one copy of every word, and of every set of tags or labels, because the
// replicas of a workload have the same. A set must not be changed.
type words struct {
	all    map[string]word
	recent [256]word // by a checksum, for the few that most resources have
	sets   *sets
	spare  *Resource // no longer used
}

// resource returns an empty resource at a place.
func (w *words) resource(place manifest.Place) *Resource {
	r := w.spare
	if w.spare = nil; r == nil {
		r = new(Resource)
	}
	*r = Resource{Place: place}
	return r
}

// maxWords is how many words are kept. A mesh has few, except for those that name one
// proxy.
const maxWords = 100_000

// word is a text that is kept, and whether a Dataplane's tag can have it as its key or value.
type word struct {
	text           string
	isKey, isValue bool
}

func (w *words) keep(text string) string { return w.word(text).text }

func (w *words) word(text string) word {
	if text == "" {
		return word{}
	}
	recent := &w.recent[(uint(len(text))*31+uint(text[0])*7+uint(text[len(text)-1]))%uint(len(w.recent))]
	if recent.text == text {
		return *recent
	}
	kept, ok := w.all[text]
	if !ok {
		kept = word{strings.Clone(text), isTagKey(text), isTagValue(text)}
		if len(w.all) < maxWords {
			w.all[kept.text] = kept
		}
	}
	*recent = kept
	return kept
}

// set is a set of tags or labels.
type set struct {
	tags  Tags
	valid bool // a Dataplane can have all of them as tags, see IsTag
}

// tags reads an object of strings; nil when it is absent or empty.
func (w *words) tags(v manifest.Value) Tags { return w.set(v).tags }

// set reads an object of strings. It is not valid if it is absent, empty or wrong.
func (w *words) set(v manifest.Value) set {
	n, sum := 0, uint64(0)
	for key, value := range v.Node().Pairs() {
		if value.Kind != manifest.String {
			n = 0 // TagsOf records a problem
			break
		}
		n, sum = n+1, sum*31+uint64(len(key.Text))+maphash.String(w.sets.seed, value.Text)
	}
	if n == 0 {
		return set{tags: TagsOf(v)}
	}
	slot := &w.sets.slots[sum%uint64(len(w.sets.slots))]
	if known := slot.Load(); known != nil && equalTags(known.tags, v.Node()) {
		return *known
	}
	read := &set{make(Tags, 0, n), true}
	for key, value := range v.Node().Pairs() {
		if strings.Contains(key.Text, "{{") || strings.Contains(value.Text, "{{") {
			return set{tags: TagsOf(v)}
		}
		k, v := w.word(key.Text), w.word(value.Text)
		read.tags = append(read.tags, Tag{k.text, v.text})
		read.valid = read.valid && k.isKey && v.isValue
	}
	read.tags = read.tags.ordered()
	slot.Store(read)
	return *read
}

// sets keeps sets of tags, for all workers, each in the slot that a checksum of its
// values, and of the lengths of its keys, in the order of the input says, until another takes its place.
type sets struct {
	seed  maphash.Seed
	slots [1 << 15]atomic.Pointer[set]
}

// equalTags reports whether tags are equal to an object of strings.
func equalTags(tags Tags, object *manifest.Node) bool {
	n := 0
	for key, value := range object.Pairs() {
		if n < len(tags) && tags[n] == (Tag{key.Text, value.Text}) { // mostly in the same order
			n++
			continue
		}
		if known, ok := tags.Lookup(key.Text); !ok || known != value.Text {
			return false
		}
		n++
	}
	return n == len(tags)
}
