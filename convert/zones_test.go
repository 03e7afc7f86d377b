package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// origin is the document that a snapshot begins with.
func origin(fields string) string {
	return "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, " + fields + "}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}"
}

const (
	twoBackends = `{type: Mesh, name: default, tracing: {backends: [{name: a, type: zipkin, conf: {url: 'http://a:9411/'}}, {name: b, type: zipkin, conf: {url: 'http://b:9411/'}}]}}`
	route       = `{type: TrafficRoute, name: all, mesh: default}`
	webProxy    = `{type: Dataplane, name: web-1, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, team: core}}]}}`
)

func traceOf(name, tags, backend, created string) string {
	return fmt.Sprintf("{type: TrafficTrace, name: %s, mesh: default, creationTime: '2026-03-%sT00:00:00Z', selectors: [{match: %s}], conf: {backend: %s}}", name, created, tags, backend)
}

func existingTrace(name, targetRef, backend, labels string) string {
	return fmt.Sprintf("{type: MeshTrace, name: %s, mesh: default, labels: {%s}, spec: {targetRef: %s, default: {backends: [{type: Zipkin, zipkin: {url: 'http://%s:9411/'}}], sampling: {overall: 100}}}}", name, labels, targetRef, backend)
}

// converted is the conversion of a snapshot; "" means 2.13.
func converted(t *testing.T, o convert.Options, documents ...string) *convert.Plan {
	t.Helper()
	s := cluster.Read([]manifest.Input{manifest.Text("snapshot.yaml", strings.Join(documents, "\n---\n"))})
	if o.Version == (cluster.Version{}) {
		o.Version = cluster.V(13)
	}
	result, problems := convert.Convert(convert.Read(s, "kuma-system"), o)
	require.NotNil(t, result, "%v", problems)
	return result
}

// noted are the facts of the notes of a code, each after severity and resource.
func noted(result *convert.Plan, code convert.Code) []string {
	var messages []string
	for _, note := range result.Notes {
		if note.Code == code {
			messages = append(messages, fmt.Sprintf("%s: %s: %s", note.Severity, note.Resource, strings.Join(note.Facts(), "; ")))
		}
	}
	return messages
}

// messages are those of the notes of a code, each after its severity.
func messages(result *convert.Plan, code convert.Code) []string {
	var all []string
	for _, note := range result.Notes {
		if note.Code == code {
			all = append(all, fmt.Sprintf("%s: %s: %s", note.Severity, note.Resource, note.Message()))
		}
	}
	return all
}

func names(result *convert.Plan) []string {
	var names []string
	for _, policy := range result.Policies {
		names = append(names, policy.Name)
	}
	return names
}

