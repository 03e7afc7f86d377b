package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

const input = `
apiVersion: tracemigrate/v1
kind: SnapshotOrigin
source: cluster x
version: 2.13.1
environment: kubernetes
ORIGIN
---
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: default}
spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, sampling: 10, conf: {url: "http://bob:hunter2@z:PORT/api?token=hunter2"}}]}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: "it's all", labels: {kuma.io/origin: global}}
spec: {selectors: [{match: {kuma.io/service: '*'}}]}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: default
metadata: {name: all}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: web, namespace: shop}
spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}
---
apiVersion: tracemigrate/v1
kind: SnapshotEnd
`

func build(t *testing.T, origin, port string, o report.Options) *report.Report {
	t.Helper()
	text := strings.NewReplacer("ORIGIN", origin, "PORT", port).Replace(input)
	s := convert.Read(cluster.Read([]manifest.Input{manifest.Text("state.yaml", text)}), "kuma-system")
	o.Convert.Version, o.Convert.Namespace, o.Program = cluster.V(13), "kuma-system", "tracemigrate"
	r, _, problems := report.Build(s, o)
	require.NotNil(t, r, "%v", problems)
	return r
}

func commands(r *report.Report) string {
	var all []string
	for _, step := range r.NextSteps {
		all = append(all, step.Command)
	}
	return strings.Join(all, "\n")
}

// The next steps reach the cluster that was read, and delete nothing that has no
// successor, or that cannot be deleted there.
func TestNextSteps(t *testing.T) {
	tests := map[string]struct {
		origin, port string
		options      report.Options
		want         string
	}{
		"zone": {"mode: zone", "9411", report.Options{Words: report.Words{Source: "--context prod", Kubectl: "kubectl --context prod"}}, `tracemigrate snapshot --context prod > state.yaml
tracemigrate convert --kuma-version 2.13 --context prod > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --shadow --context prod | kubectl --context prod apply -f -
tracemigrate diff --shadow --context prod
kubectl --context prod apply -f meshtraces.yaml
kubectl --context prod delete traffictrace 'it'\''s all'
kubectl --context prod patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`},
		"files": {"mode: zone", "9411", report.Options{Files: true, Words: report.Words{Source: "-f state.yaml"}}, `tracemigrate convert --kuma-version 2.13 -f state.yaml > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --shadow -f state.yaml | kubectl apply -f -
tracemigrate diff --shadow --context NAME
kubectl apply -f meshtraces.yaml
kubectl delete traffictrace 'it'\''s all'
kubectl patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`},
		"a snapshot names its context": {"mode: zone\nendpoint: {kubernetes: 'https://10.0.0.1:6443', context: it's prod}", "9411", report.Options{Files: true, Words: report.Words{Source: "-f state.yaml"}}, `tracemigrate convert --kuma-version 2.13 -f state.yaml > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --shadow -f state.yaml | kubectl --context 'it'\''s prod' apply -f -
tracemigrate diff --shadow --context 'it'\''s prod'
kubectl --context 'it'\''s prod' apply -f meshtraces.yaml
kubectl --context 'it'\''s prod' delete traffictrace 'it'\''s all'
kubectl --context 'it'\''s prod' patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`},
		"a snapshot through a control plane's API": {"mode: zone\nendpoint: {controlPlane: 'http://cp:5681'}", "9411", report.Options{Files: true, Words: report.Words{Source: "-f state.yaml"}}, `tracemigrate convert --kuma-version 2.13 -f state.yaml > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --shadow -f state.yaml | kubectl apply -f -
tracemigrate diff --shadow --control-plane http://cp:5681
kubectl apply -f meshtraces.yaml
kubectl delete traffictrace 'it'\''s all'
kubectl patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`},
		"a federated zone through its API": {"mode: federated-zone\nendpoint: {controlPlane: 'http://cp:5681'}", "9411", report.Options{}, `tracemigrate snapshot > state.yaml
tracemigrate report --control-plane GLOBAL`},
		"error": {"mode: zone", "70000", report.Options{}, `tracemigrate snapshot > state.yaml
tracemigrate report --kuma-version 2.13`},
		"Dataplanes unread": {"mode: zone\nunread: [{what: Dataplane, reason: forbidden}]", "9411", report.Options{}, `tracemigrate snapshot > state.yaml
tracemigrate report --kuma-version 2.13`},
		"no kind MeshTrace": {"mode: zone\nabsent: [MeshTrace]", "9411", report.Options{}, `tracemigrate snapshot > state.yaml
tracemigrate report --kuma-version 2.13`},
		"one mesh of a file, and a pipe": {"mode: global\nmeshes: [default]", "9411", report.Options{Files: true, First: []report.StepKind{report.SavePipe}, Words: report.Words{Source: "-f stdin.yaml"}}, `COMMAND > stdin.yaml
tracemigrate convert --kuma-version 2.13 -f stdin.yaml > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --shadow -f stdin.yaml | kubectl apply -f -
tracemigrate diff --shadow --context ZONE --mesh default
kubectl apply -f meshtraces.yaml
kubectl delete traffictrace 'it'\''s all'
kubectl patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`},
		"federated zone": {"mode: federated-zone", "9411", report.Options{}, `tracemigrate snapshot > state.yaml
tracemigrate report --context GLOBAL`},
		"federated zone by itself": {"mode: federated-zone", "9411", report.Options{Convert: convert.Options{ZoneOrigin: true}}, `tracemigrate snapshot > state.yaml
tracemigrate convert --kuma-version 2.13 --zone-origin > meshtraces.yaml
tracemigrate convert --kuma-version 2.13 --zone-origin --shadow | kubectl apply -f -
tracemigrate diff --shadow
kubectl apply -f meshtraces.yaml
tracemigrate report --context GLOBAL`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, commands(build(t, tt.origin, tt.port, tt.options)))
		})
	}
}

