package meshtrace

import (
	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// ProxyPatch is a MeshProxyPatch: what it selects, as a policy without a configuration, and
// its modifications. It selects proxies as a MeshTrace does (MatchedPolicies of the plugin
// meshproxypatch of Kuma's tags 2.1 to 2.14). The modifications of all that select a proxy
// apply, those of the lowest precedence first.
type ProxyPatch struct {
	*Policy
	Modifications []cluster.Modification
}

// ReadProxyPatches decodes the MeshProxyPatches of a snapshot, in its order.
func ReadProxyPatches(s *cluster.Snapshot) ([]ProxyPatch, []*manifest.Problem) {
	var problems []*manifest.Problem
	var patches []ProxyPatch
	for _, r := range s.ProxyPatches {
		if r.IsProxyTemplate() {
			continue
		}
		p, wrong := decodeRoute(s, r)
		problems = append(problems, wrong...)
		patches = append(patches, ProxyPatch{p, cluster.ModificationsOf(r, &problems)})
	}
	return patches, problems
}
