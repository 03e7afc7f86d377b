package cluster

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
)

const patchHead = "type: MeshProxyPatch\nname: p\nmesh: default\nspec:\n  default:\n    appendModifications:\n"

// modificationsOf reads the modifications of a text's only policy.
func modificationsOf(t *testing.T, text string) ([]Modification, []*manifest.Problem) {
	t.Helper()
	s := Read([]manifest.Input{manifest.Text("f.yaml", text)})
	require.Len(t, s.ProxyPatches, 1)
	problems := s.Problems
	return ModificationsOf(s.ProxyPatches[0], &problems), problems
}

// What is read of values, in any form of YAML and JSON.
func TestSummary(t *testing.T) {
	for name, test := range map[string]struct {
		value             string
		names             []string
		tracing, sampling bool
	}{
		"nothing":            {"value: 'connectTimeout: 5s'", nil, false, false},
		"a name":             {`value: 'cluster: "tracing:z"'`, []string{"tracing:z"}, false, false},
		"names":              {"value: |\n            a: tracing:z\n            b: [meshtrace:zipkin, tracing:z]\n            c: {d: system_meshtrace_zipkin_http---z}", []string{"meshtrace:zipkin", "system_meshtrace_zipkin_http---z", "tracing:z"}, false, false},
		"a field":            {"value: |\n            typedConfig:\n              tracing:\n                verbose: true", nil, true, false},
		"a field in a flow":  {"value: 'typedConfig: {tracing: {overallSampling: {value: 1}}}'", nil, true, true},
		"a field in JSON":    {`value: '{"tracing":{"overall_sampling":{"value":1}}}'`, nil, true, true},
		"null":               {"value: 'tracing:'", nil, true, false},
		"another field":      {"value: 'opentracing: {a: b}'", nil, false, false},
		"another word":       {"value: 'name: tracing'", nil, false, false},
		"a path":             {"jsonPatches: [{op: remove, path: /tracing/clientSampling}]", nil, true, true},
		"a path at its end":  {"jsonPatches: [{op: remove, path: /filters/0/tracing}]", nil, true, false},
		"another path":       {"jsonPatches: [{op: remove, path: /tracingOfOthers}]", nil, false, false},
		"a value":            {"jsonPatches: [{op: add, path: /a, value: {tracing: {cluster: 'tracing:z'}}}]", []string{"tracing:z"}, true, false},
		"with escapes":       {`value: '{"tra\x63ing": {cluster: "tracing\u003az", "client\x53ampling": 1}}'`, []string{"tracing:z"}, true, true},
		"a move from a path": {"jsonPatches: [{op: move, path: /a, from: /tracing}]", nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			found, problems := modificationsOf(t, patchHead+"      - networkFilter:\n          operation: Patch\n          "+test.value+"\n")
			require.Empty(t, problems)
			got := found[0].Value
			assert.Equal(t, Summary{Sum: got.Sum, Names: test.names, Tracing: test.tracing, Sampling: test.sampling, Copies: got.Copies}, got, "replaces nothing")
			assert.Equal(t, test.tracing || len(test.names) > 0, got.Sum != "", "a sum, where tracing is concerned")
		})
	}
}

// A value gives a tracer if it has a field provider, which has the same forms. A JSON patch may
// copy a field.
func TestSummaryOfTracers(t *testing.T) {
	for value, want := range map[string][2]bool{
		"value: 'tracing: {provider: {name: a}}'":                                       {true, false},
		`value: '{"tracing":{"provider":{}}}'`:                                          {true, false},
		"value: |\n            tracing:\n              provider:\n                a: b": {true, false},
		"value: 'tracing: {verbose: true}'":                                             {false, false},
		"value: 'provider_name: {from: a}'":                                             {false, false},
		"jsonPatches: [{op: add, path: /tracing/provider, value: {}}]":                  {true, false},
		"jsonPatches: [{op: add, path: /tracing, value: {provider: {}}}]":               {true, false},
		"jsonPatches: [{op: add, path: /providers, value: {}}]":                         {false, false},
		"jsonPatches: [{op: remove, path: /a}, {op: move, path: /a, from: /b}]":         {false, true},
		"jsonPatches: [{op: copy, path: /a, from: /tracing/provider}]":                  {true, true},
	} {
		text := patchHead + "      - networkFilter:\n          operation: Patch\n          " + value + "\n"
		found, problems := modificationsOf(t, text)
		require.Empty(t, problems)
		got := found[0].Value
		assert.Equal(t, want, [2]bool{got.Provider, got.Copies}, value)

		var out bytes.Buffer
		_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("f.yaml", text)})
		require.NoError(t, err)
		again, _ := modificationsOf(t, out.String())
		assert.Equal(t, got, again[0].Value, "in a snapshot")
	}
}

