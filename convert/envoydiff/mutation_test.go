package envoydiff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// The model is a second opinion: it knows nothing of indexes, ranks or merging
// code, and decides a proxy's tracing by trying everything in turn.
type model struct {
	version  cluster.Version
	policies []*meshtrace.Policy
}

// after is what a proxy does with its traces, by the model, in words.
func (m model) after(dp *cluster.Dataplane) string {
	var matching []*meshtrace.Policy
	for _, p := range m.policies {
		if m.selects(p, dp) {
			matching = append(matching, p)
		}
	}
	sort.SliceStable(matching, func(i, j int) bool {
		a, b := matching[i], matching[j]
		if (a.TargetRef.Kind == meshtrace.Mesh) != (b.TargetRef.Kind == meshtrace.Mesh) {
			return a.TargetRef.Kind == meshtrace.Mesh
		}
		if m.version.Minor < 6 {
			return a.Name < b.Name
		}
		return a.Name > b.Name
	})
	backend, overall, client, random := "", "100", "100", "100"
	for _, p := range matching {
		if p.Default.Backends != nil {
			backend = ""
			for _, b := range p.Default.Backends {
				if b.Zipkin != nil {
					backend = fmt.Sprint("zipkin ", b.Zipkin.URL, b.Zipkin.APIVersion, *b.Zipkin.SharedSpanContext, b.Zipkin.TraceID128Bit)
				} else {
					backend = fmt.Sprint("datadog ", b.Datadog.URL, b.Datadog.SplitService)
				}
			}
		}
		for field, value := range map[*string]*meshtrace.Percent{&overall: p.Default.Sampling.Overall, &client: p.Default.Sampling.Client, &random: p.Default.Sampling.Random} {
			if value != nil {
				*field = value.String()
			}
		}
	}
	if backend == "" {
		return "not traced"
	}
	return strings.Join([]string{backend, overall, client, random}, " ")
}

func (m model) selects(p *meshtrace.Policy, dp *cluster.Dataplane) bool {
	if p.TargetRef.Kind == meshtrace.Mesh {
		return true
	}
	for _, in := range dp.Inbounds {
		all := true
		for _, tag := range p.TargetRef.Tags {
			all = all && in.Tags.Get(tag.Key) == tag.Value
		}
		if all {
			return true
		}
	}
	return false
}

// crowd is a mesh of 40 proxies under TrafficTraces that overlap.
func crowd(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("type: Mesh\nname: default\ntracing:\n  defaultBackend: a\n  backends:\n" +
		"  - {name: a, type: zipkin, sampling: 50, conf: {url: 'http://a:9411/x'}}\n" +
		"  - {name: b, type: zipkin, conf: {url: 'https://b:9411/x', apiVersion: httpProto}}\n" +
		"  - {name: c, type: datadog, sampling: 0.5, conf: {address: 10.0.0.1, port: 8126}}\n" +
		"---\ntype: TrafficRoute\nname: r\nmesh: default\n")
	for i, selector := range []string{"{kuma.io/service: '*'}", "{team: t1}", "{team: t2, version: v1}", "{kuma.io/service: web}", "{kuma.io/service: web, team: t1}", "{version: v2}"} {
		fmt.Fprintf(&b, "---\ntype: TrafficTrace\nname: t%d\ncreationTime: 2024-01-01T00:00:%02dZ\nselectors:\n- match: %s\nconf: {backend: %s}\n",
			i, r.IntN(4), selector, []string{"a", "b", "c", "gone"}[r.IntN(4)])
	}
	for i := range 40 {
		fmt.Fprintf(&b, "---\ntype: Dataplane\nname: dp-%02d\nnetworking:\n  address: 10.1.0.%d\n  inbound:\n", i, i+1)
		for port := range 1 + r.IntN(2) {
			fmt.Fprintf(&b, "  - {port: %d, protocol: http, tags: {kuma.io/service: %s, team: t%d, version: v%d}}\n", 8080+port, []string{"web", "api", "db"}[r.IntN(3)], 1+r.IntN(2), 1+r.IntN(2))
		}
	}
	return b.String()
}

