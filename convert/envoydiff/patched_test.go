package envoydiff_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// No proxy is the same whose tracing a control plane changes, and few others are unknown.
func TestPatchedRecorded(t *testing.T) {
	answers := make(map[string]fixtures.Case)
	for _, c := range fixtures.Recorded(t, "proxypatch") {
		answers[c.Name] = c
	}
	for version, cautious := range map[string][]string{
		// Of all JSON patches for tracing, json-length is one. For t-raw, it is not known which of
		// two clusters with one name counts.
		"2.12.3": {"json-length", "t-raw"},
		"2.7.19": {"json-length", "t-raw"},
	} {
		before, after := answers["modified on "+version], answers["modified-after on "+version]
		meshes, problems := legacy.Read(before.Snapshot)
		require.Empty(t, problems)
		policies, problems := meshtrace.Read(after.Snapshot)
		require.Empty(t, problems)
		result := envoydiff.Compare(before.Snapshot, envoydiff.State{Legacy: meshes}, envoydiff.State{Policies: policies}, envoydiff.Options{Version: before.Version})
		require.Len(t, result.Proxies, 28)
		changed := 0
		for i := range result.Proxies {
			p := &result.Proxies[i]
			key, was := p.Mesh+"/"+p.Name, "tracing:half"
			if strings.HasSuffix(p.Name, "-unset") {
				was = "tracing:z"
			}
			same := assert.ObjectsAreEqual(withoutName(t, before.Proxies[key], was), withoutName(t, after.Proxies[key], "meshtrace:zipkin"))
			want := envoydiff.Same
			if !same || slices.Contains(cautious, p.Name) {
				want = envoydiff.Unknown
			}
			if !same {
				changed++
			}
			assert.Equal(t, want, p.Verdict, "%s on %s: %v", p.Name, version, p.Differences)
			assert.Equal(t, want == envoydiff.Unknown, p.Has(envoydiff.ProxyPatched), p.Name)
		}
		assert.Equal(t, 10, changed, version)
	}
}