// Values that differ only in the collector's cluster have one sum.
func TestSum(t *testing.T) {
	sum := func(value string) string {
		found, problems := modificationsOf(t, patchHead+"      - cluster: {operation: Patch, value: '"+value+"'}\n")
		require.Empty(t, problems)
		return found[0].Value.Sum
	}
	same := sum("{name: \"tracing:z\", a: 1}")
	assert.Equal(t, same, sum("{name: \"meshtrace:zipkin\", a: 1}"))
	assert.Equal(t, same, sum(" {name: \"tracing:y\", a: 1} "))
	assert.NotEqual(t, same, sum("{name: \"tracing:z\", a: 2}"))
	assert.NotEqual(t, same, sum("{name: \"other\", a: 1}"))
	assert.Len(t, sum("connectTimeout: 5s"), 9, "any modification of clusters may change the collector's")
}

func TestConcernsTracing(t *testing.T) {
	for text, want := range map[string]bool{
		"cluster: {operation: Patch}":                                                                         true, // each, so the collector's
		"cluster: {operation: Patch, match: {name: 'tracing:z'}}":                                             true,
		"cluster: {operation: Remove, match: {name: 'meshtrace:zipkin'}}":                                     true,
		"cluster: {operation: Patch, match: {name: 'system_meshtrace_zipkin_x'}}":                             true,
		"cluster: {operation: Patch, match: {origin: tracing}}":                                               true,
		"cluster: {operation: Patch, match: {origin: mesh-trace}}":                                            true,
		"cluster: {operation: Patch, match: {name: 'localhost:80'}}":                                          false,
		"cluster: {operation: Patch, match: {origin: inbound}}":                                               false,
		"cluster: {operation: Patch, match: {name: 'tracing:z', origin: inbound}}":                            false,
		"cluster: {operation: Patch, match: {origin: inbound}, value: 'a: \"tracing:z\"'}":                    true,
		"cluster: {operation: Add, value: 'name: a'}":                                                         false,
		"cluster: {operation: Add, value: 'name: \"tracing:a\"'}":                                             true,
		"networkFilter: {operation: AddFirst, value: 'name: a'}":                                              false,
		"networkFilter: {operation: Patch, value: 'tracing: {}'}":                                             true,
		"httpFilter: {operation: AddBefore, value: 'x(\"tracing:z\")'}":                                       true,
		"virtualHost: {operation: Remove}":                                                                    false,
		"listener: {operation: Remove}":                                                                       true, // on another version perhaps another
		"listener: {operation: Patch, value: 'name: a'}":                                                      false,
		"networkFilter: {operation: Remove, match: {name: envoy.filters.network.rbac}}":                       false,
		"networkFilter: {operation: Remove, match: {name: envoy.filters.network.http_connection_manager}}":    true,
		`listener: {operation: Add, value: 'name: "inbound:1.2.3.4:80"'}`:                                     true, // it replaces that
		"listener: {operation: Add, value: 'name: self_inbound_dp_80'}":                                       true,
		"listener: {operation: Add, value: 'name: own'}":                                                      false,
		"listener: {operation: Patch, value: 'name: self_inbound_dp_80'}":                                     false,
		"listener: {operation: Patch, jsonPatches: [{op: remove, path: /filterChains/0}]}":                    true,
		"listener: {operation: Patch, jsonPatches: [{op: move, from: /filterChains, path: /a}]}":              true,
		"listener: {operation: Patch, jsonPatches: [{op: remove, path: /filterChains/0/filters/1}]}":          true,
		"listener: {operation: Patch, jsonPatches: [{op: add, path: /filterChains/0/filters/0/typedConfig}]}": true,
		"listener: {operation: Patch, jsonPatches: [{op: add, path: /filterChains/0/filterChainMatch}]}":      false,
		"networkFilter: {operation: Patch, jsonPatches: [{op: replace, path: ''}]}":                           true,
		"networkFilter: {operation: Patch, jsonPatches: [{op: replace, path: /statPrefix}]}":                  false,
		"httpFilter: {operation: Patch, jsonPatches: [{op: replace, path: ''}]}":                              false,
		"httpFilter: {operation: Remove}":                                                                     false,
	} {
		found, problems := modificationsOf(t, patchHead+"      - "+text+"\n")
		require.Empty(t, problems, text)
		require.Len(t, found, 1, text)
		assert.Equal(t, want, found[0].ConcernsTracing(), text)
	}
}

