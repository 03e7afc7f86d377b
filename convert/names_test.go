package convert_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Ranks in front of names leave them in the order to existing policies' names in
// which the plain names are, where that is possible.
func TestRanksBesideExisting(t *testing.T) {
	// "web" outranks "team" by its tags, and needs the name that takes precedence.
	meshes := []string{
		twoBackends, route,
		"{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, team: core, tier: top}}]}}",
		traceOf("web", "{kuma.io/service: web, team: core}", "a", "01"),
		traceOf("all", "{team: core}", "b", "01"),
	}
	existing := func(name string) string {
		return existingTrace(name, "{kind: MeshSubset, tags: {tier: top}}", "c", "")
	}
	for what, tc := range map[string]struct {
		existing  []string
		version   cluster.Version
		names     []string
		conflicts int
	}{
		"none":               {nil, cluster.V(13), []string{"1-web", "2-all"}, 0},
		"before both":        {[]string{existing("aa")}, cluster.V(13), []string{"aa-1-web", "aa-2-all"}, 0},
		"between":            {[]string{existing("mid")}, cluster.V(13), []string{"1-web", "2-all"}, 1},
		"before both, twice": {[]string{existing("aa"), existingTrace("ab", "{kind: MeshSubset, tags: {tier: top}}", "c", "")}, cluster.V(13), []string{"ab-1-web", "ab-2-all"}, 0},
		"another kind":       {[]string{existingTrace("aa", "{kind: MeshService, name: web}", "c", "")}, cluster.V(13), []string{"all"}, 0},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, convert.Options{Version: tc.version}, append(meshes, tc.existing...)...)
			var all []string
			for _, p := range append(result.Policies, result.Withheld...) {
				all = append(all, p.Name)
			}
			assert.ElementsMatch(t, tc.names, all)
			assert.Equal(t, tc.conflicts > 0, len(noted(result, convert.MeshTraceConflict)) > 0, noted(result, convert.MeshTraceConflict))
			if tc.conflicts == 0 {
				assert.Equal(t, 1, envoydiff.Count(result.Comparisons).Same)
			}
		})
	}
}

func TestSelectorUnmatched(t *testing.T) {
	for what, tc := range map[string]struct {
		selector string
		note     string
	}{
		"matched":              {"{team: core}", ""},
		"a value":              {"{team: edge}", `info: TrafficTrace "x": selectors=1 (team=edge)`},
		"a letter replaced":    {"{teem: core}", `warning: TrafficTrace "x": key="teem"; known="team"; selector=selector 1 (teem=core)`},
		"a letter put in":      {"{teams: core}", `warning: TrafficTrace "x": key="teams"; known="team"; selector=selector 1 (teams=core)`},
		"a letter taken out":   {"{tem: core}", `warning: TrafficTrace "x": key="tem"; known="team"; selector=selector 1 (tem=core)`},
		"another tag":          {"{owner: core}", `info: TrafficTrace "x": selectors=1 (owner=core; none has the tag "owner")`},
		"a wildcard":           {"{owner: '*'}", ""},
		"any service, matched": {"{kuma.io/service: '*', team: core}", ""},
	} {
		t.Run(what, func(t *testing.T) {
			notes := noted(converted(t, convert.Options{}, twoBackends, route, webProxy, traceOf("x", tc.selector, "a", "01")), convert.SelectorUnmatched)
			if tc.note == "" {
				assert.Empty(t, notes)
				return
			}
			assert.Equal(t, []string{tc.note}, notes)
		})
	}
}
