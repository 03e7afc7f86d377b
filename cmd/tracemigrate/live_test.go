package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/fixtures"
	"tracemigrate/fixtures/kubernetes"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: kuma-control-plane, namespace: kuma-system}
spec:
  selector: {matchLabels: {app: kuma-control-plane}}
  template:
    metadata: {labels: {app: kuma-control-plane}}
    spec:
      containers:
      - {name: control-plane, image: "kumahq/kuma-cp:2.13.1", env: [{name: KUMA_MODE, value: zone}]}
`

func bound(role, user string) string {
	return "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: " + role + "-" + user + "}\n" +
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: " + role + "}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: " + user + "}]\n"
}

// shop is an API server that holds fixtures/demo and a control plane of 2.13.1.
// The current context is that of a user who may read, and no more.
func shop(t *testing.T) *kubernetes.Cluster {
	t.Helper()
	c := kubernetes.Start(t)
	c.Reset(t, kubernetes.CRDs)
	for _, file := range []string{"mesh.yaml", "dataplanes.yaml"} {
		text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "demo", file))
		require.NoError(t, err)
		c.Apply(t, string(text))
	}
	c.Apply(t, deployment)
	role, err := os.ReadFile(filepath.Join(fixtures.Dir(), "../docs/kubernetes/clusterrole.yaml"))
	require.NoError(t, err)
	c.Apply(t, string(role))
	c.Apply(t, bound("tracemigrate", "reader"))
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, "reader"))
	t.Setenv("HOME", t.TempDir())
	return c
}

// tool runs the tool with arguments that stand in one string.
func tool(t *testing.T, args string) (code int, stdout, stderr string) {
	t.Helper()
	var out, words bytes.Buffer
	code = run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(args)...), strings.NewReader(""), &out, &words)
	return code, out.String(), words.String()
}

func TestLiveReport(t *testing.T) {
	c := shop(t)
	code, text, words := tool(t, "report")
	require.Equal(t, 0, code, words)
	assert.Empty(t, words)
	head, _, _ := strings.Cut(text, "\n")
	assert.Equal(t, `Kubernetes context "test" (`+c.Host+`): Kuma 2.13.1, zone, on Kubernetes`, head)
	assert.Contains(t, text, "policies for Kuma 2.13.1\n")
	assert.Contains(t, text, "4 proxies keep collector and sampling.\n")
	assert.Contains(t, text, "4 proxies compared: 4 same, 0 inherent, 0 different")
	assert.Contains(t, text, "traffictraces/teams", "notes name the object")
	assert.Contains(t, text, "kubectl --context test delete traffictrace all payments teams")
	assert.Contains(t, text, "tracemigrate convert --kuma-version 2.13.1 --shadow --context test | kubectl --context test apply -f -")

	_, again, _ := tool(t, "report")
	assert.Equal(t, text, again)

	code, text, _ = tool(t, "report -o json")
	assert.Equal(t, 0, code)
	var asJSON, asYAML report.Report
	require.NoError(t, json.Unmarshal([]byte(text), &asJSON))
	assert.Equal(t, report.Summary{Holds: true, Meshes: 1, TrafficTraces: 3, Policies: 5, Tally: envoydiff.Tally{Proxies: 4, Same: 4, Codes: map[envoydiff.Code]int{}}, Warnings: asJSON.Summary.Warnings}, asJSON.Summary)
	_, text, _ = tool(t, "report -o yaml")
	require.NoError(t, yaml.Unmarshal([]byte(text), &asYAML))
	assert.Equal(t, asJSON, asYAML)
	_, text, _ = tool(t, "report -o markdown --full")
	assert.Contains(t, text, "| same | payments-7f9d8-lq2wz.shop | sidecar |")
	code, text, _ = tool(t, "report -o html")
	assert.Equal(t, 0, code)
	assert.Contains(t, text, "<!DOCTYPE html>")
}

// What was applied, in part or whole, is recognised after its way through the API
// server, and the output stays the same.
func TestLiveAgain(t *testing.T) {
	c := shop(t)
	_, first, _ := tool(t, "convert")
	documents := strings.SplitAfter(first, "---\n")
	require.Len(t, documents, 5)
	c.Apply(t, documents[4]) // that for the whole mesh, which would serve all

	code, again, words := tool(t, "convert")
	require.Equal(t, 0, code, words)
	assert.Equal(t, first, again)
	assert.Contains(t, words, "1 of the 5 MeshTraces that this run makes already exists")
	code, text, words := tool(t, "report")
	require.Equal(t, 0, code, words)
	assert.Contains(t, unwrapped(text), "4 MeshTraces to create in addition to 1 of a previous run; 4 proxies compared: 4 same")
	assert.Contains(t, text, "kubectl --context test apply -f meshtraces.yaml")
	assert.NotContains(t, text, "shadow", "its verdict would be on half a migration")
	_, shadows, _ := tool(t, "convert --shadow")
	assert.Equal(t, 4, strings.Count(shadows, "kind: MeshTrace\n"), "no shadow takes the place of what stands")

	c.Apply(t, first)
	code, again, words = tool(t, "convert")
	require.Equal(t, 0, code, words)
	assert.Equal(t, first, again)
	assert.Contains(t, words, "all 5 MeshTraces that this run makes already exist")
	code, text, words = tool(t, "report")
	require.Equal(t, 0, code, words)
	assert.Contains(t, unwrapped(text), "no MeshTrace to create: 5 of a previous run exist; 4 proxies compared: 4 same")
	assert.NotContains(t, text, "kubectl --context test apply")
	assert.Contains(t, text, "  1. Save the current state, so that the result can be reproduced:\n       tracemigrate snapshot --context test > state.yaml\n  2. When traces arrive, delete")

	// With what was there before, diff sees what the applied policies change.
	file := filepath.Join(t.TempDir(), "edited.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(first, `overall: "12.5"`, "overall: 12", 1)), 0o600))
	code, text, words = tool(t, "diff --meshtrace "+file)
	assert.Equal(t, 1, code, words)
	assert.Contains(t, text, "12.5 -> 12")
}

// On Kubernetes the MeshTraces of all meshes stand in one namespace, so that a name
// is taken by one of a mesh that was not asked for, too.
func TestLiveOneMesh(t *testing.T) {
	c := shop(t)
	c.Apply(t, "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: other}, spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://y:9411/'}}]}}}\n---\n"+
		"{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: other, metadata: {name: teams-1}, spec: {selectors: [{match: {kuma.io/service: web, team: x}}]}}\n---\n"+
		"{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: all, namespace: kuma-system, labels: {kuma.io/mesh: other}}, spec: {targetRef: {kind: MeshService, name: z}, default: {backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}}\n")
	names := func(text string) []string {
		var names []string
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "  name: "); ok {
				names = append(names, strings.TrimSpace(name))
			}
		}
		return names
	}
	code, whole, words := tool(t, "convert")
	require.Equal(t, 0, code, words)
	assert.NotContains(t, names(whole), "all")
	code, one, words := tool(t, "convert --mesh default")
	require.Equal(t, 0, code, words)
	code, other, words := tool(t, "convert --mesh other")
	require.Equal(t, 0, code, words)
	assert.Equal(t, names(whole), append(names(one), names(other)...))
	assert.NotContains(t, names(other), "teams-1", "which a policy of mesh default may get")
	file := filepath.Join(t.TempDir(), "state.yaml")
	for _, flags := range []string{"", " --mesh default"} {
		_, state, _ := tool(t, "snapshot"+flags)
		require.NoError(t, os.WriteFile(file, []byte(state), 0o600))
		_, kept, _ := tool(t, "convert --mesh default -f "+file)
		assert.Equal(t, one, kept)
	}
	_, text, _ := tool(t, "report --mesh default")
	assert.NotContains(t, text, "Existing MeshTraces")
}

// What a snapshot gives is what the cluster gave.
func TestLiveSnapshot(t *testing.T) {
	shop(t)
	code, state, words := tool(t, "snapshot")
	require.Equal(t, 0, code, words)
	assert.Empty(t, words)
	for _, hidden := range []string{"managedFields", "uid", "resourceVersion", "annotations"} {
		assert.NotContains(t, state, hidden)
	}
	assert.Contains(t, state, "creationTimestamp")
	file := filepath.Join(t.TempDir(), "state.yaml")
	require.NoError(t, os.WriteFile(file, []byte(state), 0o600))
	t.Run("convert", func(t *testing.T) {
		code, live, _ := tool(t, "convert")
		assert.Equal(t, 0, code)
		_, kept, _ := tool(t, "convert -f "+file)
		assert.Equal(t, live, kept)
		assert.Contains(t, live, "kind: MeshTrace")
	})
	t.Run("diff", func(t *testing.T) {
		code, live, _ := tool(t, "diff")
		assert.Equal(t, 0, code)
		_, kept, _ := tool(t, "diff -f "+file)
		assert.Equal(t, withoutDigest(live), withoutDigest(kept))
		assert.Contains(t, live, "Kuma 2.13.1: 4 proxies compared: 4 same")
	})
	t.Run("report", func(t *testing.T) {
		forget := func(text string) string {
			before, _, _ := strings.Cut(withoutDigest(text), "\nNext steps\n")
			for i := range 99 {
				before = strings.ReplaceAll(before, file+":"+string(rune('0'+i%10)), "")
			}
			return before
		}
		_, live, _ := tool(t, "report")
		_, kept, _ := tool(t, "report -f "+file)
		for _, line := range strings.Split(forget(live), "\n")[:20] {
			assert.Contains(t, withoutDigest(kept), line)
		}
	})
	t.Run("snapshot", func(t *testing.T) {
		_, again, _ := tool(t, "snapshot -f "+file)
		assert.Equal(t, state, again)
	})
}

func TestLiveExplain(t *testing.T) {
	shop(t)
	code, text, words := tool(t, "explain payments-7f9d8-lq2wz --context test --timeout 1m")
	require.Equal(t, 0, code, words)
	assert.Contains(t, unwrapped(text), " on Kuma 2.13.1 ")
	assert.Contains(t, text, "(dataplanes/shop/payments-7f9d8-lq2wz)")
}

// The policies pass the server's own schema, and what it refuses is an error.
func TestLiveServerDryRun(t *testing.T) {
	c := shop(t)
	code, _, words := tool(t, "report --server-dry-run")
	assert.Equal(t, 2, code)
	assert.Contains(t, words, "needs the permission to create although it stores nothing")
	role, err := os.ReadFile("../../docs/kubernetes/server-dry-run.yaml")
	require.NoError(t, err)
	c.Apply(t, string(role))
	c.Apply(t, bound("tracemigrate-server-dry-run", "reader"))
	code, text, words := tool(t, "report --server-dry-run")
	require.Equal(t, 0, code, words)
	assert.Equal(t, 5, strings.Count(text, "  accepted  "))
	assert.Contains(t, text, "the API server accepts every policy")

	// A policy of the cluster's own, as webhooks are.
	c.Apply(t, `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-payments}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [kuma.io], apiVersions: [v1alpha1], operations: [CREATE], resources: [meshtraces]}]}
  validations: [{expression: "!object.metadata.name.startsWith('payments')", message: payments are traced by hand}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-payments}
