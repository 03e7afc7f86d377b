package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// compared is a proxy with its comparison.
type compared struct {
	comparison *envoydiff.Comparison
	*envoydiff.Proxy
}

// compare counts the proxies of policies, and fills in Proxies and Flows.
func (b *builder) compare() {
	listed := make([]compared, 0, b.options.Proxies)
	for c, p := range envoydiff.All(b.result.Comparisons) {
		b.decide(p)
		if b.options.Proxies == 0 || p.Verdict.Compare(envoydiff.Inherent) >= 0 {
			listed = append(listed, compared{c, p})
		}
	}
	slices.SortStableFunc(listed, func(a, c compared) int {
		return cmp.Or(strings.Compare(a.Mesh, c.Mesh), strings.Compare(a.Name, c.Name))
	})
	if most := b.options.Proxies; most > 0 {
		slices.SortStableFunc(listed, func(a, c compared) int { return c.Verdict.Compare(a.Verdict) })
		b.Unlisted = max(0, len(listed)-most)
		listed = listed[:min(len(listed), most)]
	}
	flows := make(map[Flow]int)
	b.Proxies = make([]Proxy, 0, len(listed))
	words := make(map[*envoydiff.Decision]decisionWords) // many proxies share a decision
	versions := make(map[*envoydiff.Comparison]string)
	for _, p := range listed {
		if versions[p.comparison] == "" {
			versions[p.comparison] = p.comparison.Version.String()
		}
		for _, d := range []*envoydiff.Decision{p.Before, p.After} {
			if _, ok := words[d]; !ok {
				words[d] = decisionWords{d.Source(), short(d), d.Address()}
			}
		}
		before, after := words[p.Before], words[p.After]
		b.Proxies = append(b.Proxies, b.proxy(p, versions[p.comparison], before, after))
		flows[Flow{Mesh: p.Mesh, Before: before.short, After: after.short, Verdict: p.Verdict}]++
	}
	if b.options.Proxies == 0 {
		b.Flows = sortedFlows(flows)
	}
}

// sortedFlows returns flows with their numbers of proxies, by mesh, the largest first.
func sortedFlows(flows map[Flow]int) []Flow {
	sorted := make([]Flow, 0, len(flows))
	for flow, n := range flows {
		flow.Proxies = n
		sorted = append(sorted, flow)
	}
	slices.SortFunc(sorted, func(a, c Flow) int {
		return cmp.Or(
			cmp.Compare(a.Mesh, c.Mesh), cmp.Compare(c.Proxies, a.Proxies),
			cmp.Compare(a.Before, c.Before), cmp.Compare(a.After, c.After), cmp.Compare(a.Verdict, c.Verdict),
		)
	})
	return sorted
}

// decide counts a known proxy for the policies that decide on it.
func (b *builder) decide(p *envoydiff.Proxy) {
	if isMadeUp(p.Dataplane) {
		return
	}
	for _, policy := range p.Before.Policies {
		b.selectedToday[identityOf(policy)]++
	}
	for _, policy := range p.After.Policies {
		b.selected[identityOf(policy)]++
	}
	if p.Before.Pair != nil {
		b.decided[pairName{p.Mesh, p.Before.Pair.Name, p.Before.Pair.Number}]++
		if p.Before.Backend != nil {
			b.traced[p.Before.Backend]++
		}
	}
}

// isMadeUp reports whether a Dataplane is of no input.
func isMadeUp(dp *cluster.Dataplane) bool { return dp.File == "" }

// decisionWords is the text of a decision.
type decisionWords struct{ source, short, address string }

// proxy returns a proxy as a report contains it.
func (b *builder) proxy(p compared, version string, before, after decisionWords) Proxy {
	dp := p.Dataplane
	out := Proxy{
		Mesh: p.Mesh, Name: p.Name, Kind: KindOf(dp), Zone: dp.Zone(), Version: version, MadeUp: isMadeUp(dp),
		Verdict: p.Verdict, Before: before.source, After: after.source, Target: before.address, TargetAfter: after.address,
		Differences: p.Differences,
	}
	if !b.options.Brief {
		out.comparison, out.proxy = p.comparison, p.Proxy // keeps everything that was compared in memory
	}
	if out.Differences == nil {
		out.Differences = []*envoydiff.Difference{}
	}
	return out
}

// KindOf returns what kind of proxy a Dataplane is of.
func KindOf(dp *cluster.Dataplane) string {
	switch {
	case dp.Builtin():
		return "builtin gateway"
	case dp.Gateway != nil:
		return "delegated gateway"
	}
	return "sidecar"
}

// short returns the policy that decides, for the picture.
func short(d *envoydiff.Decision) string {
	switch {
	case len(d.Conf.Backends) > 0 || d.Pair == nil && len(d.Policies) > 0:
		return fmt.Sprintf("MeshTrace %q", d.Policies[len(d.Policies)-1].Name)
	case d.Pair == nil:
		return "nothing"
	case len(d.Pair.Selectors) > 1:
		return fmt.Sprintf("TrafficTrace %q, selector %d", d.Pair.Name, d.Pair.Number)
	}
	return fmt.Sprintf("TrafficTrace %q", d.Pair.Name)
}
