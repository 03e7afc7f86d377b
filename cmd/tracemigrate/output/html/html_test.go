package html

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// clusterOf is a cluster of n proxies in two meshes, as manifests: most are
// the same after the migration, those of mesh "old" gain outbound tracing, and
// those of service "web" clash with a MeshTrace that exists.
func clusterOf(n int) string {
	var b strings.Builder
	b.WriteString(`apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: default}
spec:
  tracing:
    defaultBackend: jaeger
    backends:
    - {name: jaeger, type: zipkin, sampling: 50, conf: {url: 'http://jaeger-collector.observability:9411/api/v2/spans'}}
    - {name: agent, type: datadog, sampling: 12.5, conf: {address: trace-svc.datadog.svc.cluster.local, port: 8126}}
    - {name: trial, type: zipkin, conf: {url: 'http://user:secret@trial:9411/api/v2/spans'}}
---
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: old}
spec:
  tracing:
    defaultBackend: zipkin
    backends:
    - {name: zipkin, type: zipkin, conf: {url: 'http://user:secret@zipkin.old:9411/api/v2/spans'}}
---
{apiVersion: kuma.io/v1alpha1, kind: TrafficRoute, mesh: default, metadata: {name: route-all}, spec: {}}
---
apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: web-trial, namespace: kuma-system, labels: {kuma.io/mesh: default}, creationTimestamp: "2024-05-01T10:00:00Z"}
spec:
  targetRef: {kind: MeshService, name: web}
  default:
    backends: [{type: Zipkin, zipkin: {url: 'http://trial:9411/api/v2/spans'}}]
`)
	for i, trace := range []string{
		"default all jaeger {kuma.io/service: '*'}",
		"default payments agent {kuma.io/service: payments} {kuma.io/service: ledger}",
		"default teams agent {kuma.io/service: '*', team: '*'}",
		"default everything-of-the-warehouse-and-its-partners trial {kuma.io/service: warehouse}",
		"old all zipkin {kuma.io/service: '*'}",
	} {
		words := strings.SplitN(trace, " ", 4)
		fmt.Fprintf(&b, "---\napiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: %s\nmetadata: {name: %s-%s, creationTimestamp: \"2024-03-0%dT10:00:00Z\"}\nspec:\n  conf: {backend: %s}\n  selectors:\n",
			words[0], words[1], words[0], i+1, words[2])
		for _, selector := range strings.SplitAfter(words[3], "}") {
			if selector = strings.TrimSpace(selector); selector != "" {
				fmt.Fprintf(&b, "  - match: %s\n", selector)
			}
		}
	}
	services := []string{"web", "payments", "ledger", "search", "cart", "warehouse", "mail", "catalogue"}
	for i := range n {
		mesh, zone, service, team := "default", []string{"east", "west", "north"}[i%3], services[i%len(services)], ""
		if service == "web" && i%40 != 0 {
			service = "frontend"
		}
		if i%10 == 9 {
			mesh = "old"
		}
		if i%6 == 3 {
			team = fmt.Sprintf(", team: %s", []string{"finance", "catalogue"}[i%2])
		}
		fmt.Fprintf(&b, "---\napiVersion: kuma.io/v1alpha1\nkind: Dataplane\nmesh: %s\nmetadata: {name: %s-%05d, namespace: shop, labels: {kuma.io/zone: %s}}\nspec:\n  networking:\n    address: 10.%d.%d.%d\n    inbound:\n    - port: 8080\n      tags: {kuma.io/service: %s, kuma.io/protocol: http, kuma.io/zone: %s%s}\n",
			mesh, service, i, zone, i>>16, i>>8&255, i&255, service, zone, team)
	}
	return b.String()
}

// reportOn is the report on manifests.
func reportOn(t testing.TB, text string) *report.Report {
	t.Helper()
	return reportOf(t, cluster.Read([]manifest.Input{manifest.Text("cluster.yaml", text)}))
}

func reportOf(t testing.TB, s *cluster.Snapshot) *report.Report {
	t.Helper()
	return reportFor(t, s, cluster.V(13))
}

func reportFor(t testing.TB, s *cluster.Snapshot, version cluster.Version) *report.Report {
	t.Helper()
	r, _, problems := report.Build(convert.Read(s, "kuma-system"), report.Options{
		Convert: convert.Options{Version: version, Namespace: "kuma-system", MadeUp: 100},
	})
	require.NotNil(t, r, "%v", problems)
	return r
}

func pageOf(t testing.TB, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, r))
	return b.String()
}

// fullReport is a report with something in every part of the page.
func fullReport(t testing.TB, n int) *report.Report {
	t.Helper()
	r := reportOn(t, clusterOf(n))
	r.Origin = cluster.Origin{
		Source: `Kubernetes context "prod-eu" (https://10.0.0.1:6443)`, Product: "Kuma", Version: "2.13.2", Mode: cluster.ModeGlobal,
		Environment: cluster.Kubernetes, Namespace: "kuma-system", Zones: []cluster.Zone{{Name: "east", Version: "2.13.2"}, {Name: "north"}},
		Absent: []string{"MeshGateway"}, Unread: []cluster.Unread{{What: "Dataplane", Reason: "the server says Forbidden", Remedy: "grant list on it"}},
	}
	trials := make([]cluster.Trial, len(r.Policies))
	for i := range trials {
		trials[i].Accepted = i != 1
	}
	trials[1].Message, trials[2].Warnings = "spec.targetRef.kind: value is not supported", []string{"MeshSubset is deprecated"}
	r.Judge(trials)
	return r
}

// hostile is text that tries to be markup, to end a script, and to hide.
const hostile = `<script>window.pwned=1</script>"'><img src=x onerror="window.pwned=1"></script><!--]]>{{.}}` + "\u202e\x00\x1b[31m\u2028\u200b" + ` onclick=window.pwned=1 javascript:window.pwned=1//`

// spoil puts text behind every text of a value that a cluster can choose.
func spoil(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		switch v.Interface().(type) {
		case envoydiff.Verdict, manifest.Severity:
		default:
			v.SetString(v.String() + text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i), text)
			}
		}
	default:
	}
}

func spoiled(t testing.TB, text string) *report.Report {
	t.Helper()
	// A Datadog backend puts the name of the service into Envoy's configuration.
	r := fullReport(t, 60)
	s := cluster.Read([]manifest.Input{manifest.Text("cluster.yaml", `{type: Mesh, name: dog, tracing: {defaultBackend: d, backends: [{name: d, type: datadog, conf: {address: agent, port: 8126}}]}}
---
{type: TrafficTrace, name: all, mesh: dog, selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: Dataplane, name: spoiled, mesh: dog, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/protocol: http, kuma.io/service: web}}]}}
`)})
	tags := &s.Dataplanes[0].Inbounds[0].Tags
	*tags = tags.With(cluster.ServiceTag, tags.Get(cluster.ServiceTag)+text)
	more := reportOf(t, s)
	require.Equal(t, 1, more.Summary.Inherent)
	r.Proxies = append(more.Proxies, r.Proxies...)
	seen := make(map[*envoydiff.Difference]bool) // they are shared
	for i := range r.Proxies {
		differences := r.Proxies[i].Differences
		if len(differences) == 0 || seen[differences[0]] {
			r.Proxies[i].Differences = nil
		} else {
			seen[differences[0]] = true
		}
		spoil(reflect.ValueOf(&r.Proxies[i]), text)
		r.Proxies[i].Differences = differences
	}
	proxies := r.Proxies
	r.Proxies = nil
	spoil(reflect.ValueOf(r), text)
	r.Proxies = proxies
	return r
}
