package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// What decides on the outcome besides policies: labels that the control plane
// adds, versions of zones, and what could not be read. convert, report and diff
// must say the same of it.
func TestVerdictsAgree(t *testing.T) {
	mesh := []string{
		"{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}, {name: yy, type: zipkin, conf: {url: 'http://y:9411/'}}]}}",
		"{type: TrafficRoute, name: all, mesh: default}",
	}
	trace := func(name, match, backend string) string {
		return "{type: TrafficTrace, name: " + name + ", mesh: default, creationTime: '2026-01-01T00:00:00Z', selectors: [{match: {" + match + "}}], conf: {backend: " + backend + "}}"
	}
	existing := func(name, labels string) string {
		return "{type: MeshTrace, name: " + name + ", mesh: default, labels: {" + labels + "}, spec: {targetRef: {kind: MeshSubset, tags: {team: x}}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://other:9411/'}}]}}}"
	}
	proxy := func(name, zone, more string) string {
		return "{type: Dataplane, name: " + name + ", mesh: default, labels: {" + zone + "}, networking: {address: 10.0.0.1, " + more + "}}"
	}
	const (
		web     = "inbound: [{port: 80, tags: {kuma.io/service: web, team: x}}]"
		south   = "kuma.io/zone: south"
		gateway = "gateway: {type: BUILTIN, tags: {kuma.io/service: edge}}"
	)
	two := slices.Concat(mesh, []string{trace("aa", "kuma.io/service: web", "z"), trace("bb", "kuma.io/service: web, team: x", "yy"), proxy("web-1", south, web)})
	for what, tc := range map[string]struct {
		origin    string
		documents []string
		convert   int
		verdict   string // of the one proxy that it is about
		flags     string
	}{
		"a policy of the zone, which new ones will be too":  {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), existing("zz", "kuma.io/origin: zone"), proxy("web-1", "", web)), 1, "same", ""},
		"which then loses what a proxy beside it needs":     {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), existing("zz", "kuma.io/origin: zone"), proxy("web-1", "", web), proxy("web-2", "", "inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]")), 1, "one of two", ""},
		"the same by a smaller name":                        {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), existing("aa", "kuma.io/origin: zone"), proxy("web-1", "", web)), 0, "same", ""},
		"a policy of global, which new ones will be too":    {"mode: global, zones: [{name: south, version: 2.13.0}]", append(mesh, trace("web", "kuma.io/service: web", "z"), existing("aa", "kuma.io/origin: global"), proxy("web-1", south, web)), 0, "same", ""},
		"a zone of the same version":                        {"mode: global, zones: [{name: south, version: 2.13.0}]", append(two, trace("ab", "kuma.io/service: web, team: x, v: none", "z")), 0, "same", ""},
		"a zone where names decide in the other order":      {"mode: global, zones: [{name: south, version: 2.5.0}]", two, 1, "different", ""},
		"beside that zone, in one of the same version":      {"mode: global, zones: [{name: north, version: 2.13.0}, {name: south, version: 2.5.0}]", append(mesh, trace("aa", "kuma.io/service: web", "z"), trace("bb", "kuma.io/service: web, team: x", "yy"), trace("ab", "kuma.io/service: web, team: x, v: none", "z"), proxy("web-1", "kuma.io/zone: north", web)), 0, "same", ""},
		"that zone, and the version said":                   {"mode: global, zones: [{name: south, version: 2.5.0}]", two, 1, "different", "--kuma-version 2.13"},
		"a zone that knows no MeshTrace":                    {"mode: global, zones: [{name: south, version: 1.8.0}]", two, 1, "unknown", ""},
		"a zone that knows no TrafficTrace":                 {"mode: global, zones: [{name: south, version: 3.0.0}]", two, 1, "unknown", ""},
		"a zone whose version is not told":                  {"mode: global, zones: [{name: south}]", two, 1, "unknown", ""},
		"and which is then said":                            {"mode: global, zones: [{name: south}]", append(two, trace("ab", "kuma.io/service: web, team: x, v: none", "z")), 0, "same", "--zone-version south=2.13"},
		"zones that could not be listed":                    {"mode: global, unread: [{what: zones, reason: forbidden}]", two, 1, "unknown", ""},
		"a gateway, and MeshGateways could not be listed":   {"mode: zone, unread: [{what: MeshGateway, reason: forbidden}]", append(mesh, trace("web", "tier: edge", "z"), proxy("gw-1", "", gateway)), 1, "unknown", ""},
		"a sidecar, and MeshGateways could not be listed":   {"mode: zone, unread: [{what: MeshGateway, reason: forbidden}]", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web)), 0, "same", ""},
		"a gateway whose MeshGateway is broken":             {"mode: zone", append(mesh, trace("web", "tier: edge", "z"), proxy("gw-1", "", gateway), "{type: MeshGateway, name: g, mesh: default, selectors: none}"), 1, "unknown", ""},
		"a TrafficTrace is broken":                          {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web), "{type: TrafficTrace, name: odd, mesh: default, selectors: none}"), 1, "unknown", ""},
		"a MeshProxyPatch is broken":                        {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web), "{type: MeshProxyPatch, name: odd, mesh: default, spec: {default: {appendModifications: none}}}"), 1, "unknown", ""},
		"a ProxyTemplate is broken":                         {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web), "{type: ProxyTemplate, name: odd, mesh: default, selectors: none}"), 1, "unknown", ""},
		"one of another mesh is broken":                     {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web), "{type: Mesh, name: m}", "{type: TrafficTrace, name: odd, mesh: m, selectors: none}"), 1, "same", ""},
		"the Mesh is broken":                                {"mode: zone", []string{"{type: Mesh, name: default, tracing: none}", "{type: Mesh, name: m}", trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web)}, 1, "unknown", ""},
		"a document that is nothing, so it may be anything": {"mode: zone", append(mesh, trace("web", "kuma.io/service: web", "z"), proxy("web-1", "", web), "{type: TrafficTrace, name: ["), 1, "unknown", ""},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.yaml")
			documents := append([]string{"{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, version: 2.13.1, " + tc.origin + "}"}, tc.documents...)
			documents = append(documents, "{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n")
			require.NoError(t, os.WriteFile(file, []byte(strings.Join(documents, "\n---\n")), 0o600))
			code, _, words := tool(t, "convert -f "+file+" "+tc.flags)
			assert.Equal(t, tc.convert, code, words)
			want := 1
			if tc.convert == 0 && tc.verdict == "same" {
				want = 0
			}
			count := map[string]string{"one of two": "2 proxies compared: 1 same, 0 inherent, 1 different", "same": "1 proxy compared: 1 same, 0 inherent, 0 different", "different": "1 proxy compared: 0 same, 0 inherent, 1 different", "unknown": "1 proxy compared: 0 same, 0 inherent, 0 different, 1 unknown"}[tc.verdict]
			for _, command := range []string{"report --full", "diff"} {
				code, text, words := tool(t, command+" -f "+file+" "+tc.flags)
				assert.Equal(t, want, code, "%s: %s", command, words)
				assert.Contains(t, unwrapped(text), count, command)
				assert.Equal(t, tc.verdict == "unknown", strings.Contains(text, "unverified"), text)
				assert.Equal(t, want == 0 && command != "diff", strings.Contains(text, "delete traffic"), "steps")
			}
			// explain says it of the proxy, and diff of what --keep-going wrote.
			name, verdict := "web-1", tc.verdict
			switch {
			case strings.Contains(strings.Join(documents, ""), "gw-1"):
				name = "gw-1"
			case verdict == "one of two":
				name, verdict = "web-2", "different"
			}
			_, explained, _ := tool(t, "explain "+name+" -f "+file+" "+tc.flags)
			assert.Contains(t, explained, "After the migration ("+verdict+"): ")
			_, written, _ := tool(t, "convert --keep-going -f "+file+" "+tc.flags)
			if written == "" || strings.Contains(strings.Join(documents, ""), "name: [") {
				return
			}
			policies := filepath.Join(t.TempDir(), "policies.yaml")
			require.NoError(t, os.WriteFile(policies, []byte(written), 0o600))
			_, text, words := tool(t, "diff -f "+file+" --meshtrace "+policies+" "+tc.flags)
			assert.Contains(t, unwrapped(text), count, words)
		})
	}
}

