package meshtrace

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// Routes are the MeshHTTPRoutes and MeshTCPRoutes of a cluster.
type Routes struct {
	HTTP  []*Policy            // take the outbounds of the proxies that they select over
	Other []*Policy            // MeshHTTPRoutes that leave them as they are
	TCP   map[*Policy][]string // the services whose outbounds each makes TCP
}

// ReadRoutes returns what the routes of a snapshot select, as policies without a configuration.
// They select proxies as MeshTraces do (MatchedPolicies in pkg/plugins/policies/core/matchers of
// Kuma's tags). A MeshHTTPRoute that cannot be read selects every proxy.
func ReadRoutes(s *cluster.Snapshot) *Routes {
	routes := &Routes{TCP: tcpRoutes(s)}
	for _, r := range s.Routes {
		if !r.IsHTTPRoute() {
			continue
		}
		p, problems := decodeRoute(s, r)
		if len(problems) > 0 {
			p.TargetRef, p.System = TargetRef{Kind: Mesh}, true
		}
		if takesOver(r.Spec.Node().Get("to")) {
			routes.HTTP = append(routes.HTTP, p)
		} else {
			routes.Other = append(routes.Other, p)
		}
	}
	return routes
}

// decodeRoute decodes what a route, or a MeshProxyPatch, selects.
func decodeRoute(s *cluster.Snapshot, r *cluster.Resource) (*Policy, []*manifest.Problem) {
	var problems []*manifest.Problem
	p := newPolicy(s, r, []string{s.SystemNamespace()})
	if !p.System && p.Labels.Get(cluster.RoleLabel) == "" {
		p.Labels = p.Labels.With(cluster.RoleLabel, roleOf(r.Spec.Node().Get("to"), r.Namespace))
	}
	p.TargetRef = decodeTargetRef(r.Spec.Into(&problems).Field("targetRef"))
	return p, problems
}

// roleOf returns the role that a Kubernetes control plane gives a policy with these items in an
// application's namespace. A producer's is for the clients of services there, which can be
// anywhere in the mesh; others are for the proxies of the namespace (ComputePolicyRole in
// pkg/core/resources of Kuma's tags 2.9 to 2.14).
func roleOf(to *manifest.Node, namespace string) string {
	items := to.Items()
	if len(items) == 0 {
		return "workload-owner"
	}
	for i := range items {
		ref := items[i].Get("targetRef")
		if kind := ref.Get("kind"); kind == nil || kind.Text != string(MeshService) || ref.Get("name") == nil {
			return "consumer"
		}
		if of := ref.Get("namespace"); of != nil && of.Text != "" && of.Text != namespace {
			return "consumer"
		}
	}
	return producer
}

// takesOver reports whether a MeshHTTPRoute with these routes takes outbounds over: it has
// one to a kind that was there before MeshExternalService and MeshMultiZoneService
// (TargetRefKind.IsOldKind in api/common/v1alpha1 of Kuma's tags 2.9 to 2.14).
func takesOver(to *manifest.Node) bool {
	if to == nil || to.Kind != manifest.Sequence {
		return to != nil
	}
	return slices.ContainsFunc(to.Items(), func(item manifest.Node) bool {
		kind := item.Get("targetRef").Get("kind")
		return kind == nil || kind.Text != "MeshExternalService" && kind.Text != "MeshMultiZoneService"
	})
}

// tcpRoutes returns the services whose outbounds each MeshTCPRoute of a snapshot makes TCP,
// by what it selects. It leaves out what is not certain: a route that cannot be read, one of
// an application's namespace, and one for or to a MeshService that is a resource.
func tcpRoutes(s *cluster.Snapshot) map[*Policy][]string {
	routes := make(map[*Policy][]string)
	for _, r := range s.Routes {
		if r.IsHTTPRoute() || r.Namespace != "" && r.Labels.Get(cluster.RoleLabel) != "system" {
			continue
		}
		p, problems := decodeRoute(s, r)
		var services []string
		for _, to := range r.Spec.Into(&problems).Field("to").Items() {
			refs := []manifest.Value{to.Field("targetRef")}
			for _, rule := range to.Field("rules").Items() {
				for _, ref := range rule.Field("default").Field("backendRefs").Items() {
					refs = append(refs, ref)
				}
			}
			if len(refs) > 1 && !slices.ContainsFunc(refs, isResource) {
				services = append(services, refs[0].Field("name").Str())
			}
		}
		if len(services) > 0 && len(problems) == 0 {
			routes[p] = services
		}
	}
	return routes
}

// isResource reports whether a reference is not just to a value of the tag kuma.io/service.
func isResource(ref manifest.Value) bool {
	kind := ref.Field("kind").Str()
	return kind != string(MeshService) && kind != string(MeshServiceSubset) ||
		slices.ContainsFunc([]string{"labels", "namespace", "sectionName", "port"}, func(field string) bool { return ref.Field(field).Present() })
}