func TestBrokenResourcesOfASnapshotAreLeftOut(t *testing.T) {
	good := []string{origin("mode: zone"), twoBackends, traceOf("all", "{kuma.io/service: '*'}", "a", "01"), route, webProxy}
	for what, tc := range map[string]struct {
		broken   string
		severity string
		says     string
		certain  bool // what is said of the proxy
	}{
		"a Dataplane":           {"{type: Dataplane, name: x, mesh: default, networking: {inbound: none}}", "warning", `Dataplane "x": networking.inbound`, true},
		"a gateway":             {"{type: MeshGateway, name: x, mesh: default, selectors: all}", "warning", `MeshGateway "x": selectors`, true},
		"a TrafficTrace":        {"{type: TrafficTrace, name: x, mesh: default, selectors: all}", "error", `TrafficTrace "x": selectors`, false},
		"an orphan":             {"{type: TrafficTrace, name: x, mesh: gone, selectors: [{match: {a: b}}]}", "error", `TrafficTrace "x" of mesh "gone": mesh "gone" is not in the input`, true},
		"a MeshTrace":           {"{type: MeshTrace, name: x, mesh: default, spec: {targetRef: {kind: All}}}", "error", `MeshTrace "x": spec.targetRef.kind`, false},
		"a Mesh":                {"{type: Mesh, name: x, tracing: {backends: all}}", "error", `Mesh "x": tracing.backends`, true},
		"a resource of no name": {"{type: TrafficTrace, mesh: default, selectors: []}", "error", `name`, false},
		"a torn document":       {"type: TrafficTrace\nname: [", "error", "a document: not valid YAML", false},
		"a number":              {"- 1", "error", "a document: the document is a number", false},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, convert.Options{}, append(good, tc.broken)...)
			assert.Equal(t, []string{"all"}, names(result), "the rest is converted")
			count := envoydiff.Count(result.Comparisons)
			assert.Equal(t, envoydiff.Tally{Proxies: 1, Same: map[bool]int{true: 1}[tc.certain], Unknown: map[bool]int{false: 1}[tc.certain], Codes: count.Codes}, count)
			assert.Equal(t, tc.severity == "error", result.Refused())
			notes := messages(result, convert.BrokenResource)
			require.NotEmpty(t, notes)
			assert.True(t, strings.HasPrefix(notes[0], tc.severity+": "), notes[0])
			assert.Contains(t, notes[0], tc.says)
		})
	}
	t.Run("a Mesh with TrafficTraces", func(t *testing.T) {
		result := converted(t, convert.Options{}, append(good, "{type: Mesh, name: x, tracing: {backends: all}}", "{type: TrafficTrace, name: yy, mesh: x, selectors: [{match: {a: b}}]}")...)
		assert.Equal(t, []string{"all"}, names(result))
		assert.Len(t, messages(result, convert.BrokenResource), 2)
		assert.Contains(t, messages(result, convert.BrokenResource)[1], `TrafficTrace "yy" of mesh "x": mesh "x" is broken`)
	})
}

func TestBrokenManifestsAtHandAreErrors(t *testing.T) {
	s := cluster.Read([]manifest.Input{manifest.Text("a.yaml", twoBackends+"\n---\n{type: Dataplane, name: x, mesh: default, networking: {inbound: none}}")})
	result, problems := convert.Convert(convert.Read(s, "kuma-system"), convert.Options{Version: cluster.V(13)})
	assert.Nil(t, result)
	assert.NotEmpty(t, problems)
}

func TestWhatConcernsZonesIsSaidWhereSomethingIsConverted(t *testing.T) {
	all := traceOf("all", "{kuma.io/service: '*'}", "a", "01")
	global := func(more string) string { return origin("mode: global" + more) }
	unread := "unread: [{what: version, reason: none}, {what: mode, reason: none}, {what: Dataplane, reason: none}, {what: zones, reason: none}]"
	for what, tc := range map[string]struct {
		origin  string
		options convert.Options
		codes   []convert.Code
	}{
		"zone":                    {origin("mode: zone"), convert.Options{}, nil},
		"zone labelled":           {origin("mode: zone"), convert.Options{ZoneOrigin: true}, []convert.Code{convert.FederatedZone}},
		"federated zone":          {origin("mode: federated-zone"), convert.Options{}, []convert.Code{convert.FederatedZone}},
		"federated zone labelled": {origin("mode: federated-zone"), convert.Options{ZoneOrigin: true}, []convert.Code{convert.FederatedZone}},
		"global":                  {global(""), convert.Options{}, nil},
		"global labelled":         {global(""), convert.Options{ZoneOrigin: true}, []convert.Code{convert.ZoneOriginOnGlobal}},
		"zones of one version":    {global(", zones: [{name: a, version: 2.13.5}, {name: b, version: v2.13.10}]"), convert.Options{}, []convert.Code{convert.ZoneUnread}},
		"zones of another":        {global(", zones: [{name: a, version: 2.12.0}]"), convert.Options{}, []convert.Code{convert.MixedVersions, convert.ZoneUnread}},
		"zones of none":           {global(", zones: [{name: a}]"), convert.Options{}, []convert.Code{convert.MixedVersions, convert.ZoneUnread}},
		"zones and shadows":       {global(", zones: [{name: a, version: 2.6.0}, {name: b}]"), convert.Options{Shadow: true}, []convert.Code{convert.MixedVersions, convert.MixedVersions, convert.MixedVersions, convert.ZoneUnread}},
		"unread":                  {origin(unread), convert.Options{}, []convert.Code{convert.KindUnread, convert.KindUnread, convert.ModeUnknown}},
	} {
		t.Run(what, func(t *testing.T) {
			codes := func(result *convert.Plan) []convert.Code {
				var codes []convert.Code
				for _, note := range result.Notes {
					if note.Source.File == "test" {
						codes = append(codes, note.Code)
					}
				}
				return codes
			}
			assert.ElementsMatch(t, tc.codes, codes(converted(t, tc.options, tc.origin, twoBackends, all, route)))
			assert.Empty(t, codes(converted(t, tc.options, tc.origin, twoBackends, route)), "without a TrafficTrace")
		})
	}
}

