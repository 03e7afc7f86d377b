package cover_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"tracemigrate/convert/cover"
	"tracemigrate/fixtures"
)

// manyLabels returns proxies with n labels of two values each.
func manyLabels(r *rand.Rand, proxies, n int) []map[string]string {
	all := make([]map[string]string, proxies)
	for i := range all {
		all[i] = make(map[string]string, n)
		for key := range n {
			all[i][fmt.Sprintf("k%03d", key)] = fmt.Sprint(r.IntN(2))
		}
	}
	return all
}

// lackingOne returns a proxy with n labels, and n that have all of these but one.
func lackingOne(n int) []map[string]string {
	first := make(map[string]string, n)
	for key := range n {
		first[fmt.Sprintf("k%03d", key)] = ""
	}
	all := []map[string]string{first}
	for key := range n {
		other := maps.Clone(first)
		delete(other, fmt.Sprintf("k%03d", key))
		all = append(all, other)
	}
	return all
}

// combinations returns proxies with every combination of n labels of two values.
func combinations(n int) []map[string]string {
	all := make([]map[string]string, 1<<n)
	for i := range all {
		all[i] = make(map[string]string, n)
		for key := range n {
			all[i][fmt.Sprintf("k%03d", key)] = fmt.Sprint(i >> key & 1)
		}
	}
	return all
}

// apart returns proxies without a common label.
func apart(n int) []map[string]string {
	all := make([]map[string]string, n)
	for i := range all {
		all[i] = map[string]string{"app": fmt.Sprint(i)}
	}
	return all
}

// Meshes that need endless work to be covered as well as possible are covered
// nevertheless, in bounded time.
func TestHostile(t *testing.T) {
	withoutRace.Skip(t)
	seed := fixtures.Seed(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for what, tc := range map[string]struct {
		proxies []map[string]string
		share   int // percent of proxies that are served; 0: the first one
		proved  bool
	}{
		"a thousand labels":                {manyLabels(r, 200, 1000), 50, false},
		"a thousand labels, one is served": {manyLabels(r, 200, 1000), 0, false},
		"each lacks one of many labels":    {lackingOne(500), 0, false},
		"each lacks one of forty labels":   {lackingOne(40), 0, true},
		"every combination":                {combinations(12), 50, false},
		"forty labels":                     {manyLabels(r, 2000, 40), 10, false},
		"fifteen labels":                   {manyLabels(r, 2000, 15), 20, false},
		"fifteen labels, one is served":    {manyLabels(r, 10_000, 15), 0, true},
		"nothing in common":                {apart(50_000), 50, true},
	} {
		t.Run(what, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(len(what))))
			served := []int{0}
			if tc.share > 0 {
				served = nil
				for i := range tc.proxies {
					if r.IntN(100) < tc.share {
						served = append(served, i)
					}
				}
			}
			s := newSearch(tc.proxies, nil)
			start := fixtures.CPUTime(t)
			result := s.Cover(served, nil)
			took := fixtures.CPUTime(t) - start
			t.Logf("%d served, %d sets, %d labels, proved %t, %v", len(served), len(setsOf(result)), sizeOf(setsOf(result)).labels, result.Proved, took)
			assert.Equal(t, tc.proved, result.Proved)
			assert.Less(t, took, 10*time.Second)
			assert.Equal(t, result, newSearch(tc.proxies, nil).Cover(served, nil), "another result")
			checkSelected(t, tc.proxies, served, result)
		})
	}
}

// checkSelected checks that the sets of a result select every served proxy but those
// alike to others, and no other proxy.
func checkSelected(t *testing.T, proxies []map[string]string, served []int, result cover.Result) {
	t.Helper()
	by := make(map[string][]int)
	for i, labels := range proxies {
		for key, value := range labels {
			by[key+"="+value] = append(by[key+"="+value], i)
		}
	}
	selected := make([]bool, len(proxies))
	for _, set := range setsOf(result) {
		var fewest []int
		for key, value := range set {
			if found := by[key+"="+value]; fewest == nil || len(found) < len(fewest) {
				fewest = found
			}
		}
		for _, i := range fewest {
			selected[i] = selected[i] || isSubset(set, proxies[i])
		}
	}
	want := make([]bool, len(proxies))
	for _, i := range served {
		want[i] = true
	}
	for _, pair := range result.Alike {
		assert.True(t, isSubset(proxies[pair.Served], proxies[pair.Forbidden]))
		want[pair.Served] = false
	}
	assert.Equal(t, want, selected)
}

func isSubset(set, labels map[string]string) bool {
	for key, value := range set {
		if actual, ok := labels[key]; !ok || actual != value {
			return false
		}
	}
	return true
}
