package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// shadowed is a control plane that computes proxies' configurations, with and
// without the shadow policies it holds. It stands for a real one: what it says
// is rendered by this project, whose rendering is held against recorded answers
// in package envoydiff.
func shadowed(t *testing.T, input, policies string) (address string, answers *fixtures.ControlPlane) {
	t.Helper()
	f := fixtures.NewControlPlane(t, input+"\n---\n"+policies)
	s := cluster.Read([]manifest.Input{manifest.Text("input", input), manifest.Text("policies", policies)})
	require.Empty(t, s.Problems)
	meshes, problems := legacy.Read(s)
	require.Empty(t, problems)
	shadows, problems := meshtrace.Read(s)
	require.Empty(t, problems)
	live := make([]*meshtrace.Policy, 0, len(shadows))
	for _, p := range shadows {
		applied := *p
		applied.Labels = nil
		live = append(live, &applied)
	}
	version := cluster.V(13)
	today := envoydiff.NewRenderer(version, s, envoydiff.State{Legacy: meshes})
	after := envoydiff.NewRenderer(version, s, envoydiff.State{Legacy: meshes, Policies: live})
	byPath := make(map[string]*cluster.Dataplane)
	for _, dp := range s.Dataplanes {
		byPath["/meshes/"+dp.Mesh+"/dataplanes/"+dp.Name+"/_config"] = dp
	}
	f.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		dp := byPath[r.URL.Path]
		if dp == nil {
			return false
		}
		renderer := today
		if r.URL.Query().Get("shadow") == "true" {
			renderer = after
		}
		assert.NoError(t, json.NewEncoder(w).Encode(config(t, renderer, dp)))
		return true
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL, f
}

// config is the answer of _config in the control plane's form.
func config(t *testing.T, r *envoydiff.Renderer, dp *cluster.Dataplane) map[string]any {
	t.Helper()
	decision := r.Decide(dp)
	rendered, collector := r.Render(dp, &decision)
	listeners, clusters := make(map[string]any), make(map[string]any)
	for _, l := range rendered {
		manager := map[string]any{"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "statPrefix": "x"}
		if l.Tracing != nil {
			text, err := protojson.Marshal(l.Tracing)
			require.NoError(t, err)
			manager["tracing"] = json.RawMessage(text)
		}
		listeners[l.Name()] = map[string]any{"name": l.Name(), "filterChains": []any{map[string]any{"filters": []any{map[string]any{"name": "http", "typedConfig": manager}}}}}
	}
	if collector != nil {
		text, err := protojson.Marshal(collector)
		require.NoError(t, err)
		clusters[collector.Name] = json.RawMessage(text)
	}
	return map[string]any{"xds": map[string]any{
		"type.googleapis.com/envoy.config.listener.v3.Listener":            listeners,
		"type.googleapis.com/envoy.config.cluster.v3.Cluster":              clusters,
		"type.googleapis.com/envoy.extensions.transport_sockets.v3.Secret": map[string]any{"s": map[string]any{"name": "s", "inlineString": "hidden"}},
	}}
}

// universal converts a Universal input to shadow policies.
func universal(t *testing.T, input string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
	code, policies, words := tool(t, "convert --shadow --kuma-version 2.13 -f "+file)
	require.Equal(t, 0, code, words)
	return policies
}

// refuse lets a control plane refuse what begins with a path.
func refuse(control *fixtures.ControlPlane, path string, status int, title, detail string) {
	answer := control.Answer
	control.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, path) {
			fixtures.Refuse(w, status, title, detail)
			return true
		}
		return answer(w, r)
	}
}

const teams = `
type: Mesh
name: default
tracing:
  defaultBackend: jaeger
  backends:
  - {name: jaeger, type: zipkin, sampling: 10, conf: {url: "http://jaeger:9411/api/v2/spans"}}
  - {name: agent, type: datadog, sampling: 100, conf: {address: agent, port: 8126}}
---
{type: TrafficRoute, mesh: default, name: route-all, conf: {}}
---
{type: TrafficTrace, mesh: default, name: all, creationTime: "2025-01-01T00:00:00Z", selectors: [{match: {kuma.io/service: '*'}}]}
---
{type: TrafficTrace, mesh: default, name: pay, creationTime: "2025-01-01T00:00:01Z", selectors: [{match: {kuma.io/service: pay}}], conf: {backend: agent}}
---
{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}
---
{type: Dataplane, mesh: default, name: pay-1, networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: pay, kuma.io/protocol: http}}]}}
---
{type: Dataplane, mesh: default, name: db-1, networking: {address: 10.0.0.3, inbound: [{port: 80, tags: {kuma.io/service: db}}]}}
`

