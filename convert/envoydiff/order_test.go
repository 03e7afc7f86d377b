package envoydiff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// A control plane sorts the MeshTraces that select a proxy, so that others do not change their
// order: seen on 2.14.3. Of kind Dataplane, a name precedes labels, and neither is equal to both.
func TestOrderOfSelected(t *testing.T) {
	const dataplane = "type: Mesh\nname: default\n---\n" +
		"{type: Dataplane, name: web, mesh: default, labels: {app: web}, networking: {address: 1.2.3.4, inbound: [{port: 1, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
	policy := func(name, ref string) string {
		return "---\n{type: MeshTrace, name: " + name + ", mesh: default, spec: {targetRef: {kind: Dataplane" + ref + "}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://" + name + ":9411/'}}]}}}\n"
	}
	const named, nobody, labelled = ", name: web", ", labels: {app: nobody}", ", labels: {app: web}"
	for name, test := range map[string]struct {
		policies string
		wins     string // empty: unknown
	}{
		"labels of nobody":         {policy("b", nobody) + policy("x", "") + policy("z", named), "x"},
		"labels of nobody, first":  {policy("a", nobody) + policy("b", named) + policy("x", ""), "b"},
		"a name of nobody":         {policy("b", labelled) + policy("c", ", name: nobody") + policy("x", ""), "b"},
		"a circle":                 {policy("b", labelled) + policy("x", "") + policy("z", named), ""},
		"a name before both":       {policy("a", named) + policy("b", labelled) + policy("x", ""), "a"},
		"neither before both":      {policy("a", "") + policy("b", labelled) + policy("x", named), "a"},
		"names and neither":        {policy("a", "") + policy("b", named), "a"},
		"a circle, and kind Mesh":  {policy("b", labelled) + policy("x", "") + policy("z", named) + "---\n{type: MeshTrace, name: m, mesh: default, spec: {targetRef: {kind: Mesh}, default: {backends: []}}}\n", ""},
		"labels and a name, alone": {policy("b", labelled) + policy("z", named), "z"},
	} {
		t.Run(name, func(t *testing.T) {
			s, state := stateOf(t, dataplane+test.policies)
			got := envoydiff.Compare(s, state, state, envoydiff.Options{Version: cluster.V(14)})
			require.Len(t, got.Proxies, 1)
			p := got.Proxies[0]
			if test.wins == "" {
				assert.Equal(t, envoydiff.Unknown, p.Verdict)
				assert.True(t, p.Has(envoydiff.OrderUndecided))
				return
			}
			assert.Equal(t, envoydiff.Same, p.Verdict)
			assert.Equal(t, test.wins, p.Before.Policies[len(p.Before.Policies)-1].Name)
		})
	}
}
