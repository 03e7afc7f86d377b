package convert_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

var meshes = flag.Int("meshes", 600, "how many random meshes to try")

// versions are all minors, and the patch releases before a rule changed.
var versions = func() []cluster.Version {
	var all []cluster.Version
	for minor := range cluster.Latest.Minor + 1 {
		all = append(all, cluster.V(minor))
	}
	for minor := range cluster.Latest.Minor + 1 {
		all = append(all, cluster.V(minor).OlderPatches()...)
	}
	return all
}()

// random makes meshes that are small and crowded, so that selectors overlap.
type random struct {
	*rand.Rand
	version cluster.Version
}

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func (r random) value(key string) string {
	switch key {
	case cluster.ServiceTag:
		return r.one("web", "backend", "redis")
	case "region":
		return r.one("east", "west")
	}
	return key[:1] + r.one("1", "2")
}

// tags are a tag set, or with wildcards a selector.
func (r random) tags(selector bool) string {
	var b strings.Builder
	for _, key := range []string{cluster.ServiceTag, "region", "team", "version"} {
		probability := 60
		if !selector && key == cluster.ServiceTag {
			probability = 100
		}
		if selector {
			probability = 45
		}
		if !r.chance(probability) {
			continue
		}
		value := r.value(key)
		if selector && r.chance(25) {
			value = cluster.Any
		}
		fmt.Fprintf(&b, "%q: %q, ", key, value)
	}
	return "{" + strings.TrimSuffix(b.String(), ", ") + "}"
}

