package cover

import (
	"cmp"
	"math/bits"
	"slices"
)

// candidate is a label set that selects no class to avoid.
type candidate struct {
	labels []int32
	cost   cost
}

// cost is what covers are compared by, except for their texts.
type cost struct{ sets, labels, ranks int }

func (a cost) plus(b cost) cost {
	return cost{a.sets + b.sets, a.labels + b.labels, a.ranks + b.ranks}
}

func (a cost) compareSize(b cost) int {
	return cmp.Or(cmp.Compare(a.sets, b.sets), cmp.Compare(a.labels, b.labels))
}

func (a cost) compare(b cost) int {
	return cmp.Or(a.compareSize(b), cmp.Compare(a.ranks, b.ranks))
}

func costOf(sets []candidate) cost {
	var sum cost
	for _, set := range sets {
		sum = sum.plus(set.cost)
	}
	return sum
}

func (s *Search) candidate(labels []int32) candidate {
	c := candidate{labels, cost{sets: 1, labels: len(labels)}}
	for _, l := range labels {
		c.cost.ranks += s.ranks[l]
	}
	return c
}

// compare orders candidates, the preferable first.
func (a candidate) compare(b candidate) int {
	return cmp.Or(a.cost.compare(b.cost), slices.Compare(a.labels, b.labels))
}

// maxLabels is how many labels of a class are considered: those of a partial set are
// the bits of a number.
const maxLabels = 64

// partial is a set of labels of a class, which may still select classes to avoid.
type partial struct {
	mask  uint64
	ranks int
}

func (a partial) compare(b partial) int {
	order := cmp.Or(cmp.Compare(bits.OnesCount64(a.mask), bits.OnesCount64(b.mask)), cmp.Compare(a.ranks, b.ranks))
	if differ := a.mask ^ b.mask; order == 0 && differ != 0 {
		// Of equally many labels, the set with the first label that differs is smaller.
		if a.mask&(differ&-differ) != 0 {
			return -1
		}
		return 1
	}
	return order
}

// minimalSets returns the subsets of labels that select no class to avoid, and of which
// no proper subset does so; the preferable first, or only the first. It reports whether
// these are all. The labels together must not select a class to avoid.
//
// A set is refuted by a class to avoid that it selects. The search starts with the empty
// set, and replaces all sets that a class refutes by the minimal extensions that have a
// label the class lacks. So every set it looks for always has a subset in the
// search, and a set that no class refutes is minimal.
func (c *call) minimalSets(labels []int32, firstOnly bool) (found []candidate, complete bool) {
	complete = true
	if len(labels) > maxLabels {
		labels, complete = c.narrow(labels), false
		if len(labels) > maxLabels {
			return []candidate{c.candidate(labels)}, false
		}
	}
	all := uint64(1)<<len(labels) - 1
	open := []partial{{}}
	var valid []partial
	for len(open) > 0 && (len(valid) == 0 || !firstOnly) {
		c.spent += len(open) / 8
		if c.exhausted() {
			complete = false
			break
		}
		best := 0
		for i := range open {
			if open[i].compare(open[best]) < 0 {
				best = i
			}
		}
		class := c.find(unpack(labels, open[best].mask))
		if class >= 0 {
			open = c.extend(labels, open, valid, all&^commonLabels(labels, c.classes[class]))
			continue
		}
		valid = append(valid, open[best])
		open[best] = open[len(open)-1]
		open = open[:len(open)-1]
	}
	for _, p := range valid {
		found = append(found, c.candidate(unpack(labels, p.mask)))
	}
	if len(found) == 0 {
		found = append(found, c.candidate(c.shrink(labels)))
	}
	return found, complete || firstOnly && len(valid) > 0 && found[0].cost.labels <= 1
}

// extend returns the open sets that have a label of lacks, and the minimal
// extensions by such a label of those that do not have one.
func (c *call) extend(labels []int32, open, valid []partial, lacks uint64) []partial {
	var refuted, kept []partial
	for _, p := range open {
		if p.mask&lacks == 0 {
			refuted = append(refuted, p)
		} else {
			kept = append(kept, p)
		}
	}
	extended := kept
	for _, p := range refuted {
		for rest := lacks; rest != 0 && !c.exhausted(); rest &= rest - 1 {
			bit := rest & -rest
			next := partial{p.mask | bit, p.ranks + c.ranks[labels[bits.TrailingZeros64(bit)]]}
			c.spent += 1 + (len(kept)+len(valid))/8
			hasSubset := func(other partial) bool { return other.mask&bit != 0 && other.mask&^next.mask == 0 }
			if !slices.ContainsFunc(kept, hasSubset) && !slices.ContainsFunc(valid, hasSubset) {
				extended = append(extended, next)
			}
		}
	}
	return extended
}

// commonLabels returns, as a mask, which of labels are among others, both ascending.
func commonLabels(labels, others []int32) uint64 {
	var mask uint64
	j := 0
	for i, l := range labels {
		for j < len(others) && others[j] < l {
			j++
		}
		if j < len(others) && others[j] == l {
			mask |= 1 << i
		}
	}
	return mask
}

func unpack(labels []int32, mask uint64) []int32 {
	set := make([]int32, 0, bits.OnesCount64(mask))
	for ; mask != 0; mask &= mask - 1 {
		set = append(set, labels[bits.TrailingZeros64(mask)])
	}
	return set
}

// narrow returns at most maxLabels of many labels, those that the fewest classes have. They
// include some that together select no class to avoid; where these alone are too many,
// it returns only these.
func (c *call) narrow(labels []int32) []int32 {
	kept := c.shrink(labels)
	for _, l := range slices.Backward(c.commonFirst(labels)) {
		if len(kept) >= maxLabels {
			break
		}
		if !slices.Contains(kept, l) {
			kept = append(kept, l)
		}
	}
	slices.Sort(kept)
	return kept
}

// shrink drops labels of a set, those of many classes first, as long as the others
// select no class to avoid. When even its own budget is used up, it drops no more.
func (c *call) shrink(labels []int32) []int32 {
	set := slices.Clone(labels)
	for _, l := range c.commonFirst(labels) {
		if c.spent > 2*c.budget {
			break
		}
		c.spent += 1 + len(set)/8
		i, _ := slices.BinarySearch(set, l)
		if set = slices.Delete(set, i, i+1); c.find(set) >= 0 {
			set = slices.Insert(set, i, l)
		}
	}
	return set
}

// commonFirst returns labels ordered by how many classes have them, the most first.
func (s *Search) commonFirst(labels []int32) []int32 {
	order := slices.Clone(labels)
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(len(s.postings[b]), len(s.postings[a])) })
	return order
}
