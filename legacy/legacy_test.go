package legacy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
)

func read(t testing.TB, text string) ([]*legacy.Mesh, []string) {
	t.Helper()
	snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", text)})
	require.Empty(t, snapshot.Problems)
	meshes, problems := legacy.Read(snapshot)
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Error())
	}
	return meshes, messages
}

// What a backend's conf must not be, and what to write instead.
// Each of many backends has its own problems, else a broken one is taken for one that works.
func TestManyBrokenBackends(t *testing.T) {
	var text strings.Builder
	text.WriteString("type: Mesh\nname: default\ntracing:\n  backends:\n")
	for i := range 120 {
		fmt.Fprintf(&text, "  - {name: b%d, type: zipkin, conf: {url: 'http://z'}}\n", i)
	}
	meshes, _ := legacy.Read(cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", text.String())}))
	require.Len(t, meshes, 1)
	require.Len(t, meshes[0].Backends, 120)
	for _, b := range meshes[0].Backends {
		assert.NotEmpty(t, b.Problems, b.Name)
	}
}

func TestUnusableBackends(t *testing.T) {
	const zipkin, datadog = "zipkin", "datadog"
	tests := []struct{ kind, conf, want string }{
		{zipkin, "{url: 'http://zipkin:9411/api/v2/spans'}", ""},
		{zipkin, "{url: 'https://[2001:db8::1]:9411/'}", ""},
		{zipkin, "{}", `conf.url is missing`},
		{zipkin, "{url: ''}", `conf.url is empty`},
		{zipkin, "{url: 'http://zipkin/api'}", `conf.url has no port, which the control plane needs; write it, like http://zipkin:9411/api/v2/spans`},
		{zipkin, "{url: 'http://me:secret@zipkin/api'}", `conf.url has no port, which the control plane needs; write it, like http://zipkin:9411/api/v2/spans`},
		{zipkin, "{url: 'zipkin:9411'}", `conf.url has no scheme http or https`},
		{zipkin, "{url: 'http://:9411/'}", `conf.url has no host`},
		{zipkin, "{url: 'http://zip kin:9411/'}", `conf.url is not a valid url`},
		{zipkin, "{url: 'http://me:se cret@zipkin:9411/'}", `conf.url is not a valid url`},
		{zipkin, "{url: 'http://zipkin:0/'}", `conf.url has the port 0, out of range 1 to 65535`},
		{zipkin, "{url: 'http://zipkin:70000/'}", `conf.url has the port 70000, out of range 1 to 65535`},
		{zipkin, "{url: 'http://zipkin:9411/', apiVersion: httpXML}", `conf.apiVersion "httpXML" is not one of httpJson, httpJsonV1, httpProto`},
		{datadog, "{address: agent, port: 8126}", ""},
		{datadog, "{address: 10.0.0.1, port: '8126'}", ""},
		{datadog, "{address: '2001:db8::1', port: 8126}", ""},
		{datadog, "{address: agent.datadog.svc.cluster.local., port: 8126}", ""},
		{datadog, "{address: agent}", `conf.port is missing`},
		{datadog, "{port: 8126}", `conf.address is missing`},
		{datadog, "{address: 'http://agent', port: 8126}", `conf.address has a scheme; write "agent", and the port in conf.port`},
		{datadog, "{address: 'http://agent:8126', port: 8126}", `conf.address has a scheme; write "agent", and the port in conf.port`},
		{datadog, "{address: 'agent:8126', port: 8126}", `conf.address has a port in it; write "agent", and 8126 in conf.port`},
		{datadog, "{address: '[2001:db8::1]', port: 8126}", `conf.address is in brackets; write "2001:db8::1"`},
		{datadog, "{address: '[2001:db8::1]:8126', port: 8126}", `conf.address has a port in it; write "2001:db8::1", and 8126 in conf.port`},
		{datadog, "{address: 'fe80::1%eth0', port: 8126}", `conf.address has a zone id (%)`},
		{datadog, "{address: ' agent', port: 8126}", `conf.address contains white space; write "agent"`},
		{datadog, "{address: 'a_b!', port: 8126}", `conf.address "a_b!" is neither a host name nor an IP address`},
		{datadog, "{address: '', port: 8126}", `conf.address "" is neither a host name nor an IP address`},
		{"jaeger", "{}", `type is neither zipkin nor datadog; MeshTrace can express no other`},
		{"''", "{}", `has no type; write zipkin or datadog`},
	}
	for _, test := range tests {
		t.Run(test.kind+" "+test.conf, func(t *testing.T) {
			meshes, problems := read(t, fmt.Sprintf("type: Mesh\nname: default\ntracing:\n  backends:\n  - name: b\n    type: %s\n    conf: %s\n", test.kind, test.conf))
			require.Empty(t, problems)
			backend := meshes[0].Backends[0]
			if test.want == "" {
				assert.Empty(t, backend.Problems)
				return
			}
			require.Len(t, backend.Problems, 1)
			message := backend.Problems[0].Error()
			assert.Contains(t, message, `: Mesh "default": tracing backend "b": `+test.want)
			assert.NotContains(t, message, "secret")
			assert.NotContains(t, message, "cret")
		})
	}
}

// Precedence by rank, then creation time, then name; and what covers what.
func TestPrecedence(t *testing.T) {
	trace := func(name, created string, selectors ...string) string {
		text := "---\ntype: TrafficTrace\nname: " + name + "\n"
		if created != "" {
			text += "creationTime: " + created + "\n"
		}
		return text + "selectors:\n- match: " + strings.Join(selectors, "\n- match: ") + "\n"
	}
	const early, late = `"2024-01-01T00:00:00Z"`, `"2024-01-01T00:00:01+00:00"`
	tests := map[string]struct {
		text    string
		order   string // name and number of each selector
		covered string // those that never decide
	}{
		"more tags first":              {trace("a", "", "{team: x}") + trace("b", "", "{team: x, version: w}"), "b1 a1", ""},
		"wildcards outrank one tag":    {trace("a", "", "{team: x}") + trace("b", "", "{team: '*', version: '*'}"), "b1 a1", ""},
		"exact before wildcard":        {trace("a", "", "{team: '*'}") + trace("b", "", "{team: x}"), "b1 a1", ""},
		"created last first":           {trace("a", early, "{team: x}") + trace("b", late, "{version: w}"), "b1 a1", ""},
		"same time, smaller name":      {trace("b", early, "{team: x}") + trace("a", early, "{version: w}"), "a1 b1", ""},
		"unknown time, smaller name":   {trace("b", "", "{team: x}") + trace("a", "", "{version: w}"), "a1 b1", ""},
		"equal tags":                   {trace("a", early, "{team: x}") + trace("b", late, "{team: x}"), "b1 a1", "a1"},
		"any service covers nothing":   {trace("a", "", "{kuma.io/service: '*'}", "{}"), "a1 a2", "a2"},
		"any service adds a tag":       {trace("a", "", "{team: x}", "{kuma.io/service: '*', team: x}"), "a2 a1", "a1"},
		"wildcard met by a named key":  {trace("a", "", "{kuma.io/service: '*', team: '*'}", "{team: x}"), "a1 a2", "a2"},
		"wildcard not met":             {trace("a", "", "{team: '*', version: '*'}", "{team: x}"), "a1 a2", ""},
		"another value covers nothing": {trace("a", "", "{kuma.io/service: '*', team: x}", "{team: w}"), "a1 a2", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			meshes, problems := read(t, "type: Mesh\nname: default\n"+test.text)
			require.Empty(t, problems)
			var order, covered []string
			for i, pair := range meshes[0].Pairs {
				name := fmt.Sprintf("%s%d", pair.Name, pair.Number)
				order = append(order, name)
				if meshes[0].Covering(i, pair.Tags) != nil {
					covered = append(covered, name)
				}
			}
			assert.Equal(t, test.order, strings.Join(order, " "))
			assert.Equal(t, test.covered, strings.Join(covered, " "))
		})
	}
}

