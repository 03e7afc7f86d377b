package convert_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// What a zone has decides for its proxies, and where it is not known, or is not
// what the global control plane has, no proxy of the zone is taken to keep its
// tracing. Each row was said to be the same once.
func TestNothingIsGuessedOfAZone(t *testing.T) {
	const (
		mesh    = "{type: Mesh, name: default, tracing: {backends: [{name: j, type: zipkin, sampling: 10, conf: {url: 'http://jaeger.obs:9411/'}}, {name: fin, type: zipkin, conf: {url: 'http://fin.obs:9411/'}}]}}\n---\n{type: TrafficRoute, mesh: default, name: r}\n"
		a       = "{type: TrafficTrace, mesh: default, name: a, selectors: [{match: {ta: x}}], conf: {backend: j}}\n"
		b       = "{type: TrafficTrace, mesh: default, name: b, selectors: [{match: {tb: x}}], conf: {backend: fin}}\n"
		copyOfA = "{type: TrafficTrace, mesh: default, name: a-h1, labels: {kuma.io/display-name: a, kuma.io/origin: global}, creationTime: '2026-03-01T10:00:00Z', selectors: [{match: {ta: x}}], conf: {backend: j}}\n"
		full    = "default: {sampling: {overall: 100, client: 100, random: 100}, backends: [{type: Zipkin, zipkin: {url: 'http://own.obs:9411/'}}]}"
		one     = "default: {sampling: {overall: 1}}"
		both    = "{port: 8000, tags: {kuma.io/service: w, ta: x, tb: x, kuma.io/zone: west}}"
		plain   = "{port: 8000, tags: {kuma.io/service: w, ta: x, kuma.io/zone: west}}"
		west    = "mode: federated-zone\nzone: west\nsource: w\nversion: "
	)
	global := func(own, west string) string {
		return "mode: global\nsource: g\nversion: " + own + "\nzones: [{name: east, version: " + own + "}, {name: west, version: " + west + "}]"
	}
	policy := func(name, labels, service, spec string) string {
		return "{type: MeshTrace, mesh: default, name: " + name + ", labels: {" + labels + "}, spec: {targetRef: {kind: MeshService, name: " + service + "}, " + spec + "}}\n"
	}
	proxy := func(labels string, inbounds ...string) string {
		return "{type: Dataplane, mesh: default, name: w1, labels: {" + labels + "}, networking: {address: 127.0.0.1, inbound: [" + strings.Join(inbounds, ", ") + "]}}\n"
	}
	const inWest = "kuma.io/zone: west"
	leak := policy("leak-h1", "kuma.io/origin: zone, kuma.io/zone: west, kuma.io/display-name: leak", "w", one)
	ofEast := policy("own", "kuma.io/origin: zone, kuma.io/zone: east", "w", full)
	for what, tc := range map[string]struct {
		global string
		zone   string // empty: not read
		want   string // verdict and code, or what is wrong with the source
	}{
		"nothing is odd": {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, plain)), snapshotOf(west+"2.13.10", mesh, copyOfA, proxy(inWest, plain)), "same"},
		"another zone's MeshTrace, a Dataplane that has its zone as a tag": {
			snapshotOf(global("2.13.4", "2.13.4"), mesh, a, ofEast, proxy("", "{port: 8000, tags: {kuma.io/service: w, kuma.io/zone: west}}", "{port: 8001, state: Ignored, tags: {kuma.io/service: q, ta: x, kuma.io/zone: west}}")),
			"", "different inbound-ignored",
		},
		"and a tie":         {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, b, ofEast, proxy("", both)), "", "unknown tie-depends-on-zone"},
		"a policy of zone":  {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, leak, proxy(inWest, plain)), "", "different tracing-lost"},
		"MeshTraces unread": {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, leak, proxy(inWest, plain)), snapshotOf(west+"2.13.10\nunread: [{what: MeshTrace, reason: '403'}]", mesh, copyOfA, proxy(inWest, plain)), `zone "west": its source does not contain MeshTrace, which could not be read: 403`},
		"an export":         {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, leak, proxy(inWest, plain)), snapshotOf("mode: federated-zone\nzone: west\nversion: 2.13.10", mesh, copyOfA), `zone "west": its source does not name its control plane`},
		"another mesh":      {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, leak, proxy(inWest, plain)), snapshotOf(west+"2.13.10\nmeshes: [other]", proxy(inWest, plain)), `zone "west": its source has only the meshes other`},
		"no origin label before 2.6.1": {
			snapshotOf(global("2.6.0", "2.6.0"), mesh, a, proxy(inWest, plain)),
			snapshotOf(west+"2.6.0", mesh, copyOfA, policy("leak", "", "w", one), proxy(inWest, plain)), "different tracing-lost",
		},
		"a copy of other content": {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, plain)), snapshotOf(west+"2.13.10", mesh, strings.ReplaceAll(copyOfA, "backend: j", "backend: fin"), proxy(inWest, plain)), "unknown zone-differs"},
		"no copy yet":             {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, plain)), snapshotOf(west+"2.13.10", mesh, proxy(inWest, plain)), "unknown zone-differs"},
		"a copy that is left": {
			snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, both)),
			snapshotOf(west+"2.13.10", mesh, copyOfA, "{type: TrafficTrace, mesh: default, name: b-h1, labels: {kuma.io/display-name: b}, creationTime: '2026-03-01T10:00:00Z', selectors: [{match: {ta: x, tb: x}}], conf: {backend: fin}}\n", proxy(inWest, both)), "unknown zone-differs",
		},
		"two copies of one": {
			snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, plain)),
			snapshotOf(west+"2.13.10", mesh, copyOfA, strings.ReplaceAll(copyOfA, "a-h1", "a-h2"), proxy(inWest, plain)), "unknown zone-differs",
		},
		"another collector": {snapshotOf(global("2.13.10", "2.13.10"), mesh, a, proxy(inWest, plain)), snapshotOf(west+"2.13.10", strings.ReplaceAll(mesh, "jaeger.obs", "old.obs"), copyOfA, proxy(inWest, plain)), "unknown zone-differs"},
		"a MeshTrace that only the global's version has select": {
			snapshotOf(global("2.14.3", "2.13.4"), mesh, a, b, policy("ex", "", "v", full), proxy(inWest, both, "{port: 8001, state: Ignored, tags: {kuma.io/service: v, kuma.io/zone: west}}")),
			"", "unknown tie-depends-on-zone",
		},
		"a MeshTrace that is a shadow in the zone": {
			snapshotOf(global("2.6.15", "2.13.10"), mesh, a, b, policy("ex", "kuma.io/effect: shadow", "w", full), proxy(inWest, both)),
			"", "unknown tie-depends-on-zone",
		},
		"a zone alone, without times": {snapshotOf("mode: zone\nsource: z\nversion: 2.13.10", mesh, a, b, proxy("", both)), "", "unknown tie-by-creation-time"},
	} {
		t.Run(what, func(t *testing.T) {
			inputs := []manifest.Input{manifest.Text("global.yaml", tc.global)}
			if tc.zone != "" {
				inputs = append(inputs, manifest.Text("west.yaml", tc.zone))
			}
			s := cluster.Read(inputs)
			if strings.HasPrefix(tc.want, "zone ") {
				require.Len(t, s.Problems, 1)
				assert.ErrorContains(t, s.Problems[0], tc.want)
				return
			}
			require.Empty(t, s.Problems)
			version, err := cluster.ParseVersion(s.Origin.Version)
			require.NoError(t, err)
			result, problems := convert.Convert(convert.Read(s, ""), convert.Options{Version: version})
			require.NotNil(t, result, problems)
			var got []string
			for _, c := range result.Comparisons {
				for i := range c.Proxies {
					got = append(got, string(c.Proxies[i].Verdict))
					for _, d := range c.Proxies[i].Differences {
						got = append(got, string(d.Code))
					}
				}
			}
			require.NotEmpty(t, got)
			want := strings.Fields(tc.want)
			assert.Equal(t, want[0], got[0], got)
			if len(want) > 1 {
				assert.Contains(t, got, want[1])
			}
			assert.Equal(t, want[0] == string(envoydiff.Unknown), result.Doubt(s.Dataplanes[0]).Reason != "")
		})
	}
}
