package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// The control plane's namespace is that of its Deployment, or else that of the
// mesh operator's MeshTraces, as far as these name one.
func TestSystemNamespace(t *testing.T) {
	const (
		kong       = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kong-mesh-control-plane, namespace: mesh}\nspec: {template: {spec: {containers: [{name: control-plane, image: docker.io/kong/kuma-cp:2.9.1}]}}}\n"
		other      = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: web, image: web/kuma-cp-exporter:1}]}}}\n"
		templated  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Values.name }}}\nspec: {image: x/kuma-cp:1}\n"
		inList     = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {namespace: listed}, spec: {template: {spec: {containers: [{image: kumahq/kuma-cp:2.13.1}]}}}}\n"
		kongTrace  = "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: a, namespace: kong-mesh-system}, spec: {default: {}}}\n"
		kumaTrace  = "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: b, namespace: kuma-system}, spec: {default: {}}}\n"
		ownTrace   = "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: a, namespace: shop}, spec: {default: {}}}\n"
		roleTrace  = "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: a, namespace: own, labels: {kuma.io/policy-role: system}}, spec: {default: {}}}\n"
		liveOrigin = "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, namespace: live}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
		next       = "---\n"
	)
	for text, want := range map[string]string{
		"":                            "",
		kong:                          "mesh",
		"---\n" + kong + next + other: "mesh",
		other:                         "",
		templated:                     "",
		inList:                        "listed",
		kong + next + inList:          "",
		kongTrace:                     "kong-mesh-system",
		kongTrace + next + kumaTrace:  "",
		ownTrace:                      "",
		roleTrace:                     "own",
		kongTrace + next + kong:       "mesh",
		liveOrigin + next + kongTrace: "live",
	} {
		assert.Equal(t, want, cluster.Read([]manifest.Input{manifest.Text("in.yaml", text)}).SystemNamespace(), text)
	}
}
