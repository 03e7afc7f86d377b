package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert"
)

// labelledMesh has proxies with labels like their tags, and half as many selectors on one
// tag as on two.
func labelledMesh(proxies, selectors int) string {
	var b strings.Builder
	b.WriteString("type: Mesh\nname: default\ntracing:\n  backends:\n")
	for i := range 50 {
		fmt.Fprintf(&b, "  - {name: z%d, type: zipkin, sampling: %d, conf: {url: 'http://z%d:9411/api/v2/spans'}}\n", i, i, i)
	}
	for i := range selectors {
		match := fmt.Sprintf("kuma.io/service: s%d", i)
		if i%2 == 1 {
			match = fmt.Sprintf("kuma.io/service: s%d, version: v1", i-1)
		}
		fmt.Fprintf(&b, "---\ntype: TrafficTrace\nmesh: default\nname: t%d\ncreationTime: \"2024-01-01T00:00:00Z\"\nselectors:\n- match: {%s}\nconf: {backend: z%d}\n", i, match, i%50)
	}
	for i := range proxies {
		service, version := i%selectors, 1+i/selectors%3
		fmt.Fprintf(&b, "---\ntype: Dataplane\nmesh: default\nname: dp-%d\nlabels: {app: s%d, version: v%d, team: t%d, pod-template-hash: h%d}\n"+
			"networking:\n  address: 10.0.0.1\n  inbound:\n  - {port: 80, protocol: http, tags: {kuma.io/service: s%d, version: v%d, kuma.io/protocol: http}}\n",
			i, service, version, service%97, i, service, version)
	}
	return b.String()
}

// BenchmarkByLabels converts for 3.0 what is decoded already: labels, policies and the
// comparison of every proxy on both versions. It grows with the mesh.
func BenchmarkByLabels(b *testing.B) {
	for _, times := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%dx", times), func(b *testing.B) {
			current := convert.Read(readAll(labelledMesh(10_000*times, 1_000*times)), "")
			require.Empty(b, current.Found)
			b.ReportAllocs()
			for b.Loop() {
				result, _ := convert.Convert(current, convert.Options{Version: cluster.V(14), To: cluster.Newest, ByLabels: true})
				require.False(b, result.Refused())
			}
		})
	}
}
