package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// plantedMesh has a credential in every place of a mesh that can hold one: each {NAME} becomes
// the text of [secret].
const plantedMesh = `
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata:
  name: default
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"token":"{MESH-APPLIED}"}}', team/token: "{MESH-ANNOTATION}"}
spec:
  mtls: {enabledBackend: ca, backends: [{name: ca, type: provided, conf: {key: {inlineString: "{MTLS-KEY}"}}}]}
  tracing:
    defaultBackend: z
    token: "{TRACING-FIELD}"
    backends:
    - name: z
      type: zipkin
      auth: {token: "{BACKEND-FIELD}"}
      conf: {url: "http://ann:{ZIPKIN-PASSWORD}@zipkin:9411/api;token={ZIPKIN-PARAMETER}/v2/spans?token={ZIPKIN-QUERY}#{ZIPKIN-FRAGMENT}", password: "{ZIPKIN-FIELD}"}
    - {name: d, type: datadog, conf: {address: agent, port: 8126, apiKey: "{DATADOG-FIELD}"}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata:
  name: all
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"token":"{TRACE-APPLIED}"}}'}
spec: {selectors: [{match: {kuma.io/service: '*'}}], conf: {backend: z, password: "{TRACE-FIELD}"}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: db}
spec: {selectors: [{match: {kuma.io/service: db}}], conf: {backend: d}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: web-1, namespace: shop, labels: {app: web}, annotations: {kuma.io/token: "{PROXY-ANNOTATION}"}}
spec:
  networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}
  metrics: {type: prometheus, conf: {password: "{PROXY-FIELD}"}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: db-1, namespace: shop, labels: {app: db}}
spec: {networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: db, kuma.io/protocol: http}}]}}
---
apiVersion: kuma.io/v1alpha1
kind: MeshProxyPatch
metadata: {name: headers, namespace: kuma-system, labels: {kuma.io/mesh: default}, annotations: {team/token: "{PATCH-ANNOTATION}"}}
spec:
  default:
    appendModifications:
    - {cluster: {operation: Patch, match: {origin: tracing}, value: "password: {PATCH-VALUE}"}}
    - {cluster: {operation: Patch, match: {origin: mesh-trace}, value: "password: {PATCH-VALUE}"}}
    - {networkFilter: {operation: AddFirst, jsonPatches: [{op: add, path: "/{PATCH-PATH}", value: {token: "{PATCH-JSON}"}}], unknown: "{PATCH-FIELD}"}}
---
apiVersion: kuma.io/v1alpha1
kind: ProxyTemplate
mesh: default
metadata: {name: raw}
spec:
  selectors: [{match: {kuma.io/service: db}}]
  conf: {imports: [default-proxy], resources: [{name: "{RAW-NAME}", version: v1, resource: "token: {RAW-VALUE}"}], modifications: [{listener: {operation: add, value: "token: {TEMPLATE-VALUE}"}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: admin, namespace: kuma-system}
data: {value: "{SECRET}"}
---
`

// plantedPolicies are existing MeshTraces.
const plantedPolicies = `
apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: otel, namespace: kuma-system, labels: {kuma.io/mesh: default}, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{POLICY-APPLIED}"}}
spec:
  targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}
  default: {password: "{POLICY-FIELD}", backends: [{type: OpenTelemetry, openTelemetry: {endpoint: "ENDPOINT", headers: {authorization: "{OTEL-FIELD}"}}}]}
---
apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: zip, namespace: kuma-system, labels: {kuma.io/mesh: default}}
spec:
  targetRef: {kind: MeshSubset, tags: {kuma.io/service: db}}
  default: {backends: [{type: Zipkin, zipkin: {url: "http://ann:{POLICY-PASSWORD}@zip:9411/api;v=1;x-api-key={POLICY-PARAMETER}?token={POLICY-QUERY}", password: "{POLICY-ZIPKIN-FIELD}"}}]}
---
apiVersion: kuma.io/v1alpha1
kind: MeshOpenTelemetryBackend
metadata: {name: otel, namespace: kuma-system, labels: {kuma.io/mesh: default}}
spec: {endpoint: {address: "ann:{OTEL-BACKEND}@otel", port: 4317}, protocol: grpc}
---
`

