package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// verdict is what is said of a proxy.
type verdict struct {
	of    envoydiff.Verdict
	after string
}

// What convert and diff say of each proxy, what report says, and what comes of the
// very policies that convert --keep-going writes is one and the same; and what is
// not the same has a note that says why.
func TestVerdictsAgree(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	different, withheld, inherent := 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+3_000_000)), cluster.V(3 + n%12)}
		text := r.policies() + r.dataplanes() + r.surroundings() + r.rivals(n)
		if r.chance(50) {
			text += "---\n{type: TrafficRoute, name: all, mesh: default}\n"
		}
		all := readAll(text)
		require.Empty(t, all.Problems, "mesh %d\n%s", n, text)
		options := convert.Options{Version: r.version, MadeUp: 100}
		result, problems := convert.Convert(convert.Read(all, options.Namespace), options)
		require.Empty(t, problems)

		said := make(map[string]verdict)
		for _, c := range result.Comparisons {
			for i := range c.Proxies {
				p := &c.Proxies[i]
				require.NotContains(t, said, p.Mesh+"/"+p.Name)
				said[p.Mesh+"/"+p.Name] = verdict{p.Verdict, p.After.Address()}
			}
		}
		require.Len(t, said, len(all.Dataplanes))

		about, _, problems := report.Build(convert.Read(all, options.Namespace), report.Options{Convert: options, Words: report.Words{Program: "tracemigrate"}})
		require.Empty(t, problems)
		reported := make(map[string]envoydiff.Verdict)
		for i := range about.Proxies {
			reported[about.Proxies[i].Mesh+"/"+about.Proxies[i].Name] = about.Proxies[i].Verdict
		}

		var written bytes.Buffer
		require.NoError(t, meshtrace.Write(&written, result.Policies, meshtrace.Style{Version: r.version}))
		read, problems := meshtrace.Read(readAll(written.String()))
		require.Empty(t, problems)
		require.Len(t, read, len(result.Policies))
		before := envoydiff.State{Legacy: result.Meshes, Policies: result.Before(result.Existing)}
		applied := envoydiff.CompareZones(all, before, envoydiff.State{Policies: convert.Applied(result.Existing, read)}, envoydiff.Options{Version: r.version})
		for _, c := range applied {
			for i := range c.Proxies {
				p := &c.Proxies[i]
				name := p.Mesh + "/" + p.Name
				require.Equal(t, verdict{p.Verdict, p.After.Address()}, said[name], "seed %d, mesh %d, Kuma %s, %s: %v\n%s\n---\n%s", start, n, r.version, name, p.Differences, text, written.String())
				require.Equal(t, p.Verdict, reported[name])
				if p.Verdict == envoydiff.Different {
					different++
					require.True(t, result.Refused(), "seed %d, mesh %d, Kuma %s, %s differs and nothing says why: %v\n%s\n---\n%s", start, n, r.version, name, p.Differences, text, written.String())
				}
				if p.Verdict == envoydiff.Inherent {
					inherent++
				}
			}
		}
		conflicts := 0
		for _, note := range result.Notes {
			if note.Code == convert.MeshTraceConflict && note.Severity == manifest.Error {
				conflicts++
			}
		}
		withheld += len(result.Withheld)
		require.GreaterOrEqual(t, conflicts, len(result.Withheld), "a note for each")
		for _, p := range result.Withheld {
			require.NotContains(t, result.Policies, p)
		}
	}
	t.Logf("%d proxies different, %d inherent, %d policies withheld", different, inherent, withheld)
	if tries >= 500 {
		require.Greater(t, min(different, withheld, inherent), 100, "the random meshes miss a feature")
	}
}

// rivals are further MeshTraces, which conflict more often.
func (r random) rivals(n int) string {
	if n%2 == 0 {
		return ""
	}
	return "---\n{type: MeshTrace, name: " + r.one("a", "zz") + ", mesh: default, spec: {targetRef: {kind: MeshSubset, tags: {version: v1}}, default: " +
		r.one("{sampling: {overall: 7}}", "{backends: []}", "{backends: [{type: Datadog, datadog: {url: 'http://other:8126'}}]}") + "}}\n"
}

