package envoydiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Group is proxies with equal differences. Their sources may be several.
type Group struct {
	Verdict     Verdict
	Differences []*Difference // of several proxies: with directions in place of listeners' names
	Proxies     []*Proxy
	Sources     []string // all different, in the order of the proxies
}

// Groups puts proxies that are inherent, unknown or different into groups: those that are
// different first, then by the number of proxies.
func (c *Comparison) Groups() []*Group {
	type cause struct {
		differences string
		verdict     Verdict
	}
	known := make(map[*Group]map[string]bool) // sources of each
	byList := make(map[**Difference]string)   // lists of differences are mostly shared
	general := make(map[string][]*Difference) // the lists, by content
	byCause := make(map[cause]*Group)
	var groups []*Group
	for i := range c.Proxies {
		p := &c.Proxies[i]
		if p.Verdict == Same || p.Verdict == Accepted {
			continue
		}
		content, ok := byList[&p.Differences[0]]
		if !ok {
			list := generalised(p.Differences)
			content = contentOf(list)
			byList[&p.Differences[0]], general[content] = content, list
		}
		key := cause{content, p.Verdict}
		group := byCause[key]
		if group != nil {
			group.Differences = general[content]
		} else {
			group = &Group{Verdict: p.Verdict, Differences: p.Differences}
			known[group] = make(map[string]bool)
			byCause[key] = group
			groups = append(groups, group)
		}
		group.Proxies = append(group.Proxies, p)
		if source := p.Source(); source != "" && !known[group][source] {
			known[group][source] = true
			group.Sources = append(group.Sources, source)
		}
	}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Verdict.Rank(), b.Verdict.Rank()), cmp.Compare(len(b.Proxies), len(a.Proxies)))
	})
	return groups
}

// generalised is a proxy's differences without the names of its listeners, in
// which other proxies have their own addresses.
func generalised(differences []*Difference) []*Difference {
	list := make([]*Difference, 0, len(differences))
	for _, d := range differences {
		all := *d
		all.Listener = ""
		list = append(list, &all)
	}
	return sorted(list)
}

// contentOf is equal for lists of equal differences.
func contentOf(differences []*Difference) string {
	var content strings.Builder
	for _, d := range differences {
		fmt.Fprintf(&content, "%s\x00%s\x00%s\x00%s\x00", d.Code, d.Path(), d.Before, d.After)
	}
	return content.String()
}
