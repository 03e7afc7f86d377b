package upgrade_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
)

const (
	mesh    = "{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/api/v2/spans'}}]}}"
	bare    = "{type: Mesh, name: default}"
	trace   = "{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}"
	web     = "{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, inbound: [{port: 80, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}"
	tagged  = "{type: Dataplane, mesh: default, name: tagged-1, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: tagged, kuma.io/protocol: HTTP}}]}}"
	tcp     = "{type: Dataplane, mesh: default, name: tcp-1, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: tcp, kuma.io/protocol: tcp}}]}}"
	onKube  = "{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: kube-1, namespace: shop}, spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: kube, kuma.io/protocol: http}}]}}}"
	edge    = "{type: MeshGateway, mesh: default, name: edge, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP}]}}"
	builtin = "{type: Dataplane, mesh: default, name: edge-1, networking: {address: 10.0.0.1, gateway: {type: BUILTIN, tags: {kuma.io/service: edge}}}}"
)

func policy(name, ref, backend string) string {
	return fmt.Sprintf("{type: MeshTrace, mesh: default, name: %s, spec: {targetRef: %s, default: {backends: [%s]}}}", name, ref, backend)
}

const (
	zipkin  = "{type: Zipkin, zipkin: {url: 'http://z:9411/api/v2/spans'}}"
	datadog = "{type: Datadog, datadog: {url: 'http://dd:8126'}}"
	otel    = "{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}"
)

func check(t *testing.T, o upgrade.Options, documents ...string) *upgrade.Result {
	t.Helper()
	c := convert.Read(cluster.Read([]manifest.Input{manifest.Text("in.yaml", strings.Join(documents, "\n---\n"))}), "kuma-system")
	require.False(t, c.Failed(), "%v", c.Found)
	o.MadeUp = 100
	return upgrade.Check(c, o)
}