// mutations break a converted set each in one way; they return nil where the
// set has nothing of the kind to break.
var mutations = map[string]func(*rand.Rand, []*meshtrace.Policy) []*meshtrace.Policy{
	"none": func(_ *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy { return all },
	"a policy is dropped": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		i := r.IntN(len(all))
		return slices.Delete(all, i, i+1)
	},
	"two names are swapped": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		i, j := r.IntN(len(all)), r.IntN(len(all))
		all[i].Name, all[j].Name = all[j].Name, all[i].Name
		return all
	},
	"a sampling is changed": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		all[r.IntN(len(all))].Default.Sampling.Overall = meshtrace.PercentOf(7)
		return all
	},
	"the sampling is removed": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		all[r.IntN(len(all))].Default.Sampling = meshtrace.Sampling{}
		return all
	},
	"a client sampling is added": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		all[r.IntN(len(all))].Default.Sampling.Client = meshtrace.PercentOf(5)
		return all
	},
	"a port is changed": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		p := all[r.IntN(len(all))]
		if len(p.Default.Backends) == 0 {
			return nil
		}
		b := p.Default.Backends[0]
		if b.Zipkin != nil {
			z := *b.Zipkin
			z.URL = strings.Replace(z.URL, "9411", "9412", 1)
			b.Zipkin = &z
		} else {
			d := *b.Datadog
			d.URL = strings.Replace(d.URL, "8126", "8127", 1)
			b.Datadog = &d
		}
		p.Default.Backends = []meshtrace.Backend{b}
		return all
	},
	"TLS is changed": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		p := all[r.IntN(len(all))]
		if len(p.Default.Backends) == 0 || p.Default.Backends[0].Zipkin == nil {
			return nil
		}
		z := *p.Default.Backends[0].Zipkin
		z.URL = "http" + strings.TrimPrefix(strings.TrimPrefix(z.URL, "https"), "http")
		p.Default.Backends = []meshtrace.Backend{{Type: meshtrace.TypeZipkin, Zipkin: &z}}
		return all
	},
	"a tag is changed": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		p := all[r.IntN(len(all))]
		if len(p.TargetRef.Tags) == 0 {
			return nil
		}
		p.TargetRef.Tags = p.TargetRef.Tags.With("version", "v2")
		return all
	},
	"the backends are emptied": func(r *rand.Rand, all []*meshtrace.Policy) []*meshtrace.Policy {
		all[r.IntN(len(all))].Default.Backends = []meshtrace.Backend{}
		return all
	},
}

// Exactly the proxies whose tracing changes by the model must be different.
func TestMutations(t *testing.T) {
	withoutRace.Skip(t)
	seed := fixtures.Seed(t)
	for name, mutate := range mutations {
		t.Run(name, func(t *testing.T) {
			changed, tried := 0, 0
			for n := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, n))
				version := cluster.V(int(1 + n%14))
				snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", crowd(r))})
				require.Empty(t, snapshot.Problems)
				result, problems := convert.Convert(convert.Read(snapshot, ""), convert.Options{Version: version})
				require.NotNil(t, result, "%v", problems)
				require.False(t, result.Refused())
				var edited []*meshtrace.Policy
				for _, p := range result.Policies {
					clone := *p
					edited = append(edited, &clone)
				}
				if edited = mutate(r, edited); edited == nil {
					continue
				}
				tried++
				meshes, problems := legacy.Read(snapshot)
				require.Empty(t, problems)
				comparison := envoydiff.Compare(snapshot, envoydiff.State{Legacy: meshes}, envoydiff.State{Policies: edited}, envoydiff.Options{Version: version})
				right, wrong := model{version, result.Policies}, model{version, edited}
				for i := range comparison.Proxies {
					p := &comparison.Proxies[i]
					differs := right.after(p.Dataplane) != wrong.after(p.Dataplane)
					if differs {
						changed++
					}
					require.Equal(t, differs, p.Verdict == envoydiff.Different, "seed %d, mesh %d, Kuma %s: %s: %s -> %s: %v", seed, n, version, p.Name,
						right.after(p.Dataplane), wrong.after(p.Dataplane), p.Differences)
				}
			}
			require.Positive(t, tried)
			if name == "none" {
				assert.Zero(t, changed)
			} else {
				assert.Positive(t, changed, "the mutation never changes a proxy")
			}
		})
	}
}

