package envoydiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Group is proxies with equal differences.
type Group struct {
	Verdict     Verdict
	Differences []*Difference // of several proxies: without listeners' names
	Proxies     []*Proxy
	Sources     []string // without repetitions, in the order of the proxies
}

// Groups returns groups of the proxies that are inherent, unknown or different, sorted
// by verdict, worst first, then by the number of proxies.
func (c *Comparison) Groups() []*Group {
	type cause struct {
		differences string
		verdict     Verdict
	}
	seen := make(map[*Group]map[string]bool)  // sources of each
	byList := make(map[**Difference]string)   // proxies share most lists
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
			list := withoutListeners(p.Differences)
			content = contentOf(list)
			byList[&p.Differences[0]], general[content] = content, list
		}
		key := cause{content, p.Verdict}
		group := byCause[key]
		if group != nil {
			group.Differences = general[content]
		} else {
			group = &Group{Verdict: p.Verdict, Differences: p.Differences}
			seen[group] = make(map[string]bool)
			byCause[key] = group
			groups = append(groups, group)
		}
		group.Proxies = append(group.Proxies, p)
		if source := p.Source(); source != "" && !seen[group][source] {
			seen[group][source] = true
			group.Sources = append(group.Sources, source)
		}
	}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		return cmp.Or(b.Verdict.Compare(a.Verdict), cmp.Compare(len(b.Proxies), len(a.Proxies)))
	})
	return groups
}

// withoutListeners returns differences without the names of listeners, which contain
// addresses of the proxy.
func withoutListeners(differences []*Difference) []*Difference {
	list := make([]*Difference, 0, len(differences))
	for _, d := range differences {
		general := *d
		general.Listener = ""
		list = append(list, &general)
	}
	return sorted(list)
}

// contentOf returns equal text for lists of equal differences.
func contentOf(differences []*Difference) string {
	var content strings.Builder
	for _, d := range differences {
		fmt.Fprintf(&content, "%s\x00%s\x00%s\x00%s\x00", d.Code, d.Path(), d.Before, d.After)
	}
	return content.String()
}
