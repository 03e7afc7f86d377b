package cluster

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"

	"tracemigrate/cluster/manifest"
)

// words keeps one copy of every word, and of every set of tags or labels, because the
// replicas of a workload have the same. A set must not be changed.
type words struct {
	all  map[string]string
	sets *sets
	key  []byte // scratch space

	spare *Resource // no longer used
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

// maxSets is how many sets of tags are kept. The sets of replicas are equal; where most
// sets differ, the search for equal ones costs more than it saves.
const maxSets = 20_000

func (w *words) keep(word string) string {
	if word == "" {
		return ""
	}
	if kept, ok := w.all[word]; ok {
		return kept
	}
	word = strings.Clone(word)
	if len(w.all) < maxWords {
		w.all[word] = word
	}
	return word
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
	w.key = w.key[:0]
	for key, value := range v.Node().Pairs() {
		if value.Kind != manifest.String {
			w.key = w.key[:0] // v.Map records a problem
			break
		}
		w.key = append(append(w.key, key.Text...), 0)
		w.key = append(append(w.key, value.Text...), 0)
	}
	if len(w.key) == 0 || bytes.Contains(w.key, []byte("{{")) {
		return set{tags: TagsOf(v)}
	}
	sum := maphash.Bytes(w.sets.seed, w.key)
	part := &w.sets.parts[sum%uint64(len(w.sets.parts))]
	part.Lock()
	defer part.Unlock()
	known, ok := part.bySum[sum]
	if ok && equalTags(known.tags, v.Node()) {
		return known
	}
	read := set{make(Tags, 0, v.Len()), true}
	for key, value := range v.Node().Pairs() {
		read.tags = append(read.tags, Tag{w.keep(key.Text), w.keep(value.Text)})
		read.valid = read.valid && IsTag(key.Text, value.Text)
	}
	read.tags = read.tags.ordered()
	if !ok && len(part.bySum) < maxSets/len(w.sets.parts) {
		part.bySum[sum] = read
	}
	return read
}

// sets keeps sets of tags by a checksum of keys and values in the order of the input,
// for all workers. It has many parts, so that workers seldom wait.
type sets struct {
	seed  maphash.Seed
	parts [64]struct {
		sync.Mutex
		bySum map[uint64]set
		_     [48]byte // a part is a cache line of its own
	}
}

func newSets() *sets {
	s := &sets{seed: maphash.MakeSeed()}
	for i := range s.parts {
		s.parts[i].bySum = make(map[uint64]set)
	}
	return s
}

// equalTags reports whether tags are equal to an object of strings.
func equalTags(tags Tags, object *manifest.Node) bool {
	n := 0
	for key, value := range object.Pairs() {
		if known, ok := tags.Lookup(key.Text); !ok || known != value.Text {
			return false
		}
		n++
	}
	return n == len(tags)
}
