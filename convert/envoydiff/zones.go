package envoydiff

import (
	"slices"

	"tracemigrate/cluster"
)

// CompareZones compares every Dataplane of s for the version of its zone, the
// control plane's being that of o: in one comparison for every version that
// a proxy is in a zone of. A proxy whose zone is not known is where its verdict
// is worst.
func CompareZones(s *cluster.Snapshot, before, after State, o Options) []*Comparison {
	own, further, judge := o.Version, o.Doubt, s.Judge(o.Version)
	o.Doubt = func(dp *cluster.Dataplane) cluster.Doubt {
		_, reason := judge(dp)
		doubt := cluster.Doubt{Reason: reason}
		if further != nil {
			doubt = doubt.Or(further(dp))
		}
		return doubt
	}
	of := make(map[cluster.Version][]*cluster.Dataplane)
	anywhere := false
	for _, dp := range s.Dataplanes {
		decisive, _ := judge(dp)
		for _, version := range decisive {
			of[version] = append(of[version], dp)
		}
		anywhere = anywhere || len(decisive) > 1
	}
	if len(s.Dataplanes) == 0 {
		of[own] = nil // an outcome of nothing is an outcome
	}
	var comparisons []*Comparison
	for _, version := range s.Versions(own) {
		if dataplanes, ok := of[version]; ok {
			o.Version = version
			comparisons = append(comparisons, compareOnly(dataplanes, s, before, after, o))
		}
	}
	if anywhere {
		comparisons = onlyWorst(comparisons)
	}
	return comparisons
}

// onlyWorst leaves each proxy in the first of the comparisons in which its verdict
// is worst, and drops a comparison that has none left.
func onlyWorst(comparisons []*Comparison) []*Comparison {
	type place struct{ comparison, rank int }
	worst := make(map[*cluster.Dataplane]place)
	for i, c := range comparisons {
		for j := range c.Proxies {
			p := &c.Proxies[j]
			if at, ok := worst[p.Dataplane]; !ok || p.Verdict.Rank() < at.rank {
				worst[p.Dataplane] = place{i, p.Verdict.Rank()}
			}
		}
	}
	var kept []*Comparison
	for i, c := range comparisons {
		c.Proxies = slices.DeleteFunc(c.Proxies, func(p Proxy) bool { return worst[p.Dataplane].comparison != i })
		if len(c.Proxies) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