func TestShadow(t *testing.T) {
	policies := universal(t, teams)
	address, control := shadowed(t, teams, policies)
	code, text, words := tool(t, "diff --shadow --control-plane "+address)
	require.Equal(t, 0, code, words)
	_, after, _ := strings.Cut(text, "\n\n")
	assert.Equal(t, "3 proxies keep collector and sampling.\nKuma 2.13.1: 3 proxies compared: 3 same, 0 inherent, 0 different\n\nAll 3 proxies keep their tracing.\n", after)
	assert.Contains(t, control.Asked(), "/meshes/default/dataplanes/pay-1/_config?shadow=true")
	assert.NotContains(t, text, "hidden")

	t.Run("a proxy that keeps only legacy tracing", func(t *testing.T) {
		var kept []string
		for _, policy := range strings.Split(policies, "---\n") {
			if strings.Contains(policy, "\nname: pay\n") {
				kept = append(kept, policy)
			}
		}
		address, _ := shadowed(t, teams, strings.Join(kept, "---\n"))
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 1, code, words)
		assert.Contains(t, text, "1 same, 0 inherent, 2 different")
		assert.Contains(t, text, "\n  default/db-1, default/web-1\n")
		assert.Contains(t, text, "tracing-lost")
		assert.Contains(t, unwrapped(text), "only its tracing is left in the shadow configuration")
	})
	t.Run("another sampling", func(t *testing.T) {
		address, _ := shadowed(t, teams, strings.Replace(policies, "overall: 10\n", "overall: 11\n", 1))
		code, text, _ := tool(t, "diff --shadow -o json --control-plane "+address)
		assert.Equal(t, 1, code)
		var data diffAnswer
		require.NoError(t, json.Unmarshal([]byte(text), &data))
		assert.Equal(t, 2, data.Summary.Different, "web-1, and the outbounds of db-1")
		for _, p := range data.Proxies {
			if p.Name == "web-1" {
				assert.Equal(t, "default", p.Mesh)
				assert.Equal(t, envoydiff.SamplingDiffers, p.Differences[0].Code)
			}
		}
	})
	t.Run("a proxy without a configuration", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		refuse(control, "/meshes/default/dataplanes/db-1/", http.StatusNotFound, "Failed to fetch dataplane insight", "Not found")
		code, text, _ := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 1, code)
		assert.Contains(t, text, "proxy-missing")
		code, text, _ = tool(t, "diff --shadow --accept proxy-missing --control-plane "+address)
		assert.Equal(t, 0, code)
		assert.Contains(t, text, "2 same, 0 inherent, 0 different, 1 accepted")
	})
	t.Run("proxies that never connected", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		answer := control.Answer
		control.Answer = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/_config") {
				fixtures.Refuse(w, http.StatusNotFound, "Could not retrieve a resource", "Not found")
				return true
			}
			return answer(w, r)
		}
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 1, code, words)
		assert.Contains(t, text, "0 same, 0 inherent, 3 different")
		assert.Contains(t, text, "different  3 proxies: no configuration of the proxy\n  default/db-1, default/pay-1, default/web-1\n  proxy-missing")
		assert.NotContains(t, text+words, "URL")
		code, text, _ = tool(t, "diff --shadow --accept proxy-missing --control-plane "+address)
		assert.Equal(t, 0, code)
		assert.Contains(t, text, "3 accepted")
	})
	t.Run("equal errors of several proxies", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		refuse(control, "/meshes/default/dataplanes/db-1/", http.StatusBadRequest, "Could not compute", "no")
		refuse(control, "/meshes/default/dataplanes/pay-1/", http.StatusBadRequest, "Could not compute", "no")
		_, text, _ := tool(t, "diff --shadow --control-plane "+address)
		assert.Contains(t, text, "different  2 proxies: no answer about the proxy\n  default/db-1, default/pay-1\n  proxy-unanswered")
	})
	t.Run("no TrafficRoute", func(t *testing.T) {
		input := strings.Replace(teams, "{type: TrafficRoute, mesh: default, name: route-all, conf: {}}\n---\n", "", 1)
		policies := universal(t, input)
		file := filepath.Join(t.TempDir(), "input.yaml")
		require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
		verdicts := func(args string) map[string]string {
			_, text, words := tool(t, "diff -o json "+args)
			var data diffAnswer
			require.NoError(t, json.Unmarshal([]byte(text), &data), words)
			all := make(map[string]string)
			for _, p := range data.Proxies {
				all[p.Name] = string(p.Verdict)
				for _, d := range p.Differences {
					all[p.Name] += " " + string(d.Code)
				}
			}
			return all
		}
		address, _ := shadowed(t, input, policies)
		want := verdicts("--kuma-version 2.13 -f " + file)
		assert.Equal(t, "inherent outbound-gains-tracing", want["db-1"], "its inbound is TCP")
		assert.Equal(t, want, verdicts("--shadow --control-plane "+address))
		address, _ = shadowed(t, input, strings.Replace(policies, "overall: 10\n", "overall: 11\n", 1))
		assert.Equal(t, "different sampling outbound-gains-tracing", verdicts("--shadow --control-plane " + address)["db-1"])
	})
	t.Run("a proxy that has gone", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		refuse(control, "/meshes/default/dataplanes/db-1", http.StatusNotFound, "Could not retrieve a resource", "Not found")
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 0, code, text)
		assert.Contains(t, text, "2 proxies compared")
		assert.Contains(t, words, "skipped 1 proxy, deleted during this run")
	})
	t.Run("an old control plane without the question", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		control.Answer = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/_config") {
				http.Error(w, "404: Page Not Found", http.StatusNotFound)
				return true
			}
			return false
		}
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 2, code)
		assert.Empty(t, text)
		assert.Contains(t, words, "returned no configuration of any proxy")
	})
	t.Run("one proxy that it cannot compute", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		refuse(control, "/meshes/default/dataplanes/db-1/", http.StatusBadRequest, "Could not compute", "no")
		code, text, _ := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 1, code)
		assert.Contains(t, text, "2 same, 0 inherent, 1 different")
		assert.Contains(t, text, "400 Bad Request")
		code, _, _ = tool(t, "diff --shadow --accept proxy-missing --control-plane "+address)
		assert.Equal(t, 1, code, "it is not known whether there is a configuration")
		code, text, _ = tool(t, "diff --shadow --accept proxy-unanswered --control-plane "+address)
		assert.Equal(t, 0, code)
		assert.Contains(t, text, "2 same, 0 inherent, 0 different, 1 accepted")
	})
	t.Run("a delegated gateway without outbounds", func(t *testing.T) {
		gateway := "\n---\n{type: Dataplane, mesh: default, name: edge-1, networking: {address: 10.0.0.4, gateway: {tags: {kuma.io/service: edge}}}}"
		address, control := shadowed(t, teams+gateway, policies)
		answer := control.Answer
		control.Answer = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/edge-1/_config") {
				_, _ = w.Write([]byte(`{"xds":{"type.googleapis.com/envoy.config.cluster.v3.Cluster":{}}}`))
				return true
			}
			return answer(w, r)
		}
		code, text, _ := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 0, code, text)
		assert.Contains(t, text, "4 same, 0 inherent, 0 different")
	})
	t.Run("answers that are none", func(t *testing.T) {
		for body, message := range map[string]string{"{}": "it has no listener", "<html>": "reading JSON"} {
			address, control := shadowed(t, teams, policies)
			control.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/_config") {
					_, _ = w.Write([]byte(body))
					return true
				}
				return false
			}
			code, text, words := tool(t, "diff --shadow --control-plane "+address)
			assert.Equal(t, 2, code)
			assert.Empty(t, text)
			assert.Contains(t, words, message)
		}
	})
	t.Run("global", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		control.Config = `{"mode":"global"}`
		code, _, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 2, code)
		assert.Contains(t, words, "select the control plane of each zone")
	})
	t.Run("too old", func(t *testing.T) {
		address, control := shadowed(t, teams, policies)
		control.Version = "2.6.5"
		code, _, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 2, code)
		assert.Contains(t, words, "needs Kuma 2.7")
	})
}