spec: {policyName: no-payments, validationActions: [Deny]}
`)
	require.Eventually(t, func() bool { // the API server takes its time to take note
		code, text, words = tool(t, "report --server-dry-run")
		return code == 1 && strings.Contains(words, "the API server refuses 2 of 5 policies; as planned, 4 proxies keep collector and sampling")
	}, 30*time.Second, 500*time.Millisecond, "it judges one policy after the other, and can take note in between")
	assert.Contains(t, text, "REFUSED: ")
	assert.Contains(t, text, "payments are traced by hand")
	_, text, _ = tool(t, "report")
	assert.NotContains(t, text, "Existing MeshTraces", "nothing was stored")
}

// One broken object is named and left out; all others are there.
func TestLiveBroken(t *testing.T) {
	c := shop(t)
	c.Apply(t, `apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: odd}
spec: {selectors: none, conf: {backend: jaeger}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: odd, namespace: shop}
spec: {networking: {address: 10.0.0.1, inbound: [{port: 70000, tags: {kuma.io/service: odd}}]}}
`)
	code, text, words := tool(t, "report")
	assert.Equal(t, 1, code)
	assert.Contains(t, words, "1 error")
	assert.Contains(t, text, "traffictraces/odd")
	assert.Contains(t, text, "dataplanes/shop/odd")
	assert.Contains(t, unwrapped(text), "4 proxies compared: 0 same, 0 inherent, 0 different, 4 unknown", "any could be its")
	assert.Contains(t, unwrapped(text), `unverified: proxy TrafficTrace "odd" could not be read -> unknown`)
	code, text, words = tool(t, "convert --keep-going")
	assert.Equal(t, 1, code)
	assert.Equal(t, 5, strings.Count(text, "kind: MeshTrace"))
	assert.Contains(t, words, "broken-resource")
	code, _, words = tool(t, "diff")
	assert.Equal(t, 1, code)
	assert.Contains(t, words, `traffictraces/odd: TrafficTrace "odd": spec.selectors`)
}

// The shadows of a rehearsal do not stand in the way of the policies themselves.
func TestLiveRehearsal(t *testing.T) {
	c := shop(t)
	_, before, _ := tool(t, "convert")
	code, shadows, _ := tool(t, "convert --shadow")
	require.Equal(t, 0, code)
	c.Apply(t, shadows)
	_, again, words := tool(t, "convert")
	const unshadowed = "    kuma.io/effect: \"\"\n" // which kubectl apply would keep
	assert.Equal(t, strings.Count(before, "kind: MeshTrace"), strings.Count(again, unshadowed))
	assert.Equal(t, before, strings.ReplaceAll(again, unshadowed, ""), words)
	c.Apply(t, again)
	code, text, words := tool(t, "report")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, text, "Existing MeshTraces")
	assert.Contains(t, text, "4 same, 0 inherent, 0 different")
}

func TestLiveMistakes(t *testing.T) {
	c := shop(t)
	for args, want := range map[string]string{
		"report --context prod":                                   `has no context "prod"; it has: test`,
		"report --mesh another":                                   `has no mesh "another"; it has: default`,
		"report --kubeconfig /nowhere":                            "/nowhere",
		"convert -f x --context test":                             "--context applies only when Kubernetes is the source",
		"convert --token x":                                       "--token applies only with --control-plane",
		"convert -f x --control-plane http://localhost":           "-f and --control-plane cannot be combined",
		"report --control-plane prod":                             "is a name, which is looked up in kumactl's configuration",
		"report --control-plane http://127.0.0.1:1":               "nothing listens there",
		"report --mode zones":                                     "none of zone, federated-zone, global",
		"report --zone-version east":                              "not of the form ZONE=VERSION",
		"report --control-plane http://localhost:1 --header x":    "write NAME=VALUE",
		"report -o pdf":                                           "none of text, json, yaml, markdown, html",
		"report x":                                                "unexpected argument",
		"snapshot x":                                              "unexpected argument",
		"report --server-dry-run -f ../../fixtures/demo":          "needs Kubernetes as the source",
		"diff --shadow":                                           "no MeshTrace with the label kuma.io/effect: shadow is applied",
		"diff --shadow -f ../../fixtures/demo":                    "it reads a running control plane",
		"diff --shadow --kuma-version 2.6":                        "needs Kuma 2.7",
		"report --qps 0":                                          "must be more than 0",
		"report --timeout 1ns":                                    "not finished within --timeout 1ns",
		"report --kuma-version 9":                                 "is not a version",
		"convert --control-plane http://x --client-cert /nowhere": "go together",
	} {
		code, stdout, stderr := tool(t, args)
		assert.Equal(t, 2, code, args)
		assert.Empty(t, stdout, args)
		assert.Contains(t, stderr, want, args)
	}
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, "nobody"))
	code, stdout, stderr := tool(t, "report")
	assert.Equal(t, 2, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "kind: ClusterRole\n")
	assert.NotContains(t, stderr, c.Token("nobody"))
}

// A cluster without a mesh, and one without Kuma, are no errors.
func TestLiveEmpty(t *testing.T) {
	c := shop(t)
	c.Reset(t, kubernetes.CRDs)
	c.Apply(t, deployment)
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, "admin"))
	code, text, words := tool(t, "report")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, text, "There is no TrafficTrace, so there is nothing to migrate.")
	code, text, words = tool(t, "convert")
	assert.Equal(t, 0, code, words)
	assert.Empty(t, text)

	c.Apply(t, strings.ReplaceAll(deployment, "2.13.1", "3.0.0"))
	for _, command := range []string{"report", "convert", "diff"} {
		code, text, words = tool(t, command)
		assert.Equal(t, 0, code, words)
		assert.Contains(t, text+words, "no legacy tracing is left here", command)
	}
	c.Reset(t)
	code, _, words = tool(t, "convert")
	assert.Equal(t, 2, code, "the wrong context is no good news")
	assert.Contains(t, words, "has no Kuma")
}

// The version is asked for by the name of the flag where it cannot be read.
func TestLiveUnknown(t *testing.T) {
	c := shop(t)
	c.Apply(t, strings.NewReplacer("2.13.1", "latest", "KUMA_MODE", "OTHER").Replace(deployment))
	code, _, words := tool(t, "report")
	assert.Equal(t, 2, code)
	assert.Contains(t, words, "--kuma-version")
	code, text, _ := tool(t, "report --kuma-version 2.9")
	assert.Equal(t, 0, code)
	assert.Contains(t, text, "mode-unknown")
	assert.Contains(t, text, "--mode")
	code, text, _ = tool(t, "report --kuma-version 2.9 --mode zone")
	assert.Equal(t, 0, code)
	assert.NotContains(t, text, "mode-unknown")
}
