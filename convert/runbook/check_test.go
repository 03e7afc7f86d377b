package runbook

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// A policy of the plan is found again only as it was written, in all that decides on proxies.
func TestEqual(t *testing.T) {
	const backend = "backends: [{type: Zipkin, zipkin: {url: http://a:9411/}}]"
	for name, tc := range map[string]struct {
		targetRef, conf string
		equal           bool
	}{
		"the same":        {"kind: Dataplane, name: web", "backends: []", true},
		"namespace":       {"kind: Dataplane, name: web, namespace: shop", "backends: []", false},
		"section":         {"kind: Dataplane, name: web, sectionName: http", "backends: []", false},
		"sampling alone":  {"kind: Dataplane, name: web", "backends: [], sampling: {overall: 5}", false},
		"another backend": {"kind: Dataplane, name: web", backend, false},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(targetRef, conf string) *meshtrace.Policy {
				text := "{type: MeshTrace, mesh: default, name: a, spec: {targetRef: {" + targetRef + "}, default: {" + conf + "}}}"
				policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f", text)}))
				require.Empty(t, problems)
				return policies[0]
			}
			c := &checker{version: cluster.V(13)}
			assert.Equal(t, tc.equal, c.equal(read("kind: Dataplane, name: web", "backends: []"), read(tc.targetRef, tc.conf)))
		})
	}
	assert.True(t, equalBackends(&legacy.Backend{Name: "a", Type: "Zipkin"}, &legacy.Backend{Name: "a", Type: "zipkin"}))
}
