package html

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// tables is the data of the page's script: the proxies and selectors by column. Each
// text is stored once, in Words; the columns contain indexes.
type tables struct {
	Words []string `json:"words"`
	Name  []string `json:"name"`
	// Columns of indexes in Words.
	Mesh    []int `json:"mesh"`
	Kind    []int `json:"kind"`
	Zone    []int `json:"zone"`
	Version []int `json:"version"`
	Verdict []int `json:"verdict"`
	Before  []int `json:"before"`
	After   []int `json:"after"`
	Target  []int `json:"target"` // collectors
	Moved   []int `json:"moved"`  // collectors after the migration
	Cause   []int `json:"cause"`
	MadeUp  []int `json:"madeUp"` // the proxies that are
	// Differences is a column of indexes in Sets. A row of a set is code, path,
	// before and after, each an index in Words.
	Differences []int      `json:"differences"`
	Sets        [][][4]int `json:"sets"`
	// Envoy contains the diffs of each proxy whose verdict is not same, by index.
	Envoy  map[int]*proxyDiffs `json:"envoy"`
	Bodies []string            `json:"bodies"` // unified diffs

	Traces selectorTable `json:"traces"`

	words map[string]int
}

// tablesJSON returns the tables of a report as JSON: the proxies, the worst first, and
// the selectors of TrafficTraces.
func tablesJSON(r *report.Report) (string, error) {
	d := &tables{
		Words: []string{}, Name: []string{}, MadeUp: []int{}, Sets: [][][4]int{{}}, Envoy: make(map[int]*proxyDiffs), Bodies: []string{},
		words: make(map[string]int),
	}
	for _, column := range []*[]int{
		&d.Mesh, &d.Kind, &d.Zone, &d.Version, &d.Verdict, &d.Before, &d.After, &d.Target, &d.Moved, &d.Cause, &d.Differences,
	} {
		*column = make([]int, 0, len(r.Proxies))
	}
	proxies := sortedProxies(r.Proxies)
	sets := make(map[*envoydiff.Difference]set) // lists of differences are shared
	for i, p := range proxies {
		d.Name = append(d.Name, cleanText(p.Name))
		d.Mesh, d.Kind, d.Zone = append(d.Mesh, d.word(p.Mesh)), append(d.Kind, d.word(p.Kind)), append(d.Zone, d.word(p.Zone))
		d.Version, d.Verdict = append(d.Version, d.word(p.Version)), append(d.Verdict, d.word(string(p.shown)))
		d.Before, d.After = append(d.Before, d.word(p.Before)), append(d.After, d.word(p.After))
		d.Target, d.Moved = append(d.Target, d.word(p.Target)), append(d.Moved, d.word(p.TargetAfter))
		if p.MadeUp {
			d.MadeUp = append(d.MadeUp, i)
		}
		s := d.set(p.Proxy, sets)
		d.Differences, d.Cause = append(d.Differences, s.number), append(d.Cause, s.cause)
	}
	d.addTraces(r)
	if err := d.addDiffs(proxies); err != nil {
		return "", err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("writing the proxies: %w", err)
	}
	return string(text), nil
}

// shownProxy is a proxy and the verdict that the page shows.
type shownProxy struct {
	*report.Proxy
	shown envoydiff.Verdict
}

// sortedProxies returns the proxies, the worst first.
func sortedProxies(proxies []report.Proxy) []shownProxy {
	sorted := make([]shownProxy, 0, len(proxies))
	for i := range proxies {
		p := &proxies[i]
		sorted = append(sorted, shownProxy{p, shownVerdict(p.Verdict, codesOf(p.Differences))})
	}
	slices.SortStableFunc(sorted, func(a, b shownProxy) int { return compareVerdicts(b.shown, a.shown) })
	return sorted
}

// set is a list of differences: its index in Sets, and its cause in Words.
type set struct{ number, cause int }

// set returns the differences of a proxy, which are in known if another proxy has them.
func (d *tables) set(p *report.Proxy, known map[*envoydiff.Difference]set) set {
	if len(p.Differences) == 0 {
		return set{0, d.word("")}
	}
	if s, ok := known[p.Differences[0]]; ok {
		return s
	}
	rows := make([][4]int, 0, len(p.Differences))
	for _, difference := range p.Differences {
		rows = append(rows, [4]int{
			d.word(string(difference.Code)), d.word(difference.Path()), d.word(difference.Before), d.word(difference.After),
		})
	}
	s := set{len(d.Sets), d.word(causeKey(codesOf(p.Differences)))}
	known[p.Differences[0]] = s
	d.Sets = append(d.Sets, rows)
	return s
}

// causeKey returns the same text for proxies that differ in the same codes.
func causeKey(codes []envoydiff.Code) string {
	words := lists.Words(codes)
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ", ")
}

func (d *tables) word(s string) int {
	n, ok := d.words[s]
	if !ok {
		n = len(d.Words)
		d.words[s] = n
		d.Words = append(d.Words, cleanText(s))
	}
	return n
}
