package envoydiff

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// CompareZones compares every Dataplane of s for the version of its zone; o has the
// control plane's own version. It returns one comparison for each version. A proxy
// whose zone is unknown is in the comparison with its worst verdict.
func CompareZones(s *cluster.Snapshot, before, after State, o Options) []*Comparison {
	own, other, judge := o.Version, o.Doubt, s.Judge(o.Version)
	byVersion := make(map[cluster.Version][]*cluster.Dataplane)
	doubts := make(map[*cluster.Dataplane]string) // few, or none
	ambiguous := false
	for _, dp := range s.Dataplanes {
		decisive, doubt := judge(dp)
		if doubt != "" {
			doubts[dp] = doubt
		}
		for _, version := range decisive {
			byVersion[version] = append(byVersion[version], dp)
		}
		ambiguous = ambiguous || len(decisive) > 1
	}
	if len(s.Dataplanes) == 0 {
		byVersion[own] = nil // an empty comparison
	}
	o.Doubt = func(dp *cluster.Dataplane) cluster.Doubt {
		doubt := cluster.Doubt{Reason: doubts[dp]}
		if other != nil {
			doubt = doubt.And(other(dp))
		}
		return doubt
	}
	r := newRenderer(s)
	var comparisons []*Comparison
	for _, version := range s.Versions(own) {
		if dataplanes, ok := byVersion[version]; ok {
			o.Version = version
			comparisons = append(comparisons, compareOnly(dataplanes, r, before, after, o))
		}
	}
	if ambiguous {
		comparisons = onlyWorst(comparisons)
	}
	return comparisons
}

// onlyWorst keeps each proxy in the first comparison with its worst verdict, and drops
// empty comparisons.
func onlyWorst(comparisons []*Comparison) []*Comparison {
	type place struct {
		in      *Comparison
		verdict Verdict
	}
	worst := make(map[*cluster.Dataplane]place)
	for c, p := range All(comparisons) {
		if at, ok := worst[p.Dataplane]; !ok || p.Verdict.Compare(at.verdict) > 0 {
			worst[p.Dataplane] = place{c, p.Verdict}
		}
	}
	for _, c := range comparisons {
		c.Proxies = slices.DeleteFunc(c.Proxies, func(p Proxy) bool { return worst[p.Dataplane].in != c })
	}
	return lists.Keep(comparisons, func(c *Comparison) bool { return len(c.Proxies) > 0 })
}
