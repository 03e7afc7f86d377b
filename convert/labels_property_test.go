package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// labelled are Dataplanes with labels: like their tags, so that labels say all that tags
// do, or at random.
func (r random) labelled(likeTags bool) string {
	var b strings.Builder
	for i := range 2 + r.IntN(10) {
		service, rest := r.value(cluster.ServiceTag), fmt.Sprintf("region: %s, version: %s, team: %s", r.value("region"), r.value("version"), r.value("team"))
		tags := fmt.Sprintf("{kuma.io/service: %s, %s, kuma.io/protocol: http}", service, rest)
		labels := "app: " + service + ", " + rest
		if !likeTags {
			labels = ""
			for _, key := range []string{"app", "version", "team"} {
				if r.chance(70) {
					labels += fmt.Sprintf("%s: %s, ", key, r.one("xx", "yy", r.value(key)))
				}
			}
		}
		fmt.Fprintf(&b, "---\ntype: Dataplane\nname: dp-%d\nmesh: default\nlabels: {%s, pod-template-hash: h%d}\nnetworking:\n  address: 10.1.0.%d\n",
			i, strings.TrimSuffix(strings.TrimSpace(labels), ","), i, i+1)
		if r.chance(15) {
			fmt.Fprintf(&b, "  gateway: {type: DELEGATED, tags: %s}\n", tags)
			continue
		}
		fmt.Fprintf(&b, "  inbound:\n  - {port: 8080, protocol: http, tags: %s}\n", tags)
		if r.chance(20) && !likeTags {
			fmt.Fprintf(&b, "  - {port: 8081, protocol: http, tags: {kuma.io/service: %s, kuma.io/protocol: http}}\n", r.value(cluster.ServiceTag))
		}
	}
	return strings.ReplaceAll(b.String(), "labels: {,", "labels: {")
}

// existingOfEveryKind are MeshTraces that exist already, whole and in part. Those that are
// plain are whole and do not distinguish proxy types, so labels can say what they select.
func (r random) existingOfEveryKind(plain bool) string {
	var b strings.Builder
	for i := range r.IntN(4) {
		fmt.Fprintf(&b, "---\ntype: MeshTrace\nname: %s%d\nmesh: default\nspec:\n  targetRef: ", r.one("e", "a", "z"), i)
		kind := r.IntN(7)
		if plain && kind == 1 {
			kind = 0
		}
		switch kind {
		case 0:
			b.WriteString("{kind: Mesh}\n")
		case 1:
			fmt.Fprintf(&b, "{kind: Mesh, proxyTypes: [%s]}\n", r.one("Sidecar", "Gateway"))
		case 2:
			fmt.Fprintf(&b, "{kind: MeshService, name: %s}\n", r.value(cluster.ServiceTag))
		case 3:
			fmt.Fprintf(&b, "{kind: MeshServiceSubset, name: %s, tags: {version: %s}}\n", r.value(cluster.ServiceTag), r.value("version"))
		case 4:
			fmt.Fprintf(&b, "{kind: Dataplane, labels: {team: %s}}\n", r.value("team"))
		default:
			fmt.Fprintf(&b, "{kind: MeshSubset, tags: {team: %s}}\n", r.value("team"))
		}
		b.WriteString("  default:\n")
		if plain {
			fmt.Fprintf(&b, "    backends: [{type: Zipkin, zipkin: {url: 'http://existing-%d:9411/'}}]\n    sampling: {overall: 5}\n", r.IntN(2))
			continue
		}
		switch r.IntN(6) {
		case 0, 1:
			b.WriteString("    backends: []\n")
		case 2:
			b.WriteString("    backends: [{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}]\n")
		default:
			fmt.Fprintf(&b, "    backends: [{type: Zipkin, zipkin: {url: 'http://existing-%d:9411/'}}]\n", r.IntN(2))
		}
		fmt.Fprintf(&b, "    sampling: {%s}\n", r.one("overall: 5, client: 100, random: 100", "overall: 5", "client: 50"))
		if r.chance(20) {
			b.WriteString("    tags: [{name: a, literal: b}]\n")
		}
	}
	return b.String()
}

// whole says all that a merged conf does.
func whole(conf *meshtrace.Conf) string {
	if len(conf.Backends) == 0 {
		return "none"
	}
	number := func(p *meshtrace.Percent) string {
		if p == nil {
			return "100"
		}
		return p.String()
	}
	text := number(conf.Sampling.Overall) + " " + number(conf.Sampling.Client) + " " + number(conf.Sampling.Random)
	for _, tag := range conf.Tags {
		text += " " + tag.Name
	}
	switch b := conf.Backends[0]; {
	case b.Zipkin != nil:
		z := b.Zipkin
		return text + tracing("zipkin", z.URL, z.APIVersion == "httpProto", z.TraceID128Bit, z.SharedSpanContext == nil || *z.SharedSpanContext)
	case b.Datadog != nil:
		return text + tracing("datadog", b.Datadog.URL, b.Datadog.SplitService)
	}
	collector := conf.Collector()
	return text + fmt.Sprint("opentelemetry ", collector.Host, ":", collector.Port)
}