// With Datadog, names that any MeshTrace changes are inherent, and no others.
func TestServiceNames(t *testing.T) {
	const mesh = "type: Mesh\nname: default\ntracing: {defaultBackend: dd, backends: [{name: dd, type: datadog, conf: {address: agent, port: 8126, splitService: true}}]}\n" +
		"---\ntype: TrafficRoute\nname: r\n---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"---\ntype: Dataplane\nname: two\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}, {port: 81, tags: {kuma.io/service: admin, kuma.io/protocol: http}}]}\n" +
		"---\ntype: Dataplane\nname: edge\nnetworking: {address: 10.0.0.2, gateway: {type: BUILTIN, tags: {kuma.io/service: edge}}}\n" +
		"---\ntype: MeshGateway\nname: edge\nselectors: [{match: {kuma.io/service: edge}}]\nconf: {listeners: [{port: 80, protocol: HTTP}]}\n" +
		"---\ntype: Dataplane\nname: one\nnetworking: {address: 10.0.0.3, inbound: [{port: 80, tags: {kuma.io/service: one, kuma.io/protocol: http}}]}\n"
	snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", mesh)})
	require.Empty(t, snapshot.Problems)
	meshes, _ := legacy.Read(snapshot)
	result, _ := convert.Convert(convert.Read(snapshot, ""), convert.Options{Version: cluster.V(13)})
	compare := func(policies []*meshtrace.Policy) map[string]string {
		verdicts := make(map[string]string)
		c := envoydiff.Compare(snapshot, envoydiff.State{Legacy: meshes}, envoydiff.State{Policies: policies}, envoydiff.Options{Version: cluster.V(13)})
		for _, p := range c.Proxies {
			verdicts[p.Name] = string(p.Verdict)
			for _, d := range p.Differences {
				verdicts[p.Name] += " " + string(d.Code)
			}
		}
		return verdicts
	}
	assert.Equal(t, map[string]string{"two": "inherent datadog-service-name", "edge": "inherent gateway-datadog-suffix", "one": "same"}, compare(result.Policies))

	unsplit := *result.Policies[0]
	unsplit.Default.Backends = []meshtrace.Backend{{Type: meshtrace.TypeDatadog, Datadog: &meshtrace.Datadog{URL: "http://agent:8126"}}}
	for name, verdict := range compare([]*meshtrace.Policy{&unsplit}) {
		if name != "edge" {
			assert.Contains(t, verdict, "different service-name", name)
		}
	}
}

// converted reads inputs, and returns their tracing before and after the conversion for a version.
func converted(t *testing.T, version cluster.Version, inputs ...manifest.Input) (s *cluster.Snapshot, before, after envoydiff.State) {
	t.Helper()
	s = cluster.Read(inputs)
	require.Empty(t, s.Problems)
	meshes, _ := legacy.Read(s)
	result, _ := convert.Convert(convert.Read(s, ""), convert.Options{Version: version})
	return s, envoydiff.State{Legacy: meshes}, envoydiff.State{Policies: result.Policies}
}

// compared reads inputs, and compares their proxies before and after the conversion.
func compared(t *testing.T, version cluster.Version, inputs ...manifest.Input) *envoydiff.Comparison {
	t.Helper()
	s, before, after := converted(t, version, inputs...)
	return envoydiff.Compare(s, before, after, envoydiff.Options{Version: version})
}