// describe returns a line for each cause: verdict, code, proxies and resources.
func describe(r *upgrade.Result) []string {
	var lines []string
	for _, c := range r.Causes {
		line := fmt.Sprintf("%s %s:", c.Verdict, c.Code)
		for _, p := range c.Proxies {
			line += " " + p.Name
		}
		for _, resource := range c.Resources {
			line += " " + resource.Place.String() + "=" + resource.Of.String()
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCheck(t *testing.T) {
	to3 := upgrade.Options{From: cluster.V(14), To: cluster.Newest}
	for name, test := range map[string]struct {
		o         upgrade.Options
		documents []string
		want      []string
		fails     bool
	}{
		"nothing": {to3, []string{bare}, nil, false},
		"a proxy and a TrafficTrace": {to3, []string{mesh, trace, web}, []string{
			`different traffictrace-removed: web-1 in.yaml:3=TrafficTrace "all"`, `info mesh-tracing-ignored: in.yaml:1=Mesh "default"`,
		}, true},
		"TrafficTraces that only creation times order": {to3, []string{mesh, strings.Replace(trace, "name: all", "name: a, conf: {backend: none}", 1), trace, web}, []string{
			`unknown tie-by-creation-time: web-1 in.yaml:7=Dataplane "web-1"`, `info mesh-tracing-ignored: in.yaml:1=Mesh "default"`,
			`info traffictrace-removed: in.yaml:3=TrafficTrace "a" in.yaml:5=TrafficTrace "all"`,
		}, true},
		"a TrafficTrace that no proxy uses": {to3, []string{mesh, strings.Replace(trace, "'*'", "other", 1), web}, []string{
			`info mesh-tracing-ignored: in.yaml:1=Mesh "default"`, `info traffictrace-removed: in.yaml:3=TrafficTrace "all"`,
		}, false},
		"a TrafficTrace without Dataplanes": {to3, []string{bare, trace}, []string{
			`different traffictrace-removed: in.yaml:3=TrafficTrace "all"`,
		}, true},
		"accepted": {upgrade.Options{From: cluster.V(14), To: cluster.Newest, Accept: []envoydiff.Code{envoydiff.TrafficTraceRemoved}}, []string{bare, trace}, []string{
			`accepted traffictrace-removed: in.yaml:3=TrafficTrace "all"`,
		}, false},
		"3.0 to 3.0": {upgrade.Options{From: cluster.Newest, To: cluster.Newest}, []string{mesh, policy("all", "{kind: Mesh}", datadog), web, tagged}, nil, false},
		"an unused kind and an endpoint": {to3, []string{bare, policy("a", "{kind: MeshSubset, tags: {app: core}}", otel), web}, []string{
			`different meshtrace-refused: in.yaml:3=MeshTrace "a"`, `different otel-endpoint: in.yaml:3=MeshTrace "a"`,
		}, true},
		"refused on both": {upgrade.Options{From: cluster.V(9), To: cluster.V(10)}, []string{bare, policy("a", "{kind: MeshSubset, tags: {x: '*'}}", zipkin), web}, nil, false},
		"an ignored field that changes no proxy": {to3, []string{bare, policy("a", "{kind: Mesh, proxyTypes: [Sidecar]}", zipkin), policy("b", "{kind: Mesh, proxyTypes: [Sidecar, Gateway]}", zipkin), web}, []string{
			`info field-ignored: in.yaml:3=MeshTrace "a"`,
		}, false},
		"an ignored field without Dataplanes": {to3, []string{bare, policy("a", "{kind: Dataplane, name: web-1}", zipkin)}, []string{
			`different field-ignored: in.yaml:3=MeshTrace "a"`,
		}, true},
		"protocols": {to3, []string{bare, policy("all", "{kind: Mesh}", zipkin), web, tagged, tcp, onKube}, []string{
			`different protocol-from-field: tagged-1 in.yaml:7=Dataplane "tagged-1"`,
		}, true},
		"protocols without tracing": {to3, []string{bare, tagged, onKube}, []string{`info protocol-from-field: in.yaml:3=Dataplane "tagged-1"`}, false},
		"a gateway without tracing": {to3, []string{bare, edge, builtin}, []string{
			`info builtin-gateway-removed: in.yaml:3=MeshGateway "edge" in.yaml:5=Dataplane "edge-1"`,
		}, false},
		"a MeshGateway without Dataplanes": {to3, []string{bare, edge}, []string{`different builtin-gateway-removed: in.yaml:3=MeshGateway "edge"`}, true},
		"Datadog without Dataplanes":       {to3, []string{bare, policy("all", "{kind: Mesh}", datadog)}, []string{`info workload-service-name: in.yaml:3=MeshTrace "all"`}, false},
		"two codes of one proxy": {to3, []string{bare, policy("all", "{kind: Mesh}", zipkin), strings.Replace(tagged, "inbound:", "outbound: [{port: 1, tags: {kuma.io/service: web}}], inbound:", 1), web}, []string{
			`different outbound-needs-backend-ref: tagged-1 in.yaml:5=Dataplane "tagged-1"`, `different protocol-from-field: tagged-1 in.yaml:5=Dataplane "tagged-1"`,
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := check(t, test.o, test.documents...)
			assert.Equal(t, test.want, describe(r))
			assert.Equal(t, test.fails, r.Fails())
		})
	}
}

// What a running version refuses does not exist there, if it is from a manifest.
func TestRefusedByFrom(t *testing.T) {
	r := check(t, upgrade.Options{From: cluster.V(9), To: cluster.V(14)}, bare, policy("a", "{kind: Dataplane}", zipkin), web)
	require.Len(t, r.Refused, 1)
	assert.Zero(t, r.MeshTraces)
	assert.Empty(t, r.Causes)
	const origin, end = "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, version: 2.9.0}", "{apiVersion: tracemigrate/v1, kind: SnapshotEnd}"
	r = check(t, upgrade.Options{From: cluster.V(9), To: cluster.V(14)}, origin, bare, policy("a", "{kind: Dataplane}", zipkin), web, end)
	assert.Empty(t, r.Refused, "a cluster has it")
	assert.Equal(t, 1, r.MeshTraces)
}

func TestRenames(t *testing.T) {
	dp := func(name, labels string, services ...string) string {
		var inbounds []string
		for i, service := range services {
			inbounds = append(inbounds, fmt.Sprintf("{port: %d, protocol: http, tags: {kuma.io/service: %s, kuma.io/protocol: http}}", 80+i, service))
		}
		return fmt.Sprintf("{type: Dataplane, mesh: default, name: %s, labels: {%s}, networking: {address: 10.0.0.1, inbound: [%s]}}", name, labels, strings.Join(inbounds, ", "))
	}
	legacy := []string{strings.NewReplacer("type: zipkin", "type: datadog", "url: 'http://z:9411/api/v2/spans'", "address: dd, port: 8126").Replace(mesh), trace}
	current := []string{bare, policy("all", "{kind: Mesh}", datadog)}
	for name, test := range map[string]struct {
		documents []string
		want      []string
	}{
		"no label":               {append(current, dp("a", "", "web"), dp("b", "", "web")), []string{"web -> unknown (label): a b"}},
		"its own name":           {append(current, dp("a", "kuma.io/workload: web", "web")), nil},
		"another label":          {append(current, dp("a", "kuma.io/workload: w1", "web")), []string{"web -> w1 (label): a"}},
		"no DNS label":           {append(current, dp("a", "", "web_1"), dp("b", "", "1web"), dp("c", "", strings.Repeat("x", 64))), []string{"1web -> unknown (invalid-name): b", "web_1 -> unknown (invalid-name): a", strings.Repeat("x", 64) + " -> unknown (invalid-name): c"}},
		"the first of several":   {append(current, dp("a", "", "b", "a")), []string{"a -> unknown (label): a"}},
		"several, TrafficTrace":  {append(legacy, dp("a", "", "b", "a")), []string{"a -> unknown (several-services): a", "b -> unknown (several-services): a"}},
		"one, TrafficTrace":      {append(legacy, dp("a", "", "web")), []string{"web -> unknown (label): a"}},
		"Zipkin":                 {[]string{bare, policy("all", "{kind: Mesh}", zipkin), web}, nil},
		"OpenTelemetry":          {[]string{bare, policy("all", "{kind: Mesh}", otel), web}, []string{"web -> unknown (label): web-1"}},
		"Kubernetes, no account": {append(current, onKube), []string{"kube ->  (setting): kube-1.shop"}},
		"Kubernetes, an account": {append(current, strings.Replace(onKube, "namespace: shop", "namespace: shop, annotations: {k8s.kuma.io/service-account: sa}", 1)), []string{"kube -> sa (setting): kube-1.shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range check(t, upgrade.Options{From: cluster.V(14), To: cluster.Newest}, test.documents...).Renames {
				line := fmt.Sprintf("%s -> %s (%s):", r.Old, r.New, r.Keep)
				for _, p := range r.Proxies {
					line += " " + p.Name
				}
				got = append(got, line)
				assert.NotEmpty(t, r.KeptBy())
			}
			slices.Sort(got)
			slices.Sort(test.want)
			assert.Equal(t, test.want, got)
		})
	}
	assert.Empty(t, check(t, upgrade.Options{From: cluster.V(13), To: cluster.V(14)}, append(current, web)...).Renames)
}

// Proxies of zones are compared from the version of their zone, all to one version.
func TestZones(t *testing.T) {
	in := func(name, zone string) string {
		return strings.NewReplacer("web-1", name, "mesh: default,", "mesh: default, labels: {kuma.io/zone: "+zone+"},").Replace(web)
	}
	text := strings.Join([]string{bare, policy("a", "{kind: Mesh}", zipkin), policy("b", "{kind: Mesh}", strings.Replace(zipkin, "z:", "other:", 1)), in("old-1", "old"), in("new-1", "new")}, "\n---\n")
	s := cluster.Read([]manifest.Input{manifest.Text("in.yaml", text)})
	s.Origin = &cluster.Origin{Mode: cluster.ModeGlobal, Version: "2.7.0", Zones: []cluster.Zone{{Name: "new", Version: "2.7.0"}, {Name: "old", Version: "2.5.0"}}}
	r := upgrade.Check(convert.Read(s, "kuma-system"), upgrade.Options{From: cluster.Version{Major: 2, Minor: 7}, To: cluster.V(7)})
	require.Len(t, r.Comparisons, 2)
	i := slices.IndexFunc(r.Causes, func(c *upgrade.Cause) bool { return c.Code == envoydiff.NameOrder })
	require.GreaterOrEqual(t, i, 0)
	require.Len(t, r.Causes[i].Proxies, 1)
	assert.Equal(t, "old-1", r.Causes[i].Proxies[0].Name)
}

// A name that begins with a dash is not taken as an option.
func TestDashedNames(t *testing.T) {
	words := upgrade.Words{Words: report.Words{Program: "tracemigrate", Source: "-f in.yaml"}}
	for name, c := range map[string]struct {
		proxy string
		want  string
	}{
		"name": {strings.Replace(tagged, "tagged-1", "--all", 1), "kumactl get dataplane --mesh default -o yaml -- --all > dataplane.yaml && "},
		"none": {tagged, "kumactl get dataplane tagged-1 --mesh default -o yaml > dataplane.yaml && "},
	} {
		t.Run(name, func(t *testing.T) {
			r := check(t, upgrade.Options{From: cluster.V(13), To: cluster.Newest}, mesh, trace, c.proxy)
			var commands []string
			for _, cause := range r.Causes {
				for _, remedy := range words.Text(r, cause).Remedies {
					commands = append(commands, remedy.Command)
				}
			}
			assert.Contains(t, strings.Join(commands, "\n"), c.want)
		})
	}
}

// Every cause has a complete text, with every command for the user's own source.
func TestTexts(t *testing.T) {
	words := upgrade.Words{Words: report.Words{Program: "tracemigrate", Source: "-f 'my file'"}}
	for code := range envoydiff.Codes {
		for _, r := range []*upgrade.Result{{To: cluster.V(14)}, {To: cluster.Newest}} {
			text := words.Text(r, &upgrade.Cause{Code: code})
			assert.NotEmpty(t, text.Fact, code)
			assert.NotContains(t, text.Fact+text.Consequence, "{", code)
		}
	}
	r := check(t, upgrade.Options{From: cluster.V(14), To: cluster.Newest}, mesh, trace, web, tagged,
		policy("a", "{kind: MeshSubset, tags: {kuma.io/service: tagged}}", datadog), edge, builtin)
	require.NotEmpty(t, r.Causes)
	for _, c := range r.Causes {
		for _, remedy := range words.Text(r, c).Remedies {
			assert.NotContains(t, strings.ReplaceAll(remedy.Command, "${EDITOR", "")+remedy.Title, "{", c.Code)
			if strings.HasPrefix(remedy.Command, "tracemigrate") {
				assert.True(t, strings.HasSuffix(remedy.Command, " -f 'my file'"), remedy.Command)
			}
		}
	}
}
