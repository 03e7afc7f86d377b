package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
)

// invisibleMesh has characters that change the direction of text, or that no font shows, in
// every name that may have them.
const invisibleMesh = `
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: default}
spec: {tracing: {defaultBackend: "z<INVISIBLE>", backends: [{name: "z<INVISIBLE>", type: zipkin, conf: {url: "http://z:9411/api"}}]}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: "all<INVISIBLE>", labels: {team: "a<INVISIBLE>b"}, annotations: {note: "a<INVISIBLE>b", two: "a<INVISIBLE>\nb"}}
spec: {selectors: [{match: {kuma.io/service: '*'}}], conf: {backend: "z<INVISIBLE>"}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: "web-1<INVISIBLE>", namespace: shop, labels: {app: "web<INVISIBLE>"}}
spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}
`

// No form prints an invisible character, and no manifest or document has one.
func TestInvisibleText(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "in.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(invisibleMesh, "<INVISIBLE>", `\u202e\u3164\u2066`)), 0o600))
	check := func(form, text string) {
		for line := range strings.Lines(text) {
			line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", " ")
			assert.Equal(t, manifest.Visible(line), line, form)
		}
	}
	plan, out := filepath.Join(dir, "plan"), filepath.Join(dir, "out")
	forms := append([]string{
		"convert --copy-labels", "convert --copy-labels -o json", "convert --copy-labels --force --output-dir OUT",
		"explain -o json PROXY", "explain -o yaml PROXY", "convert --force --notes-output NOTES",
	}, everyForm...)
	for _, form := range forms {
		command := strings.NewReplacer("PLAN", plan, "OUT", out, "NOTES", filepath.Join(out, "notes.json"), "PROXY", "default/web-1\u202e\u3164\u2066.shop").Replace(form)
		_, stdout, stderr := tool(t, command+" -f "+file)
		check(form, stdout)
		check(form, stderr)
	}
	for _, root := range []string{plan, out} {
		require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) == ".sh" { // where a name has its own bytes
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, path))
			check(path, string(text))
			return err
		}))
	}
}