func TestZonesOfOtherVersions(t *testing.T) {
	all, web := traceOf("all", "{kuma.io/service: '*'}", "a", "01"), traceOf("web", "{kuma.io/service: web}", "b", "01")
	core := traceOf("core", "{team: core}", "a", "02")
	for what, tc := range map[string]struct {
		zones   string
		traces  []string
		options convert.Options
		says    []string
		silent  string
	}{
		"newer":                          {"{name: z, version: 2.14.0}", []string{all}, convert.Options{}, []string{"warning: ", "z (2.14.0)"}, "precedence"},
		"in the other order":             {"{name: z, version: 2.5.0}", []string{web, core}, convert.Options{}, []string{"no names give one order in both"}, ""},
		"where no order is needed":       {"{name: z, version: 2.5.0}", []string{all, web}, convert.Options{}, []string{"z (2.5.0)"}, "precedence"},
		"without MeshTrace":              {"{name: z, version: 1.8.0}", []string{all}, convert.Options{}, []string{"z (1.8.0, which does not have MeshTrace)"}, ""},
		"without TrafficTrace":           {"{name: z, version: 3.1.0}", []string{all}, convert.Options{}, []string{"z (3.1.0, which does not have TrafficTrace)"}, ""},
		"that are to come":               {"{name: z, version: 2.99.0}", []string{all}, convert.Options{}, []string{"z (2.99.0, which tracemigrate does not know)"}, ""},
		"of no form":                     {"{name: z, version: preview}", []string{all}, convert.Options{}, []string{"z (preview, which is not a release)"}, ""},
		"that would apply shadows":       {"{name: z, version: 2.6.0}", []string{all}, convert.Options{Shadow: true}, []string{"error: ", "would apply them: z (2.6.0)"}, ""},
		"that know shadows":              {"{name: z, version: 2.7.0}", []string{all}, convert.Options{Shadow: true}, []string{"warning: "}, "shadow"},
		"that are unknown, with shadows": {"{name: z}", []string{all}, convert.Options{Shadow: true}, []string{"1 zone: z. One older than 2.7 would apply shadow policies"}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, tc.options, append(tc.traces, origin("mode: global, zones: ["+tc.zones+"]"), twoBackends, route)...)
			text := strings.Join(messages(result, convert.MixedVersions), "\n")
			for _, says := range tc.says {
				assert.Contains(t, text, says)
			}
			if tc.silent != "" {
				assert.NotContains(t, text, tc.silent)
			}
		})
	}
}