// A snapshot of a Universal control plane names that, and never a context.
func TestNextStepsOfUniversal(t *testing.T) {
	of := func(origin string) string {
		text := "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nversion: 2.13.1\nenvironment: universal\n" + origin + `
---
{type: Mesh, name: default, tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:1'}}]}}
---
{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: Dataplane, mesh: default, name: web, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}
---
{apiVersion: tracemigrate/v1, kind: SnapshotEnd}
`
		s := cluster.Read([]manifest.Input{manifest.Text("state.yaml", text)})
		r, _, problems := report.Build(convert.Read(s, ""), report.Options{Convert: convert.Options{Version: cluster.V(13)}, Files: true, Words: report.Words{Program: "tracemigrate", Source: "-f state.yaml"}})
		require.NotNil(t, r, "%v", problems)
		require.True(t, r.Summary.Holds)
		return commands(r)
	}
	named := of("mode: zone\nendpoint: {controlPlane: 'https://cp:5682', name: prod}")
	assert.Contains(t, named, "\nkumactl config control-planes switch --name prod\n")
	assert.Contains(t, named, "\ntracemigrate diff --shadow --control-plane prod\n")
	byURL := of("mode: zone\nendpoint: {controlPlane: 'https://cp:5682'}")
	assert.Contains(t, byURL, "\nkumactl config control-planes list # the active one must be https://cp:5682\n")
	assert.Contains(t, byURL, "\ntracemigrate diff --shadow --control-plane https://cp:5682\n")
	assert.Contains(t, of("mode: global"), "\ntracemigrate diff --shadow --control-plane ZONE\n")
	assert.Contains(t, of("mode: federated-zone"), "tracemigrate report --control-plane GLOBAL")
	assert.NotContains(t, named+byURL+of("mode: federated-zone"), "--context")
}

// The names of many TrafficTraces are read from a file, which a step before writes.
func TestManyDeletions(t *testing.T) {
	of := func(format, name string, n int, o report.Options) []report.Step {
		var text strings.Builder
		text.WriteString("apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nversion: 2.13.1\nmode: zone\n---\n")
		if format == "kubernetes" {
			text.WriteString("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}}\n")
		} else {
			text.WriteString("{type: Mesh, name: default}\n")
		}
		for i := range n {
			if format == "kubernetes" {
				fmt.Fprintf(&text, "---\n{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: %s%03d}, spec: {selectors: [{match: {kuma.io/service: s%d}}]}}\n", name, i, i)
			} else {
				fmt.Fprintf(&text, "---\n{type: TrafficTrace, mesh: default, name: %s%03d, selectors: [{match: {kuma.io/service: s%d}}]}\n", name, i, i)
			}
		}
		text.WriteString("---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n")
		o.Convert.Version, o.Program = cluster.V(13), "tracemigrate"
		o.Convert.MadeUp = 10_000
		r, _, problems := report.Build(convert.Read(cluster.Read([]manifest.Input{manifest.Text("state.yaml", text.String())}), o.Convert.Namespace), o)
		require.NotNil(t, r, "%v", problems)
		require.True(t, r.Summary.Holds)
		return r.NextSteps
	}
	last := func(steps []report.Step) report.Step { return steps[len(steps)-1] }
	assert.Contains(t, last(of("kubernetes", "t", 20, report.Options{})).Command, "kubectl delete traffictrace t000 t001 ")

	steps := of("kubernetes", "t", 21, report.Options{Words: report.Words{Source: "--context prod", Kubectl: "kubectl --context prod"}})
	assert.Equal(t, report.Step{
		Title:   `Write the names of the 21 TrafficTraces of mesh "default" to a file and review it`,
		Command: `tracemigrate report --kuma-version 2.13 -f state.yaml -o json | jq -r --arg mesh default '.trafficTraces[] | select(.mesh == $mesh) | .name' > delete-default.txt`,
	}, steps[len(steps)-2])
	assert.Equal(t, "xargs -n 100 kubectl --context prod delete traffictrace < delete-default.txt", last(steps).Command)
	assert.Equal(t, "tracemigrate snapshot --context prod > state.yaml", steps[0].Command, "from which the names are taken")

	steps = of("universal", strings.Repeat("t", 60), 18, report.Options{Files: true, Directory: "/tmp/", Words: report.Words{Source: "-f files"}})
	assert.Equal(t, `tracemigrate report --kuma-version 2.13 -f files -o json | jq -r --arg mesh default '.trafficTraces[] | select(.mesh == $mesh) | .name' > /tmp/delete-default.txt`, steps[len(steps)-2].Command)
	assert.Equal(t, "xargs -n 1 kumactl delete traffic-trace --mesh default -- < /tmp/delete-default.txt", last(steps).Command)

	for format, want := range map[string]string{
		"kubernetes": `while IFS= read -r name; do kubectl delete traffictrace -- "$name" < /dev/null; done < delete-default.txt`,
		"universal":  `while IFS= read -r name; do kumactl delete traffic-trace --mesh default -- "$name" < /dev/null; done < delete-default.txt`,
	} {
		steps = of(format, "it's", 300, report.Options{})
		assert.Equal(t, want, last(steps).Command, "xargs takes quotes for its own")
		for _, step := range steps {
			assert.Less(t, len(step.Command), 300)
		}
	}
}

