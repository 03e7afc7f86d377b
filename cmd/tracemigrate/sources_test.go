package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"tracemigrate/fixtures"
	"tracemigrate/fixtures/kubernetes"
)

// standIn is a control plane's REST API that shows what the API server holds, as
// one of 2.13.1 on Kubernetes does.
func standIn(t *testing.T, c *kubernetes.Cluster) string {
	t.Helper()
	f := fixtures.NewControlPlane(t, "")
	f.Config = `{"mode":"zone","environment":"kubernetes","store":{"kubernetes":{"systemNamespace":"kuma-system"}},"multizone":{"zone":{"name":"east"}}}`
	client, err := dynamic.NewForConfig(c.Config("admin"))
	require.NoError(t, err)
	names := []string{"meshes", "traffictraces", "trafficroutes", "meshtraces", "meshgateways", "dataplanes", "meshservices", "meshopentelemetrybackends", "externalservices", "meshhttproutes", "meshtcproutes", "meshproxypatches", "proxytemplates"}
	for _, name := range names {
		list, err := client.Resource(schema.GroupVersionResource{Group: "kuma.io", Version: "v1alpha1", Resource: name}).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		for i := range list.Items {
			f.AddObject(list.Items[i].Object)
		}
	}
	f.Sort()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// inZone is a control plane of 2.13.1 in the zone east.
var inZone = strings.Replace(deployment, "value: zone}", "value: zone}, {name: KUMA_MULTIZONE_ZONE_NAME, value: east}", 1)

var sourceLine = regexp.MustCompile(`(?m)^source: .*\n|^ +"(cluster|digest)": .*\n|sha256:[0-9a-f]+\n|^endpoint:\n(?:  .*\n)+`)

// The API of a control plane on Kubernetes gives the same snapshot as the
// Kubernetes API does, byte for byte but for the place, and so the same answers.
func TestSourcesAreEqual(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "recorded/kubernetes/kubectl-get-2.13.yaml"))
	require.NoError(t, err)
	var recorded struct{ Items []map[string]any }
	require.NoError(t, yaml.Unmarshal(text, &recorded))
	require.NotEmpty(t, recorded.Items)
	var objects strings.Builder
	for _, object := range recorded.Items {
		metadata := object["metadata"].(map[string]any)
		for _, field := range []string{"ownerReferences", "resourceVersion", "uid", "generation", "creationTimestamp"} {
			delete(metadata, field)
		}
		annotations, _ := metadata["annotations"].(map[string]any)
		delete(annotations, "tracemigrate/source") // no API of a control plane shows annotations
		encoded, err := yaml.Marshal(object)
		require.NoError(t, err)
		fmt.Fprintf(&objects, "---\n%s", encoded)
	}
	for name, input := range map[string]string{"recorded": objects.String(), "an application namespace": applicationNamespace, "services": applicationNamespace + services} {
		t.Run(name, func(t *testing.T) {
			c := kubernetes.Start(t)
			c.Reset(t, kubernetes.CRDs)
			c.Apply(t, inZone)
			c.Apply(t, input)
			t.Setenv("KUBECONFIG", c.Kubeconfig(t, "admin"))
			address := standIn(t, c)
			code, fromKubernetes, words := tool(t, "snapshot")
			require.Equal(t, 0, code, words)
			code, fromREST, words := tool(t, "snapshot --control-plane "+address)
			require.Equal(t, 0, code, words)
			require.Equal(t, sourceLine.ReplaceAllString(fromKubernetes, ""), sourceLine.ReplaceAllString(fromREST, ""))
			for _, kind := range []string{"MeshService", "MeshOpenTelemetryBackend", "ExternalService", "MeshHTTPRoute", "MeshTCPRoute", "MeshProxyPatch", "ProxyTemplate"} {
				assert.Equal(t, strings.Contains(input, kind), strings.Contains(fromKubernetes, "kind: "+kind), kind)
			}
			for _, command := range []string{
				"convert --keep-going --no-comments", "diff -o json", "diff -o json --mesh default", "snapshot --mesh default",
				"convert --kuma-version 3.0 --keep-going --no-comments",
			} {
				code, want, _ := tool(t, command)
				again, got, words := tool(t, command+" --control-plane "+address)
				assert.Equal(t, code, again, "%s: %s", command, words)
				assert.Equal(t, sourceLine.ReplaceAllString(want, ""), sourceLine.ReplaceAllString(got, ""), command)
			}
		})
	}
}