func (r random) policies() string {
	var b strings.Builder
	b.WriteString("type: Mesh\nname: default\n")
	backends := []string{"a", "b", "c"}[:1+r.IntN(3)]
	b.WriteString("tracing:\n")
	if r.chance(70) {
		fmt.Fprintf(&b, "  defaultBackend: %s\n", r.one("a", "b", "gone"))
	}
	b.WriteString("  backends:\n")
	for i, name := range backends {
		fmt.Fprintf(&b, "  - name: %s\n", name)
		if r.chance(60) {
			sampling := r.one("0", "1", "50", "100", "33.3", "0.00005")
			if !r.version.TakesFractions() {
				sampling = r.one("0", "1", "50", "100")
			}
			fmt.Fprintf(&b, "    sampling: %s\n", sampling)
		}
		if r.chance(50) {
			fmt.Fprintf(&b, "    type: zipkin\n    conf: {url: 'http://zipkin-%d:9411/api/v2/spans', sharedSpanContext: %v, apiVersion: %s}\n", i, r.chance(50), r.one("httpJson", "httpJsonV1", "httpProto"))
		} else {
			fmt.Fprintf(&b, "    type: datadog\n    conf: {address: '%s', port: 8126, splitService: %v}\n", r.one("agent", "10.0.0.1", "2001:db8::1"), r.chance(50))
		}
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	names := r.Perm(9)
	for i := range 1 + r.IntN(7) {
		fmt.Fprintf(&b, "---\ntype: TrafficTrace\nname: t%d\nmesh: default\ncreationTime: %q\nselectors:\n",
			names[i], start.Add(time.Duration(r.IntN(4))*time.Second).Format(time.RFC3339))
		for range 1 + r.IntN(3) {
			fmt.Fprintf(&b, "- match: %s\n", r.tags(true))
		}
		if r.chance(80) {
			fmt.Fprintf(&b, "conf: {backend: %s}\n", r.one("a", "b", "c", "a", "b", "gone"))
		}
	}
	return b.String()
}

func (r random) dataplanes() string {
	var b strings.Builder
	for i := range 1 + r.IntN(12) {
		fmt.Fprintf(&b, "---\ntype: Dataplane\nname: dp-%d\nmesh: default\nnetworking:\n  address: 10.1.0.%d\n", i, i+1)
		if r.chance(20) {
			fmt.Fprintf(&b, "  gateway: {type: DELEGATED, tags: %s}\n", r.tags(false))
			continue
		}
		b.WriteString("  inbound:\n")
		for port := range 1 + r.IntN(3) {
			fmt.Fprintf(&b, "  - {port: %d, tags: %s", 8080+port, r.tags(false))
			if !r.version.SkipsIgnoredInbounds() && r.chance(15) {
				b.WriteString(", state: Ignored")
			}
			b.WriteString("}\n")
		}
	}
	return b.String()
}

func readAll(texts ...string) *cluster.Snapshot {
	inputs := make([]manifest.Input, 0, len(texts))
	for i, text := range texts {
		inputs = append(inputs, manifest.Text(fmt.Sprintf("%d.yaml", i), text))
	}
	return cluster.Read(inputs)
}

// tracing is what a proxy does with its traces, in words.
func tracing(kind, to string, flags ...any) string { return fmt.Sprint(kind, " ", to, " ", flags) }

// before is the legacy tracing of dp, through package legacy.
func before(m *legacy.Mesh, dp *cluster.Dataplane) string {
	i := m.Wins(dp.TagSets()...)
	if i < 0 {
		return "none"
	}
	return traced(m, m.Pairs[i].TrafficTrace)
}

// backend is what a backend gives, in words.
func backend(b *legacy.Backend) string {
	sampling := 100.0
	if b.Sampling != nil {
		sampling = *b.Sampling
	}
	if z := b.Zipkin; z != nil {
		return tracing("zipkin", z.URL, sampling, z.APIVersion == "httpProto", z.TraceID128Bit, z.SharedSpanContext == nil || *z.SharedSpanContext)
	}
	host := b.Datadog.Address
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return tracing("datadog", fmt.Sprintf("http://%s:%d", host, b.Datadog.Port), sampling, b.Datadog.SplitService)
}

// after is what policies give dp, through package meshtrace.
func after(m *meshtrace.Matcher, dp *cluster.Dataplane) string {
	conf := meshtrace.Merge(m.Matching(nil, dp))
	if len(conf.Backends) == 0 {
		return "none"
	}
	sampling := 100.0
	if conf.Sampling.Overall != nil {
		sampling = float64(*conf.Sampling.Overall)
	}
	if z := conf.Backends[0].Zipkin; z != nil {
		return tracing("zipkin", z.URL, sampling, z.APIVersion == "httpProto", z.TraceID128Bit, z.SharedSpanContext == nil || *z.SharedSpanContext)
	}
	return tracing("datadog", conf.Backends[0].Datadog.URL, sampling, conf.Backends[0].Datadog.SplitService)
}

// After conversion, every proxy of a random mesh must be traced as before: what
// is written is read back, and compared with the legacy side.
func TestEquivalent(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	compared, traced, emptied, prefixed, enumerated, blind := 0, 0, 0, 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n))), versions[n%len(versions)]}
		policies, proxies := r.policies(), r.dataplanes()
		known := proxies
		// Without wildcards the conversion must do without Dataplanes, too.
		if n%3 == 0 {
			policies = strings.ReplaceAll(policies, `"*"`, `"v1"`)
			known = ""
			blind++
		}
		all := readAll(policies, proxies)
		require.Empty(t, all.Problems, "mesh %d", n)
		result, problems := convert.Convert(convert.Read(readAll(policies, known), ""), convert.Options{Version: r.version})
		require.Empty(t, problems, "mesh %d\n%s", n, policies)
		if refusedFor20(t, r.version, result, policies) {
			continue
		}

		var written bytes.Buffer
		style := meshtrace.Style{Version: r.version}
		require.NoError(t, meshtrace.Write(&written, result.Policies, style))
		require.NoError(t, meshtrace.ValidateAll(result.Policies, r.version))
		read, problems := meshtrace.Read(readAll(written.String()))
		require.Empty(t, problems)
		require.Len(t, read, len(result.Policies))
		matcher := meshtrace.NewMatcher(r.version, read, cluster.Gateways{})
		legacyMeshes, problems := legacy.Read(all)
		require.Empty(t, problems)
		for _, dp := range all.Dataplanes {
			want := before(legacyMeshes[0], dp)
			if dp.Delegated() && !r.version.SelectsDelegatedGateways() {
				require.Equal(t, want != "none" && known != "", isNamed(result, convert.DelegatedGateway, dp), "seed %d, mesh %d, %s", start, n, dp)
				continue
			}
			require.Equal(t, want, after(matcher, dp), "seed %d, mesh %d, Kuma %s, %s\n%s\n%s\n%s", start, n, r.version, dp, policies, proxies, written.String())
			compared++
			if want != "none" {
				traced++
			}
		}
		text := written.String()
		if strings.Contains(text, "backends: []") {
			emptied++
		}
		for _, note := range result.Notes {
			switch note.Code {
			case convert.Renamed:
				prefixed++
			case convert.WildcardEnumerated:
				enumerated++
			}
		}
	}
	t.Logf("%d meshes, %d of them converted without Dataplanes; %d proxies, %d traced; %d meshes with backends: [], %d with rank prefixes, %d enumerated selectors",
		tries, blind, compared, traced, emptied, prefixed, enumerated)
	if tries >= 500 {
		require.Greater(t, compared, 2000)
		require.Greater(t, traced, 1000)
		require.Greater(t, min(emptied, prefixed, enumerated), 20, "the random meshes miss a feature")
	}
}

