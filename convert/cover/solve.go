package cover

import (
	"maps"
	"slices"
)

// solution is the sets of a cover.
type solution struct {
	sets   []candidate
	proved bool // no cover is smaller
}

func (c *call) exhausted() bool { return c.spent > c.budget }

// solve returns the best cover of the served classes, and moves those that cannot be
// covered from served to alike.
func (c *call) solve() solution {
	c.spent, c.budget = 0, baseBudget+classBudget*len(c.served)
	if len(c.served) == 0 {
		return solution{proved: true}
	}
	if s, ok := c.single(); ok {
		return s
	}
	return c.several()
}

// single returns the best cover with one set, if one exists. It is a subset of the labels
// that all served classes have.
func (c *call) single() (solution, bool) {
	common := slices.Clone(c.classes[c.served[0]])
	for _, class := range c.served[1:] {
		if len(common) == 0 {
			break
		}
		labels := c.classes[class]
		c.spent += 1 + len(labels)/8
		j := 0
		common = slices.DeleteFunc(common, func(l int32) bool {
			for j < len(labels) && labels[j] < l {
				j++
			}
			return j == len(labels) || labels[j] != l
		})
	}
	if c.find(common) >= 0 {
		return solution{}, false
	}
	sets, complete := c.minimalSets(common, true)
	return solution{sets[:1], complete}, true
}

// several returns the best cover with any number of sets. It solves the problem for a
// few classes, adds some that this solution does not select, and repeats. A best
// cover of the few that happens to cover all is a best cover of all.
func (c *call) several() solution {
	p := &problem{byKey: make(map[string]int32)}
	s := solution{proved: true}
	missing := c.served
	for {
		provisional, complete := c.addRows(p, missing)
		s.proved = s.proved && complete
		if c.exhausted() {
			s.sets, s.proved = c.dropRedundant(append(s.sets, provisional...)), false
			return s
		}
		sets, complete := c.solveRows(p)
		s.sets, s.proved = sets, s.proved && complete
		if missing = c.unselected(s.sets); len(missing) == 0 {
			return s
		}
	}
}

// addRows adds missing classes to a problem, except for those that a set of a class it
// has just added selects. It takes the widest set of each; these cover all that is
// missing, and are returned. It moves classes that cannot be covered to alike.
func (c *call) addRows(p *problem, missing []int32) (provisional []candidate, complete bool) {
	complete = true
	alike := make(map[int32]bool)
	for _, class := range slices.Backward(missing) { // few labels leave few candidates
		if c.selected[class] {
			continue
		}
		labels := c.classes[class]
		if c.find(labels) >= 0 {
			alike[class] = true
			continue
		}
		sets, all := c.minimalSets(labels, false)
		complete = complete && all
		p.add(sets)
		widest := c.widest(sets)
		provisional = append(provisional, widest)
		for other := range c.supersets(widest.labels) {
			c.selected[other] = true
		}
	}
	c.clearSelected()
	c.served = slices.DeleteFunc(c.served, func(class int32) bool { return alike[class] })
	c.alike = append(c.alike, slices.Sorted(maps.Keys(alike))...)
	return provisional, complete
}

// widest returns the set that selects the most served classes not selected yet, the
// first of equal ones.
func (c *call) widest(sets []candidate) candidate {
	best, most := sets[0], 0
	if len(sets) == 1 {
		return best
	}
	for _, set := range sets {
		if c.exhausted() {
			break
		}
		if len(set.labels) > 0 && len(c.postings[c.rarest(set.labels)]) <= most {
			continue
		}
		n := 0
		for class := range c.supersets(set.labels) {
			if c.kinds[class] == served && !c.selected[class] {
				n++
			}
		}
		if n > most {
			best, most = set, n
		}
	}
	return best
}

// clearSelected clears the marks of all selected classes.
func (c *call) clearSelected() {
	for _, class := range c.touched {
		c.selected[class] = false
	}
}

// unselected returns the served classes that no set selects.
func (c *call) unselected(sets []candidate) []int32 {
	for _, set := range sets {
		for class := range c.supersets(set.labels) {
			c.selected[class] = true
		}
	}
	var missing []int32
	for _, class := range c.served {
		if !c.selected[class] {
			missing = append(missing, class)
		}
	}
	c.clearSelected()
	return missing
}

// dropRedundant drops sets whose served classes other sets select, those with the
// most labels first.
func (c *call) dropRedundant(sets []candidate) []candidate {
	slices.SortFunc(sets, func(a, b candidate) int { return b.compare(a) })
	by := make(map[int32]int) // how many sets select a class
	for _, set := range sets {
		for class := range c.supersets(set.labels) {
			if c.kinds[class] == served {
				by[class]++
			}
		}
	}
	return slices.DeleteFunc(sets, func(set candidate) bool {
		for class := range c.supersets(set.labels) {
			if c.kinds[class] == served && by[class] == 1 {
				return false
			}
		}
		for class := range c.supersets(set.labels) {
			by[class]--
		}
		return true
	})
}