// What is wrong with a modification has its line and its field.
func TestMalformedModifications(t *testing.T) {
	const template = "type: ProxyTemplate\nname: p\nmesh: default\nselectors: []\nconf:\n  modifications:\n"
	for text, want := range map[string]string{
		patchHead + "      - cluster: {value: a}\n":                                                    `f.yaml:7: MeshProxyPatch "p": spec.default.appendModifications[0].cluster.operation is missing`,
		patchHead + "      - cluster: {operation: patch}\n":                                            `f.yaml:7: MeshProxyPatch "p": spec.default.appendModifications[0].cluster.operation "patch" is not one of Add, Remove, Patch`,
		patchHead + "      - httpFilter: {operation: Add}\n":                                           `"Add" is not one of AddFirst, AddLast, AddBefore, AddAfter, Remove, Patch`,
		patchHead + "      - {}\n":                                                                     `default.appendModifications[0] has none of cluster, listener, networkFilter, httpFilter, virtualHost`,
		patchHead + "      - a\n":                                                                      `default.appendModifications[0] is a string that is not an object`,
		patchHead + "      - cluster: {operation: Add, value: {name: a}}\n":                            `default.appendModifications[0].cluster.value is an object, not a string`,
		patchHead + "      - cluster: {operation: Patch, jsonPatches: a}\n":                            `cluster.jsonPatches is a string that is not a list`,
		patchHead + "      - cluster: {operation: Patch, match: {name: 7}}\n":                          `cluster.match.name is a number, not a string`,
		patchHead + "      - listener: {operation: Patch, match: {tags: a}}\n":                         `listener.match.tags is a string that is not an object of strings`,
		template + "    - cluster: {operation: Patch}\n":                                               `f.yaml:7: ProxyTemplate "p": conf.modifications[0].cluster.operation "Patch" is not one of add, remove, patch`,
		strings.Replace(template, "modifications:\n", "imports: a\n", 1):                               `conf.imports is a string that is not a list`,
		strings.Replace(template, "modifications:\n", "imports: [default-proxy]\n  resources: a\n", 1): `ProxyTemplate "p": conf.resources is a string that is not a list`,
		strings.Replace(patchHead, "appendModifications:\n", "appendModifications: {}\n", 1):           `default.appendModifications is an object, not a list`,
		strings.Replace(patchHead, "  default:\n    appendModifications:\n", "  default: []\n", 1):     `default is a list, not an object`,
	} {
		_, problems := modificationsOf(t, text)
		require.NotEmpty(t, problems, text)
		assert.Contains(t, problems[0].Error(), want)

		// A snapshot has the same problem.
		var out bytes.Buffer
		_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("f.yaml", text)})
		require.NoError(t, err)
		_, again := modificationsOf(t, out.String())
		assert.NotEmpty(t, again, out.String())
	}
}

// A snapshot has no value of a modification, and the modifications that are read of it are the
// same.
func TestSnapshotOfModifications(t *testing.T) {
	text := patchHead + `      - cluster:
          operation: Patch
          match: {name: "tracing:z", origin: tracing}
          value: "password: hunter2, tracing: {cluster: 'tracing:z'}"
          unknown: hunter2
      - networkFilter:
          operation: AddLast
          match: {name: a, listenerName: b, listenerTags: {c: d}}
          jsonPatches: [{op: add, path: /tracing/overallSampling/hunter2, value: {hunter2: [hunter2, {token: hunter2}]}}]
      - virtualHost: {operation: Remove, match: {name: a, routeConfigurationName: b}}
`
	template := `type: ProxyTemplate
name: t
mesh: default
selectors: [{match: {kuma.io/service: web}}]
conf:
  imports: [default-proxy]
  resources: [{name: hunter2, version: v1, resource: "key: hunter2, name: 'tracing:z'"}]
  modifications: [{listener: {operation: add, value: "secret: hunter2"}}]
`
	for name, text := range map[string]string{
		"MeshProxyPatch": text, "ProxyTemplate": template,
		"on Kubernetes": strings.Replace(text, "type: MeshProxyPatch\nname: p\nmesh: default\n", "apiVersion: kuma.io/v1alpha1\nkind: MeshProxyPatch\nmetadata: {name: p, namespace: kuma-system}\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("f.yaml", text)})
			require.NoError(t, err)
			assert.NotContains(t, out.String(), "hunter2")
			want, problems := modificationsOf(t, text)
			require.Empty(t, problems)
			got, problems := modificationsOf(t, out.String())
			require.Empty(t, problems)
			for _, list := range [][]Modification{want, got} {
				for i := range list {
					list[i].Place = manifest.Place{}
				}
			}
			assert.Equal(t, want, got)
			assert.NotEmpty(t, got[0].Value.Sum)
		})
	}
}