// Every recorded case, converted and held as shadows, passes the control plane's test.
func TestShadowRecorded(t *testing.T) {
	for _, input := range fixtures.Texts(t, "recorded/traffictrace/random-*.yaml") {
		input = fixtures.Created(input)
		file := filepath.Join(t.TempDir(), "input.yaml")
		require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
		code, policies, _ := tool(t, "convert --shadow --kuma-version 2.13 -f "+file)
		if code != 0 || policies == "" {
			continue
		}
		address, _ := shadowed(t, input, policies)
		code, text, words := tool(t, "diff --shadow --control-plane "+address)
		assert.Equal(t, 0, code, "%s\n%s", text, words)
	}
}

// The control plane's API gives what files with the same resources give.
func TestControlPlaneSource(t *testing.T) {
	server := httptest.NewServer(fixtures.NewControlPlane(t, teams))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(teams), 0o600))
	code, live, words := tool(t, "convert --control-plane "+server.URL)
	require.Equal(t, 0, code, words)
	_, kept, _ := tool(t, "convert --kuma-version 2.13 -f "+file)
	assert.Equal(t, kept, live)
	assert.Contains(t, words, "/meshes/default/traffic-traces/pay")

	config := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(config, []byte("controlPlanes: [{name: prod, coordinates: {apiServer: {url: \""+server.URL+"\", authType: tokens, authConf: {token: sesame}}}}]"), 0o600))
	code, text, words := tool(t, "report --control-plane prod --kumactl-config "+config)
	require.Equal(t, 0, code, words)
	assert.Contains(t, text, `control plane "prod" (`+server.URL+`): Kuma 2.13.1, zone, Universal`)
	assert.Contains(t, text, "tracemigrate convert --kuma-version 2.13.1 --control-plane prod --kumactl-config "+config)
	assert.NotContains(t, text+words, "sesame")
	kumactl := "kumactl --config-file " + config
	assert.Contains(t, text, kumactl+" config control-planes switch --name prod\n")
	assert.Contains(t, text, kumactl+" apply -f meshtraces.yaml\n")
	_, text, _ = tool(t, "report --token sesame --header X-Key=sesame --control-plane "+server.URL)
	assert.Contains(t, text, "  1. Set the token for the commands below:\n       read -rs TRACEMIGRATE_TOKEN && export TRACEMIGRATE_TOKEN\n")
	assert.Contains(t, text, " --header X-Key=VALUE\n")
	assert.NotContains(t, text, "sesame")
}