// A federated zone's control plane has only the zone's own Dataplanes: an outbound to
// another service may lead to an HTTP service of another zone.
func TestOutboundToAnotherZone(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
		"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"---\ntype: Dataplane\nname: tcp\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: tcp}}]}\n" +
		"---\ntype: Dataplane\nname: starting\nnetworking: {address: 10.0.0.3, inbound: [{port: 80, state: NotReady, tags: {kuma.io/service: starting, kuma.io/protocol: http}}]}\n" +
		"---\ntype: Dataplane\nname: client\nnetworking: {address: 10.0.0.1, "
	const gateway = "gateway: {tags: {kuma.io/service: kong}}"
	const sidecar = "inbound: [{port: 80, tags: {kuma.io/service: web}}]"
	tests := map[string]struct {
		version cluster.Version
		mode    cluster.Mode
		proxy   string
		to      string
		want    envoydiff.Verdict
	}{
		"gateway that loses its tracing":   {cluster.V(5), cluster.ModeFederatedZone, gateway, "far", envoydiff.Different},
		"sidecar":                          {cluster.V(13), cluster.ModeFederatedZone, sidecar, "far", envoydiff.Inherent},
		"to a TCP service of the zone":     {cluster.V(13), cluster.ModeFederatedZone, sidecar, "tcp", envoydiff.Same},
		"to a service that is not ready":   {cluster.V(13), cluster.ModeFederatedZone, sidecar, "starting", envoydiff.Inherent}, // in its zone: seen on 2.14.3
		"to one of a zone of its own":      {cluster.V(13), cluster.ModeZone, sidecar, "starting", envoydiff.Same},
		"zone of its own":                  {cluster.V(13), cluster.ModeZone, sidecar, "far", envoydiff.Same},
		"files":                            {cluster.V(13), "", sidecar, "far", envoydiff.Inherent},
		"3.0, which has no such outbounds": {cluster.SinceDataplaneOnly, cluster.ModeFederatedZone, sidecar, "far", envoydiff.Same},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := policies + test.proxy + ", outbound: [{port: 1, tags: {kuma.io/service: " + test.to + "}}]}\n"
			inputs := []manifest.Input{manifest.Text("mesh.yaml", text)}
			if test.mode != "" {
				inputs = append(inputs, fixtures.Origin("mode: "+string(test.mode)))
			}
			c := compared(t, test.version, inputs...)
			for _, p := range c.Proxies {
				if p.Name == "client" {
					assert.Equal(t, test.want, p.Verdict)
				}
			}
		})
	}
}