// Modifications can be read of any text.
func FuzzModifications(f *testing.F) {
	f.Add(patchHead + "      - cluster: {operation: Patch, match: {name: 'tracing:z'}, value: 'a: b'}\n")
	f.Add(patchHead + "      - networkFilter: {operation: Patch, jsonPatches: [{op: add, path: /tracing, value: {a: 1}}]}\n")
	f.Add(patchHead + "      - cluster: {operation: Patch, value: {sum: x1, names: [a, 1], tracing: true, sampling: maybe}}\n")
	f.Add("type: ProxyTemplate\nname: a\nselectors: [{match: {a: b}}]\nconf: {resources: [{resource: a}], modifications: [{listener: {operation: remove}}, a, {}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("f", text)})
		require.NoError(t, err)
		a, b := Read([]manifest.Input{manifest.Text("f", text)}), Read([]manifest.Input{manifest.Text("f", out.String())})
		require.Len(t, b.ProxyPatches, len(a.ProxyPatches))
		for i, r := range a.ProxyPatches {
			var wrong, again []*manifest.Problem
			want, got := ModificationsOf(r, &wrong), ModificationsOf(b.ProxyPatches[i], &again)
			require.Len(t, got, len(want))
			for j := range want {
				assert.Equal(t, want[j].Value.Names, got[j].Value.Names)
				assert.Equal(t, want[j].Value.Sum, got[j].Value.Sum)
			}
		}
	})
}

// What is applied, deleted or left out has its modifications with it.
func TestProxyPatchesOfSnapshots(t *testing.T) {
	read := func(text string) *Snapshot {
		s := Read([]manifest.Input{manifest.Text("f.yaml", text)})
		require.Empty(t, s.Problems)
		return s
	}
	names := func(s *Snapshot) (all []string) {
		for _, r := range s.ProxyPatches {
			all = append(all, r.String()+" "+r.Labels.Get(OriginLabel))
		}
		return all
	}
	const (
		patch    = "---\n{type: MeshProxyPatch, name: a, mesh: default, spec: {default: {appendModifications: [OF]}}}\n"
		template = "---\n{type: ProxyTemplate, name: a, mesh: other, selectors: []}\n"
	)
	old, updated := strings.Replace(patch, "OF", "", 1), strings.Replace(patch, "OF", "{cluster: {operation: Remove}}", 1)
	state := read("type: Mesh\nname: default\n" + old + template)
	assert.False(t, read(template).Empty())

	applied := read(updated).AppliedTo(state)
	assert.Equal(t, []string{`MeshProxyPatch "a" `, `ProxyTemplate "a" of mesh "other" `}, names(applied))
	assert.Len(t, ModificationsOf(applied.ProxyPatches[0], new([]*manifest.Problem)), 1)
	assert.Equal(t, []string{`ProxyTemplate "a" of mesh "other" `}, names(state.Pruned(read(old), read(template))))
	only, err := state.Only([]string{"default"})
	require.NoError(t, err)
	assert.Equal(t, []string{`MeshProxyPatch "a" `}, names(only))
	assert.Empty(t, state.Skipping([]*manifest.Problem{
		{Place: state.ProxyPatches[0].Place, Severity: manifest.Error}, {Place: state.ProxyPatches[1].Place, Severity: manifest.Error},
	}).ProxyPatches)
	moved := state.WithProxiesOf(read("type: Mesh\nname: default\n"))
	assert.Len(t, moved.ProxyPatches, 2, "they are policies, not what listeners depend on")

	// Of a zone, its own replace their copies at the global control plane.
	global := read("type: Mesh\nname: default\n" + old +
		"---\n{type: MeshProxyPatch, name: z-copy, mesh: default, labels: {kuma.io/origin: zone, kuma.io/zone: east, kuma.io/display-name: z}, spec: {}}\n" +
		"---\n{type: ProxyTemplate, name: old, mesh: default, selectors: []}\n" +
		"---\n{type: MeshProxyPatch, name: w-copy, mesh: default, labels: {kuma.io/origin: zone, kuma.io/zone: west}, spec: {}}\n")
	zone := read("type: Mesh\nname: default\n" + strings.Replace(old, "mesh: default", "mesh: default, labels: {kuma.io/origin: global}", 1) +
		"---\n{type: MeshProxyPatch, name: z, mesh: default, labels: {kuma.io/origin: zone}, spec: {}}\n" +
		"---\n{type: MeshProxyPatch, name: old, mesh: default, spec: {}}\n---\n{type: ProxyTemplate, name: old, mesh: default, selectors: []}\n")
	zone.Origin = &Origin{Source: "x", Mode: ModeFederatedZone, Zone: "east"}
	zone.Origin.AddUnread(KindProxyTemplate, Forbidden, "403")
	require.NoError(t, global.AddZone("east", zone))
	assert.True(t, global.Lacks(KindProxyTemplate))
	assert.False(t, global.Lacks(KindMeshProxyPatch))
	assert.Equal(t, []string{`MeshProxyPatch "a" `, `ProxyTemplate "old" `, `MeshProxyPatch "w-copy" zone`, `MeshProxyPatch "z" zone`, `MeshProxyPatch "old" zone`}, names(global))
}