var placeholder = regexp.MustCompile(`\{[A-Z][A-Z-]+\}`)

// secret returns the credential of a place.
func secret(place string) string { return "planted." + strings.ToLower(place) + ".secret" }

// plant replaces each {NAME} by its credential.
func plant(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(s string) string { return secret(strings.Trim(s, "{}")) })
}

var (
	plainSecret   = regexp.MustCompile(`planted\.[a-z-]+\.secret`)
	encodedSecret = regexp.MustCompile(base64.RawStdEncoding.EncodeToString([]byte("planted."))[:10] + `[\w+/]+`)
)

// secretsIn returns the credentials in a text, plain or in base64.
func secretsIn(text string) []string {
	found := append(plainSecret.FindAllString(text, -1), encodedSecret.FindAllString(text, -1)...)
	slices.Sort(found)
	return slices.Compact(found)
}

// plantedCase is a source with credentials, and the forms that read it.
type plantedCase struct {
	args  string   // that select the source
	env   []string // of a process of its own; nil: runs in this process
	forms []string
}

// liveForms are commands that read a cluster or a control plane.
var liveForms = []string{
	"convert", "convert -o json", "diff", "diff -o json", "diff -o markdown", "diff --shadow", "diff --shadow -o json", "explain default/web-1.shop",
	"report --full", "report -o html", "report -o json", "snapshot", "plan --force --output-dir PLAN", "upgrade-check", "upgrade-check -o sarif",
}

// fileForms are commands that read files, in every form.
var fileForms = append(slices.Clone(everyForm),
	"convert --copy-labels", "convert --target-ref dataplane", "convert --kuma-version 3.0", "verify --plan PLAN --step start", "verify --plan PLAN --step remove",
	"diff --full --meshtrace EDITED", "diff -o json --meshtrace EDITED", "diff -o yaml --meshtrace EDITED", "diff -o markdown --meshtrace EDITED",
	"diff -o junit --meshtrace EDITED", "diff --to-version 2.14 --meshtrace EDITED", "diff --to-version 3.0 --meshtrace EDITED",
)

// plantedFiles are manifests whose MeshTraces send to an endpoint.
func plantedFiles(t *testing.T, endpoint string, forms ...string) plantedCase {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"in.yaml": plantedMesh + strings.ReplaceAll(plantedPolicies, "ENDPOINT", endpoint), "edited.yaml": strings.ReplaceAll(plantedPolicies, "ENDPOINT", "other:1"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(plant(text)), 0o600))
	}
	c := plantedCase{args: "-f " + filepath.Join(dir, "in.yaml")}
	for _, form := range forms {
		c.forms = append(c.forms, strings.NewReplacer("EDITED", filepath.Join(dir, "edited.yaml"), "PROXY", "default/web-1.shop").Replace(form))
	}
	return c
}

// plantedSnapshot is a snapshot whose origin was edited.
func plantedSnapshot(t *testing.T) plantedCase {
	t.Helper()
	c := plantedFiles(t, "otel:4317", fileForms...)
	path := strings.TrimPrefix(c.args, "-f ")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	origin := plant("apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\n" +
		"source: 'control plane https://ann:{SOURCE-PASSWORD}@cp:5682/?token={SOURCE-QUERY} '\n" +
		"endpoint: {kubernetes: 'ann:{KUBERNETES-PASSWORD}@api:6443', context: 'https://ann:{CONTEXT-PASSWORD}@api:6443', " +
		"controlPlane: 'https://ann:{ENDPOINT-PASSWORD}@cp:5682?token={ENDPOINT-QUERY}', name: 'https://ann:{NAME-PASSWORD}@cp'}\n" +
		"product: 'https://ann:{PRODUCT}@cp'\nversion: 2.9.1\nmode: zone\nenvironment: kubernetes\n" +
		"unread: [{what: 'Secrets of https://ann:{WHAT}@cp', cause: refused, reason: 'Bearer {UNREAD-TOKEN}', remedy: 'https://ann:{REMEDY}@cp'}]\n---\n")
	end := "---\napiVersion: tracemigrate/v1\nkind: SnapshotEnd\n"
	require.NoError(t, os.WriteFile(path, []byte(origin+string(text)+end), 0o600))
	return c
}