// A proxy that a MeshHTTPRoute selects has no outbound that a TrafficTrace traces, whichever
// service the MeshHTTPRoute is for (package meshhttproute of Kuma's tags 2.1 to 2.14). An
// outbound to an ExternalService has the protocol of its tag.
func TestRoutedOutbounds(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
		"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n"
	const proxies = "---\ntype: Dataplane\nname: kong\nnetworking: {address: 10.0.0.1, gateway: {tags: {kuma.io/service: kong}}, outbound: [{port: 1, tags: {kuma.io/service: ext}}]}\n" +
		"---\ntype: Dataplane\nname: web\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: [{port: 1, tags: {kuma.io/service: ext}}]}\n"
	const http = "---\ntype: ExternalService\nname: ext\ntags: {kuma.io/service: ext, kuma.io/protocol: HTTP}\nnetworking: {address: 'a:80'}\n"
	const tcp = "---\ntype: ExternalService\nname: ext\ntags: {kuma.io/service: ext}\nnetworking: {address: 'a:80'}\n"
	inbound := func(more string) string {
		return "---\ntype: Dataplane\nname: zz\nnetworking: {address: 10.0.0.3, inbound: [{port: 80, tags: {kuma.io/service: ext, kuma.io/protocol: " + more + "}]}\n"
	}
	const trafficRoute = "---\ntype: TrafficRoute\nname: all\n"
	route := func(more, targetRef, to string) string {
		return trafficRoute + "---\ntype: MeshHTTPRoute\nname: r\n" + more + "spec: {targetRef: {" + targetRef + "}, to: [" + to + "]}\n"
	}
	const to = "{targetRef: {kind: MeshService, name: other}, rules: [{matches: []}]}"
	tests := map[string]struct {
		version   cluster.Version
		more      string
		kong, web string
	}{
		"TrafficRoute":       {cluster.V(13), http + trafficRoute, "same", "same"},
		"no TrafficRoute":    {cluster.V(13), http, "inherent", "inherent"},
		"TCP":                {cluster.V(13), tcp, "same", "same"},
		"HTTP and TCP":       {cluster.V(13), http + strings.Replace(tcp, "name: ext", "name: other", 1), "same", "same"},
		"2.5, TCP":           {cluster.V(5), tcp + trafficRoute, "same", "same"},
		"2.5, sent to other": {cluster.V(5), tcp + trafficRoute + "conf: {http: [{split: [{weight: 1, destination: {kuma.io/service: other}}]}]}\n", "different", "same"},
		"2.5, sent to all":   {cluster.V(5), tcp + trafficRoute + "conf: {split: [{weight: 1, destination: {kuma.io/service: '*', v: a}}]}\n", "same", "same"},
		"inbound for HTTP":   {cluster.V(13), tcp + inbound("http}"), "inherent", "inherent"},
		"inbound for TCP":    {cluster.V(13), http + inbound("tcp}"), "same", "same"},
		"other HTTP inbound": {cluster.V(13), http + inbound("http2}"), "inherent", "inherent"},
		"inbound not ready":  {cluster.V(13), http + inbound("tcp}, state: NotReady"), "inherent", "inherent"},
		"of another mesh":    {cluster.V(13), tcp + strings.Replace(http, "tags:", "mesh: other\ntags:", 1), "same", "same"},
		"all proxies":        {cluster.V(13), http + route("", "kind: Mesh", to), "inherent", "inherent"},
		"2.5":                {cluster.V(5), http + route("", "kind: Mesh", to), "different", "inherent"},
		"by tags":            {cluster.V(13), http + route("", "kind: MeshSubset, tags: {kuma.io/service: web}", to), "same", "inherent"},
		"by proxy types":     {cluster.V(13), http + route("", "kind: Mesh, proxyTypes: [Gateway]", to), "inherent", "same"},
		"to nothing":         {cluster.V(13), http + route("", "kind: Mesh", ""), "same", "same"},
		"to another kind":    {cluster.V(13), http + route("", "kind: Mesh", "{targetRef: {kind: MeshExternalService, name: other}}"), "same", "same"},
		"of two kinds":       {cluster.V(13), http + route("", "kind: Mesh", "{targetRef: {kind: MeshExternalService, name: other}}, "+to), "inherent", "inherent"},
		"shadow":             {cluster.V(13), http + route("labels: {kuma.io/effect: shadow}\n", "kind: Mesh", to), "same", "same"},
		"other mesh's":       {cluster.V(13), http + route("mesh: other\n", "kind: Mesh", to), "same", "same"},
		"of an unknown kind": {cluster.V(13), http + route("", "kind: Moon", to), "inherent", "inherent"},
		"to another service": {cluster.V(13), tcp + route("", "kind: Mesh", to), "same", "same"},
		"to a TCP service":   {cluster.V(13), tcp + route("", "kind: Mesh", strings.Replace(to, "other", "ext", 1)), "inherent", "inherent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compared(t, test.version, manifest.Text("mesh.yaml", policies+test.more+proxies))
			assert.Equal(t, test.kong+" "+test.web, string(c.Proxies[0].Verdict)+" "+string(c.Proxies[1].Verdict))
		})
	}
}

