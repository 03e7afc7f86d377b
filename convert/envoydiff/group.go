package envoydiff

import (
	"cmp"
	"slices"
)

// Group is proxies with equal differences. Their sources may be several.
type Group struct {
	Verdict     Verdict
	Differences []*Difference
	Proxies     []*Proxy
	Sources     []string // all different, in the order of the proxies
}

// Groups puts proxies that are inherent, unknown or different into groups: those that are
// different first, then by the number of proxies.
func (c *Comparison) Groups() []*Group {
	type cause struct {
		first   *Difference // lists of differences are mostly shared
		verdict Verdict
	}
	bySaying := make(map[string]*Group)
	known := make(map[*Group]map[string]bool) // sources of each
	byCause := make(map[cause]*Group)
	var groups []*Group
	for i := range c.Proxies {
		p := &c.Proxies[i]
		if p.Verdict == Same || p.Verdict == Accepted {
			continue
		}
		key := cause{p.Differences[0], p.Verdict}
		group := byCause[key]
		if group == nil {
			said := string(p.Verdict) + keyOf(p.Differences)
			if group = bySaying[said]; group == nil {
				group = &Group{Verdict: p.Verdict, Differences: p.Differences}
				known[group] = make(map[string]bool)
				bySaying[said] = group
				groups = append(groups, group)
			}
			byCause[key] = group
		}
		group.Proxies = append(group.Proxies, p)
		if source := p.Source(); source != "" && !known[group][source] {
			known[group][source] = true
			group.Sources = append(group.Sources, source)
		}
	}
	rank := map[Verdict]int{Different: 0, Unknown: 1, Inherent: 2}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(rank[a.Verdict], rank[b.Verdict]), cmp.Compare(len(b.Proxies), len(a.Proxies)))
	})
	return groups
}