// withoutName returns an answer with Envoy's defaults, and without the name of the collector's
// cluster and the clusters of other names.
func withoutName(t *testing.T, p fixtures.Proxy, name string) any {
	t.Helper()
	var all struct {
		Clusters, Listeners map[string]map[string]any
	}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"`+name+`"`, `"collector"`)), &all))
	collector := all.Clusters["collector"]
	delete(collector, "altStatName")
	for _, tracing := range all.Listeners {
		if tracing == nil {
			continue
		}
		if tracing["overallSampling"] == nil {
			tracing["overallSampling"] = map[string]any{"value": 100.0}
		}
		config := tracing["provider"].(map[string]any)["typedConfig"].(map[string]any)
		if config["sharedSpanContext"] == nil {
			config["sharedSpanContext"] = true
		}
	}
	return []any{collector, all.Listeners}
}

const (
	patchedMesh = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, sampling: 50, conf: {url: 'http://z:9411/'}}]}}\n" +
		"---\n{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}\n" +
		"---\n{type: Dataplane, name: web, mesh: default, networking: {address: 1.2.3.4, inbound: [{port: 1, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
	patchedRoute = "---\n{type: TrafficRoute, name: all, mesh: default, conf: {destination: {kuma.io/service: '*'}}}\n"
	patchedTrace = "---\n{type: MeshTrace, name: all, mesh: default, spec: {targetRef: {kind: Mesh}, default: {sampling: {overall: 50}, backends: " +
		"[{type: Zipkin, zipkin: {url: 'http://z:9411/', apiVersion: httpJson, sharedSpanContext: true, traceId128bit: false}}]}}}\n"
	tracer   = "{networkFilter: {operation: Patch, value: 'tracing: {provider: {name: own}}'}}"
	byName   = "{cluster: {operation: Patch, match: {name: 'tracing:z'}, value: 'connectTimeout: 7s'}}"
	byOrigin = "{cluster: {operation: Patch, match: {origin: mesh-trace}, value: 'connectTimeout: 7s'}}"
)

// copied returns a modification of the clusters of an origin that copies a field.
func copied(origin, from string) string {
	return "{cluster: {operation: Patch, match: {origin: " + origin + "}, jsonPatches: [{op: copy, from: " + from + ", path: /altStatName}]}}"
}

// meshProxyPatch returns a MeshProxyPatch with modifications.
func meshProxyPatch(targetRef, modifications string) string {
	return "---\n{type: MeshProxyPatch, name: p, mesh: default, spec: {targetRef: {" + targetRef + "}, default: {appendModifications: [" + modifications + "]}}}\n"
}

// proxyTemplate returns a ProxyTemplate with modifications.
func proxyTemplate(name, match, modifications string) string {
	return "---\n{type: ProxyTemplate, name: " + name + ", mesh: default, selectors: [{match: {" + match + "}}], conf: {imports: [default-proxy], modifications: [" + modifications + "]}}\n"
}

// comparePatched compares the proxy of patchedMesh with others documents.
func comparePatched(t *testing.T, documents string, o envoydiff.Options, states ...string) *envoydiff.Proxy {
	t.Helper()
	return comparePatchedIn(t, patchedMesh, documents, o, states...)
}

// comparePatchedIn is comparePatched in another mesh with the proxy.
func comparePatchedIn(t *testing.T, mesh, documents string, o envoydiff.Options, states ...string) *envoydiff.Proxy {
	t.Helper()
	read := func(text string) (*cluster.Snapshot, envoydiff.State) {
		s := cluster.Read([]manifest.Input{manifest.Text("f", text)})
		require.Empty(t, s.Problems)
		meshes, problems := legacy.Read(s)
		require.Empty(t, problems)
		policies, problems := meshtrace.Read(s)
		require.Empty(t, problems)
		return s, envoydiff.State{Legacy: meshes, Policies: policies}
	}
	s, before := read(mesh + patchedRoute + documents)
	_, after := read("{type: Mesh, name: default}\n" + patchedTrace)
	if len(states) > 0 {
		var now *cluster.Snapshot
		now, after = read("{type: Mesh, name: default}\n" + states[0])
		after.Patches, _ = envoydiff.ReadPatches(now)
	}
	return &envoydiff.Compare(s, before, after, o).Proxies[0]
}

// Only a modification that applies to a proxy, and does not do the same before and after, makes
// it unknown.
func TestPatched(t *testing.T) {
	lower := strings.ReplaceAll(byName, "Patch", "patch")
	for name, test := range map[string]struct {
		version   cluster.Version
		documents string
		want      string // of the reason; empty: the same
	}{
		"by name":                     {cluster.V(9), meshProxyPatch("kind: Mesh", byName), `MeshProxyPatch "p" (f:9) changes the cluster "tracing:z" (origin tracing), which receives the traces before, and not "meshtrace:zipkin" (origin mesh-trace)`},
		"selected by a tag":           {cluster.V(9), meshProxyPatch("kind: MeshSubset, tags: {kuma.io/service: web}", byName), "tracing:z"},
		"not selected":                {cluster.V(9), meshProxyPatch("kind: MeshSubset, tags: {kuma.io/service: api}", byName), ""},
		"of another mesh":             {cluster.V(9), strings.Replace(meshProxyPatch("kind: Mesh", byName), "default", "other", 1), ""},
		"a shadow":                    {cluster.V(9), strings.Replace(meshProxyPatch("kind: Mesh", byName), "spec", "labels: {kuma.io/effect: shadow}, spec", 1), ""},
		"before MeshProxyPatches":     {cluster.V(0), meshProxyPatch("kind: Mesh", byName), ""},
		"repeated by origin":          {cluster.V(13), meshProxyPatch("kind: Mesh", byName+", "+byOrigin), ""},
		"repeated by name":            {cluster.V(9), meshProxyPatch("kind: Mesh", byName+", "+strings.Replace(byOrigin, "origin: mesh-trace", "name: 'meshtrace:zipkin'", 1)), ""},
		"repeated with another value": {cluster.V(9), meshProxyPatch("kind: Mesh", byName+", "+strings.Replace(byOrigin, "7s", "8s", 1)), "changes the cluster"},
		"repeated as another":         {cluster.V(9), meshProxyPatch("kind: Mesh", byName+", "+strings.Replace(byOrigin, "operation: Patch", "operation: Remove", 1)), "changes the cluster"},
		"in another order": {cluster.V(9), meshProxyPatch("kind: Mesh", byName+", "+strings.Replace(byName, "7s", "8s", 1)+", "+
			strings.Replace(byOrigin, "7s", "8s", 1)+", "+byOrigin), "in another order"},
		"the new cluster alone": {cluster.V(9), meshProxyPatch("kind: Mesh", byOrigin), `changes the cluster "meshtrace:zipkin" (origin mesh-trace), which receives the traces after, and not "tracing:z"`},
		"every name":            {cluster.V(9), meshProxyPatch("kind: Mesh", "{cluster: {operation: Patch, value: 'name: \"tracing:z\"'}}"), `names the cluster "tracing:z", which exists only before`},
		"a tracer of its own":   {cluster.V(9), meshProxyPatch("kind: Mesh", tracer), ""},
		"every cluster":         {cluster.V(9), meshProxyPatch("kind: Mesh", "{cluster: {operation: Patch, value: 'connectTimeout: 7s'}}"), ""},
		"the name, copied": {
			cluster.V(9), meshProxyPatch("kind: Mesh", copied("tracing", "/name")+", "+copied("mesh-trace", "/name")),
			"copies a field that may have another value after",
		},
		"a field, copied, already a MeshTrace": {cluster.V(9), patchedTrace + meshProxyPatch("kind: Mesh", copied("tracing", "/type")+", "+copied("mesh-trace", "/type")), ""},
		"other clusters":                       {cluster.V(9), meshProxyPatch("kind: Mesh", "{cluster: {operation: Remove, match: {origin: inbound}}}"), ""},
		"name and wrong origin":                {cluster.V(9), meshProxyPatch("kind: Mesh", "{cluster: {operation: Remove, match: {name: 'tracing:z', origin: inbound}}}"), ""},
		"another backend":                      {cluster.V(9), meshProxyPatch("kind: Mesh", strings.Replace(byName, "tracing:z", "tracing:y", 1)), ""},
		"a filter that names it":               {cluster.V(9), meshProxyPatch("kind: Mesh", "{httpFilter: {operation: AddFirst, value: 'call(\"tracing:z\")'}}"), `names the cluster "tracing:z", which exists only before`},
		"a filter of another":                  {cluster.V(9), meshProxyPatch("kind: Mesh", "{httpFilter: {operation: AddFirst, value: 'call(\"tracing:y\")'}}"), ""},
		"a filter":                             {cluster.V(9), meshProxyPatch("kind: Mesh", "{httpFilter: {operation: AddFirst, value: 'name: lua'}}"), ""},
		"tracing by a value":                   {cluster.V(9), meshProxyPatch("kind: Mesh", "{networkFilter: {operation: Patch, value: 'tracing: {verbose: true}'}}"), ""},
		"tracing by a patch":                   {cluster.V(9), meshProxyPatch("kind: Mesh", "{networkFilter: {operation: Patch, jsonPatches: [{op: remove, path: /tracing/provider}]}}"), "changes tracing with jsonPatches"},
		"other fields by a patch":              {cluster.V(9), meshProxyPatch("kind: Mesh", "{networkFilter: {operation: Patch, jsonPatches: [{op: remove, path: /routeConfig}]}}"), ""},
		"already a MeshTrace":                  {cluster.V(9), patchedTrace + meshProxyPatch("kind: Mesh", byName+", "+byOrigin), ""},
		"beside a MeshTrace":                   {cluster.V(9), patchedTrace + meshProxyPatch("kind: Mesh", "{networkFilter: {operation: Patch, value: 'tracing: {provider: {cluster: \"tracing:z\"}}'}}"), `names the cluster "tracing:z", which exists only before`},
		"ProxyTemplate":                        {cluster.V(9), proxyTemplate("t", "kuma.io/service: web", lower), `ProxyTemplate "t" (f:9) changes the cluster "tracing:z"`},
		"ProxyTemplate on 2.0":                 {cluster.V(0), proxyTemplate("t", "kuma.io/service: web", lower), "tracing:z"},
		"ProxyTemplate of others":              {cluster.V(9), proxyTemplate("t", "kuma.io/service: api", lower), ""},
		"a lower rank":                         {cluster.V(9), proxyTemplate("t", "kuma.io/service: '*'", lower) + proxyTemplate("u", "kuma.io/service: web", ""), ""},
		"a tie": {cluster.V(9), proxyTemplate("a", "kuma.io/service: web", "") + proxyTemplate("b", "kuma.io/service: web", lower) +
			proxyTemplate("c", "kuma.io/service: web", ""), "tracing:z"},
		"raw resources": {cluster.V(9), strings.Replace(proxyTemplate("t", "kuma.io/service: web", ""), "modifications: []", "resources: [{name: a, version: v1, resource: 'name: \"tracing:z\"'}]", 1), `names the cluster "tracing:z"`},
		"both kinds":    {cluster.V(9), meshProxyPatch("kind: Mesh", byName) + proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(byOrigin, "Patch", "patch")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := comparePatched(t, test.documents, envoydiff.Options{Version: test.version})
			if test.want == "" {
				assert.Equal(t, envoydiff.Same, got.Verdict, "%v", got.Differences)
				return
			}
			require.Equal(t, envoydiff.Unknown, got.Verdict)
			require.True(t, got.Has(envoydiff.ProxyPatched))
			assert.Contains(t, got.Differences[0].Before, test.want)
			accepted := comparePatched(t, test.documents, envoydiff.Options{Version: test.version, Accept: []envoydiff.Code{envoydiff.ProxyPatched}})
			assert.Equal(t, envoydiff.Accepted, accepted.Verdict)
		})
	}
}

// With unified resource naming, which the mesh must allow, the collector's cluster has another name.
func TestPatchedUnifiedNaming(t *testing.T) {
	exclusive := strings.Replace(patchedMesh, "tracing:", "meshServices: {mode: Exclusive}, tracing:", 1)
	for name, modifications := range map[string]string{
		"repeated by one of two": byName + ", " + strings.Replace(byOrigin, "origin: mesh-trace", "name: 'meshtrace:zipkin'", 1),
		"a name in statistics": "{cluster: {operation: Patch, match: {origin: tracing}, jsonPatches: [{op: remove, path: /altStatName}]}}, " +
			"{cluster: {operation: Patch, match: {origin: mesh-trace}, jsonPatches: [{op: remove, path: /altStatName}]}}",
	} {
		t.Run(name, func(t *testing.T) {
			documents, o := meshProxyPatch("kind: Mesh", modifications), envoydiff.Options{Version: cluster.V(13)}
			assert.Equal(t, envoydiff.Same, comparePatched(t, documents, o).Verdict)
			got := comparePatchedIn(t, exclusive, documents, o)
			require.Equal(t, envoydiff.Unknown, got.Verdict)
			require.True(t, got.Has(envoydiff.ProxyPatched))
			assert.Contains(t, got.Differences[0].Before, "with unified resource naming")
			o.Accept = []envoydiff.Code{envoydiff.ProxyPatched}
			assert.Equal(t, envoydiff.Accepted, comparePatchedIn(t, exclusive, documents, o).Verdict)
		})
	}
}

// A proxy that is not traced keeps that, whatever the modifications are, unless one may fail for the
// collector's cluster, which it has as well.
func TestPatchedUntraced(t *testing.T) {
	tcp := strings.ReplaceAll(patchedMesh, "protocol: http", "protocol: tcp") + "---\n{type: ExternalService, name: x, mesh: default, tags: {kuma.io/service: x, kuma.io/protocol: tcp}}\n"
	tcp = strings.Replace(tcp, "kuma.io/protocol: tcp}}]}}\n", "kuma.io/protocol: tcp}}], outbound: [{port: 2, tags: {kuma.io/service: x}}]}}\n", 1)
	tracing := func(added, cluster string) string {
		return "{" + added + ", value: 'tracing: {provider: {name: own, typedConfig: {collectorCluster: \"" + cluster + "\"}}}'}}"
	}
	failing := func(origin string) string {
		return "{cluster: {operation: Patch, match: {origin: " + origin + "}, jsonPatches: [{op: replace, path: /transportSocket/name, value: x}]}}"
	}
	for name, test := range map[string]struct {
		modifications string
		want          envoydiff.Verdict
	}{
		"a value":                      {byName, envoydiff.Same},
		"a JSON patch of both":         {failing("tracing") + ", " + failing("mesh-trace"), envoydiff.Same},
		"a JSON patch of the new":      {failing("mesh-trace"), envoydiff.Unknown},
		"a JSON patch of the old":      {failing("tracing"), envoydiff.Unknown},
		"a JSON patch of another":      {failing("inbound"), envoydiff.Same},
		"a JSON patch of listeners":    {"{networkFilter: {operation: Patch, jsonPatches: [{op: remove, path: /tracing/provider}]}}", envoydiff.Same},
		"a tracer of its own":          {tracing("networkFilter: {operation: AddFirst", "own"), envoydiff.Same},
		"a tracer that names the old":  {tracing("networkFilter: {operation: AddFirst", "tracing:z"), envoydiff.Unknown},
		"a tracer that names the new":  {tracing("listener: {operation: Add", "meshtrace:zipkin"), envoydiff.Unknown},
		"a tracer that names another":  {tracing("networkFilter: {operation: AddFirst", "tracing:y"), envoydiff.Same},
		"a JSON patch that names none": {"{cluster: {operation: Patch, jsonPatches: [{op: remove, path: /connectTimeout}]}}", envoydiff.Same},
	} {
		t.Run(name, func(t *testing.T) {
			s, before := stateOf(t, tcp+meshProxyPatch("kind: Mesh", test.modifications))
			_, after := stateOf(t, "{type: Mesh, name: default}\n"+patchedTrace)
			got := envoydiff.Compare(s, before, after, envoydiff.Options{Version: cluster.V(9)}).Proxies[0]
			assert.True(t, got.Before.Traces())
			assert.Equal(t, test.want, got.Verdict, "%v", got.Differences)
		})
	}
	s, before := stateOf(t, tcp+meshProxyPatch("kind: Mesh", byName))
	none, _ := envoydiff.ReadPatches(&cluster.Snapshot{})
	after := envoydiff.State{Legacy: before.Legacy, Patches: none}
	got := envoydiff.Compare(s, before, after, envoydiff.Options{Version: cluster.V(9)}).Proxies[0]
	assert.True(t, got.Before.Traces())
	assert.Equal(t, envoydiff.Same, got.Verdict, "%v", got.Differences)
}

// An upgrade may drop a modification, the policy that has it, or the names that it selects by.
func TestPatchedOnTwoVersions(t *testing.T) {
	const hcm = "{networkFilter: {operation: Patch, MATCHvalue: 'tracing: {verbose: true}'}}"
	for name, test := range map[string]struct {
		from, to  cluster.Version
		documents string
		want      string
	}{
		"nothing changes":        {cluster.V(13), cluster.V(14), patchedTrace + meshProxyPatch("kind: Mesh", byOrigin), ""},
		"by origin":              {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", byOrigin), ""},
		"by name":                {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", strings.Replace(byOrigin, "origin: mesh-trace", "name: 'meshtrace:zipkin'", 1)), `and not "system_meshtrace_zipkin_http---z-9411-"`},
		"a kind that it refuses": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: MeshSubset, tags: {kuma.io/service: web}", byOrigin), "only before"},
		"ProxyTemplate":          {cluster.V(14), cluster.Newest, patchedTrace + proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(byOrigin, "Patch", "patch")), "only before"},
		"no profile":             {cluster.V(14), cluster.Newest, patchedTrace + strings.Replace(proxyTemplate("t", "kuma.io/service: web", ""), "default-proxy", "", 1), "only before"},
		"a gateway's profile":    {cluster.V(14), cluster.Newest, patchedTrace + strings.Replace(proxyTemplate("t", "kuma.io/service: web", ""), "default-proxy", "gateway-proxy", 1), "only before"},
		"another ProxyTemplate":  {cluster.V(14), cluster.Newest, patchedTrace + proxyTemplate("t", "kuma.io/service: web", "{cluster: {operation: remove, match: {origin: inbound}}}"), ""},
		"every listener":         {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", strings.Replace(hcm, "MATCH", "", 1)), ""},
		"some listeners":         {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", strings.Replace(hcm, "MATCH", "match: {listenerName: 'inbound:1.2.3.4:1'}, ", 1)), "which have other names after"},
		"every filter of a kind": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", strings.Replace(hcm, "MATCH", "match: {name: hcm}, ", 1)), ""},
		"listeners removed":      {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Remove, match: {origin: inbound}}}"), ""},
		"a listener removed":     {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Remove, match: {name: self_inbound_dp_1}}}"), "which have other names after"},
		"by a tag":               {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Remove, match: {tags: {kuma.io/service: web}}}}"), "which have other names"},
		"its filter removed":     {cluster.V(14), cluster.Newest, patchedTrace + proxyTemplate("t", "kuma.io/service: web", "{networkFilter: {operation: remove, match: {name: envoy.filters.network.http_connection_manager}}}"), "only before"},
		"another filter removed": {cluster.V(14), cluster.Newest, patchedTrace + proxyTemplate("t", "kuma.io/service: web", "{networkFilter: {operation: remove, match: {name: rbac}}}"), ""},
		"a listener replaced":    {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Add, value: 'name: \"inbound:1.2.3.4:1\"'}}"), "which have other names after"},
		"one of 3.0":             {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Add, value: 'name: self_inbound_dp_1'}}"), "which have other names after"},
		"one of its own":         {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh", "{listener: {operation: Add, value: 'name: own'}}"), ""},
		"a raw listener": {cluster.V(14), cluster.Newest, patchedTrace + strings.Replace(proxyTemplate("t", "kuma.io/service: web", ""),
			"modifications: []", "resources: [{name: a, version: v1, resource: 'name: \"inbound:1.2.3.4:1\"'}]", 1), "only before"},
		"filters of a listener": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh",
			"{listener: {operation: Patch, match: {name: 'inbound:1.2.3.4:1'}, jsonPatches: [{op: remove, path: /filterChains/0}]}}"), "which have other names after"},
		"filters of all": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh",
			"{listener: {operation: Patch, jsonPatches: [{op: remove, path: /filterChains/0}]}}"), ""},
		"a name in statistics": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh",
			"{cluster: {operation: Patch, match: {origin: mesh-trace}, jsonPatches: [{op: remove, path: /altStatName}]}}"), "depends on a field that may have another value after"},
		"a timeout": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh",
			"{cluster: {operation: Patch, match: {origin: mesh-trace}, jsonPatches: [{op: replace, path: /connectTimeout, value: 7s}]}}"), ""},
		"a field copied": {cluster.V(14), cluster.Newest, patchedTrace + meshProxyPatch("kind: Mesh",
			"{networkFilter: {operation: Patch, match: {name: hcm}, jsonPatches: [{op: copy, from: /statPrefix, path: /tracing/x}]}}"), "depends on a field that may have another value after"},
		"MeshProxyPatch is new": {cluster.V(0), cluster.V(1), patchedTrace + meshProxyPatch("kind: Mesh", byOrigin), "only after"},
	} {
		t.Run(name, func(t *testing.T) {
			got := comparePatched(t, test.documents, envoydiff.Options{Version: test.from, To: test.to, Migrated: true})
			assert.Equal(t, test.want != "", got.Has(envoydiff.ProxyPatched), "%v", got.Differences)
			if test.want != "" {
				assert.Contains(t, got.Differences[0].Before, test.want)
			} else {
				assert.NotEqual(t, envoydiff.Unknown, got.Verdict)
			}
		})
	}
}

// A modification may give a tracer to listeners that no policy traces. Whether they keep it
// depends on the version, and on a MeshTrace, which TrafficTraces that leave outbounds out
// become (Kuma 2.14.3 and 3.0).
func TestTracedByPatches(t *testing.T) {
	const (
		untraced = "{type: Mesh, name: default}\n---\n{type: Dataplane, name: web, mesh: default, networking: " +
			"{address: 1.2.3.4, inbound: [{port: 1, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
		outbound = "networking: {outbound: [{port: 2, tags: {kuma.io/service: web}}], "
	)
	upgrade, migration := envoydiff.Options{Version: cluster.V(14), To: cluster.Newest}, envoydiff.Options{Version: cluster.V(14)}
	traced := strings.Replace(patchedMesh, "networking: {", outbound, 1)
	for name, test := range map[string]struct {
		documents, patches string
		o                  envoydiff.Options
		want               string // empty: not unknown
	}{
		"nothing changes":     {untraced, meshProxyPatch("kind: Mesh", tracer), upgrade, ""},
		"no tracer":           {untraced, proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(strings.Replace(tracer, "provider", "other", 1), "Patch", "patch")), upgrade, ""},
		"a ProxyTemplate":     {untraced, proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(tracer, "Patch", "patch")), upgrade, "only before"},
		"removed by its name": {untraced, meshProxyPatch("kind: Mesh", tracer+", {listener: {operation: Remove, match: {name: self_inbound_dp_1}}}"), upgrade, "which have other names after"},
		"ignored proxyTypes":  {untraced, meshProxyPatch("kind: Mesh, proxyTypes: [Gateway]", tracer), upgrade, "only after"},
		"protocol by tag":     {strings.Replace(untraced, "protocol: http, tags", "tags", 1), meshProxyPatch("kind: Mesh", tracer), upgrade, "the proxy has others on Kuma 3.0"},
		"no HTTP listener": {
			strings.Replace(strings.ReplaceAll(untraced, "protocol: http", "protocol: tcp"), "networking: {", strings.Replace(outbound, "web", "x", 1), 1) +
				"---\n{type: ExternalService, name: x, mesh: default, tags: {kuma.io/service: x, kuma.io/protocol: tcp}}\n",
			proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(tracer, "Patch", "patch")), upgrade, "",
		},
		"a refused Dataplane":  {strings.Replace(untraced, "networking: {", outbound, 1), meshProxyPatch("kind: Mesh", tracer), upgrade, "a proxy whose Dataplane Kuma 3.0 refuses"},
		"untraced outbounds":   {traced, meshProxyPatch("kind: Mesh", tracer), migration, "outbounds that no policy traces before"},
		"inbounds only":        {traced, meshProxyPatch("kind: Mesh", strings.Replace(tracer, "Patch,", "Patch, match: {origin: inbound},", 1)), migration, ""},
		"with a TrafficRoute":  {traced + patchedRoute, meshProxyPatch("kind: Mesh", tracer), migration, ""},
		"untraced, no upgrade": {untraced, proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(tracer, "Patch", "patch")), migration, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", test.documents+test.patches)})
			require.Empty(t, s.Problems)
			meshes, problems := legacy.Read(s)
			require.Empty(t, problems)
			before := envoydiff.State{Legacy: meshes}
			after := before
			if test.o.To == (cluster.Version{}) && test.documents != untraced {
				now := cluster.Read([]manifest.Input{manifest.Text("g", patchedTrace)})
				after.Legacy = nil
				after.Policies, problems = meshtrace.Read(now)
				require.Empty(t, problems)
			}
			got := envoydiff.Compare(s, before, after, test.o).Proxies[0]
			assert.Equal(t, test.want != "", got.Verdict == envoydiff.Unknown, "%v", got.Differences)
			if test.want != "" {
				require.True(t, got.Has(envoydiff.ProxyPatched))
				assert.Contains(t, got.Differences[0].Before, test.want)
				assert.NotNil(t, got.ModifiedAt)
			}
		})
	}
}

// Each of two states has its own modifications.
func TestPatchedInTwoStates(t *testing.T) {
	old := meshProxyPatch("kind: Mesh", byName)
	for name, test := range map[string]struct{ before, after, want string }{
		"for each its own": {old, patchedTrace + meshProxyPatch("kind: Mesh", byOrigin), ""},
		"one of a tie": {
			proxyTemplate("a", "kuma.io/service: web", "") + proxyTemplate("b", "kuma.io/service: web", strings.ReplaceAll(byName, "Patch", "patch")),
			patchedTrace + proxyTemplate("a", "kuma.io/service: web", ""), "receives the traces before",
		},
		"for both":               {old, patchedTrace + meshProxyPatch("kind: Mesh", byName+", "+byOrigin), ""},
		"not any more":           {old, patchedTrace, `receives the traces before`},
		"for the old one only":   {old, patchedTrace + old, "and not \"meshtrace:zipkin\""},
		"another kind of policy": {old, patchedTrace + proxyTemplate("t", "kuma.io/service: web", strings.ReplaceAll(byOrigin, "Patch", "patch")), ""},
		"a new one":              {"", patchedTrace + meshProxyPatch("kind: Mesh", "{networkFilter: {operation: Patch, value: 'tracing: {verbose: true}'}}"), "only after"},
	} {
		t.Run(name, func(t *testing.T) {
			got := comparePatched(t, test.before, envoydiff.Options{Version: cluster.V(9)}, test.after)
			assert.Equal(t, test.want != "", got.Verdict == envoydiff.Unknown, "%v", got.Differences)
			if test.want != "" {
				assert.Contains(t, got.Differences[0].Before, test.want)
			}
		})
	}
}

// What could not be read may change the cluster, if it has another name afterwards.
func TestPatchesUnread(t *testing.T) {
	for _, kind := range []string{cluster.KindMeshProxyPatch, cluster.KindProxyTemplate} {
		unread := "---\n{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x, unread: [{what: " + kind + ", cause: forbidden, reason: r}]}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
		got := comparePatched(t, unread, envoydiff.Options{Version: cluster.V(9)})
		require.Equal(t, envoydiff.Unknown, got.Verdict)
		assert.Contains(t, got.Differences[0].Before, kind+" could not be read")
		assert.Equal(t, envoydiff.Same, comparePatched(t, unread+patchedTrace, envoydiff.Options{Version: cluster.V(9)}).Verdict, "the cluster keeps its name")
	}
}