// An outbound for HTTP that a MeshTCPRoute makes TCP is traced neither before nor after. A
// MeshHTTPRoute has precedence, and what is not certain counts as HTTP.
func TestOutboundsForTCP(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
		"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"---\ntype: ExternalService\nname: ext\ntags: {kuma.io/service: ext, kuma.io/protocol: http}\nnetworking: {address: 'a:80'}\n" +
		"---\ntype: Dataplane\nname: web\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: [{port: 1, tags: {kuma.io/service: ext}}]}\n"
	route := func(targetRef, to, ref string) string {
		return "---\ntype: MeshTCPRoute\nname: r\nspec: {targetRef: {" + targetRef + "}, to: [{targetRef: {" + to + "}, rules: [{default: {backendRefs: [" + ref + "]}}]}]}\n"
	}
	const all, ext, ref = "kind: Mesh", "kind: MeshService, name: ext", "{kind: MeshService, name: ext, weight: 1}"
	const http = "---\ntype: MeshHTTPRoute\nname: h\nspec: {targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: ext}, rules: []}]}\n"
	const kubernetes = "---\napiVersion: kuma.io/v1alpha1\nkind: MeshTCPRoute\nmetadata: {name: r, namespace: kuma-system, labels: {kuma.io/mesh: default%s}}\n" +
		"spec: {to: [{targetRef: {kind: MeshService, name: ext}, rules: [{default: {backendRefs: [{kind: MeshService, name: ext}]}}]}]}\n"
	for name, test := range map[string]struct {
		version cluster.Version
		more    string
		want    envoydiff.Verdict
	}{
		"none":                 {cluster.V(13), "", envoydiff.Inherent},
		"all proxies":          {cluster.V(13), route(all, ext, ref), envoydiff.Same},
		"by tags":              {cluster.V(13), route("kind: MeshSubset, tags: {kuma.io/service: web}", ext, ref), envoydiff.Same},
		"of other proxies":     {cluster.V(13), route("kind: MeshSubset, tags: {kuma.io/service: api}", ext, ref), envoydiff.Inherent},
		"for another service":  {cluster.V(13), route(all, "kind: MeshService, name: api", ref), envoydiff.Inherent},
		"for a resource":       {cluster.V(13), route(all, "kind: MeshService, labels: {a: b}", ref), envoydiff.Inherent},
		"without destinations": {cluster.V(13), route(all, ext, ""), envoydiff.Inherent},
		"to a resource":        {cluster.V(13), route(all, ext, "{kind: MeshService, name: ext, port: 80}"), envoydiff.Inherent},
		"shadow":               {cluster.V(13), strings.Replace(route(all, ext, ref), "spec:", "labels: {kuma.io/effect: shadow}\nspec:", 1), envoydiff.Inherent},
		"of an unknown kind":   {cluster.V(13), route("kind: Moon", ext, ref), envoydiff.Inherent},
		"with a MeshHTTPRoute": {cluster.V(13), http + route(all, ext, ref), envoydiff.Inherent},
		"of the control plane": {cluster.V(13), fmt.Sprintf(kubernetes, ", kuma.io/policy-role: system"), envoydiff.Same},
		"of a namespace":       {cluster.V(13), fmt.Sprintf(kubernetes, ""), envoydiff.Inherent},
	} {
		t.Run(name, func(t *testing.T) {
			c := compared(t, test.version, manifest.Text("mesh.yaml", policies+test.more))
			assert.Equal(t, test.want, c.Proxies[0].Verdict, "%v", c.Proxies[0].Differences)
		})
	}
}

