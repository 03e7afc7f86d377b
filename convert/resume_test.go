package convert_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/convert"
)

// Only what is made with the same content is a previous run\'s. All else existed
// before, and its proxies keep what it gives them.
func TestEarlierRun(t *testing.T) {
	meshes := []string{
		twoBackends, route, webProxy,
		traceOf("all", "{kuma.io/service: '*'}", "a", "01"),
		traceOf("web", "{kuma.io/service: web}", "b", "01"),
		traceOf("dark", "{kuma.io/service: web, team: dark}", "gone", "01"),
	}
	all := existingTrace("all", "{kind: Mesh}", "a", "")
	web := existingTrace("web", "{kind: MeshSubset, tags: {kuma.io/service: web}}", "b", "")
	dark := "{type: MeshTrace, name: dark, mesh: default, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web, team: dark}}, default: {backends: []}}}"
	const allAnnotated = "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: all, namespace: kuma-system, labels: {kuma.io/mesh: default}, annotations: {tracemigrate/source: 'TrafficTrace \"all\", selector 1'}}, " +
		"spec: {targetRef: {kind: Mesh}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://a:9411/'}}], sampling: {overall: 1}}}}"
	of := func(stand string) string { return "Mesh \"default\": " + stand }
	for what, tc := range map[string]struct {
		existing []string
		options  convert.Options
		missing  []string // of what is made
		policies int
		notes    []string // what they begin with
	}{
		"nothing":   {nil, convert.Options{}, []string{"dark", "web", "all"}, 3, nil},
		"all of it": {[]string{all, web, dark}, convert.Options{}, nil, 3, []string{"info: " + of("count=3")}},
		"the least specific": {
			[]string{all},
			convert.Options{},
			[]string{"dark", "web"},
			3,
			[]string{"error: " + of("all=3 MeshTraces; proxies=proxy \"default/web-1\"")},
		},
		"the more specific": {
			[]string{web, dark},
			convert.Options{},
			[]string{"all"},
			3,
			[]string{"info: " + of("all=3 MeshTraces; some=2")},
		},
		"a part as shadows": {
			[]string{web, dark, existingTrace("all", "{kind: Mesh}", "a", "kuma.io/effect: shadow")},
			convert.Options{},
			[]string{"all"},
			3,
			[]string{"info: " + of("all=3 MeshTraces; some=2")},
		},
		"a part, and the rest is to be shadows": {
			[]string{web},
			convert.Options{Shadow: true},
			[]string{"dark", "all"},
			2,
			[]string{"info: " + of("all=3 MeshTraces")},
		},
		"other tracing":                          {[]string{existingTrace("all", "{kind: Mesh}", "b", "")}, convert.Options{}, nil, 0, nil},
		"other sampling":                         {[]string{strings.Replace(all, "overall: 100", "overall: 99", 1)}, convert.Options{}, nil, 0, nil},
		"inherited sampling":                     {[]string{strings.Replace(all, "sampling: {overall: 100}", "sampling: {client: 50}", 1)}, convert.Options{}, nil, 0, nil},
		"other proxies":                          {[]string{existingTrace("all", "{kind: MeshSubset, tags: {team: core}}", "a", "")}, convert.Options{}, []string{"dark", "web", "all-435ed61e"}, 3, nil},
		"other proxy types":                      {[]string{existingTrace("all", "{kind: Mesh, proxyTypes: [Sidecar]}", "a", "")}, convert.Options{}, []string{"dark"}, 1, nil},
		"another name":                           {[]string{existingTrace("everything", "{kind: Mesh}", "a", "")}, convert.Options{}, nil, 0, nil},
		"of a zone, at the global control plane": {[]string{origin("mode: global"), existingTrace("all", "{kind: Mesh}", "a", "kuma.io/origin: zone")}, convert.Options{}, []string{"dark"}, 1, nil},
		"as a zone labels its own":               {[]string{origin("mode: zone"), existingTrace("all", "{kind: Mesh}", "a", "kuma.io/origin: zone")}, convert.Options{}, []string{"dark", "web"}, 3, []string{"error: "}},
		"of this zone":                           {[]string{existingTrace("all", "{kind: Mesh}", "a", "kuma.io/origin: zone")}, convert.Options{ZoneOrigin: true}, []string{"dark", "web"}, 3, []string{"error: "}},
		"not of this zone":                       {[]string{existingTrace("all", "{kind: Mesh}", "a", "")}, convert.Options{ZoneOrigin: true}, nil, 0, nil},
		"annotated and changed":                  {[]string{allAnnotated}, convert.Options{}, nil, 0, []string{"error: " + of("proxies=proxy"), "warning: MeshTrace \"all\": source=TrafficTrace \"all\", selector 1"}},
		"annotated, and in part":                 {[]string{strings.Replace(allAnnotated, "overall: 1}", "overall: 100}", 1)}, convert.Options{Format: cluster.Kubernetes, Namespace: "kuma-system"}, []string{"dark", "web"}, 3, []string{"warning: " + of("all=3 MeshTraces; proxies=proxy")}},
		"not annotated on Kubernetes":            {[]string{strings.NewReplacer("overall: 1}", "overall: 100}", "annotations: {tracemigrate/source: 'TrafficTrace \"all\", selector 1'}", "annotations: {}").Replace(allAnnotated)}, convert.Options{Format: cluster.Kubernetes, Namespace: "kuma-system"}, nil, 0, nil},
		"by the rank that it had then":           {[]string{existingTrace("4-all", "{kind: Mesh}", "a", ""), web, dark}, convert.Options{}, []string{"all"}, 3, []string{"warning: MeshTrace \"4-all\": policy=\"all\"", "info: " + of("all=3 MeshTraces; some=2")}},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, tc.options, append(meshes, tc.existing...)...)
			var missing []string
			for _, p := range result.New() {
				missing = append(missing, p.Name)
			}
			assert.Equal(t, tc.missing, missing)
			assert.Len(t, result.Policies, tc.policies)
			notes := noted(result, convert.EarlierRun)
			assert.Len(t, notes, len(tc.notes), notes)
			for i, begins := range tc.notes {
				assert.True(t, strings.HasPrefix(notes[i], begins), notes[i])
			}
		})
	}
}
