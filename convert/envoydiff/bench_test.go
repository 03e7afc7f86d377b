package envoydiff_test

import (
	"fmt"
	"runtime"
	"testing"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// large is a mesh of n proxies under n/10 TrafficTraces and as many MeshTraces,
// a hundredth of which differ. It is built without text, which is not measured.
func large(b *testing.B, n int) (*cluster.Snapshot, envoydiff.State, envoydiff.State) {
	traces := n / 10
	text := "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n" +
		"  - {name: z, type: zipkin, sampling: 50, conf: {url: 'http://z:9411/x'}}\n  - {name: d, type: datadog, conf: {address: agent, port: 8126}}\n---\ntype: TrafficRoute\nname: r\n"
	yes := true
	var after envoydiff.State
	backends := map[string]meshtrace.Backend{
		"z": {Type: meshtrace.TypeZipkin, Zipkin: &meshtrace.Zipkin{URL: "http://z:9411/x", SharedSpanContext: &yes}},
		"d": {Type: meshtrace.TypeDatadog, Datadog: &meshtrace.Datadog{URL: "http://agent:8126"}},
	}
	resources := make([]string, 0, traces)
	for i := range traces {
		backend := []string{"z", "d"}[i%2]
		resources = append(resources, fmt.Sprintf("type: TrafficTrace\nname: t%06d\nselectors:\n- match: {kuma.io/service: service-%d}\nconf: {backend: %s}\n", i, i, backend))
		sampling := 50.0
		if backend == "d" {
			sampling = 100
		}
		if i%100 == 0 {
			sampling = 7
		}
		after.Policies = append(after.Policies, &meshtrace.Policy{
			Mesh: "default", Name: fmt.Sprintf("t%06d", i), System: true,
			TargetRef: meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: fmt.Sprintf("service-%d", i)})},
			Default:   meshtrace.Conf{Backends: []meshtrace.Backend{backends[backend]}, Sampling: meshtrace.Sampling{Overall: meshtrace.PercentOf(sampling)}},
		})
	}
	all := text
	for _, resource := range resources {
		all += "---\n" + resource
	}
	s := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", all)})
	meshes, problems := legacy.Read(s)
	if len(problems) > 0 || len(s.Problems) > 0 {
		b.Fatal(problems, s.Problems)
	}
	for i := range n {
		s.Dataplanes = append(s.Dataplanes, &cluster.Dataplane{
			Mesh: "default", Name: fmt.Sprintf("dp-%06d", i), Address: "10.0.0.1",
			Inbounds: []cluster.Inbound{{Port: 8080, Protocol: "http", Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: fmt.Sprintf("service-%d", i%traces), "version": "v1", cluster.ProtocolTag: "http", "kuma.io/zone": "east"})}},
			Outbounds: []cluster.Outbound{
				{Port: 10001, Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: fmt.Sprintf("service-%d", (i+1)%traces)})},
				{Port: 10002, Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: fmt.Sprintf("service-%d", (i+2)%traces)})},
			},
		})
	}
	return s, envoydiff.State{Legacy: meshes}, after
}

// BenchmarkCompare shows that the cost of a proxy depends neither on the number
// of proxies nor on that of policies: on one processor, after reading.
func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{50_000, 100_000, 200_000} {
		b.Run(fmt.Sprintf("proxies=%d/policies=%d", n, n/10), func(b *testing.B) {
			s, before, after := large(b, n)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			var kept *envoydiff.Comparison
			runtime.GC()
			var memory, later runtime.MemStats
			runtime.ReadMemStats(&memory)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				kept = envoydiff.Compare(s, before, after, envoydiff.Options{Version: cluster.V(13)})
			}
			b.StopTimer()
			if t := envoydiff.Count([]*envoydiff.Comparison{kept}); t.Different != n/100 {
				b.Fatalf("%d proxies are different", t.Different)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "us/proxy")
			runtime.GC()
			runtime.ReadMemStats(&later)
			b.ReportMetric(float64(later.HeapAlloc-memory.HeapAlloc)/float64(n), "B-kept/proxy")
			runtime.KeepAlive(kept)
			runtime.KeepAlive(s)
		})
	}
}