// plantedText is a manifest with one fault.
func plantedText(t *testing.T, text string) plantedCase {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in.yaml")
	require.NoError(t, os.WriteFile(file, []byte(plant(text)), 0o600))
	return plantedCase{args: "-f " + file, forms: []string{"convert", "convert --keep-going", "diff", "report -o json", "snapshot", "upgrade-check", "explain web-1"}}
}

// plantedRepo is a repository of manifests.
func plantedRepo(t *testing.T) plantedCase {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "in.yaml"), []byte(plant(plantedMesh+strings.ReplaceAll(plantedPolicies, "ENDPOINT", "otel:4317"))), 0o600))
	return plantedCase{args: dir, forms: []string{"rewrite --stage add", "rewrite --stage remove"}}
}

// echo refuses every request, and repeats its credentials.
func echo(w http.ResponseWriter, r *http.Request) {
	said := fmt.Sprint("no, ", r.Header, r.URL)
	if user, password, ok := r.BasicAuth(); ok {
		said += " or " + user + ":" + password
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": http.StatusForbidden, "message": said, "title": said, "detail": said,
	})
}

// kubeconfig selects an API server that repeats the credentials of a user.
func kubeconfig(t *testing.T, address string, user map[string]any) plantedCase {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if address == "" {
		address = server.URL
	}
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": address, "certificate-authority-data": authority}}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test"}}},
		"users":    []any{map[string]any{"name": "test", "user": user}},
	})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(plant(string(config))), 0o600))
	return plantedCase{args: "--kubeconfig " + path, forms: liveForms}
}

// plugin is an executable that prints a credential for client-go.
func plugin(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin")
	text := plant(`{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"{PLUGIN-TOKEN}"}}`)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho '"+text+"'\n"), 0o700))
	return path
}

// refusingPlane selects a control plane that repeats credentials, ADDRESS in args.
func refusingPlane(t *testing.T, args string) plantedCase {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	return plantedCase{args: plant(strings.ReplaceAll(args, "ADDRESS", server.URL)), forms: liveForms}
}

// kumactl selects a control plane of kumactl's configuration, ADDRESS in its text.
func kumactl(t *testing.T, config string) plantedCase {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	c := refusingPlane(t, config)
	require.NoError(t, os.WriteFile(file, []byte(c.args), 0o600))
	c.args = "--control-plane prod --kumactl-config " + file
	return c
}

// goodPlane is a control plane with all of plantedMesh, and shadow configurations.
func goodPlane(t *testing.T) plantedCase {
	t.Helper()
	f := fixtures.NewControlPlane(t, "")
	f.Config = `{"mode":"zone","environment":"kubernetes","store":{"kubernetes":{"systemNamespace":"kuma-system"}},"multizone":{"zone":{"name":"east"}}}`
	policies := strings.Replace(plantedPolicies, "{kuma.io/mesh: default}", "{kuma.io/mesh: default, kuma.io/effect: shadow}", 1)
	for text := range strings.SplitSeq(plant(plantedMesh+strings.ReplaceAll(policies, "ENDPOINT", "ann:{OTEL-PASSWORD}@otel:4317")), "---\n") {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(text), &object))
		if object != nil && object["kind"] != "Secret" {
			f.AddObject(object)
		}
	}
	f.Sort()
	f.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/_config") {
			return false
		}
		_, err := w.Write([]byte(plant(plantedConfig)))
		return assert.NoError(t, err)
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return plantedCase{args: plant("--control-plane " + server.URL + " --token {TOKEN} --header X-Key={HEADER}"), forms: liveForms}
}

