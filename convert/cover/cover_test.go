package cover_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/cover"
)

// labelsOf reads "a=1 b=2".
func newSearch(proxies []map[string]string, prefer func(key string) int) *cover.Search {
	return cover.New(lists.Each(proxies, cluster.NewTags), prefer)
}

func setsOf(r cover.Result) []map[string]string { return lists.Each(r.Sets, cluster.Tags.Map) }

func labelsOf(text string) map[string]string {
	labels := make(map[string]string)
	for field := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(field, "=")
		labels[key] = value
	}
	return labels
}

// textOf writes a label set as labelsOf reads it.
func textOf(labels map[string]string) string {
	fields := make([]string, 0, len(labels))
	for key, value := range labels {
		fields = append(fields, key+"="+value)
	}
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

func textsOf(sets []map[string]string) []string {
	var texts []string
	for _, set := range sets {
		texts = append(texts, textOf(set))
	}
	return texts
}

// alphabetical prefers the keys that come first.
func alphabetical(key string) int { return int(key[0]) }

// cases are small meshes and their covers.
var cases = map[string]struct {
	proxies      []string
	served, free []int
	sets         []string
	alike        []cover.Pair
}{
	"one label": {
		proxies: []string{"app=web zone=east", "app=web zone=west", "app=redis zone=east"},
		served:  []int{0, 1},
		sets:    []string{"app=web"},
	},
	"a pair": {
		proxies: []string{"app=web zone=east", "app=web zone=west", "app=redis zone=east"},
		served:  []int{0},
		sets:    []string{"app=web zone=east"},
	},
	"two sets": {
		proxies: []string{"app=web zone=east", "app=redis zone=east", "app=mail zone=east"},
		served:  []int{0, 1},
		sets:    []string{"app=redis", "app=web"},
	},
	"three sets, the greedy choice is not among them": {
		// x=1 selects the most, and leaves three more sets to choose.
		proxies: []string{"a=1 x=1", "a=1 x=1 y=1", "b=1 x=1", "b=1 x=1 y=1", "c=1 z=1", "a=1 z=1", "b=1 z=1", "c=1 q=1", "z=1"},
		served:  []int{0, 1, 2, 3, 4, 5, 6, 7},
		sets:    []string{"a=1", "b=1", "c=1"},
	},
	"fewer labels rather than better ranks": {
		proxies: []string{"a=1 b=1 z=1", "a=1 b=2", "a=2 b=1"},
		served:  []int{0},
		sets:    []string{"z=1"},
	},
	"free proxies save a set": {
		proxies: []string{"app=web v=1", "app=redis v=1", "app=mail v=1", "app=mail v=2"},
		served:  []int{0, 1}, free: []int{2},
		sets: []string{"v=1"},
	},
	"free proxies save a label": {
		proxies: []string{"app=web v=1", "app=web v=2", "app=redis v=1"},
		served:  []int{0}, free: []int{1},
		sets: []string{"app=web"},
	},
	"free proxies save nothing": {
		proxies: []string{"app=web v=1", "app=redis v=1", "app=mail v=1", "v=2"},
		served:  []int{0}, free: []int{1, 2},
		sets: []string{"app=web"},
	},
	"free proxies save nothing, though their label ranks better": {
		proxies: []string{"a=1 z=1", "a=1 z=2", "a=2 z=2"},
		served:  []int{0}, free: []int{1},
		sets: []string{"z=1"},
	},
	"a free proxy with the labels of a served one does not count": {
		proxies: []string{"a=1 z=1", "a=1 z=1 y=1", "a=1 z=2", "a=2 z=2"},
		served:  []int{0}, free: []int{1, 2},
		sets: []string{"z=1"},
	},
	"the better rank": {
		proxies: []string{"team=core app=web", "team=edge app=redis"},
		served:  []int{0},
		sets:    []string{"app=web"},
	},
	"the better sum of ranks": {
		proxies: []string{"a=1 b=1 c=1 d=1", "a=1 b=2 c=2 d=1", "a=2 b=1 c=1 d=2", "a=1 b=2 c=1 d=2", "a=2 b=1 c=2 d=1"},
		served:  []int{0},
		sets:    []string{"a=1 b=1"},
	},
	"of equal ranks the first text": {
		proxies: []string{"a2=1 a1=1", "z=1"},
		served:  []int{0},
		sets:    []string{"a1=1"},
	},
	"alike": {
		proxies: []string{"app=web", "app=web zone=east", "app=web", "app=redis"},
		served:  []int{3, 2}, free: []int{0},
		sets:  []string{"app=redis"},
		alike: []cover.Pair{{Served: 2, Forbidden: 1}},
	},
	"alike, all of them": {
		proxies: []string{"app=web", "app=web", "app=web"},
		served:  []int{0, 2},
		alike:   []cover.Pair{{Served: 0, Forbidden: 1}, {Served: 2, Forbidden: 1}},
	},
	"alike and one set": {
		proxies: []string{"app=web", "app=web v=1", "app=redis z=1", "app=mail z=1"},
		served:  []int{0, 2, 3},
		sets:    []string{"z=1"},
		alike:   []cover.Pair{{Served: 0, Forbidden: 1}},
	},
	"the empty set": {
		proxies: []string{"app=web", "app=redis", ""},
		served:  []int{0, 2}, free: []int{1},
		sets: []string{""},
	},
	"a served proxy without labels": {
		proxies: []string{"app=web", "", "app=redis"},
		served:  []int{0, 1},
		sets:    []string{"app=web"},
		alike:   []cover.Pair{{Served: 1, Forbidden: 2}},
	},
	"a forbidden proxy without labels": {
		proxies: []string{"app=web", "", "app=redis"},
		served:  []int{0, 2},
		sets:    []string{"app=redis", "app=web"},
	},
	"served and free, and twice": {
		proxies: []string{"app=web", "app=redis"},
		served:  []int{0, 0}, free: []int{0, 0},
		sets: []string{"app=web"},
	},
	"nobody served": {proxies: []string{"app=web", "app=redis"}, free: []int{1}},
	"nobody":        {},
}

func TestCover(t *testing.T) {
	for what, tc := range cases {
		t.Run(what, func(t *testing.T) {
			var proxies []map[string]string
			for _, text := range tc.proxies {
				proxies = append(proxies, labelsOf(text))
			}
			s := newSearch(proxies, alphabetical)
			for range 2 { // a call leaves no marks
				r := s.Cover(tc.served, tc.free)
				assert.True(t, r.Proved)
				assert.Equal(t, tc.sets, textsOf(setsOf(r)))
				assert.Equal(t, tc.alike, r.Alike)
			}
		})
	}
}

// TestNoRanks covers without a function that ranks keys.
func TestNoRanks(t *testing.T) {
	s := newSearch([]map[string]string{labelsOf("a=1 b=1"), labelsOf("a=2 b=2")}, nil)
	assert.Equal(t, []string{"a=1"}, textsOf(setsOf(s.Cover([]int{0}, nil))))
}

// TestConcurrent covers in several goroutines at once; the race detector is its judge.
func TestConcurrent(t *testing.T) {
	proxies, calls := mesh(300, 100)
	s := newSearch(proxies, alphabetical)
	want := make([]cover.Result, len(calls))
	for i, c := range calls {
		want[i] = newSearch(proxies, alphabetical).Cover(c.served, c.free)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i, c := range calls {
				assert.Equal(t, want[i], s.Cover(c.served, c.free))
			}
		})
	}
	group.Wait()
}