// A MeshGateway's listener on a sidecar spawns spans upstream under a TrafficTrace alone, and
// a builtin gateway that is a transparent proxy has outbounds that no TrafficTrace traces.
func TestListenersOfMeshGateways(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
		"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"---\ntype: MeshGateway\nname: g\nselectors: [{match: {kuma.io/service: web}}]\nconf: {listeners: [{port: 80, protocol: %s}]}\n"
	const trafficRoute = "---\ntype: TrafficRoute\nname: all\n"
	const route = "---\ntype: MeshHTTPRoute\nname: r\nspec: {targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: other}}]}\n"
	sidecar := "---\ntype: Dataplane\nname: web\nnetworking: {address: 10.0.0.2, inbound: [{port: 81, tags: {kuma.io/service: web}}], outbound: [{port: 1, backendRef: {kind: MeshExternalService, name: x}}]}\n"
	builtin := "---\ntype: Dataplane\nname: web\nnetworking: {address: 10.0.0.2, gateway: {type: BUILTIN, tags: {kuma.io/service: web}}%s}\n"
	for name, test := range map[string]struct {
		protocol, proxy, more string
		want                  envoydiff.Verdict
	}{
		"a sidecar":                    {"HTTP", sidecar, trafficRoute + route, envoydiff.Different},
		"a sidecar after a gateway":    {"HTTP", strings.Replace(fmt.Sprintf(builtin, ""), "name: web", "name: a", 1) + sidecar, trafficRoute + route, envoydiff.Different},
		"a sidecar without a listener": {"TCP", sidecar, trafficRoute + route, envoydiff.Same},
		"a gateway":                    {"TCP", fmt.Sprintf(builtin, ""), "", envoydiff.Same},
		"a transparent gateway":        {"TCP", fmt.Sprintf(builtin, ", transparentProxying: {redirectPortInbound: 1}"), "", envoydiff.Inherent},
		"one in a mesh with routes":    {"TCP", fmt.Sprintf(builtin, ", transparentProxying: {redirectPortInbound: 1}"), trafficRoute, envoydiff.Same},
		"one with a MeshHTTPRoute":     {"TCP", fmt.Sprintf(builtin, ", transparentProxying: {redirectPortInbound: 1}"), trafficRoute + route, envoydiff.Inherent},
	} {
		t.Run(name, func(t *testing.T) {
			c := compared(t, cluster.V(13), manifest.Text("mesh.yaml", fmt.Sprintf(policies, test.protocol)+test.proxy+test.more))
			last := c.Proxies[len(c.Proxies)-1]
			assert.Equal(t, test.want, last.Verdict, "%v", last.Differences)
		})
	}
}

// A listener for a backendRef exists in a mesh without TrafficRoutes, or if a MeshHTTPRoute
// selects the proxy.
func TestOutboundsToMeshServices(t *testing.T) {
	const trafficRoute = "---\ntype: TrafficRoute\nname: all\n"
	const route = "---\ntype: MeshHTTPRoute\nname: r\nspec: {targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: other}}]}\n"
	for name, test := range map[string]struct {
		from, to cluster.Version
		more     string
		want     envoydiff.Verdict
	}{
		"TrafficRoute":          {cluster.V(13), cluster.V(13), trafficRoute, envoydiff.Same},
		"MeshHTTPRoute":         {cluster.V(13), cluster.V(13), trafficRoute + route, envoydiff.Inherent},
		"none":                  {cluster.V(13), cluster.V(13), "", envoydiff.Inherent},
		"none on 2.9":           {cluster.V(9), cluster.V(9), "", envoydiff.Same},
		"to 3.0":                {cluster.V(14), cluster.SinceDataplaneOnly, "", envoydiff.Same},
		"TrafficRoute, to 3.0":  {cluster.V(14), cluster.SinceDataplaneOnly, trafficRoute, envoydiff.Inherent},
		"MeshHTTPRoute, to 3.0": {cluster.V(14), cluster.SinceDataplaneOnly, trafficRoute + route, envoydiff.Same},
	} {
		t.Run(name, func(t *testing.T) {
			text := "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
				"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
				"---\ntype: MeshService\nname: api\nspec: {ports: [{port: 80, appProtocol: http}]}\n" +
				"---\ntype: Dataplane\nname: web\nlabels: {app: web}\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: web}}], " +
				"outbound: [{port: 1, backendRef: {kind: MeshService, name: api, port: 80}}]}\n" + test.more
			snapshot, before, after := converted(t, test.from, manifest.Text("mesh.yaml", text))
			if test.from != test.to {
				before = after
			}
			c := envoydiff.Compare(snapshot, before, after, envoydiff.Options{Version: test.from, To: test.to})
			assert.Equal(t, test.want, c.Proxies[0].Verdict, "%v", c.Proxies[0].Differences)
		})
	}
}