func TestTiesThatZonesMayDecideOtherwise(t *testing.T) {
	both := strings.Replace(webProxy, "team: core", "team: core, version: v1", 1)
	version, team := traceOf("version", "{version: v1}", "b", "02"), traceOf("team", "{team: core}", "a", "01")
	for what, tc := range map[string]struct {
		mode    string
		options convert.Options
		traces  []string
		proxy   string
		want    string
	}{
		"a proxy satisfies both":             {"global", convert.Options{}, []string{version, team}, both, `count=1 proxy; traces="version" and "team"; zones=no zone known: web-1`},
		"no proxy is known":                  {"global", convert.Options{}, []string{version, team}, "", `: traces="version" and "team"`},
		"created together":                   {"global", convert.Options{}, []string{traceOf("version", "{version: v1}", "b", "01"), team}, both, `count=1 proxy; traces="team" and "version"`},
		"the same tags":                      {"global", convert.Options{}, []string{traceOf("new", "{team: core}", "b", "02"), team}, both, `count=1 proxy; traces="new" and "team"`},
		"for a global control plane":         {"federated-zone", convert.Options{}, []string{version, team}, both, `proxy=proxy "default/web-1"; selector=selector 1 (team=core); winner="version"`},
		"for this zone alone":                {"federated-zone", convert.Options{ZoneOrigin: true}, []string{version, team}, both, ""},
		"there is one zone":                  {"zone", convert.Options{}, []string{version, team}, both, ""},
		"no known proxy satisfies both":      {"global", convert.Options{}, []string{version, team}, webProxy, ""},
		"both give the same":                 {"global", convert.Options{}, []string{version, traceOf("team", "{team: core}", "b", "01")}, both, ""},
		"the same tags, both give the same":  {"global", convert.Options{}, []string{traceOf("new", "{team: core}", "a", "02"), team}, both, ""},
		"another outranks, so times are out": {"global", convert.Options{}, []string{traceOf("more", "{team: core, version: v1}", "b", "02"), team}, both, ""},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, tc.options, append(tc.traces, origin("mode: "+tc.mode), twoBackends, route, tc.proxy)...)
			notes := noted(result, convert.TieDependsOnZone)
			if tc.want == "" {
				assert.Empty(t, notes)
				return
			}
			require.Len(t, notes, 1)
			assert.Contains(t, notes[0], tc.want)
			assert.Empty(t, noted(result, convert.TieByCreationTime), "one note a tie")
		})
	}
}

// Many proxies are looked at by several goroutines, each of which must find its own.
func TestTiesOfManyProxies(t *testing.T) {
	const proxies = 2_500
	input := []string{
		origin("mode: global"), twoBackends, route,
		traceOf("version", "{version: v1}", "b", "02"), traceOf("team", "{team: core}", "a", "01"), traceOf("absent", "{team: none}", "a", "01"),
	}
	for i := range proxies {
		proxy := strings.Replace(webProxy, "name: web-1", fmt.Sprintf("name: web-%d", i), 1)
		if i%5 == 0 {
			proxy = strings.Replace(proxy, "team: core", "team: core, version: v1", 1)
		}
		if i == proxies-1 {
			proxy = strings.Replace(proxy, "team: core", "team: last", 1)
		}
		input = append(input, proxy)
	}
	result := converted(t, convert.Options{}, append(input, traceOf("last", "{team: last}", "a", "01"))...)
	notes := noted(result, convert.TieDependsOnZone)
	require.Len(t, notes, 1)
	assert.Contains(t, notes[0], "count=500 proxies")
	unmatched := noted(result, convert.SelectorUnmatched)
	require.Len(t, unmatched, 1)
	assert.Contains(t, unmatched[0], `"absent"`)
	tied := 0
	for _, p := range envoydiff.All(result.Comparisons) {
		tied += len(lists.Keep(p.Differences, func(d *envoydiff.Difference) bool { return d.Code == envoydiff.TieDependsOnZone }))
	}
	assert.Equal(t, 500, tied)
}

