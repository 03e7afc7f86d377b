package meshtrace

import (
	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// HTTPRoutes returns what the MeshHTTPRoutes of a snapshot select, as policies without a
// configuration. They select proxies as MeshTraces do (MatchedPolicies in
// pkg/plugins/policies/core/matchers of Kuma's tags); one of an application's namespace may
// be for the clients of a service there, which can be anywhere in the mesh. One that
// cannot be read selects every proxy.
func HTTPRoutes(s *cluster.Snapshot) []*Policy {
	var routes []*Policy
	for _, r := range s.MeshHTTPRoutes {
		var problems []*manifest.Problem
		spec := r.Spec.Into(&problems)
		if to := spec.Node().Get("to"); to == nil || to.Kind == manifest.Sequence && len(to.Items()) == 0 {
			continue // routes no request
		}
		p := &Policy{Place: r.Place, Mesh: r.Mesh, Name: r.Name, Namespace: r.Namespace, Labels: r.Labels, Format: r.Format, System: true}
		p.TargetRef = decodeTargetRef(spec.Field("targetRef"))
		if len(problems) > 0 {
			p.TargetRef = TargetRef{Kind: Mesh}
		}
		routes = append(routes, p)
	}
	return routes
}
