package envoydiff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
)

// A proxy without an HTTP listener reports nothing, whatever policy selects it.
func TestUntraced(t *testing.T) {
	const mesh = `
{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:1'}}]}}
---
{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: Dataplane, mesh: default, name: web, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: PROTOCOL}}]}}
`
	tests := map[string]struct {
		protocol string
		want     envoydiff.Tally
	}{
		"http": {"http", envoydiff.Tally{Proxies: 1, Same: 1}},
		"tcp":  {"tcp", envoydiff.Tally{Proxies: 1, Same: 1, Untraced: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", strings.ReplaceAll(mesh, "PROTOCOL", tt.protocol))})
			meshes, problems := legacy.Read(s)
			require.Empty(t, problems)
			state := envoydiff.State{Legacy: meshes}
			tt.want.Codes = map[envoydiff.Code]int{}
			comparison := envoydiff.Compare(s, state, state, envoydiff.Options{Version: cluster.Latest})
			assert.Equal(t, tt.want, envoydiff.Count([]*envoydiff.Comparison{comparison}))
		})
	}
}
