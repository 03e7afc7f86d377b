package convert_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// On Kubernetes, the policies of all meshes share a namespace: each mesh's get the same names
// whether it is converted alone or with the others, and no name twice.
func TestNamesAcrossMeshes(t *testing.T) {
	withoutRace.Skip(t)
	random := rand.New(rand.NewPCG(1, 1))
	names := []string{"t", "t-1", "t-2", "t-1-1", "t-2-2", "1-t", "2-t-1", "u"}
	for range 60 {
		text := meshesSharingNames(random, names)
		s := cluster.Read([]manifest.Input{manifest.Text("f", text)})
		require.Empty(t, s.Problems)
		for _, byLabels := range []bool{false, true} {
			o := convert.Options{Version: cluster.V(13), ByLabels: byLabels, Format: cluster.Kubernetes}
			together, _ := convert.Convert(convert.Read(s, ""), o)
			require.NotNil(t, together, text)
			want := make(map[string]string) // the mesh of each name
			for _, p := range together.Policies {
				require.NotContains(t, want, p.Name, "%v\n%s", byLabels, text)
				want[p.Name] = p.Mesh
			}
			alone := make(map[string]string)
			for _, mesh := range []string{"m1", "m2", "m3"} {
				only, err := s.Only([]string{mesh})
				require.NoError(t, err)
				plan, _ := convert.Convert(convert.Read(only, ""), o)
				require.NotNil(t, plan, text)
				for _, p := range plan.Policies {
					require.NotContains(t, alone, p.Name, "%v\n%s", byLabels, text)
					alone[p.Name] = p.Mesh
				}
			}
			require.Equal(t, want, alone, "%v\n%s", byLabels, text)
		}
	}
}

// meshesSharingNames returns three meshes, in which TrafficTraces and MeshTraces have names.
func meshesSharingNames(random *rand.Rand, names []string) string {
	var text strings.Builder
	document := func(format string, arguments ...any) {
		fmt.Fprintf(&text, "---\n{apiVersion: kuma.io/v1alpha1, "+format+"}\n", arguments...)
	}
	for _, mesh := range []string{"m1", "m2", "m3"} {
		document("kind: Mesh, metadata: {name: %s}, spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}}", mesh)
		for i := range 4 {
			document("kind: Dataplane, mesh: %[1]s, metadata: {name: %[1]s-%[2]d, namespace: shop, labels: {app: a%[2]d, v: v%[3]d}}, spec: {networking: {address: 10.0.0.1, "+
				"inbound: [{port: 80, protocol: http, tags: {kuma.io/service: s%[2]d, kuma.io/protocol: http, v: v%[3]d}}]}}", mesh, i, i%2)
		}
	}
	for i, name := range names {
		if random.IntN(4) == 0 {
			document("kind: MeshTrace, metadata: {name: %s, namespace: kuma-system, labels: {kuma.io/mesh: m%d}}, spec: {targetRef: {kind: MeshSubset, tags: {v: v%d}}, "+
				"default: {sampling: {overall: %d}, backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}", name, 1+random.IntN(3), i%2, i+1)
		}
		if random.IntN(4) > 0 {
			selectors := []string{"{match: {kuma.io/service: s0}}", "{match: {kuma.io/service: s2}}", "{match: {kuma.io/service: '*', v: v1}}"}
			random.Shuffle(len(selectors), func(i, j int) { selectors[i], selectors[j] = selectors[j], selectors[i] })
			document("kind: TrafficTrace, mesh: m%d, metadata: {name: %s, creationTimestamp: '2026-01-01T00:00:%02dZ'}, spec: {selectors: [%s]}",
				1+random.IntN(3), name, i, strings.Join(selectors[:1+random.IntN(3)], ", "))
		}
	}
	return text.String()
}
