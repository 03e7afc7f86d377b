package envoydiff_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
)

// No two of the made-up proxies are the same, and they stand for all that
// selectors can tell apart.
func TestMadeUp(t *testing.T) {
	s := cluster.Read([]manifest.Input{manifest.Text("a.yaml", `{type: Mesh, name: default}
---
{type: TrafficTrace, name: a, mesh: default, selectors: [{match: {kuma.io/service: '*'}}, {match: {team: '*'}}, {match: {team: any}}, {match: {team: core}}]}
`)})
	meshes, problems := legacy.Read(s)
	require.Empty(t, problems)
	made, complete := envoydiff.MadeUp(meshes, nil, nil, 100)
	assert.True(t, complete)
	number := regexp.MustCompile(`^made-up-[0-9]+ `)
	var names []string
	for _, dp := range made {
		require.Regexp(t, number, dp.Name)
		names = append(names, number.ReplaceAllString(dp.Name, ""))
	}
	assert.Equal(t, []string{
		"(kuma.io/service=any)", "(kuma.io/service=any, team=any)", "(kuma.io/service=any, team=core)",
		"(kuma.io/service=any, team=any and kuma.io/service=any, team=core)",
	}, names)
}
