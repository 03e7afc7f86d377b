package cover

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"sync"

	"tracemigrate/cluster"
)

// Search finds covers among the proxies of one mesh. Several goroutines can use one
// Search at the same time.
type Search struct {
	labels   []cluster.Tag // ascending by text, so that the order of labels is that of their positions
	ranks    []int         // by label
	classes  [][]int32     // the labels of proxies with equal labels; those with the most labels first
	members  [][]int32     // by class, the positions of its proxies
	classOf  []int32       // by proxy
	postings [][]int32     // by label, the classes that have it
	dense    []bitSet      // by label, its classes as bits if these are quicker to search than the list
	byLabels map[string]int32
	longer   []int32 // by a number of labels, how many classes have more
	pool     sync.Pool
}

// New prepares a search among proxies, each given by its labels. A smaller rank by
// prefer makes a key preferable; with a nil function all keys are alike.
func New(proxies []cluster.Tags, prefer func(key string) int) *Search {
	s := &Search{byLabels: make(map[string]int32)}
	sets := s.intern(proxies)
	if s.ranks = make([]int, len(s.labels)); prefer != nil {
		byKey := make(map[string]int)
		for i, l := range s.labels {
			rank, ok := byKey[l.Key]
			if !ok {
				rank = prefer(l.Key)
				byKey[l.Key] = rank
			}
			s.ranks[i] = rank
		}
	}
	s.group(sets)
	s.post()
	s.pool.New = func() any {
		n := len(s.classes)
		m := &marks{
			proxies: make([]kind, len(s.classOf)), kinds: make([]kind, n), avoid: newBitSet(n),
			allowed: make([]int32, n), selected: make([]bool, n),
		}
		for class := range n {
			m.avoid.add(class)
		}
		return m
	}
	return s
}

// intern numbers all labels in the order of their text, and returns the ascending
// labels of each proxy.
func (s *Search) intern(proxies []cluster.Tags) [][]int32 {
	total := 0
	for _, p := range proxies {
		total += len(p)
	}
	found := make(map[cluster.Tag]int32)
	var labels []cluster.Tag
	flat := make([]int32, 0, total)
	sets := make([][]int32, len(proxies))
	for i, p := range proxies {
		start := len(flat)
		for _, l := range p {
			id, ok := found[l]
			if !ok {
				id = int32(len(labels))
				found[l] = id
				labels = append(labels, l)
			}
			flat = append(flat, id)
		}
		sets[i] = flat[start:len(flat):len(flat)]
	}
	texts := make([]string, len(labels))
	order := make([]int32, len(labels))
	for i, l := range labels {
		texts[i], order[i] = l.Key+"="+l.Value, int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(strings.Compare(texts[a], texts[b]), strings.Compare(labels[a].Key, labels[b].Key))
	})
	renumbered := make([]int32, len(labels))
	s.labels = make([]cluster.Tag, len(labels))
	for to, from := range order {
		renumbered[from], s.labels[to] = int32(to), labels[from]
	}
	for i, id := range flat {
		flat[i] = renumbered[id]
	}
	for _, set := range sets {
		slices.Sort(set)
	}
	return sets
}

// group makes a class of the proxies with equal labels.
func (s *Search) group(sets [][]int32) {
	order := make([]int32, len(sets))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(len(sets[b]), len(sets[a])), slices.Compare(sets[a], sets[b]), cmp.Compare(a, b))
	})
	s.classOf = make([]int32, len(sets))
	for from := 0; from < len(order); {
		labels, to := sets[order[from]], from+1
		for to < len(order) && slices.Equal(sets[order[to]], labels) {
			to++
		}
		class := int32(len(s.classes))
		for _, proxy := range order[from:to] {
			s.classOf[proxy] = class
		}
		s.byLabels[keyOf(labels)] = class
		s.classes = append(s.classes, labels)
		s.members = append(s.members, order[from:to:to])
		from = to
	}
}

// post lists the classes of each label, and counts those with more than n labels.
func (s *Search) post() {
	sizes := make([]int32, len(s.labels))
	for class, labels := range s.classes {
		for _, l := range labels {
			sizes[l]++
		}
		if class == 0 {
			s.longer = make([]int32, len(labels)+1)
		}
		for n := range labels {
			s.longer[n]++
		}
	}
	s.postings = make([][]int32, len(s.labels))
	for l, size := range sizes {
		s.postings[l] = make([]int32, 0, size)
	}
	for class, labels := range s.classes {
		for _, l := range labels {
			s.postings[l] = append(s.postings[l], int32(class))
		}
	}
	s.dense = make([]bitSet, len(s.labels))
	for l, posting := range s.postings {
		if len(posting) <= len(s.classes)/denseShare {
			continue
		}
		s.dense[l] = newBitSet(len(s.classes))
		for _, class := range posting {
			s.dense[l].add(int(class))
		}
	}
}

// denseShare is the part of all classes that the classes of a dense label exceed.
const denseShare = 32

// longerThan returns how many classes have more than n labels. They are the first ones.
func (s *Search) longerThan(n int) int32 {
	switch {
	case n < 0:
		return int32(len(s.classes))
	case n >= len(s.longer):
		return 0
	}
	return s.longer[n]
}

// supersets yields the classes that have all labels of a set, and charges the work.
func (c *call) supersets(set []int32) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		longer := c.longerThan(len(set))
		if longer < c.longerThan(len(set)-1) {
			if class, ok := c.byLabels[keyOf(set)]; ok && !yield(class) {
				return
			}
		}
		if len(set) == 0 {
			for class := range longer {
				c.spent++
				if !yield(class) {
					return
				}
			}
			return
		}
		for _, class := range c.postings[c.rarest(set)] {
			if class >= longer {
				return
			}
			c.spent += 1 + len(c.classes[class])/8
			if isSubset(set, c.classes[class]) && !yield(class) {
				return
			}
		}
	}
}

// rarest returns the label of a set that the fewest classes have.
func (s *Search) rarest(set []int32) int32 {
	return slices.MinFunc(set, func(a, b int32) int { return cmp.Compare(len(s.postings[a]), len(s.postings[b])) })
}

// isSubset reports whether all labels of a set are among labels, both ascending.
func isSubset(set, labels []int32) bool {
	i := 0
	for _, l := range labels {
		if i == len(set) || l > set[i] {
			break
		}
		if l == set[i] {
			i++
		}
	}
	return i == len(set)
}

// keyOf returns a map key of a label set.
func keyOf(set []int32) string {
	key := make([]byte, 0, 64)
	for _, l := range set {
		key = binary.NativeEndian.AppendUint32(key, uint32(l))
	}
	return string(key)
}
