package meshtrace

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// A MeshProxyPatch in an application's namespace selects only the proxies there.
func TestReadProxyPatches(t *testing.T) {
	const origin = "---\n{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x, namespace: mesh-system}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
	const dataplane = "{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: web, namespace: shop}, spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}}\n"
	for name, test := range map[string]struct {
		metadata, more string
		selects        bool
	}{
		"the default namespace":              {"namespace: kuma-system", "", true},
		"the control plane's":                {"namespace: mesh-system", origin, true},
		"the default one, which is not":      {"namespace: kuma-system", origin, false},
		"the application's":                  {"namespace: shop", origin, true},
		"another application's":              {"namespace: pets", origin, false},
		"another application's, and a label": {"namespace: pets, labels: {kuma.io/policy-role: system}", origin, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", dataplane+"---\n{apiVersion: kuma.io/v1alpha1, kind: MeshProxyPatch, metadata: {name: p, "+test.metadata+"}, "+
				"spec: {default: {appendModifications: [{cluster: {operation: Remove}}, {listener: {operation: Remove}}]}}}\n"+test.more)})
			require.Empty(t, s.Problems)
			patches, problems := ReadProxyPatches(s)
			require.Empty(t, problems)
			require.Len(t, patches, 1)
			assert.Len(t, patches[0].Modifications, 2)
			matcher := NewMatcher(cluster.V(13), []*Policy{patches[0].Policy}, cluster.NewGateways(nil))
			assert.Equal(t, test.selects, len(matcher.Matching(nil, s.Dataplanes[0])) == 1)
		})
	}
}
