package cluster_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/fixtures"
)

// A recorder gives what a snapshot and a recording of the same source give.
func TestRecorder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "demo", "mesh.yaml"))
	require.NoError(t, err)
	files := func() cluster.Source {
		return cluster.Files{manifest.Stream("stdin", bytes.NewReader(text)), manifest.Text("more.yaml", "type: Mesh\nname: more\nmtls: {}\n")}
	}
	recorder := cluster.NewRecorder(files())
	s, err := cluster.Load(context.Background(), recorder)
	require.NoError(t, err)
	alone, err := cluster.Load(context.Background(), files())
	require.NoError(t, err)
	assert.Equal(t, alone.Meshes[0].Name, s.Meshes[0].Name)
	assert.Len(t, s.TrafficTraces, len(alone.TrafficTraces))

	var got, want bytes.Buffer
	recording, err := recorder.Recording()
	require.NoError(t, err)
	require.NoError(t, recording.Write(&got))
	recording, _, err = cluster.Record(context.Background(), files())
	require.NoError(t, err)
	require.NoError(t, recording.Write(&want))
	assert.Equal(t, want.String(), got.String())
	assert.Equal(t, []cluster.Digest{cluster.DigestOf("stdin", text), cluster.DigestOf("more.yaml", []byte("type: Mesh\nname: more\nmtls: {}\n"))},
		recorder.Inputs)
	assert.Len(t, recorder.Originals, 5)
}

// originals returns the originals of a text as YAML.
func originals(t *testing.T, text string) []*cluster.Original {
	t.Helper()
	recorder := cluster.NewRecorder(cluster.Files{manifest.Text("input.yaml", text)})
	_, err := cluster.Load(context.Background(), recorder)
	require.NoError(t, err)
	return recorder.Originals
}

func TestOriginals(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"Kubernetes": {
			`{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: m, metadata: {name: a, uid: u, resourceVersion: "1", generation: 2,
  creationTimestamp: "2026-01-01T00:00:00Z", managedFields: [], ownerReferences: [], finalizers: [f], labels: {kuma.io/display-name: a, x: "007"},
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', note: "y"}}, status: {}, spec: {selectors: [], unknown: [1, 2.50, no, ~]}}`,
			"apiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: m\nmetadata:\n  name: a\n  finalizers:\n    - f\n  labels:\n    x: \"007\"\n" +
				"  annotations:\n    note: \"y\"\nspec:\n  selectors: []\n  unknown:\n    - 1\n    - 2.50\n    - false\n    - null\n",
		},
		"another display name": {
			"{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: m, metadata: {name: a-hash, labels: {kuma.io/display-name: a}}}",
			"apiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: m\nmetadata:\n  name: a-hash\n  labels:\n    kuma.io/display-name: a\n",
		},
		"nothing but server fields": {
			"{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m, labels: {kuma.io/display-name: m}, annotations: " +
				"{kubectl.kubernetes.io/last-applied-configuration: x}}, spec: {}}",
			"apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n  name: m\nspec: {}\n",
		},
		"Universal, with credentials": {
			"{type: Mesh, name: m, creationTime: x, modificationTime: y, kri: z, tracing: {backends: [{conf: {url: 'http://u:p@z:1/?token=t'}}]}}",
			"type: Mesh\nname: m\ntracing:\n  backends:\n    - conf:\n        url: http://u:p@z:1/?token=t\n",
		},
		"an item of a list": {
			"{apiVersion: v1, kind: List, items: [{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}}]}",
			"apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n  name: m\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := originals(t, c.text)
			require.Len(t, found, 1)
			var text strings.Builder
			encoder := yaml.NewEncoder(&text)
			encoder.SetIndent(2)
			require.NoError(t, encoder.Encode(found[0].Root))
			assert.Equal(t, c.want, text.String())
		})
	}
	assert.Empty(t, originals(t, "{type: Dataplane, name: d, mesh: m}\n---\n{apiVersion: other.io/v1, kind: Mesh, metadata: {name: m}}"))
}

// The digest of a Mesh depends on its fields except tracing, not on their order.
func TestRestDigest(t *testing.T) {
	digest := func(text string) cluster.Digest {
		d, err := originals(t, text)[0].RestDigest()
		require.NoError(t, err)
		return d
	}
	was := digest("{type: Mesh, name: m, mtls: {a: 1, b: 2}, tracing: {defaultBackend: a}}")
	assert.Equal(t, was, digest("{tracing: {}, mtls: {b: 2, a: 1}, name: m, type: Mesh, creationTime: x}"))
	assert.NotEqual(t, was, digest("{type: Mesh, name: m, mtls: {a: 1, b: 3}}"))
}
