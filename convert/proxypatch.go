package convert

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
)

// remarkModified notes the proxies whose tracing a MeshProxyPatch or ProxyTemplate may change,
// which has another effect before than after.
func remarkModified(comparisons []*envoydiff.Comparison) notes {
	type key struct{ mesh, reason string }
	proxies := make(map[key][]*envoydiff.Proxy)
	for _, p := range envoydiff.All(comparisons) {
		for _, d := range p.Differences {
			if d.Code == envoydiff.ProxyPatched {
				proxies[key{p.Mesh, d.Before}] = append(proxies[key{p.Mesh, d.Before}], p)
			}
		}
	}
	var found notes
	for _, k := range slices.SortedFunc(maps.Keys(proxies), func(a, b key) int {
		return cmp.Or(strings.Compare(a.mesh, b.mesh), strings.Compare(a.reason, b.reason))
	}) {
		of := proxies[k]
		all := counted(lists.Each(of, func(p *envoydiff.Proxy) string { return p.Dataplane.String() }), "proxy")
		at := of[0].Dataplane.Place
		if of[0].ModifiedAt != nil {
			at = *of[0].ModifiedAt
		}
		found = append(found, proxyPatched.note(at, subject("Mesh "+quoted(k.mesh)), facts{"proxies": all, "reason": k.reason}))
	}
	return found
}
