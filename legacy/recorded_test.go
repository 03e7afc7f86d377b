package legacy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
	"tracemigrate/legacy"
)

// envoyTracing is what a recorded listener contains of its TrafficTrace.
type envoyTracing struct {
	OverallSampling *struct{ Value float64 }
	Provider        struct {
		TypedConfig struct{ CollectorCluster string }
	}
}

// Every proxy of every recorded case must get the backend and the sampling that
// the control plane gave it.
func TestRecorded(t *testing.T) {
	proxies, traced := 0, 0
	for _, c := range fixtures.Recorded(t, "traffictrace") {
		t.Run(c.Name, func(t *testing.T) {
			meshes, problems := legacy.Read(c.Snapshot)
			require.Empty(t, problems)
			byName := map[string]*legacy.Mesh{}
			for _, mesh := range meshes {
				byName[mesh.Name] = mesh
			}
			for _, dp := range c.Snapshot.Dataplanes {
				recorded, ok := c.Proxies[dp.Mesh+"/"+dp.Name]
				require.True(t, ok, "no answer recorded for %s", dp)
				proxies++
				var want string // the cluster of the backend
				for name := range recorded.Clusters {
					require.Empty(t, want)
					want = name
				}
				var got string
				var sampling *float64
				mesh := byName[dp.Mesh]
				if i := mesh.Wins(dp.TagSets()...); i >= 0 {
					if backend := mesh.BackendOf(mesh.Pairs[i].TrafficTrace); backend != nil {
						got, sampling = "tracing:"+backend.Name, backend.Sampling
					}
				}
				assert.Equal(t, want, got, "backend of %s", dp)
				for name, text := range recorded.Listeners {
					if string(text) == "null" {
						continue
					}
					traced++
					var tracing envoyTracing
					require.NoError(t, json.Unmarshal(text, &tracing))
					if tracing.OverallSampling == nil {
						assert.Nil(t, sampling, "sampling of %s, listener %s", dp, name)
					} else if assert.NotNil(t, sampling) {
						assert.Equal(t, tracing.OverallSampling.Value, *sampling, "sampling of %s, listener %s", dp, name)
					}
				}
			}
		})
	}
	assert.Greater(t, proxies, 500)
	assert.Greater(t, traced, 500)
}