// A selector that never decides for a proxy with kuma.io/service decides for one without.
func TestWinsWithoutService(t *testing.T) {
	meshes, problems := read(t, `type: Mesh
name: default
---
type: TrafficTrace
name: a
selectors:
- match: {kuma.io/service: '*', team: x}
- match: {team: x}
- match: {team: x}
`)
	require.Empty(t, problems)
	mesh, without, with := meshes[0], cluster.NewTags(map[string]string{"team": "x"}), cluster.NewTags(map[string]string{"team": "x", "kuma.io/service": "w"})
	assert.Equal(t, 1, mesh.Wins(without))
	assert.Equal(t, 0, mesh.Wins(with))
	assert.Equal(t, -1, mesh.Wins(cluster.NewTags(map[string]string{"kuma.io/service": "w"})))
	assert.Equal(t, []int32{1}, mesh.Satisfied(nil, without), "of equal selectors the first")
	assert.Equal(t, []int32{0, 1}, mesh.Satisfied(nil, with))
}

// The winner is the first selector in the order of precedence that a tag set satisfies; the
// covering one is a selector before it that the same proxies satisfy.
func TestWinsAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	tags := func(values ...string) string {
		var list []string
		for _, key := range []string{"kuma.io/service", "team", "version"} {
			if random.IntN(2) == 0 {
				list = append(list, fmt.Sprintf("%s: '%s'", key, values[random.IntN(len(values))]))
			}
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	decided := 0
	for range 300 {
		text := "type: Mesh\nname: default\n"
		for i := range 1 + random.IntN(6) {
			text += fmt.Sprintf("---\ntype: TrafficTrace\nname: t%d\nselectors:\n- match: %s\n- match: %s\n", i, tags("a", "b", "*"), tags("a", "b", "*"))
		}
		text += "---\ntype: Dataplane\nname: dp\nnetworking:\n  address: 10.0.0.1\n  inbound:\n"
		for port := range 1 + random.IntN(3) {
			text += fmt.Sprintf("  - port: %d\n    tags: %s\n", 80+port, tags("a", "b", "c"))
		}
		snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", text)})
		meshes, problems := legacy.Read(snapshot)
		require.Empty(t, problems, text)
		mesh, sets := meshes[0], snapshot.Dataplanes[0].TagSets()
		want := slices.IndexFunc(mesh.Pairs, func(pair *legacy.Pair) bool { return slices.ContainsFunc(sets, pair.Tags.Match) })
		require.Equal(t, want, mesh.Wins(sets...), text)
		if want >= 0 {
			decided++
		}
		for i, pair := range mesh.Pairs {
			above := mesh.Covering(i, pair.Tags)
			if above == nil {
				continue
			}
			require.Less(t, slices.Index(mesh.Pairs, above), i, text)
			for _, set := range sets {
				if set.Get(cluster.ServiceTag) != "" && pair.Tags.Match(set) {
					require.True(t, above.Tags.Match(set), text)
				}
			}
		}
	}
	assert.Positive(t, decided)
}

func TestReadProblems(t *testing.T) {
	_, problems := read(t, `type: Mesh
name: default
tracing:
  backends:
  - {name: a, type: zipkin, sampling: 101, conf: {url: "http://a:1/"}}
  - {name: a, type: zipkin, conf: {url: "http://b:1/"}}
  - {type: zipkin, conf: []}
---
type: TrafficTrace
name: t
mesh: other
selectors: {match: {}}
`)
	assert.Equal(t, []string{
		`mesh.yaml:5: Mesh "default": tracing backend "a": sampling 101 is out of range 0 to 100 (percent)`,
		`mesh.yaml:6: Mesh "default": tracing backend "a": is already defined at mesh.yaml:5, with other content; keep the one that is meant`,
		`mesh.yaml:7: Mesh "default": tracing.backends[2].name is missing`,
		`mesh.yaml:7: Mesh "default": tracing.backends[2].conf is a list, not an object`,
		`mesh.yaml:12: TrafficTrace "t" of mesh "other": selectors is an object, not a list`,
		`mesh.yaml:9: TrafficTrace "t" of mesh "other": mesh "other" is not in the input, so its tracing backends are missing; add the Mesh to the input`,
	}, dedupe(problems))
}

func dedupe(list []string) []string {
	var once []string
	seen := make(map[string]bool)
	for _, s := range list {
		if !seen[s] {
			once = append(once, s)
		}
		seen[s] = true
	}
	return once
}

// FuzzRead must not panic, and every problem must have a place and a message.
func FuzzRead(f *testing.F) {
	for _, text := range fixtures.Texts(f, "convert/*/input.yaml") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		meshes, problems := legacy.Read(cluster.Read([]manifest.Input{manifest.Text("f", text)}))
		for _, p := range problems {
			assert.Positive(t, p.Line)
			assert.NotEmpty(t, p.Message())
		}
		for _, mesh := range meshes {
			for i, pair := range mesh.Pairs {
				if above := mesh.Covering(i, pair.Tags); above != nil && above.CompareRank(pair) > 0 {
					t.Fatal("covered by a selector of lower rank")
				}
			}
		}
	})
}