// services has the kinds that matter for outbounds, and on the way to 3.0.
const services = `
---
{apiVersion: kuma.io/v1alpha1, kind: MeshService, metadata: {name: web, namespace: shop, labels: {kuma.io/mesh: default}}, spec: {selector: {dataplaneTags: {app: web}}, ports: [{port: 80, name: main, appProtocol: http}]}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshOpenTelemetryBackend, metadata: {name: otel, namespace: kuma-system, labels: {kuma.io/mesh: default, purpose: traces}}, spec: {endpoint: {address: otel.obs, port: 4317}, protocol: grpc}}
---
{apiVersion: kuma.io/v1alpha1, kind: ExternalService, metadata: {name: db}, mesh: default, spec: {networking: {address: "db:80"}, tags: {kuma.io/service: db, kuma.io/protocol: http}}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshHTTPRoute, metadata: {name: to-web, namespace: shop, labels: {kuma.io/mesh: default}}, spec: {targetRef: {kind: MeshSubset, tags: {app: web}}, to: [{targetRef: {kind: MeshService, name: web}, rules: []}]}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshTCPRoute, metadata: {name: to-db, namespace: shop, labels: {kuma.io/mesh: default}}, spec: {to: [{targetRef: {kind: MeshService, name: db}, rules: [{default: {backendRefs: [{kind: MeshService, name: db}]}}]}]}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshProxyPatch, metadata: {name: patient, namespace: kuma-system, labels: {kuma.io/mesh: default}}, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web_shop-2_svc_80}}, default: {appendModifications: [{cluster: {operation: Patch, match: {name: "tracing:z"}, value: "connectTimeout: 7s"}}]}}}
---
{apiVersion: kuma.io/v1alpha1, kind: ProxyTemplate, mesh: default, metadata: {name: removed}, spec: {selectors: [{match: {kuma.io/service: web_shop_svc_80}}], conf: {imports: [default-proxy], modifications: [{cluster: {operation: remove, match: {origin: tracing}}}]}}}
`

// applicationNamespace has a MeshTrace that selects the proxies of its own
// namespace only, since it is not the control plane's.
const applicationNamespace = `
{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, sampling: 33.3, conf: {url: "http://z:9411/api/v2/spans"}}]}}}
---
{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: all}, spec: {selectors: [{match: {kuma.io/service: '*'}}]}}
---
{apiVersion: kuma.io/v1alpha1, kind: TrafficRoute, metadata: {name: all}, spec: {}}
---
{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: own, namespace: shop, labels: {kuma.io/mesh: default, kuma.io/policy-role: workload-owner, k8s.kuma.io/namespace: shop}}, spec: {default: {backends: [{type: Zipkin, zipkin: {url: "http://own:9411/"}}]}}}
---
{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: web-1, namespace: shop, annotations: {kuma.io/workload: web, k8s.kuma.io/service-account: default}, labels: {app: web}}, spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web_shop_svc_80, kuma.io/protocol: http}}]}}}
---
{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: web-1, namespace: shop-2, labels: {app: web}}, spec: {networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: web_shop-2_svc_80, kuma.io/protocol: http}}]}}}
`

func TestApplicationNamespaceOverREST(t *testing.T) {
	c := kubernetes.Start(t)
	c.Reset(t, kubernetes.CRDs)
	c.Apply(t, inZone)
	c.Apply(t, applicationNamespace)
	address := standIn(t, c)
	_, text, words := tool(t, "explain web-1.shop --control-plane "+address)
	assert.Contains(t, text, "The proxy sends traces to own:9411", words)
	_, text, words = tool(t, "explain web-1.shop-2 --control-plane "+address)
	assert.Contains(t, text, "The proxy sends traces to z:9411", words)
}
