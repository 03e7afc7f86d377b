package html

import (
	"fmt"
	"strings"
	"testing"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/fixtures"
)

// fixture is the report on a directory of fixtures.
func fixture(t testing.TB, path string) *report.Report {
	t.Helper()
	return withHead(reportOn(t, fixtures.Texts(t, path)[0]))
}

func withHead(r *report.Report) *report.Report {
	r.Head = report.Head{
		Date: "2026-11-28T12:00:00Z", Tool: "1.2.3", Cluster: `Kubernetes context "prod-eu", Kuma 2.13.2, global`,
		Digest: "sha256:" + strings.Repeat("0123456789abcdef", 4),
	}
	return r
}

// bigReport is a report on so many proxies, and so many of everything else.
func bigReport(t testing.TB, proxies, others int) *report.Report {
	t.Helper()
	r := fullReport(t, proxies)
	for i := range others {
		name := fmt.Sprintf("team-%03d-service-with-a-name", i)
		r.TrafficTraces = append(r.TrafficTraces, report.TrafficTrace{
			Mesh: "default", Name: name, Backend: "jaeger", Proxies: i * 97,
			Selectors: []report.Selector{{Number: 1, Tags: "kuma.io/service=" + name, Proxies: i * 97, Policies: []string{"5-" + name}}},
		})
		policy := r.Policies[0]
		policy.Name, policy.Source = "5-"+name, "TrafficTrace "+name
		r.Policies = append(r.Policies, policy)
		r.Withheld = append(r.Withheld, policy)
		r.Existing = append(r.Existing, report.Existing{Mesh: "default", Name: name, Proxies: i})
		r.Meshes = append(r.Meshes, report.Mesh{Name: name, Proxies: i, Backends: r.Meshes[i%2].Backends[:i%2]})
		r.HandWork = append(r.HandWork, report.HandWork{
			Code: convert.MeshTraceConflict, Severity: manifest.Warning, Resources: []string{name}, Remedy: "delete it",
		})
		note := convert.NoteText{
			Code: convert.Code(fmt.Sprintf("code-%d", i%30)), Severity: []manifest.Severity{manifest.Error, manifest.Warning, manifest.Info}[i%3],
			Resource: fmt.Sprintf("TrafficTrace %q", name), Message: "uses a wildcard, which MeshTrace does not support. It must be expanded to one policy per value",
			Remedy: "run `tracemigrate convert` with --keep-going",
		}
		for range 10 {
			r.Notes = append(r.Notes, note)
		}
		if i < 40 {
			cause := r.Causes[i%len(r.Causes)]
			r.Causes = append(r.Causes, cause)
		}
	}
	return r
}

const datadog = `{type: Mesh, name: dog, tracing: {defaultBackend: d, backends: [{name: d, type: datadog, conf: {address: agent.datadog, port: 8126, splitService: true}}]}}
---
{type: TrafficTrace, name: all, mesh: dog, selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: Dataplane, name: web-1, mesh: dog, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/protocol: http, kuma.io/service: web}}], outbound: [{port: 81, tags: {kuma.io/service: web}}]}}
`

// finished is a mesh after the migration.
const finished = `{type: Mesh, name: dog}
---
{type: MeshTrace, name: all, mesh: dog, spec: {targetRef: {kind: Mesh}, default: {backends: [{type: Datadog, datadog: {url: "http://agent.datadog:8126"}}]}}}
---
{type: Dataplane, name: web-1, mesh: dog, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/protocol: http, kuma.io/service: web}}]}}
`

// states is the page in each state in which it must be good, made once.
func states(t testing.TB) map[string]string {
	t.Helper()
	if statePages != nil {
		return statePages
	}
	reports := map[string]*report.Report{
		"empty mesh":       withHead(reportOn(t, "{type: Mesh, name: default}")),
		"finished":         withHead(reportOn(t, finished)),
		"finished in part": withHead(reportOn(t, finished+"---\n{type: Dataplan, name: web-2, mesh: dog}\n")),
		"all the same":     fixture(t, "diff/cluster.yaml"),
		"inherent":         withHead(reportOn(t, datadog)),
		"different":        withHead(fullReport(t, 120)),
		"unknown":          fixture(t, "convert/zone-differs/input.yaml"),
		"withheld":         fixture(t, "convert/meshtrace-conflict/input.yaml"),
		"not traced":       notTraced(t),
		"invalid":          fixture(t, "convert/invalid-backend/input.yaml"),
		"several zones":    fixture(t, "convert/docs-datadog-by-zone-kubernetes/input.yaml"),
		"refused":          refused(t),
		"long names":       spoiled(t, strings.Repeat("long-name-", 20)),
		"hostile names":    spoiled(t, hostile),
		"strange names":    spoiled(t, " \u05e9\u05dc\u05d5\u05dd \U0001F680 <b>&amp;"),
		"big":              withHead(bigReport(t, 5000, 300)),
		"many":             withHead(bigReport(t, 200, 30)),
	}
	pages := make(map[string]string)
	for name, r := range reports {
		pages[name] = pageOf(t, r)
	}
	statePages = pages
	return pages
}

var statePages map[string]string

// notTraced is a report on a version whose MeshTraces select no delegated gateway.
func notTraced(t testing.TB) *report.Report {
	t.Helper()
	text := fixtures.Texts(t, "convert/delegated-gateway/input.yaml")[0]
	return withHead(reportFor(t, cluster.Read([]manifest.Input{manifest.Text("cluster.yaml", text)}), cluster.V(5)))
}

// refused is a report whose only policy the API server refuses.
func refused(t testing.TB) *report.Report {
	t.Helper()
	r := withHead(reportOn(t, strings.ReplaceAll(datadog, "splitService: true", "splitService: false")))
	r.Judge([]cluster.Trial{{Message: "spec.targetRef.kind: value is not supported"}})
	return r
}
