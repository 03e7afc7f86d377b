package html

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A proxy with a thousand outbounds has few diffs, and says how many
// listeners they are of.
func TestManyListeners(t *testing.T) {
	var outbounds, others strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&outbounds, "  - {port: %d, tags: {kuma.io/service: s%d}}\n", 10000+i, i)
	}
	for i := range 1000 {
		fmt.Fprintf(&others, "---\n{type: Dataplane, name: s%d, mesh: dog, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/protocol: http, kuma.io/service: s%d}}]}}\n", i, i)
	}
	for conf, want := range map[string][]int{"{name: d, type: datadog, conf: {address: agent, port: 8126, splitService: true}}": {4, 996, 0}, "{name: d, type: zipkin, conf: {url: 'http://z:9411/x'}}": {1, 0, 997}} {
		r := reportOn(t, "{type: Mesh, name: dog, tracing: {defaultBackend: d, backends: ["+conf+`]}}
---
{type: TrafficTrace, name: all, mesh: dog, selectors: [{match: {kuma.io/service: '*'}}]}
`+others.String()+"---\ntype: Dataplane\nname: a-many\nmesh: dog\nnetworking:\n  address: 10.0.0.2\n  inbound:\n  - {port: 80, tags: {kuma.io/protocol: http, kuma.io/service: many}}\n  outbound:\n"+outbounds.String())
		var data tables
		require.NoError(t, json.Unmarshal([]byte(scriptTags.FindStringSubmatch(pageOf(t, r))[2]), &data))
		require.Equal(t, "a-many", data.Name[0])
		e := data.Envoy[0]
		require.Len(t, e.Diffs, want[0])
		assert.Equal(t, want[1], e.More)
		assert.Equal(t, want[2], e.Diffs[0].More)
		assert.Equal(t, 1, e.Equal, "the inbound")
	}
}

// BenchmarkWrite is of 10,000 proxies, none of which stays the same.
func BenchmarkWrite(b *testing.B) {
	for name, mesh := range map[string]string{
		"zipkin":  "{type: zipkin, name: b, conf: {url: 'http://z:9411/x'}}",
		"datadog": "{type: datadog, name: b, conf: {address: agent, port: 8126, splitService: true}}", // all diffs are different
	} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			fmt.Fprintf(&text, "{type: Mesh, name: m, tracing: {defaultBackend: b, backends: [%s]}}\n---\n{type: TrafficTrace, name: all, mesh: m, selectors: [{match: {kuma.io/service: '*'}}]}\n", mesh)
			for i := range 10_000 {
				fmt.Fprintf(&text, "---\n{type: Dataplane, name: p%d, mesh: m, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/protocol: http, kuma.io/service: s%d}}], outbound: [{port: 81, tags: {kuma.io/service: s%d}}, {port: 82, tags: {kuma.io/service: s%d}}]}}\n", i, i, (i+1)%10_000, (i+7)%10_000)
			}
			r := reportOn(b, text.String())
			require.Equal(b, 10_000, r.Summary.Inherent)
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				require.NoError(b, Write(&out, r))
			}
			b.ReportMetric(float64(out.Len()), "page-bytes")
		})
	}
}