// wholeBefore says it of what dp has today: of MeshTraces, or of its TrafficTrace.
func wholeBefore(m *legacy.Mesh, matcher *meshtrace.Matcher, dp *cluster.Dataplane) string {
	if conf := meshtrace.Merge(matcher.Matching(nil, dp)); len(conf.Backends) > 0 {
		return whole(conf)
	}
	i := m.Wins(dp.TagSets()...)
	if i < 0 || m.BackendOf(m.Pairs[i].TrafficTrace) == nil {
		return "none"
	}
	b := m.BackendOf(m.Pairs[i].TrafficTrace)
	conf := meshtrace.Conf{}
	if b.Sampling != nil {
		conf.Sampling.Overall = meshtrace.PercentOf(*b.Sampling)
	}
	if z := b.Zipkin; z != nil {
		conf.Backends = []meshtrace.Backend{{Zipkin: &meshtrace.Zipkin{
			URL: z.URL, APIVersion: z.APIVersion, SharedSpanContext: z.SharedSpanContext, TraceID128Bit: z.TraceID128Bit,
		}}}
	} else {
		host := b.Datadog.Address
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		url := fmt.Sprintf("http://%s:%d", host, b.Datadog.Port)
		conf.Backends = []meshtrace.Backend{{Datadog: &meshtrace.Datadog{URL: url, SplitService: b.Datadog.SplitService}}}
	}
	return whole(&conf)
}

// After a conversion by labels, every proxy of a random mesh is traced as before on each
// version that the policies are for, or an error names it: what is written is read back,
// and compared with the selectors and MeshTraces of the input. With labels like the tags
// nothing is refused.
func TestEquivalentByLabels(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	compared, named, refused, sets, prefixed, unknown := 0, 0, 0, 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+4_000_000)), cluster.V([]int{13, 14}[n%2])}
		likeTags := n%3 == 0
		existing := ""
		if n%4 > 0 {
			existing = r.existingOfEveryKind(likeTags)
		}
		const route = "---\ntype: TrafficRoute\nmesh: default\nname: all\n" // outbounds are traced today
		text := r.policies() + route + r.labelled(likeTags) + existing
		all := readAll(text)
		require.Empty(t, all.Problems, "mesh %d\n%s", n, text)
		options := convert.Options{Version: r.version, ByLabels: true}
		if n%5 > 0 {
			options.To = cluster.Newest
		}
		result, problems := convert.Convert(convert.Read(all, ""), options)
		require.Empty(t, problems, "mesh %d\n%s", n, text)
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s to %s", start, n, options.Version, options.To)
		then := options.To
		if then == (cluster.Version{}) {
			then = options.Version
		}
		var written bytes.Buffer
		require.NoError(t, meshtrace.Write(&written, result.Policies, meshtrace.Style{Version: then}, result.Backends...), "%s\n%s", where, text)
		require.NoError(t, meshtrace.ValidateAll(result.Policies, then), where)
		read, problems := meshtrace.Read(readAll(written.String()))
		require.Empty(t, problems, "%s\n%s", where, written.String())
		require.Len(t, read, len(result.Policies))

		before, problems := meshtrace.Read(all)
		require.Empty(t, problems)
		left := make([]*meshtrace.Policy, 0, len(before))
		for _, p := range before {
			gone := false
			for _, obsolete := range result.Obsolete {
				gone = gone || obsolete.Name == p.Name
			}
			if !gone {
				left = append(left, p)
			}
		}
		today := meshtrace.NewMatcher(options.Version, before, cluster.Gateways{})
		afterwards := meshtrace.NewMatcher(then, convert.Applied(left, read), cluster.Gateways{})
		legacyMeshes, problems := legacy.Read(all)
		require.Empty(t, problems)
		if likeTags {
			require.False(t, result.Refused(), "%s\n%s", where, text)
		}
		if result.Refused() {
			refused++
		}
		between := meshtrace.NewMatcher(options.Version, convert.Applied(left, read), cluster.Gateways{})
		for _, dp := range all.Dataplanes {
			if envoydiff.Find(result.Comparisons, dp).Verdict == envoydiff.Unknown { // a MeshTrace without a backend may be an earlier run's
				unknown++
				continue
			}
			want := wholeBefore(legacyMeshes[0], today, dp)
			if options.To != (cluster.Version{}) && result.AppliesBefore() {
				if is := wholeBefore(legacyMeshes[0], between, dp); is != want {
					require.True(t, isNamed(result, convert.DiffersBeforeUpgrade, dp), "%s, %s\nbefore %s\nbetween %s\n%s\n---\n%s", where, dp, want, is, text, written.String())
				}
			}
			conf := meshtrace.Merge(afterwards.Matching(nil, dp))
			if then.NeedsOTelBackendRef() && conf.HasOTelEndpoint() {
				conf.Backends = nil // 3.0 sends nothing to an endpoint
			}
			got := whole(conf)
			compared++
			if want == got {
				continue
			}
			named++
			require.True(t, isNamed(result, convert.DiffersByLabels, dp), "%s, %s\nbefore %s\nafter  %s\n%s\n---\n%s", where, dp, want, got, text, written.String())
		}
		sets += len(result.Policies)
		for _, note := range result.Notes {
			if note.Code == convert.Renamed {
				prefixed++
			}
		}
	}
	t.Logf("%d proxies compared, %d of them named by an error in %d meshes; %d unknown; %d policies, %d meshes with rank prefixes", compared, named, refused, unknown, sets, prefixed)
	if tries >= 500 {
		require.Greater(t, compared, 2000)
		require.Greater(t, min(named, refused, prefixed), 10, "the random meshes miss a feature")
		require.Less(t, named, compared/4)
		require.Less(t, unknown, compared/4)
	}
}