// A zone's control plane labels every new policy with its origin, so that a new one without the
// label has precedence over an existing one by its name.
func TestVerdictOfUnlabelledPolicies(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, documents ...string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(documents, "\n---\n")+"\n"), 0o600))
		return file
	}
	policy := func(head, target, to string) string {
		return "{type: MeshTrace, mesh: default, " + head + ", spec: {targetRef: {" + target + "}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://" + to + ":9411/'}}]}}}"
	}
	const mesh = "{type: Mesh, name: default}"
	state := write("state.yaml", "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, version: 2.13.1, mode: zone}", mesh,
		policy("name: z, labels: {kuma.io/origin: zone}", "kind: Mesh", "today"),
		"{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}",
		"{apiVersion: tracemigrate/v1, kind: SnapshotEnd}")
	added := policy("name: a", "kind: Mesh", "new")
	labelled := policy("name: q, labels: {kuma.io/origin: zone}", "kind: MeshSubset, tags: {team: x}", "new")
	for what, args := range map[string]string{
		"edited":                    "-f " + state + " --meshtrace " + write("edited.yaml", added),
		"edited, beside a label":    "-f " + state + " --meshtrace " + write("mixed.yaml", added, labelled),
		"manifests":                 "--state " + state + " --before-manifests " + write("was.yaml", mesh) + " --after-manifests " + write("is.yaml", mesh, added),
		"manifests, beside a label": "--state " + state + " --before-manifests " + write("was.yaml", mesh) + " --after-manifests " + write("is.yaml", mesh, added, labelled),
	} {
		code, text, words := tool(t, "diff "+args)
		assert.Equal(t, 1, code, "%s: %s", what, words)
		assert.Contains(t, unwrapped(text), "1 proxy compared: 0 same, 0 inherent, 1 different", what)
	}
}

