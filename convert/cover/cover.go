package cover

import (
	"cmp"
	"math/bits"
	"slices"

	"tracemigrate/cluster"
)

// Result is a cover.
type Result struct {
	// Sets are the label sets, in the order of their text. An empty one selects every proxy.
	Sets []cluster.Tags
	// Alike are the served proxies that no label set separates from all forbidden ones, in
	// order. Sets selects all other served proxies.
	Alike []Pair
	// Proved reports that no cover has fewer sets, or as many with fewer labels. Otherwise the
	// search used up its budget; the cover is correct, but there may be a smaller one.
	Proved bool
}

// Pair is a served proxy and the first forbidden one that has all its labels.
type Pair struct{ Served, Forbidden int }

// Cover returns the best label sets that select all proxies at the served positions,
// may select those at the free positions, and select no other. It prefers, in this order:
// the fewest sets; the fewest labels; no free proxy that another cover of this size
// would not select; the least sum of the ranks of labels; the first in the order of
// texts. A position that is served and free is served.
func (s *Search) Cover(served, free []int) Result {
	c := s.begin(served, free)
	defer c.end(served, free)
	best := c.solve()
	if c.selectsFree(best.sets) {
		c.avoidNeedless()
		exact := c.solve()
		if costOf(exact.sets).compareSize(costOf(best.sets)) <= 0 {
			best.sets = exact.sets
		}
	}
	r := Result{Proved: best.proved, Alike: c.pairs()}
	slices.SortFunc(best.sets, func(a, b candidate) int { return slices.Compare(a.labels, b.labels) })
	for _, set := range best.sets {
		labels := cluster.Tags{}
		for _, l := range set.labels {
			labels = labels.With(s.labels[l].Key, s.labels[l].Value)
		}
		r.Sets = append(r.Sets, labels)
	}
	return r
}

// kind is what a cover can do with a proxy or a class.
type kind uint8

const (
	forbidden kind = iota
	served
	free
	needed // free, but has all labels of a served class: every cover selects it
)

// marks are what one call knows of each proxy and each class. Between calls all are zero, and
// all classes are to be avoided.
type marks struct {
	proxies  []kind
	kinds    []kind
	avoid    bitSet  // the classes that no set may select
	allowed  []int32 // how many proxies of a class are served or free
	selected []bool  // a class that the cover selects
	touched  []int32 // the classes with a mark
}

// call is one search for a cover.
type call struct {
	*Search
	*marks
	served []int32 // classes to select
	alike  []int32 // classes with served proxies that cannot be selected
	spent  int     // work so far
	budget int     // work after which the search gives up
}

// A unit of work takes 10 to 100 ns. A call may do some for each class that it serves.
const (
	baseBudget  = 1 << 20
	classBudget = 1 << 9
)

// begin marks the proxies and classes of one call.
func (s *Search) begin(servedProxies, freeProxies []int) *call {
	c := &call{Search: s, marks: s.pool.Get().(*marks)}
	for _, list := range [...]struct {
		proxies []int
		kind    kind
	}{{servedProxies, served}, {freeProxies, free}} {
		for _, proxy := range list.proxies {
			if c.proxies[proxy] != forbidden {
				continue
			}
			class := s.classOf[proxy]
			c.proxies[proxy] = list.kind
			if c.allowed[class]++; c.allowed[class] == 1 {
				c.kinds[class] = list.kind
				c.touched = append(c.touched, class)
			}
		}
	}
	for _, class := range c.touched {
		if c.kinds[class] == served {
			c.served = append(c.served, class)
		}
		if int(c.allowed[class]) < len(s.members[class]) {
			c.kinds[class] = forbidden
		} else {
			c.avoid.remove(int(class))
		}
	}
	slices.Sort(c.served)
	return c
}

// end clears the marks for another call.
func (c *call) end(served, free []int) {
	for _, class := range c.touched {
		c.kinds[class], c.allowed[class] = forbidden, 0
		c.avoid.add(int(class))
	}
	for _, proxies := range [...][]int{served, free} {
		for _, proxy := range proxies {
			c.proxies[proxy] = forbidden
		}
	}
	c.touched = c.touched[:0]
	c.pool.Put(c.marks)
}

// find returns a class that a set selects and must not, or -1.
func (c *call) find(set []int32) int32 {
	if len(set) > 0 && c.dense[c.rarest(set)] != nil { // then all its labels are dense
		return c.findDense(set)
	}
	for class := range c.supersets(set) {
		if c.avoid.has(int(class)) {
			return class
		}
	}
	return -1
}

// findDense does what find does, for a set of dense labels.
func (c *call) findDense(set []int32) int32 {
	for i, found := range c.avoid {
		c.spent++
		for _, l := range set {
			if found &= c.dense[l][i]; found == 0 {
				break
			}
		}
		if found != 0 {
			return int32(i*64 + bits.TrailingZeros64(found))
		}
	}
	return -1
}

// selectsFree reports whether one of the sets selects a class of free proxies.
func (c *call) selectsFree(sets []candidate) bool {
	if !slices.ContainsFunc(c.touched, func(class int32) bool { return c.kinds[class] == free }) {
		return false
	}
	for _, set := range sets {
		for class := range c.supersets(set.labels) {
			if c.kinds[class] == free {
				return true
			}
		}
	}
	return false
}

// avoidNeedless forbids the sets to select free classes, except for those that every cover
// selects because they have all labels of a served class.
func (c *call) avoidNeedless() {
	for _, class := range c.served {
		for other := range c.supersets(c.classes[class]) {
			if c.kinds[other] == free {
				c.kinds[other] = needed
			}
		}
	}
	for _, class := range c.touched {
		if c.kinds[class] == free {
			c.avoid.add(int(class))
		}
	}
}

// pairs returns the served proxies of the alike classes, each with the first forbidden
// proxy that has all its labels.
func (c *call) pairs() []Pair {
	var pairs []Pair
	for _, class := range c.alike {
		first := int32(len(c.classOf))
		for other := range c.supersets(c.classes[class]) {
			for _, proxy := range c.members[other] {
				if c.proxies[proxy] == forbidden {
					first = min(first, proxy)
					break
				}
			}
		}
		for _, proxy := range c.members[class] {
			if c.proxies[proxy] == served {
				pairs = append(pairs, Pair{int(proxy), int(first)})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return cmp.Compare(a.Served, b.Served) })
	return pairs
}