// A control plane labels new policies as it labelled the existing ones, so names
// decide between them; only what new ones will not have makes the others win.
func TestExistingPoliciesBesideNewOnes(t *testing.T) {
	web := traceOf("web", "{kuma.io/service: web}", "a", "01")
	const core = "{kind: MeshSubset, tags: {team: core}}"
	for what, tc := range map[string]struct {
		origin  string
		options convert.Options
		name    string // of the existing policy
		labels  string
		wins    bool // whatever the names
		refused bool // since the new one would take precedence
	}{
		"zone, smaller name":              {origin("mode: zone"), convert.Options{}, "a", "kuma.io/origin: zone", false, false},
		"zone, larger name":               {origin("mode: zone"), convert.Options{}, "z", "kuma.io/origin: zone", false, true},
		"zone, larger name, system":       {origin("mode: zone"), convert.Options{}, "z", "kuma.io/origin: zone, kuma.io/policy-role: system", false, true},
		"zone, smaller name, system":      {origin("mode: zone"), convert.Options{}, "a", "kuma.io/origin: zone, kuma.io/policy-role: system", false, false},
		"zone, from before labels":        {origin("mode: zone"), convert.Options{}, "a", "team: x", false, true},
		"zone 2.6.0, labelled by hand":    {origin("mode: zone"), convert.Options{Version: cluster.Version{Major: 2, Minor: 6, Patch: 0}}, "z", "kuma.io/origin: zone", true, false},
		"zone 2.6, larger name":           {origin("mode: zone"), convert.Options{Version: cluster.V(6)}, "z", "kuma.io/origin: zone", false, true},
		"zone 2.7, larger name":           {origin("mode: zone"), convert.Options{Version: cluster.V(7)}, "z", "kuma.io/origin: zone", false, true},
		"exported, larger name":           {"", convert.Options{}, "z", "kuma.io/origin: zone", false, true},
		"by hand, smaller name":           {"", convert.Options{}, "a", "team: x", false, false},
		"exported of global, larger name": {"", convert.Options{}, "z", "kuma.io/origin: global", false, true},
		"global, smaller name":            {origin("mode: global"), convert.Options{}, "a", "kuma.io/origin: global", false, false},
		"global, larger name":             {origin("mode: global"), convert.Options{}, "z", "kuma.io/origin: global", false, true},
		"global, of a zone":               {origin("mode: global"), convert.Options{}, "z", "kuma.io/origin: zone", true, false},
		"global 2.5, of a zone":           {origin("mode: global"), convert.Options{Version: cluster.V(5)}, "z", "kuma.io/origin: zone", false, false},
		"federated, of the zone":          {origin("mode: federated-zone"), convert.Options{}, "z", "kuma.io/origin: zone", true, false},
		"federated, of the zone, labelled": {
			origin("mode: federated-zone"), convert.Options{ZoneOrigin: true}, "z", "kuma.io/origin: zone", false, true,
		},
		"federated, of global, labelled": {origin("mode: federated-zone"), convert.Options{ZoneOrigin: true}, "a", "kuma.io/origin: global", false, true},
	} {
		t.Run(what, func(t *testing.T) {
			result := converted(t, tc.options, tc.origin, twoBackends, web, route, webProxy, existingTrace(tc.name, core, "b", tc.labels))
			assert.Equal(t, tc.refused, result.Refused(), "%v", noted(result, convert.MeshTraceConflict))
			assert.Equal(t, tc.wins, len(noted(result, convert.MeshTraceWins)) > 0)
		})
	}
	t.Run("what cannot meet does not win", func(t *testing.T) {
		for _, targetRef := range []string{
			"{kind: MeshSubset, tags: {kuma.io/service: db}}", "{kind: MeshService, name: web}", "{kind: Mesh}",
		} {
			result := converted(t, convert.Options{}, origin("mode: global"), twoBackends, web, route, existingTrace("z", targetRef, "b", "kuma.io/origin: zone"))
			assert.Empty(t, noted(result, convert.MeshTraceWins), targetRef)
		}
	})
	t.Run("what says the same does not win", func(t *testing.T) {
		result := converted(t, convert.Options{}, origin("mode: global"), twoBackends, web, route, existingTrace("z", core, "a", "kuma.io/origin: zone"))
		assert.Empty(t, noted(result, convert.MeshTraceWins))
	})
	t.Run("what conflicts is not said to win", func(t *testing.T) {
		odd := strings.Replace(existingTrace("z", core, "b", "kuma.io/origin: zone"), ", sampling: {overall: 100}", "", 1)
		half := strings.Replace(twoBackends, "name: a, type", "name: a, sampling: 5, type", 1)
		result := converted(t, convert.Options{}, origin("mode: global"), half, web, route, odd)
		assert.NotEmpty(t, noted(result, convert.MeshTraceConflict))
		assert.Empty(t, noted(result, convert.MeshTraceWins))
	})
}