// refusedFor20 reports whether the mesh needs what 2.0 has not. No other reason to
// refuse a random mesh is right.
func refusedFor20(t *testing.T, version cluster.Version, result *convert.Plan, policies string) bool {
	t.Helper()
	refused := false
	for _, note := range result.Notes {
		if note.Severity != manifest.Error || note.Code == convert.DelegatedGateway && !version.SelectsDelegatedGateways() {
			continue
		}
		require.Equal(t, cluster.V(0), version, "%v\n%s", note, policies)
		require.Equal(t, convert.EmptyBackendsUnsupported, note.Code)
		refused = true
	}
	return refused
}

// isNamed reports whether a note of a code names dp, or there are too many proxies
// for it to name all.
func isNamed(result *convert.Plan, code convert.Code, dp *cluster.Dataplane) bool {
	for _, note := range result.Notes {
		if note.Code == code && (strings.Contains(note.Message(), dp.String()) || strings.Contains(note.Message(), " more)")) {
			return true
		}
	}
	return false
}

// surroundings are what may stand beside the legacy policies: MeshTraces that
// exist already, and builtin gateways.
func (r random) surroundings() string {
	var b strings.Builder
	for i := range r.IntN(3) {
		fmt.Fprintf(&b, "---\ntype: MeshTrace\nname: e%d\nmesh: default\nspec:\n  targetRef: ", i)
		switch r.IntN(4) {
		case 0:
			b.WriteString("{kind: Mesh}\n")
		case 1:
			fmt.Fprintf(&b, "{kind: MeshService, name: %s}\n", r.value(cluster.ServiceTag))
		default:
			fmt.Fprintf(&b, "{kind: MeshSubset, tags: {%s: %s}}\n", "team", r.value("team"))
		}
		b.WriteString("  default:\n")
		if r.chance(70) {
			b.WriteString("    backends: [{type: Zipkin, zipkin: {url: 'http://existing:9411/'}}]\n")
		}
		fmt.Fprintf(&b, "    sampling: {%s}\n", r.one("overall: 5, client: 100, random: 100", "overall: 5", "client: 50"))
		if r.chance(20) {
			b.WriteString("    tags: [{name: a, literal: b}]\n")
		}
	}
	if r.chance(50) {
		fmt.Fprintf(&b, "---\ntype: MeshGateway\nname: edge\nmesh: default\nselectors: [{match: {kuma.io/service: web}}]\nconf: {listeners: [{port: 80, protocol: HTTP, tags: {team: %s}}, {port: 81, protocol: HTTP}]}\n", r.value("team"))
		for i := range 1 + r.IntN(2) {
			fmt.Fprintf(&b, "---\ntype: Dataplane\nname: gw-%d\nmesh: default\nnetworking: {address: 10.2.0.1, gateway: {type: BUILTIN, tags: %s}}\n", i, r.tags(false))
		}
	}
	return b.String()
}