// A control plane on Kubernetes is converted for Kubernetes, and the MeshTraces
// that it shows as name.namespace are known by their own names.
func TestControlPlaneOnKubernetes(t *testing.T) {
	f := fixtures.NewControlPlane(t, teams+`---
{type: MeshTrace, mesh: default, name: pay.kuma-system, labels: {kuma.io/display-name: pay, k8s.kuma.io/namespace: kuma-system, kuma.io/policy-role: system}, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}, default: {backends: [{type: Zipkin, zipkin: {url: "http://other:9411/"}}]}}}
`)
	f.Config = `{"mode":"zone","environment":"kubernetes","store":{"kubernetes":{"systemNamespace":"kuma-system"}}}`
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	_, text, words := tool(t, "convert --keep-going --control-plane "+server.URL)
	assert.Contains(t, text, "namespace: kuma-system")
	assert.NotContains(t, text, "  name: pay\n", "that name is taken")
	assert.Contains(t, words, "Another MeshTrace has or may get its name")
}

// diffAnswer is the part of diff's JSON that these tests read.
type diffAnswer struct {
	Summary struct{ Different int }
	Proxies []struct {
		Mesh, Name  string
		Verdict     envoydiff.Verdict
		Differences []struct{ Code envoydiff.Code }
	}
}