// plantedConfig is what a control plane computes for a proxy.
const plantedConfig = `{"xds": {
"type.googleapis.com/envoy.config.listener.v3.Listener": {"inbound:10.0.0.1:80": {"name": "inbound:10.0.0.1:80", "filterChains": [{"filters": [{"typedConfig": {
 "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
 "httpFilters": [{"name": "auth", "typedConfig": {"@type": "x", "password": "{FILTER}"}}],
 "tracing": {"provider": {"name": "envoy.tracers.zipkin", "typedConfig": {"@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
  "collectorCluster": "meshtrace:zipkin", "collectorEndpoint": "/api;token={ENVOY-PARAMETER}?token={ENVOY-QUERY}", "collectorHostname": "ann:{ENVOY-PASSWORD}@zip:9411"}}}}}]}]}},
"type.googleapis.com/envoy.config.cluster.v3.Cluster": {"meshtrace:zipkin": {"name": "meshtrace:zipkin", "type": "STRICT_DNS",
 "transportSocket": {"name": "tls", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  "commonTlsContext": {"tlsCertificates": [{"privateKey": {"inlineString": "{TLS-KEY}"}}]}}},
 "loadAssignment": {"endpoints": [{"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "zip", "portValue": 9411}}}}]}]}}},
"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret": {"a": {"name": "a", "genericSecret": {"secret": {"inlineString": "{ENVOY-SECRET}"}}}}}}`

