package cover_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/convert/cover"
	"tracemigrate/fixtures"
)

var meshes = flag.Int("meshes", 3000, "how many random meshes to try")

// trial is a small random mesh and what to cover in it.
type trial struct {
	proxies      []map[string]string
	served, free []int
}

// newTrial makes a mesh of at most so many proxies, keys and values. Every fourth one
// is crowded: few of its proxies are served, and the others have much in common with them.
func newTrial(r *rand.Rand, proxies, keys, values int) trial {
	var c trial
	missing, served, free := r.IntN(60), 10+r.IntN(60), r.IntN(40)
	n := 1 + r.IntN(proxies)
	values = 2 + r.IntN(values-1)
	if r.IntN(4) == 0 {
		missing, served, free, values, n = 5, 15, 15, 2, proxies
	}
	for i := range n {
		labels := make(map[string]string)
		for _, key := range []string{"c", "a", "d", "b", "e"}[:keys] {
			if r.IntN(100) >= missing {
				labels[key] = fmt.Sprint(r.IntN(values))
			}
		}
		c.proxies = append(c.proxies, labels)
		switch chosen := r.IntN(100); {
		case chosen < served:
			c.served = append(c.served, i)
		case chosen < served+free:
			c.free = append(c.free, i)
		}
	}
	return c
}

// selects returns, as bits, the proxies that a label set selects.
func (c trial) selects(set map[string]string) int {
	selected := 0
	for i, labels := range c.proxies {
		if isSubset(set, labels) {
			selected |= 1 << i
		}
	}
	return selected
}

func bitsOf(positions []int) int {
	mask := 0
	for _, p := range positions {
		mask |= 1 << p
	}
	return mask
}

// labelSets returns every label set that some proxy of the mesh has, by text.
func (c trial) labelSets() map[string]map[string]string {
	all := map[string]map[string]string{"": {}}
	for _, labels := range c.proxies {
		keys := slices.Sorted(maps.Keys(labels))
		for chosen := range 1 << len(keys) {
			set := make(map[string]string)
			for i, key := range keys {
				if chosen&(1<<i) != 0 {
					set[key] = labels[key]
				}
			}
			all[textOf(set)] = set
		}
	}
	return all
}

// alike returns the pairs of served and forbidden proxies that nothing separates.
func (c trial) alike() []cover.Pair {
	var pairs []cover.Pair
	for _, served := range c.served {
		first := c.selects(c.proxies[served]) &^ bitsOf(c.served) &^ bitsOf(c.free)
		for i := range c.proxies {
			if first&(1<<i) != 0 {
				pairs = append(pairs, cover.Pair{Served: served, Forbidden: i})
				break
			}
		}
	}
	return pairs
}

// toSelect returns the served proxies that can be selected, and all that may be.
func (c trial) toSelect() (must, may int) {
	must = bitsOf(c.served)
	for _, pair := range c.alike() {
		must &^= 1 << pair.Served
	}
	return must, bitsOf(c.served) | bitsOf(c.free)
}

// needless returns the free proxies that have not all labels of a proxy to select.
func (c trial) needless() int {
	must, _ := c.toSelect()
	needless := bitsOf(c.free)
	for i, labels := range c.proxies {
		if must&(1<<i) != 0 {
			needless &^= c.selects(labels)
		}
	}
	return needless
}

type size struct{ sets, labels int }

// smallest returns the smallest size of a cover. It finds that of a cover of every
// combination of proxies, by adding every label set to every smaller combination.
func (c trial) smallest(must, may int) size {
	const never = 1 << 20
	best := make([]size, 1<<len(c.proxies))
	for i := range best[1:] {
		best[1+i].sets = never
	}
	labelSets := c.labelSets()
	selects := make(map[string]int)
	for text, set := range labelSets {
		selects[text] = c.selects(set)
	}
	for before := range best {
		if best[before].sets == never {
			continue
		}
		for text, selected := range selects {
			if selected&^may != 0 {
				continue
			}
			after := (before | selected) & must
			n := size{best[before].sets + 1, best[before].labels + len(labelSets[text])}
			if n.sets < best[after].sets || n.sets == best[after].sets && n.labels < best[after].labels {
				best[after] = n
			}
		}
	}
	return best[must]
}

func sizeOf(sets []map[string]string) size {
	n := size{sets: len(sets)}
	for _, set := range sets {
		n.labels += len(set)
	}
	return n
}

