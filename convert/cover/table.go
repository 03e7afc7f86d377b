package cover

import "slices"

// table is a set cover whose rows depend on each other, and a search for its best columns
// by branch and bound.
type table struct {
	*call
	columns   []column  // the preferable first
	rows      [][]int32 // the columns of each row, the preferable first
	byColumns []int     // rows, those with the fewest columns first
	banned    []bool    // columns whose covers have all been tried
	used      []int     // by column, the last bound in which a row had it
	bounds    int
	chosen    []int32
	best      []int32
	bestCost  cost
	ties      bool // also look for covers of the best size with better ranks and texts
	until     int  // work after which the search stops
	stopped   bool
}

// tieWork is the work for a better one among the covers of the best size.
const tieWork = 1 << 16

// search finds the best columns, and reports whether no fewer or shorter ones exist.
func (t *table) search() bool {
	t.banned, t.used = make([]bool, len(t.columns)), make([]int, len(t.columns))
	all := newBitSet(len(t.rows))
	for row := range t.rows {
		all.add(row)
	}
	t.greedy(all)
	t.until = t.budget
	t.visit(all, cost{})
	proved := !t.stopped
	if proved {
		t.ties, t.until = true, min(t.budget, t.spent+tieWork)
		t.visit(all, cost{})
	}
	return proved
}

// greedy takes the column that covers the most rows, until all are covered.
func (t *table) greedy(open bitSet) {
	for !open.isEmpty() {
		best, most := int32(0), 0
		for i, column := range t.columns {
			if n := column.covers.common(open); n > most {
				best, most = int32(i), n
			}
		}
		t.spent += 1 + len(t.columns)*len(open)/8
		open = open.without(t.columns[best].covers)
		t.best = append(t.best, best)
		t.bestCost = t.bestCost.plus(t.columns[best].cost)
	}
}

// visit tries all covers of the open rows beside the chosen columns, as far as these
// can be better than the best cover so far.
func (t *table) visit(open bitSet, sum cost) {
	if t.stopped = t.stopped || t.spent > t.until; t.stopped {
		return
	}
	if open.isEmpty() {
		t.offer(sum)
		return
	}
	row, bound := t.bound(open)
	if row < 0 || !t.canImprove(sum.plus(bound)) {
		return
	}
	var tried []int32
	for _, i := range t.rows[row] {
		if t.banned[i] {
			continue
		}
		t.chosen = append(t.chosen, i)
		t.visit(open.without(t.columns[i].covers), sum.plus(t.columns[i].cost))
		t.chosen = t.chosen[:len(t.chosen)-1]
		t.banned[i] = true
		tried = append(tried, i)
	}
	for _, i := range tried {
		t.banned[i] = false
	}
}

// bound returns the open row with the fewest columns, and a cost that every cover of the
// open rows has: that of the best columns of rows that share none. It returns -1
// if a row cannot be covered.
func (t *table) bound(open bitSet) (fewest int, sum cost) {
	t.bounds++
	fewest, least := -1, 0
	for _, row := range t.byColumns {
		if !open.has(row) {
			continue
		}
		columns, first, shared := 0, int32(-1), false
		for _, i := range t.rows[row] {
			if t.banned[i] {
				continue
			}
			if columns++; first < 0 {
				first = i
			}
			shared = shared || t.used[i] == t.bounds
		}
		t.spent += 1 + len(t.rows[row])/4
		if columns == 0 {
			return -1, cost{}
		}
		if fewest < 0 || columns < least {
			fewest, least = row, columns
		}
		if shared {
			continue
		}
		sum = sum.plus(t.columns[first].cost)
		for _, i := range t.rows[row] {
			t.used[i] = t.bounds
		}
	}
	return fewest, sum
}

// canImprove reports whether a cover that costs at least bound can be better than the best.
func (t *table) canImprove(bound cost) bool {
	if t.ties {
		return bound.compare(t.bestCost) <= 0
	}
	return bound.compareSize(t.bestCost) < 0
}

// offer takes the chosen columns if they are better than the best ones.
func (t *table) offer(sum cost) {
	order := sum.compare(t.bestCost)
	if order == 0 && t.ties {
		order = slices.CompareFunc(t.inTextOrder(t.chosen), t.inTextOrder(t.best), func(a, b column) int {
			return slices.Compare(a.labels, b.labels)
		})
	}
	if order < 0 {
		t.best, t.bestCost = slices.Clone(t.chosen), sum
	}
}

func (t *table) inTextOrder(chosen []int32) []column {
	columns := make([]column, len(chosen))
	for i, c := range chosen {
		columns[i] = t.columns[c]
	}
	slices.SortFunc(columns, func(a, b column) int { return slices.Compare(a.labels, b.labels) })
	return columns
}