func plantedCases(t *testing.T) map[string]plantedCase {
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(plant("-----BEGIN {KEY}\n{KEY-TEXT}\n")), 0o600))
	const datadog = "type: Mesh\nname: default\ntracing: {defaultBackend: d, backends: [{name: d, type: datadog, conf: {address: '%s', port: 1}}]}\n---\n" +
		"{type: TrafficTrace, mesh: default, name: all, selectors: [{match: {kuma.io/service: '*'}}]}\n"
	unreached := func(proxy string) plantedCase {
		c := kubeconfig(t, "https://api.invalid:6443", nil)
		return plantedCase{args: c.args, forms: []string{"snapshot"}, env: []string{"HTTPS_PROXY=" + plant(proxy)}}
	}
	proxied := func(proxy string) plantedCase {
		return plantedCase{args: "--control-plane http://cp.invalid:5681", forms: []string{"snapshot"}, env: []string{"HTTP_PROXY=" + plant(proxy)}}
	}
	return map[string]plantedCase{
		"manifests":                        plantedFiles(t, "otel:4317", fileForms...),
		"a user in an endpoint":            plantedFiles(t, "ann:{OTEL-PASSWORD}@otel:4317", fileForms...),
		"a url as endpoint":                plantedFiles(t, "http://ann:{OTEL-PASSWORD}@otel:4317", fileForms...),
		"an endpoint without port":         plantedFiles(t, "ann:{OTEL-PASSWORD}@otel", "convert", "diff -o json", "snapshot", "report --full"),
		"a query in an endpoint":           plantedFiles(t, "otel:4317?token={OTEL-QUERY}", "convert", "diff -o json", "snapshot", "report --full"),
		"a repository":                     plantedRepo(t),
		"the origin of a snapshot":         plantedSnapshot(t),
		"a user in a datadog address":      plantedText(t, fmt.Sprintf(datadog, "ann:{DATADOG-PASSWORD}@agent")),
		"a url as datadog address":         plantedText(t, fmt.Sprintf(datadog, "http://ann:{DATADOG-PASSWORD}@agent:8126?api_key={DATADOG-QUERY}")),
		"a query in a datadog address":     plantedText(t, fmt.Sprintf(datadog, "agent?api_key={DATADOG-QUERY}")),
		"a text that is not YAML":          plantedText(t, "type: Mesh\nname: default\npassword: \"{OPEN-QUOTE}\n"),
		"a zipkin url that is not one":     plantedText(t, "type: Mesh\nname: default\ntracing: {backends: [{name: z, type: zipkin, conf: {url: 'ann:{ZIPKIN-PASSWORD}@[zip:9'}}]}\n"),
		"an encoding that is not UTF-8":    plantedText(t, "type: Mesh\nname: default\npassword: '{LATIN}\xe4'\n"),
		"a control plane":                  goodPlane(t),
		"a control plane that refuses":     refusingPlane(t, "--control-plane ADDRESS --token {TOKEN} --header X-Key={HEADER} --header Cookie=session={COOKIE}"),
		"basic authentication":             refusingPlane(t, "--control-plane ADDRESS --header Authorization=Basic~"+base64.StdEncoding.EncodeToString([]byte("an:"+secret("BASIC")))),
		"a user in --control-plane":        refusingPlane(t, "--control-plane http://ann:{URL-PASSWORD}@127.0.0.1:1"),
		"a query in --control-plane":       refusingPlane(t, "--control-plane ADDRESS/?token={URL-QUERY}"),
		"--control-plane without a scheme": refusingPlane(t, "--control-plane ann:{URL-PASSWORD}@127.0.0.1:1"),
		"--control-plane with an escape":   refusingPlane(t, "--control-plane http://ann:{URL-PASSWORD}%zz@127.0.0.1:1"),
		"--header without a name":          refusingPlane(t, "--control-plane ADDRESS --header {HEADER}"),
		"a client key":                     refusingPlane(t, "--control-plane ADDRESS --client-cert "+key+" --client-key "+key),
		"a file as CA certificate":         refusingPlane(t, "--control-plane ADDRESS --ca-cert "+key),
		"a token of two lines":             refusingPlane(t, "--control-plane ADDRESS --token-file "+key),
		"kumactl": kumactl(t, "controlPlanes: [{name: prod, coordinates: {apiServer: {url: ADDRESS, headers: [{key: x-key, value: '{KUMACTL-HEADER}'}], "+
			"addHeaders: [{key: x-old, value: '{KUMACTL-OLD}'}], authType: tokens, authConf: {token: '{KUMACTL-TOKEN}'}}}}]"),
		"a user in kumactl's url":      kumactl(t, "controlPlanes: [{name: prod, coordinates: {apiServer: {url: 'http://ann:{KUMACTL-URL}@127.0.0.1:1'}}}]"),
		"kumactl with another login":   kumactl(t, "controlPlanes: [{name: prod, coordinates: {apiServer: {url: ADDRESS, authType: oidc, authConf: {secret: '{KUMACTL-SECRET}'}}}}]"),
		"kumactl that is not YAML":     kumactl(t, "controlPlanes: [{name: prod, token: '{KUMACTL-TEXT}"),
		"a token in a kubeconfig":      kubeconfig(t, "", map[string]any{"token": "{KUBE-TOKEN}"}),
		"a password in a kubeconfig":   kubeconfig(t, "", map[string]any{"username": "ann", "password": "{KUBE-PASSWORD}"}),
		"a key in a kubeconfig":        kubeconfig(t, "", map[string]any{"client-certificate-data": []byte(secret("KUBE-CERT")), "client-key-data": []byte(secret("KUBE-KEY"))}),
		"a plugin of a kubeconfig":     kubeconfig(t, "", map[string]any{"exec": map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": plugin(t), "interactiveMode": "Never"}}),
		"a plugin that is missing":     kubeconfig(t, "", map[string]any{"exec": map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": "/nowhere/login", "interactiveMode": "Never", "args": []string{"--password", "{PLUGIN-ARGUMENT}"}, "env": []any{map[string]any{"name": "PASSWORD", "value": "{PLUGIN-ENVIRONMENT}"}}}}),
		"a user in a server's url":     kubeconfig(t, "https://ann:{SERVER-PASSWORD}@127.0.0.1:1", map[string]any{"token": "{KUBE-TOKEN}"}),
		"a proxy of the control plane": proxied("http://ann:{PROXY-PASSWORD}@127.0.0.1:1"),
		"a proxy that is no url":       proxied("ann:{PROXY-PASSWORD}@[::1"),
		"a proxy of the cluster":       unreached("http://ann:{PROXY-PASSWORD}@127.0.0.1:1"),
		"no url as the cluster's":      unreached("ann:{PROXY-PASSWORD}@[::1"),
	}
}

// continued is the collector of an existing MeshTrace, which a policy by labels keeps.
var continued = regexp.MustCompile(`(?m)^ +(url|endpoint): .*$`)

// sent are the credentials that proxies send to collectors: the url of a policy needs them, and
// that in a snapshot becomes one.
var sent = regexp.MustCompile(`planted\.(zipkin|policy)-parameter\.secret`)

// TestPlantedSecrets runs every command in every form on sources whose credentials are all
// known. None appears, except in the user's own manifests: those that a plan saves for the
// rollback, the lines that rewrite shows, and MeshTraces that continue existing ones.
func TestPlantedSecrets(t *testing.T) {
	withoutRace.Skip(t)
	for name, c := range plantedCases(t) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "plan")
			for _, form := range c.forms {
				command := strings.ReplaceAll(form, "PLAN", dir) + " " + c.args
				text, words := runOrStart(t, c.env, command)
				if continues := strings.HasSuffix(form, "--target-ref dataplane") || strings.HasSuffix(form, "convert --kuma-version 3.0"); continues {
					text = continued.ReplaceAllString(text, "")
				}
				if strings.HasPrefix(form, "convert") || form == "snapshot" {
					text = sent.ReplaceAllString(text, "")
				}
				if !strings.HasPrefix(form, "rewrite") {
					assert.Empty(t, secretsIn(text), "stdout of %s", form)
				}
				assert.Empty(t, secretsIn(words), "stderr of %s: %s", form, words)
			}
			assert.Empty(t, secretsOfPlan(t, dir))
		})
	}
}

