package envoydiff

import (
	"cmp"
	"slices"
)

// Group is proxies with equal differences from equal sources.
type Group struct {
	Verdict     Verdict
	Differences []*Difference
	Source      string
	Proxies     []*Proxy
}

// Groups puts proxies that are not the same into groups: those that are
// different first, then by the number of proxies.
func (c *Comparison) Groups() []*Group {
	type cause struct {
		first   *Difference // lists of differences are shared
		verdict Verdict
		source  string
	}
	byCause := make(map[cause]*Group)
	var groups []*Group
	for i := range c.Proxies {
		p := &c.Proxies[i]
		if p.Verdict == Same {
			continue
		}
		key := cause{p.Differences[0], p.Verdict, p.Source()}
		group := byCause[key]
		if group == nil {
			group = &Group{Verdict: p.Verdict, Differences: p.Differences, Source: key.source}
			byCause[key] = group
			groups = append(groups, group)
		}
		group.Proxies = append(group.Proxies, p)
	}
	rank := map[Verdict]int{Different: 0, Inherent: 1, Same: 2}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(rank[a.Verdict], rank[b.Verdict]), cmp.Compare(len(b.Proxies), len(a.Proxies)))
	})
	return groups
}
