package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// htmlCluster is a cluster of n proxies in two meshes, as manifests: most are
// the same after the migration, those of mesh "old" gain outbound tracing, and
// those of service "web" clash with a MeshTrace that exists.
func htmlCluster(n int) string {
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

// htmlReport is the report on manifests.
func htmlReport(t testing.TB, text string) *report.Report {
	t.Helper()
	s := cluster.Read([]manifest.Input{manifest.Text("cluster.yaml", text)})
	r, _, problems := report.Build(s, report.Options{Convert: convert.Options{Version: cluster.V(13), Namespace: "kuma-system"}, MadeUp: 100})
	require.NotNil(t, r, "%v", problems)
	return r
}

func htmlOf(t testing.TB, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writeHTML(&b, r))
	return b.String()
}
