package cover

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// problem is an exact set cover: each row, a class, needs one of its candidates.
type problem struct {
	rows       [][]int32 // the candidates of each row
	candidates []candidate
	byKey      map[string]int32
}

// add adds a row with its candidates.
func (p *problem) add(sets []candidate) {
	row := make([]int32, 0, len(sets))
	for _, set := range sets {
		key := keyOf(set.labels)
		id, ok := p.byKey[key]
		if !ok {
			id = int32(len(p.candidates))
			p.byKey[key] = id
			p.candidates = append(p.candidates, set)
		}
		row = append(row, id)
	}
	p.rows = append(p.rows, row)
}

// compare orders candidates, the preferable first.
func (p *problem) compare(a, b int32) int { return p.candidates[a].compare(p.candidates[b]) }

// solveRows returns the best candidates that cover all rows, and reports whether no
// fewer or shorter ones do. Rows that share no candidate, even by way of others, are
// solved apart.
func (c *call) solveRows(p *problem) (chosen []candidate, proved bool) {
	proved = true
	for _, rows := range p.components() {
		if len(rows) == 1 {
			best := slices.MinFunc(p.rows[rows[0]], p.compare)
			chosen = append(chosen, p.candidates[best])
			continue
		}
		t := c.newTable(p, rows)
		proved = t.search() && proved
		for _, column := range t.best {
			chosen = append(chosen, t.columns[column].candidate)
		}
	}
	return chosen, proved
}

// components returns groups of rows, so that those of different groups share no candidate.
func (p *problem) components() [][]int {
	parent := make([]int, len(p.rows))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	owner := make([]int, len(p.candidates)) // a row with the candidate, from 1
	for i, row := range p.rows {
		for _, id := range row {
			if owner[id] == 0 {
				owner[id] = i + 1
			} else {
				a, b := root(owner[id]-1), root(i)
				parent[max(a, b)] = min(a, b)
			}
		}
	}
	var groups [][]int
	group := make(map[int]int)
	for i := range p.rows {
		r := root(i)
		if r == i {
			group[r] = len(groups)
			groups = append(groups, nil)
		}
		groups[group[r]] = append(groups[group[r]], i)
	}
	return groups
}

// column is a candidate and the rows it covers.
type column struct {
	candidate
	covers bitSet
}

// newTable returns a problem of some rows of p, without dominated candidates: those
// to which another one is preferable that covers the same rows or more.
func (c *call) newTable(p *problem, rows []int) *table {
	byID := make(map[int32]bitSet)
	ids := []int32{}
	for local, row := range rows {
		for _, id := range p.rows[row] {
			if byID[id] == nil {
				byID[id] = newBitSet(len(rows))
				ids = append(ids, id)
			}
			byID[id].add(local)
		}
	}
	c.spent += len(ids) * (4 + len(rows)/64)
	slices.SortFunc(ids, p.compare)
	t := &table{call: c, rows: make([][]int32, len(rows))}
	same := make(map[string]bool)
	for _, id := range ids {
		covers := byID[id]
		key := make([]byte, 0, 64)
		for _, word := range covers {
			key = binary.NativeEndian.AppendUint64(key, word)
		}
		if same[string(key)] {
			continue
		}
		same[string(key)] = true
		if t.isDominated(covers) {
			continue
		}
		for row := range rows {
			if covers.has(row) {
				t.rows[row] = append(t.rows[row], int32(len(t.columns)))
			}
		}
		t.columns = append(t.columns, column{p.candidates[id], covers})
	}
	t.order()
	return t
}

// isDominated reports whether a column of the table, which is preferable to any later
// one, covers the same rows or more.
func (t *table) isDominated(covers bitSet) bool {
	fewest := -1
	for row := range t.rows {
		if covers.has(row) && (fewest < 0 || len(t.rows[row]) < len(t.rows[fewest])) {
			fewest = row
		}
	}
	for _, other := range t.rows[fewest] {
		t.spent++
		if t.exhausted() {
			return false
		}
		if covers.isSubset(t.columns[other].covers) {
			return true
		}
	}
	return false
}

// order sorts the rows to be searched, those with the fewest columns first.
func (t *table) order() {
	t.byColumns = make([]int, len(t.rows))
	for row := range t.rows {
		t.byColumns[row] = row
	}
	slices.SortStableFunc(t.byColumns, func(a, b int) int { return cmp.Compare(len(t.rows[a]), len(t.rows[b])) })
}