// Proxies whose differences are equal make one group (fixtures/cases/files/diff-groups.py).
func TestDiffGroups(t *testing.T) {
	var input strings.Builder
	input.WriteString("type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - name: z\n    type: zipkin\n    conf: {url: 'http://zipkin/api/v2/spans'}\n" +
		"---\ntype: TrafficTrace\nname: all\nmesh: default\nselectors:\n- match: {kuma.io/service: '*'}\n")
	for i := range 2000 {
		fmt.Fprintf(&input, "---\ntype: Dataplane\nname: dp-%d\nmesh: default\nnetworking:\n  address: 10.0.%d.%d\n  inbound:\n  - port: 8080\n    tags: {kuma.io/service: web, kuma.io/protocol: http}\n", i, i/256, i%256)
	}
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(input.String()), 0o600))
	_, text, _ := tool(t, "diff --kuma-version 2.13 -f "+file)
	assert.Equal(t, 1, strings.Count(text, "\ndifferent  "), "%.500s", text)
	assert.Contains(t, text, "\n  default/dp-0, default/dp-1, default/dp-10 and 1,997 more\n")
}

// A verdict on made-up proxies alone does not pretend that these run, also with -q.
func TestMadeUpVerdicts(t *testing.T) {
	const (
		among = "of the proxies that the policies distinguish, "
		every = "every proxy that the policies distinguish keeps its tracing"
	)
	dir := t.TempDir()
	write := func(name string, documents ...string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(documents, "\n---\n")+"\n"), 0o600))
		return file
	}
	backends := "tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, sampling: 50, conf: {url: 'http://z:9411/api/v2/spans', apiVersion: httpJson}}]}"
	mesh := "{type: Mesh, name: default, " + backends + "}"
	trace := "{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}]}"
	gains := write("gains.yaml", mesh, trace)
	same := write("same.yaml", mesh, trace, "{type: TrafficRoute, name: all, mesh: default}")
	bare := write("bare.yaml", mesh)
	for _, test := range []struct {
		args, out, words string
		code             int
	}{
		{args: "diff -f " + same, out: plain.Capitalise(every) + "."},
		{args: "diff -q -o json -f " + same, out: `"sentence": "` + plain.Capitalise(every) + `."`, words: every},
		{args: "diff -f " + gains, out: plain.Capitalise(among) + "1 proxy keeps its tracing; it differs only in inherent codes"},
		{args: "diff -q --strict -f " + gains, code: 1, words: among + "1 inherent, and --strict counts these"},
		{args: "diff --before-manifests " + same + " --after-manifests " + same, out: plain.Capitalise(every) + "."},
		{args: "diff --before-manifests " + same + " --after-manifests " + bare, code: 1, words: among + "1 unknown"},
		{args: "diff -o markdown --before-manifests " + same + " --after-manifests " + bare, code: 1, out: "**" + plain.Capitalise(among) + "it is not known"},
		{args: "rewrite --stage add " + same, words: every},
		{args: "rewrite -q --stage add " + same, words: "1 file to add; nothing was written (--write writes); " + every},
	} {
		code, text, words := tool(t, test.args+" --kuma-version 2.13")
		assert.Equal(t, test.code, code, "%s: %s", test.args, words)
		assert.Contains(t, unwrapped(text), test.out, test.args)
		assert.Contains(t, words, test.words, test.args)
	}
}