// A conflict names the TrafficTrace whose policy conflicts, which need not be the one
// that decides for the proxy today; what is withheld is nowhere applied, and the
// proxies that need it are different and say why.
func TestWithheld(t *testing.T) {
	const (
		partial = "{type: MeshTrace, name: own, mesh: default, spec: {targetRef: {kind: MeshService, name: web}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://own:9411/'}}]}}}"
		low     = "{type: Mesh, name: default, tracing: {backends: [{name: a, type: zipkin, sampling: 5, conf: {url: 'http://a:9411/'}}, {name: b, type: zipkin, conf: {url: 'http://b:9411/'}}]}}"
		other   = "{type: Dataplane, name: other-1, mesh: default, networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: other, kuma.io/protocol: http}}]}}"
		dark    = "{type: Dataplane, name: dark-1, mesh: default, networking: {address: 10.0.0.3, inbound: [{port: 80, tags: {kuma.io/service: dark, kuma.io/protocol: http}}]}}"
	)
	result := converted(t, convert.Options{}, low, route, webProxy, other, dark, partial,
		traceOf("all", "{kuma.io/service: '*'}", "a", "01"), traceOf("web", "{kuma.io/service: web}", "b", "01"), traceOf("dark", "{kuma.io/service: dark}", "gone", "01"))
	assert.Equal(t, []string{"dark"}, names(result))
	assert.Equal(t, []string{`error: TrafficTrace "all": existing=MeshTrace "own" (snapshot.yaml:11); policy="all"; proxies=1 proxy (proxy "default/web-1"); selector=selector 1 (kuma.io/service=*)`},
		noted(result, convert.MeshTraceConflict))
	said := make(map[string]string)
	for i := range result.Comparisons[0].Proxies {
		p := &result.Comparisons[0].Proxies[i]
		said[p.Name] = string(p.Verdict) + ", " + p.After.Source()
	}
	assert.Equal(t, map[string]string{
		"web-1":   `same, MeshTrace "own" (MeshTrace "all" is withheld)`,
		"other-1": `different, nothing (MeshTrace "all" is withheld)`,
		"dark-1":  `same, MeshTrace "dark", without a backend (MeshTrace "all" is withheld)`,
	}, said)
}

// Only proxies whose service name really changes are counted.
func TestDatadogServiceNames(t *testing.T) {
	const mesh = "{type: Mesh, name: default, tracing: {backends: [{name: dd, type: datadog, conf: {address: agent, port: 8126}}]}}"
	proxy := func(name string, services ...string) string {
		var inbounds []string
		for i, service := range services {
			inbounds = append(inbounds, fmt.Sprintf("{port: %d, tags: {kuma.io/service: %s}}", 80+i, service))
		}
		return "{type: Dataplane, name: " + name + ", mesh: default, networking: {address: 10.0.0.1, inbound: [" + strings.Join(inbounds, ", ") + "]}}"
	}
	const http = ", kuma.io/protocol: http"
	for what, tc := range map[string]struct {
		proxies []string
		version cluster.Version
		notes   []string // what they end with
	}{
		"two services, one of them TCP":    {[]string{proxy("a", "a"+http, "b")}, cluster.V(11), nil},
		"two services, one named the same": {[]string{proxy("a", "a"+http, "b"+http), proxy("b", "a"+http, "a"+http)}, cluster.V(11), []string{`proxies=1 proxy (proxy "default/a")`}},
		"five": {
			[]string{proxy("a", "a"+http, "b"+http), proxy("b", "b"+http, "a"+http), proxy("c", "a"+http, "c"+http), proxy("d", "a"+http, "b"+http), proxy("e", "a"+http, "b"+http)},
			cluster.V(11),
			[]string{`proxies=5 proxies (proxy "default/a", proxy "default/b", proxy "default/c" and 2 more)`},
		},
		"no Dataplanes": {nil, cluster.V(11), []string{`TrafficTrace "all": `}},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, convert.Options{Version: tc.version}, append([]string{mesh, route, traceOf("all", "{kuma.io/service: '*'}", "dd", "01")}, tc.proxies...)...)
			notes := noted(result, convert.DatadogServiceName)
			require.Len(t, notes, len(tc.notes), notes)
			for i, ends := range tc.notes {
				assert.True(t, strings.HasSuffix(notes[i], ends), notes[i])
			}
		})
	}
}

// A proxy may have unified resource naming, and then another Datadog service name, from 2.12 on in a
// mesh whose MeshServices are exclusive; seen on 2.13.10.
func TestDatadogUnifiedNaming(t *testing.T) {
	const (
		mesh = "{type: Mesh, name: default, meshServices: {mode: MODE}, tracing: {backends: [{name: b, CONF}]}}"
		web  = "{type: Dataplane, name: web, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}"

		datadog = "type: datadog, conf: {address: agent, port: 8126}"
		zipkin  = "type: zipkin, conf: {url: 'http://z:9411/'}"
	)
	for what, tc := range map[string]struct {
		version    cluster.Version
		mode, conf string
		may        bool
	}{
		"exclusive":             {cluster.V(12), "Exclusive", datadog, true},
		"exclusive, as an enum": {cluster.V(13), "3", datadog, true},
		"everywhere":            {cluster.V(12), "Everywhere", datadog, false},
		"before 2.12":           {cluster.V(11), "Exclusive", datadog, false},
		"zipkin":                {cluster.V(12), "Exclusive", zipkin, false},
	} {
		t.Run(what, func(t *testing.T) {
			mesh := strings.NewReplacer("MODE", tc.mode, "CONF", tc.conf).Replace(mesh)
			plan := converted(t, convert.Options{Version: tc.version}, mesh, route, traceOf("all", "{kuma.io/service: '*'}", "b", "01"), web)
			want := envoydiff.Same
			if tc.may {
				want = envoydiff.Inherent
			}
			for _, p := range envoydiff.All(plan.Comparisons) {
				assert.Equal(t, want, p.Verdict)
				assert.Equal(t, tc.may, p.Has(envoydiff.DatadogUnifiedNaming))
			}
			notes := noted(plan, convert.DatadogServiceName)
			require.Equal(t, tc.may, len(notes) == 1, notes)
			if tc.may {
				assert.True(t, strings.HasSuffix(notes[0], "version="+tc.version.String()), notes[0])
			}
		})
	}
}