// request is the arguments of one cover.
type request struct{ served, free []int }

// mesh returns n proxies of apps with several versions, zones and namespaces, and as
// many requests as a conversion has selectors.
func mesh(n, selectors int) ([]map[string]string, []request) {
	apps := max(n/20, 1)
	proxies := make([]map[string]string, n)
	by := make(map[string][]int)
	for i := range proxies {
		app := i % apps
		proxies[i] = map[string]string{
			"app": fmt.Sprintf("app-%d", app), "version": fmt.Sprintf("v%d", i/apps%4), "namespace": fmt.Sprintf("ns-%d", app/10),
			"zone": []string{"east", "west", "north"}[i/apps%3], "team": fmt.Sprintf("team-%d", app/40),
		}
		for key, value := range proxies[i] {
			by[key+"="+value] = append(by[key+"="+value], i)
		}
	}
	of := func(key string, value int) []int { return by[fmt.Sprintf("%s=%s-%d", key, key, value)] }
	requests := make([]request, selectors)
	for i := range requests {
		r := &requests[i]
		app := i * 7 % apps
		switch i % 10 {
		case 0, 1, 2, 3, 4: // one label
			r.served = of("app", app)
		case 5: // one label of many proxies
			r.served = of("team", app/40)
		case 6, 7: // a pair
			for _, p := range of("app", app) {
				if proxies[p]["zone"] == "east" {
					r.served = append(r.served, p)
				}
			}
		case 8: // several sets
			for j := range 5 {
				r.served = append(r.served, of("app", (app+j*11)%apps)...)
			}
		case 9: // pairs of several apps, some proxies of which are decided elsewhere
			for j := range 4 {
				for _, p := range of("app", (app+j)%apps) {
					switch proxies[p]["version"] {
					case "v1":
						r.served = append(r.served, p)
					case "v2":
						r.free = append(r.free, p)
					}
				}
			}
		}
	}
	return proxies, requests
}

// BenchmarkCover shows that the cost grows about as the numbers of proxies and selectors do.
func BenchmarkCover(b *testing.B) {
	for _, times := range []int{1, 2, 4} {
		n, selectors := 10_000*times, 1_000*times
		b.Run(fmt.Sprintf("proxies=%d/selectors=%d", n, selectors), func(b *testing.B) {
			proxies, requests := mesh(n, selectors)
			b.ReportAllocs()
			for b.Loop() {
				s := newSearch(proxies, alphabetical)
				for i, r := range requests {
					if !s.Cover(r.served, r.free).Proved {
						b.Fatalf("selector %d: not proved", i)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(selectors), "us/selector")
		})
	}
}

// TestMesh checks that the requests of the benchmark need what they are said to need.
func TestMesh(t *testing.T) {
	proxies, requests := mesh(1000, 100)
	s := newSearch(proxies, alphabetical)
	for i, want := range map[int][]int{0: {1}, 5: {1}, 6: {2}, 8: {1, 1, 1, 1, 1}, 9: {2, 2, 2, 2}} {
		r := s.Cover(requests[i].served, requests[i].free)
		require.True(t, r.Proved)
		var sizes []int
		for _, set := range setsOf(r) {
			sizes = append(sizes, len(set))
		}
		assert.Equal(t, want, sizes, "%d: %v", i, setsOf(r))
	}
}