// MeshTraces of 2.14 trace the listeners of a zone's egress, which no TrafficTrace does.
func TestZoneEgress(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: d, backends: [{name: d, type: datadog, conf: {address: d, port: 8126, splitService: true}}]}\n" +
		"---\ntype: TrafficTrace\nname: all\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"---\ntype: TrafficRoute\nname: all\n"
	const sidecar = "inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}], outbound: [{port: 1, tags: {kuma.io/service: tcp}}], "
	const tcp = "---\ntype: Dataplane\nname: tcp\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: tcp}}]}\n"
	tests := map[string]struct {
		version cluster.Version
		proxy   string
		want    string
	}{
		"of a sidecar":   {cluster.V(14), sidecar + "listeners: [{type: ZoneEgress, port: 10002, name: egress}]", "inherent [inbound kuma-tags outbound outbound-gains-tracing outbound kuma-tags]"},
		"without a name": {cluster.V(14), sidecar + "listeners: [{type: ZoneEgress, port: 10002}]", "inherent [inbound kuma-tags outbound outbound-gains-tracing outbound kuma-tags]"},
		"an ingress":     {cluster.V(14), sidecar + "listeners: [{type: ZoneIngress, port: 10001, name: ingress}]", "inherent [inbound kuma-tags]"},
		"2.13":           {cluster.V(13), sidecar + "listeners: [{type: ZoneEgress, port: 10002, name: egress}]", "same []"},
		"of no sidecar":  {cluster.V(14), "outbound: [{port: 1, tags: {kuma.io/service: tcp}}], listeners: [{type: ZoneEgress, port: 10002, name: egress}]", "different [outbound tracing-gained]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compared(t, test.version, manifest.Text("mesh.yaml", policies+"---\ntype: Dataplane\nname: dp\nnetworking: {address: 10.0.0.1, "+test.proxy+"}\n"+tcp))
			var got []string
			for _, d := range c.Proxies[0].Differences {
				got = append(got, string(d.Direction)+" "+string(d.Code))
			}
			assert.Equal(t, test.want, fmt.Sprint(c.Proxies[0].Verdict, " ", got))
		})
	}
}

// Proxies that a version treats unlike TrafficTrace are inherent, with a code.
func TestInherent(t *testing.T) {
	const policies = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n" +
		"---\ntype: TrafficTrace\nname: web\nselectors: [{match: {kuma.io/service: web}}]\n"
	const tcp = "---\ntype: Dataplane\nname: tcp\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: tcp}}]}\n"
	tests := map[string]struct {
		version cluster.Version
		proxy   string
		want    string
	}{
		"ignored on 2.9.14": {cluster.Version{Major: 2, Minor: 9, Patch: 14}, "inbound: [{port: 80, state: Ignored, tags: {kuma.io/service: web, kuma.io/protocol: http}}]", "different inbound-ignored"},
		"ignored on 2.13":   {cluster.V(13), "inbound: [{port: 80, state: Ignored, tags: {kuma.io/service: web, kuma.io/protocol: http}}], outbound: [{port: 1, tags: {kuma.io/service: tcp}}]", "same"},
		"outbounds":         {cluster.V(13), "inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]", "inherent outbound-gains-tracing"},
		"outbounds, 2.5":    {cluster.V(5), "inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]", "same"},
		"kuma's tags":       {cluster.V(14), "inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}], outbound: [{port: 1, tags: {kuma.io/service: tcp}}]", "inherent kuma-tags"},
		"delegated, 2.5":    {cluster.V(5), "gateway: {tags: {kuma.io/service: web}}", "different tracing-lost"},
		"TCP":               {cluster.V(14), "inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: [{port: 1, tags: {kuma.io/service: tcp}}]", "same"},
		"transparent":       {cluster.V(13), "transparentProxying: {redirectPortOutbound: 15001}, inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: [{port: 1, tags: {kuma.io/service: tcp}}]", "inherent outbound-gains-tracing"},
		"not in the input":  {cluster.V(13), "inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: [{port: 1, tags: {kuma.io/service: gone}}]", "inherent outbound-gains-tracing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compared(t, test.version, manifest.Text("mesh.yaml", policies+"---\ntype: Dataplane\nname: dp\nnetworking: {address: 10.0.0.1, "+test.proxy+"}\n"+tcp))
			got := string(c.Proxies[0].Verdict)
			for _, d := range c.Proxies[0].Differences {
				if !strings.Contains(got, string(d.Code)) {
					got += " " + string(d.Code)
				}
			}
			assert.Equal(t, test.want, got)
		})
	}
}
