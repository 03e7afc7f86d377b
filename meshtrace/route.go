package meshtrace

import (
	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// HTTPRoutes returns what the MeshHTTPRoutes of a snapshot select, as policies without a
// configuration. They select proxies as MeshTraces do (MatchedPolicies in
// pkg/plugins/policies/core/matchers of Kuma's tags); one of an application's namespace may
// be for the clients of a service there, which can be anywhere in the mesh. One that
// cannot be read selects every proxy. Those that leave a proxy's outbounds as they are are
// left out.
func HTTPRoutes(s *cluster.Snapshot) []*Policy {
	var routes []*Policy
	for _, r := range s.MeshHTTPRoutes {
		var problems []*manifest.Problem
		spec := r.Spec.Into(&problems)
		if !takesOver(spec.Node().Get("to")) {
			continue
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

// takesOver reports whether a MeshHTTPRoute with these routes takes outbounds over: it has
// one to a kind that was there before MeshExternalService and MeshMultiZoneService
// (TargetRefKind.IsOldKind in api/common/v1alpha1 of Kuma's tags 2.9 to 2.14).
func takesOver(to *manifest.Node) bool {
	if to == nil || to.Kind != manifest.Sequence {
		return to != nil
	}
	items := to.Items()
	for i := range items {
		kind := items[i].Get("targetRef").Get("kind")
		if kind == nil || kind.Text != "MeshExternalService" && kind.Text != "MeshMultiZoneService" {
			return true
		}
	}
	return false
}