// runOrStart runs the tool, in a process of its own if it has an environment, and returns
// what it printed. A ~ is a space within an argument.
func runOrStart(t *testing.T, env []string, command string) (stdout, stderr string) {
	t.Helper()
	args := []string{"tracemigrate"}
	for _, arg := range strings.Fields(command) {
		args = append(args, strings.ReplaceAll(arg, "~", " "))
	}
	var out, words bytes.Buffer
	if env == nil {
		run(t.Context(), args, strings.NewReader(""), &out, &words)
		return out.String(), words.String()
	}
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Args, process.Env, process.Stdout, process.Stderr = args, append(os.Environ(), env...), &out, &words
	require.Error(t, process.Run(), "the proxy is not there")
	require.Contains(t, words.String(), "proxy", "the tool uses it")
	return out.String(), words.String()
}

// secretsOfPlan returns the credentials in the files of a plan, except those that restore
// the manifests of before.
func secretsOfPlan(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	if _, err := os.Stat(dir); err != nil {
		return nil // no form of this case writes a plan
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "rollback/") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		if strings.HasPrefix(path, "1-shadow/") || strings.HasPrefix(path, "2-add/") || path == "state.yaml" {
			text = sent.ReplaceAll(text, nil)
		}
		for _, credential := range secretsIn(string(text)) {
			found = append(found, path+": "+credential)
		}
		return err
	})
	require.NoError(t, err)
	return found
}