// Whoever looks again between the last two steps is told the last one.
func TestNextStepsAfterTheDeletion(t *testing.T) {
	withoutTraces := func(origin, mesh string) *report.Report {
		text := "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nversion: 2.13.1\n" + origin + "\n---\n" + mesh + "\n---\napiVersion: tracemigrate/v1\nkind: SnapshotEnd\n"
		s := cluster.Read([]manifest.Input{manifest.Text("state.yaml", text)})
		r, _, problems := report.Build(convert.Read(s, ""), report.Options{Convert: convert.Options{Version: cluster.V(13)}, Words: report.Words{Program: "tracemigrate", Kumactl: "kumactl --config-file k"}})
		require.NotNil(t, r, "%v", problems)
		return r
	}
	const backends = "tracing: {backends: [{name: z, type: zipkin, conf: {url: 'http://z:1'}}]}"
	kubernetes, universal := "apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: default}\nspec: {"+backends+"}", "type: Mesh\nname: default\n"+backends
	assert.Equal(t, `kubectl patch mesh default --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`, commands(withoutTraces("mode: zone", kubernetes)))
	assert.Equal(t, "kumactl --config-file k get mesh default -o yaml > mesh.yaml && ${EDITOR:-vi} mesh.yaml && kumactl --config-file k apply -f mesh.yaml", commands(withoutTraces("mode: zone", universal)))
	assert.Empty(t, commands(withoutTraces("mode: federated-zone", kubernetes)), "the mesh is the global control plane's")
	assert.Empty(t, commands(withoutTraces("mode: zone", "type: Mesh\nname: default")))
}

// What could not be read is not counted as well.
func TestUnread(t *testing.T) {
	r := build(t, "mode: zone", "9411", report.Options{})
	assert.True(t, r.Summary.Holds)
	assert.False(t, r.Summary.Unverified || r.Summary.Partial)
	for _, policy := range r.Policies {
		assert.NotContains(t, policy.Manifest, "hunter2")
	}
	r = build(t, "mode: zone\nunread: [{what: Dataplane, reason: forbidden}]", "9411", report.Options{})
	assert.False(t, r.Summary.Holds)
	assert.True(t, r.Summary.Unverified)
	r = build(t, "mode: zone\nunread: [{what: MeshGateway, reason: forbidden}]", "9411", report.Options{})
	assert.True(t, r.Summary.Holds)
	assert.True(t, r.Summary.Partial)
}

// A policy that the API server refuses is an answer of no.
func TestJudge(t *testing.T) {
	r := build(t, "mode: zone", "9411", report.Options{})
	r.Judge([]cluster.Trial{{Accepted: true}})
	assert.True(t, r.Summary.Holds)
	r.Judge([]cluster.Trial{{Message: "no"}})
	assert.False(t, r.Summary.Holds)
	assert.Equal(t, 1, r.Summary.Refused)
	assert.Equal(t, "no", r.Policies[0].Server.Message)
	assert.Equal(t, convert.ServerRefused, r.Notes[0].Code)
	assert.Equal(t, 1, r.Summary.Errors)
	assert.Equal(t, "tracemigrate snapshot > state.yaml\ntracemigrate report --kuma-version 2.13 --server-dry-run", commands(r))
	assert.Equal(t, "Fix what the errors name, then run the report again", r.NextSteps[1].Title, "no proxy is unknown")
}