// Beside existing MeshTraces and builtin gateways, a conversion keeps every
// proxy's tracing as well, or says that it cannot.
func TestEquivalentBesideOthers(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	refused, kept, narrowed := 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+1_000_000)), versions[3+n%(len(versions)-3)]}
		text := r.policies() + r.dataplanes() + r.surroundings()
		all := readAll(text)
		require.Empty(t, all.Problems, "mesh %d\n%s", n, text)
		result, problems := convert.Convert(convert.Read(all, ""), convert.Options{Version: r.version})
		require.Empty(t, problems)
		for _, note := range result.Notes {
			require.NotEqual(t, convert.ProxyDiffers, note.Code, "seed %d, mesh %d, Kuma %s: %v\n%s", start, n, r.version, note, text)
			if note.Code == convert.GatewayExcluded && note.Severity == manifest.Warning {
				narrowed++
			}
		}
		if result.Refused() {
			refused++
			continue
		}
		kept++
		existing, problems := meshtrace.Read(all)
		require.Empty(t, problems)
		gateways := cluster.NewGateways(all.MeshGateways)
		today := meshtrace.NewMatcher(r.version, existing, gateways)
		then := meshtrace.NewMatcher(r.version, append(existing, result.Policies...), gateways)
		legacyMeshes, _ := legacy.Read(all)
		for _, dp := range all.Dataplanes {
			want := before(legacyMeshes[0], dp)
			if served := after(today, dp); served != "none" {
				want = served
			}
			require.Equal(t, want, after(then, dp), "seed %d, mesh %d, Kuma %s, %s\n%s", start, n, r.version, dp, text)
		}
	}
	t.Logf("%d meshes converted, %d refused, %d selectors narrowed to sidecars", kept, refused, narrowed)
	if tries >= 500 {
		require.Greater(t, kept, 100)
		require.Greater(t, min(refused, narrowed), 10, "the random meshes miss a feature")
	}
}

// A migration that was applied in part, any part of it, is taken up where it was
// left: the same policies result, and they are compared with what existed
// before the first run.
func TestEquivalentResumed(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	resumed, whole := 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+2_000_000)), versions[3+n%(len(versions)-3)]}
		text := r.policies() + r.dataplanes() + r.surroundings()
		options := convert.Options{Version: r.version}
		style := meshtrace.Style{Version: r.version}
		if r.chance(30) {
			options.Format = cluster.Kubernetes
			options.Namespace = "kuma-system"
		}
		written := func(policies []*meshtrace.Policy) string {
			var b bytes.Buffer
			require.NoError(t, meshtrace.Write(&b, policies, style))
			return b.String()
		}
		if r.chance(30) { // the user's own, which says what would be made
			ahead, _ := convert.Convert(convert.Read(readAll(text), options.Namespace), options)
			if len(ahead.Policies) > 0 {
				own := *ahead.Policies[r.IntN(len(ahead.Policies))]
				own.Name, own.Source = "mine", ""
				text += "---\n" + written([]*meshtrace.Policy{&own})
			}
		}
		first, problems := convert.Convert(convert.Read(readAll(text), options.Namespace), options)
		require.Empty(t, problems)
		if first.Refused() || len(first.Policies) == 0 {
			continue
		}
		var applied []*meshtrace.Policy
		most := r.one("50", "100") == "100"
		for _, p := range first.Policies {
			if most || r.chance(50) {
				applied = append(applied, p)
			}
		}
		again := readAll(text, written(applied))
		second, problems := convert.Convert(convert.Read(again, options.Namespace), options)
		require.Empty(t, problems)
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s\n%s\n---\n%s", start, n, r.version, text, written(applied))
		require.Equal(t, written(first.Policies), written(second.Policies), where)
		require.Equal(t, len(first.Policies)-len(applied), len(second.New()), where)
		// Of what may be a previous run's nothing is certain.
		before, after := envoydiff.Count(first.Comparisons), envoydiff.Count(second.Comparisons)
		require.LessOrEqual(t, after.Same+after.Inherent, before.Same+before.Inherent, where)
		require.Equal(t, before.Same+before.Inherent+before.Unknown, after.Same+after.Inherent+after.Unknown, where)
		all, problems := meshtrace.Read(again)
		require.Empty(t, problems)
		require.Len(t, second.Before(all), len(all)-len(applied), where)
		said := 0
		for _, note := range second.Notes {
			if note.Code == convert.EarlierRun {
				said++
			}
		}
		require.Equal(t, min(len(applied), 1), said, where)
		if len(applied) == len(first.Policies) {
			whole++
		}
		resumed++
	}
	t.Logf("%d migrations resumed, %d of them applied in whole", resumed, whole)
	if tries >= 500 {
		require.Greater(t, min(resumed-whole, whole), 40, "the random meshes miss a feature")
	}
}
