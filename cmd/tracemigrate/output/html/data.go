package html

import (
	"encoding/json"
	"fmt"
	"slices"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// proxyTable is the data of the page's script: the proxies by column. Each text is
// stored once, in Words; the columns contain indexes.
type proxyTable struct {
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
	Target  []int `json:"target"`
	MadeUp  []int `json:"madeUp"` // the proxies that are
	// Differences is a column of indexes in Sets. A row of a set is code, path,
	// before and after, each an index in Words.
	Differences []int      `json:"differences"`
	Sets        [][][4]int `json:"sets"`
	// Envoy contains the diffs of each proxy whose verdict is not same, by index.
	Envoy  map[int]*proxyDiffs `json:"envoy"`
	Bodies []string            `json:"bodies"` // unified diffs

	words map[string]int
}

// proxiesJSON returns the proxies of a report as JSON, the worst first.
func proxiesJSON(r *report.Report) (string, error) {
	d := &proxyTable{
		Words: []string{}, Name: []string{}, MadeUp: []int{}, Sets: [][][4]int{}, Envoy: make(map[int]*proxyDiffs), Bodies: []string{},
		words: make(map[string]int),
	}
	for _, column := range []*[]int{&d.Mesh, &d.Kind, &d.Zone, &d.Version, &d.Verdict, &d.Before, &d.After, &d.Target, &d.Differences} {
		*column = make([]int, 0, len(r.Proxies))
	}
	proxies := make([]*report.Proxy, 0, len(r.Proxies))
	for i := range r.Proxies {
		proxies = append(proxies, &r.Proxies[i])
	}
	slices.SortStableFunc(proxies, func(a, b *report.Proxy) int { return b.Verdict.Compare(a.Verdict) })
	sets := make(map[*envoydiff.Difference]int) // lists of differences are shared
	d.Sets = append(d.Sets, [][4]int{})
	for i, p := range proxies {
		d.Name = append(d.Name, cleanText(p.Name))
		d.Mesh, d.Kind, d.Zone = append(d.Mesh, d.word(p.Mesh)), append(d.Kind, d.word(p.Kind)), append(d.Zone, d.word(p.Zone))
		d.Version, d.Verdict = append(d.Version, d.word(p.Version)), append(d.Verdict, d.word(string(p.Verdict)))
		d.Before, d.After = append(d.Before, d.word(p.Before)), append(d.After, d.word(p.After))
		d.Target = append(d.Target, d.word(p.Target))
		if p.MadeUp {
			d.MadeUp = append(d.MadeUp, i)
		}
		set := 0
		if len(p.Differences) > 0 {
			known, ok := sets[p.Differences[0]]
			if !ok {
				known = len(d.Sets)
				sets[p.Differences[0]] = known
				rows := make([][4]int, 0, len(p.Differences))
				for _, difference := range p.Differences {
					rows = append(rows, [4]int{
						d.word(string(difference.Code)), d.word(difference.Path()), d.word(difference.Before), d.word(difference.After),
					})
				}
				d.Sets = append(d.Sets, rows)
			}
			set = known
		}
		d.Differences = append(d.Differences, set)
	}
	if err := d.addDiffs(proxies); err != nil {
		return "", err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("writing the proxies: %w", err)
	}
	return string(text), nil
}

func (d *proxyTable) word(s string) int {
	n, ok := d.words[s]
	if !ok {
		n = len(d.Words)
		d.words[s] = n
		d.Words = append(d.Words, cleanText(s))
	}
	return n
}
