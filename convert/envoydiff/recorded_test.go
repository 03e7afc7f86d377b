package envoydiff_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// What is rendered must equal what the control plane generated, field by field,
// for every proxy of every recorded case and version.
func TestRecorded(t *testing.T) {
	proxies, listeners := 0, 0
	for _, group := range []string{"traffictrace", "meshtrace"} {
		for _, c := range fixtures.Recorded(t, group) {
			t.Run(group+"/"+c.Name, func(t *testing.T) {
				meshes, problems := legacy.Read(c.Snapshot)
				require.Empty(t, problems)
				policies, problems := meshtrace.Read(c.Snapshot)
				require.Empty(t, problems)
				r := envoydiff.NewRenderer(c.Version, c.Snapshot, envoydiff.State{Legacy: meshes, Policies: policies})
				for _, dp := range c.Snapshot.Dataplanes {
					recorded, ok := c.Proxies[dp.Mesh+"/"+dp.Name]
					require.True(t, ok, "no answer recorded for %s", dp)
					decision := r.Decide(dp)
					rendered, collector := r.Render(dp, &decision)
					proxies++
					got := make(map[string]any)
					for _, l := range rendered {
						if l.Name() == "outbound:*" {
							continue
						}
						listeners++
						got[l.Name()] = nil
						if l.Tracing != nil {
							got[l.Name()] = asJSON(t, l.Tracing)
						}
					}
					assert.Equal(t, raw(t, recorded.Listeners), got, "listeners of %s", dp)
					clusters := make(map[string]any)
					if collector != nil {
						clusters[collector.Name] = asJSON(t, collector)
					}
					assert.Equal(t, raw(t, recorded.Clusters), clusters, "clusters of %s", dp)
				}
			})
		}
	}
	assert.Greater(t, proxies, 1000)
	assert.Greater(t, listeners, 3000)
}

func asJSON(t *testing.T, message proto.Message) any {
	t.Helper()
	text, err := protojson.Marshal(message)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

func raw(t *testing.T, recorded map[string]json.RawMessage) map[string]any {
	t.Helper()
	all := make(map[string]any, len(recorded))
	for name, text := range recorded {
		var v any
		require.NoError(t, json.Unmarshal(text, &v))
		all[name] = v
	}
	return all
}
