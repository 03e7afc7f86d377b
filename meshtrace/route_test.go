package meshtrace

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// A route of an application's namespace selects the proxies there, unless it is a producer's:
// asked of a control plane of 2.14.3 on Kubernetes, whose webhook computes the role.
func TestRouteInNamespace(t *testing.T) {
	const dataplane = "{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: web, namespace: shop, labels: {kuma.io/zone: east}}, spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}}\n"
	const far = "{targetRef: {kind: MeshService, name: far}}"
	for name, test := range map[string]struct {
		metadata, to string
		selects      bool
		selectsOn28  bool
	}{
		"the control plane's":                  {"namespace: kuma-system", far, true, true},
		"the proxy's, of a consumer":           {"namespace: shop", "{targetRef: {kind: MeshService, name: far, namespace: pets}}", true, true},
		"another, of a producer":               {"namespace: pets", far, true, true},
		"another, of a producer, in words":     {"namespace: pets", "{targetRef: {kind: MeshService, name: far, namespace: pets}}", true, true},
		"another, of a consumer":               {"namespace: pets", "{targetRef: {kind: MeshService, name: far, namespace: shop}}", false, true},
		"another, to a service by labels":      {"namespace: pets", "{targetRef: {kind: MeshService, labels: {a: b}}}", false, true},
		"another, to another kind":             {"namespace: pets", "{targetRef: {kind: Mesh}}", false, true},
		"another, of a producer and a label":   {"namespace: pets, labels: {kuma.io/policy-role: consumer, k8s.kuma.io/namespace: pets}", far, false, true},
		"another, of a producer of a zone":     {"namespace: pets, labels: {kuma.io/origin: zone, kuma.io/zone: west}", far, true, false},
		"the control plane's, of another zone": {"namespace: kuma-system, labels: {kuma.io/origin: zone, kuma.io/zone: west}", far, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", dataplane+
				"---\n{apiVersion: kuma.io/v1alpha1, kind: MeshHTTPRoute, metadata: {name: r, "+test.metadata+"}, spec: {targetRef: {kind: Mesh}, to: ["+test.to+"]}}\n")})
			require.Empty(t, s.Problems)
			routes := ReadRoutes(s)
			require.Len(t, routes.HTTP, 1)
			for version, want := range map[cluster.Version]bool{cluster.V(13): test.selects, cluster.V(9): test.selects, cluster.V(8): test.selectsOn28} {
				matcher := NewMatcher(version, routes.HTTP, cluster.NewGateways(nil))
				assert.Equal(t, want, len(matcher.Matching(nil, s.Dataplanes[0])) == 1, version)
			}
		})
	}
}