// A cover of a random mesh is correct, and no other is smaller.
func TestSmallest(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	several, alike, saved, long := 0, 0, 0, 0
	for n := range tries {
		proxies, keys := 8, 4
		if n%10 == 0 {
			proxies, keys = 12, 5
		}
		c := newTrial(rand.New(rand.NewPCG(start, uint64(n))), proxies, keys, 3)
		where := fmt.Sprintf("seed %d, mesh %d: %v", start, n, c)
		r := newSearch(c.proxies, unlikeText).Cover(c.served, c.free)
		require.True(t, r.Proved, where)
		require.Equal(t, c.alike(), r.Alike, where)
		must, may := c.toSelect()
		selected := 0
		for _, set := range setsOf(r) {
			selected |= c.selects(set)
		}
		require.Equal(t, must, selected&must, "%s: %v", where, setsOf(r))
		require.Zero(t, selected&^may, "%s: %v", where, setsOf(r))
		best := c.smallest(must, may)
		require.Equal(t, best, sizeOf(setsOf(r)), "%s: %v", where, setsOf(r))
		if c.smallest(must, may&^c.needless()) == best {
			require.Zero(t, selected&c.needless(), "%s: %v", where, setsOf(r))
		} else {
			saved++
		}
		if len(setsOf(r)) > 1 {
			several++
		}
		if slices.ContainsFunc(setsOf(r), func(set map[string]string) bool { return len(set) > 2 }) {
			long++
		}
		if len(r.Alike) > 0 {
			alike++
		}
	}
	t.Logf("%d meshes, %d with several sets, %d with a set of more than two labels, %d with proxies alike, %d smaller due to free proxies",
		tries, several, long, alike, saved)
	if tries >= 1000 {
		require.Greater(t, min(several, alike, saved, long), tries/100, "the random meshes miss a case")
	}
}

// unlikeText ranks the keys of trials, not in the order of their texts.
func unlikeText(key string) int { return map[string]int{"a": 4, "b": 1, "c": 3, "d": 1, "e": 2}[key] }

// ranksOf returns the sum of the ranks of all labels.
func ranksOf(sets []map[string]string) int {
	sum := 0
	for _, set := range sets {
		for key := range set {
			sum += unlikeText(key)
		}
	}
	return sum
}

// first returns the first of all families of label sets that cover the mesh, in the
// order that Cover documents. It tries every family of as many sets as proxies.
func (c trial) first() []map[string]string {
	must, may := c.toSelect()
	needless := c.needless()
	var sets []map[string]string
	var selects []int
	labelSets := c.labelSets()
	for _, text := range slices.Sorted(maps.Keys(labelSets)) {
		if selected := c.selects(labelSets[text]); selected&^may == 0 {
			sets, selects = append(sets, labelSets[text]), append(selects, selected)
		}
	}
	var best []map[string]string
	var bestSelected int
	compare := func(family []map[string]string, selected int) int {
		a, b := sizeOf(family), sizeOf(best)
		return cmp.Or(cmp.Compare(a.sets, b.sets), cmp.Compare(a.labels, b.labels),
			cmp.Compare(min(selected&needless, 1), min(bestSelected&needless, 1)),
			cmp.Compare(ranksOf(family), ranksOf(best)), slices.Compare(textsOf(family), textsOf(best)))
	}
	found := false
	var try func(from int, family []map[string]string, selected int)
	try = func(from int, family []map[string]string, selected int) {
		if selected&must == must && (!found || compare(family, selected) < 0) {
			found, best, bestSelected = true, slices.Clone(family), selected
		}
		if len(family) < len(c.served) {
			for i := from; i < len(sets); i++ {
				try(i+1, append(family, sets[i]), selected|selects[i])
			}
		}
	}
	try(0, nil, 0)
	return best
}

// A cover of a very small random mesh is the first of all, in every respect.
func TestFirst(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	several := 0
	for n := range tries / 4 {
		c := newTrial(rand.New(rand.NewPCG(start, uint64(n)+1_000_000)), 7, 4, 2)
		if len(c.served) > 4 {
			c.served = c.served[:4]
		}
		r := newSearch(c.proxies, unlikeText).Cover(c.served, c.free)
		require.Equal(t, textsOf(c.first()), textsOf(setsOf(r)), "seed %d, mesh %d: %v", start, n, c)
		if len(setsOf(r)) > 1 {
			several++
		}
	}
	t.Logf("%d meshes, %d with several sets", tries/4, several)
}
