package rewrite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert/rewrite"
	"tracemigrate/meshtrace"
)

// TestCheckRendered compares planned policies with rendered ones.
func TestCheckRendered(t *testing.T) {
	repo := rewrite.NewRepo(map[string][]byte{
		"base/kustomization.yaml": []byte("resources: [a.yaml]\nnameSuffix: -s\n"),
		"prod/kustomization.yaml": []byte("# the overlay\nresources: [../base]\n\nlabels: []\nnamespace: x\npatches: []\n"),
	})
	policy := func(name, service string, change func(p *meshtrace.Policy)) *meshtrace.Policy {
		p := &meshtrace.Policy{Name: name, Mesh: "default", Namespace: "kuma-system", Labels: cluster.NewTags(map[string]string{cluster.MeshLabel: "default"})}
		p.TargetRef = meshtrace.TargetRef{Kind: "MeshSubset", Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: service})}
		if change != nil {
			change(p)
		}
		return p
	}
	planned := []*meshtrace.Policy{policy("a", "web", nil), policy("a-b", "db", nil)}
	inOther := func(p *meshtrace.Policy) { p.Mesh = "other" }
	for name, row := range map[string]struct {
		planned  []*meshtrace.Policy // if not those above
		rendered []*meshtrace.Policy
		want     string // of the only problem
	}{
		"the same content in two meshes": {
			planned:  []*meshtrace.Policy{policy("a", "web", nil), policy("b", "web", inOther)},
			rendered: []*meshtrace.Policy{policy("p-a", "web", nil), policy("p-b", "web", inOther)},
		},
		"the same content twice in a mesh": {
			planned:  []*meshtrace.Policy{policy("a", "web", nil), policy("b", "web", nil)},
			rendered: []*meshtrace.Policy{policy("p-b", "web", nil), policy("p-a", "web", nil)},
		},
		"the same":                  {rendered: planned},
		"a prefix of all":           {rendered: []*meshtrace.Policy{policy("p-a", "web", nil), policy("p-a-b", "db", nil)}},
		"a suffix that reverses":    {rendered: []*meshtrace.Policy{policy("a-s", "web", nil), policy("a-b-s", "db", nil)}, want: `base/kustomization.yaml:2: MeshTrace "a-b": is rendered as "a-b-s", and MeshTrace "a" as "a-s" by nameSuffix, so their precedence is reversed`},
		"another precedence of two": {rendered: []*meshtrace.Policy{policy("z", "web", nil), policy("a-b", "db", nil)}, want: `MeshTrace "a-b": is rendered as "a-b", and MeshTrace "a" as "z"`},
		"a policy is lost":          {rendered: planned[:1], want: `prod/kustomization.yaml:6: MeshTrace "a-b": is not rendered as it is written by patches`},
		"other tags":                {rendered: []*meshtrace.Policy{planned[0], policy("a-b", "api", nil)}, want: `MeshTrace "a-b": is not rendered as it is written by patches`},
		"another namespace": {
			rendered: []*meshtrace.Policy{planned[0], policy("a-b", "db", func(p *meshtrace.Policy) { p.Namespace = "shop" })},
			want:     `prod/kustomization.yaml:5: MeshTrace "a-b": is moved from namespace kuma-system to shop by namespace`,
		},
		"another mesh": {
			rendered: []*meshtrace.Policy{planned[0], policy("a-b", "db", inOther)},
			want:     `prod/kustomization.yaml:4: MeshTrace "a-b": is moved from mesh "default" to "other" by labels`,
		},
		"a label that decides": {
			rendered: []*meshtrace.Policy{planned[0], policy("a-b", "db", func(p *meshtrace.Policy) {
				p.Labels = cluster.NewTags(map[string]string{cluster.EffectLabel: "shadow"})
			})},
			want: `MeshTrace "a-b": gets the label kuma.io/effect: "shadow" instead of "" by labels`,
		},
		"another label": {
			rendered: []*meshtrace.Policy{planned[0], policy("a-b", "db", func(p *meshtrace.Policy) { p.Labels = cluster.NewTags(map[string]string{"team": "a"}) })},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if row.planned == nil {
				row.planned = planned
			}
			got := sentences(repo.CheckRendered("prod", row.planned, row.rendered))
			if row.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.True(t, strings.HasPrefix(got[0], row.want) || strings.Contains(got[0], ": "+row.want), got[0])
		})
	}
}