func TestAPolicyOfOneZoneServesNoProxyElsewhere(t *testing.T) {
	all := traceOf("all", "{kuma.io/service: '*'}", "a", "01")
	existing := existingTrace("all-4x2", "{kind: Mesh}", "b", "kuma.io/origin: zone, kuma.io/zone: east")
	for mode, want := range map[string][]string{"global": {"all"}, "federated-zone": {"all"}, "zone": nil} {
		assert.Equal(t, want, names(converted(t, convert.Options{}, origin("mode: "+mode), twoBackends, all, route, existing)), mode)
	}
	assert.Empty(t, names(converted(t, convert.Options{ZoneOrigin: true}, origin("mode: federated-zone"), twoBackends, all, route, existing)))
}

func TestNamesOfCopiesInAZone(t *testing.T) {
	web := strings.Replace(traceOf("web-7d2", "{kuma.io/service: web}", "a", "01"), "mesh: default,", "mesh: default, labels: {kuma.io/display-name: web},", 1)
	taken := existingTrace("web-9c1", "{kind: MeshSubset, tags: {team: x}}", "a", "kuma.io/origin: global, kuma.io/display-name: web")
	own := existingTrace("web-9c1", "{kind: MeshSubset, tags: {team: x}}", "a", "kuma.io/origin: zone, kuma.io/display-name: web")
	federated := origin("mode: federated-zone")
	assert.Equal(t, []string{"web"}, names(converted(t, convert.Options{}, federated, twoBackends, web)), "the original's name")
	renamed := names(converted(t, convert.Options{}, federated, twoBackends, web, taken))
	require.Len(t, renamed, 1)
	assert.Regexp(t, `^web-[0-9a-f]{8}$`, renamed[0], "the global control plane has a policy web")
	assert.Equal(t, []string{"web"}, names(converted(t, convert.Options{ZoneOrigin: true}, federated, twoBackends, web, taken)), "this zone has none")
	assert.Equal(t, []string{"web"}, names(converted(t, convert.Options{}, federated, twoBackends, web, own)), "global has none")
}

func TestNamesOfARehearsalAreUsedAgain(t *testing.T) {
	traces := []string{traceOf("z", "{kuma.io/service: web, team: core}", "b", "01"), traceOf("a", "{team: core}", "a", "01"), traceOf("all", "{kuma.io/service: '*'}", "b", "01")}
	input := append([]string{origin("mode: zone"), twoBackends, route, webProxy}, traces...)
	for _, version := range []cluster.Version{cluster.V(7), cluster.V(9), cluster.V(13)} {
		for _, format := range []cluster.Format{cluster.Universal, cluster.Kubernetes} {
			o := convert.Options{Version: version, Format: format, Shadow: true}
			rehearsal := converted(t, o, input...)
			var shadows strings.Builder
			require.NoError(t, meshtrace.Write(&shadows, rehearsal.Policies, meshtrace.Style{Version: version}))
			for _, o.Shadow = range []bool{true, false} {
				again := converted(t, o, append(input, shadows.String())...)
				assert.Equal(t, names(rehearsal), names(again), "%s %s", version, format)
				assert.False(t, again.Refused())
			}
			changed := strings.ReplaceAll(shadows.String(), "http://b:9411/", "http://c:9411/")
			if format == cluster.Kubernetes {
				assert.Equal(t, names(rehearsal), names(converted(t, o, append(input, changed)...)), "the annotation says whose it is")
			}
			changed = strings.ReplaceAll(changed, cluster.SourceAnnotation, "another")
			assert.NotEqual(t, names(rehearsal), names(converted(t, o, append(input, changed)...)), "one that says something else stays")
		}
	}
}
