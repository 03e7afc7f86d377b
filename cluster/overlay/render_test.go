package overlay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
)

const tree = `
-- base/kustomization.yaml --
resources: [mesh.yaml]
-- base/mesh.yaml --
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: default}
-- prod/kustomization.yml --
resources: [../base, extra]
namePrefix: p-
-- prod/extra/Kustomization --
resources: [more.yaml]
buildMetadata: [originAnnotations]
-- prod/extra/more.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: one, annotations: {kept: 'yes'}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two}
-- generated/kustomization.yaml --
configMapGenerator:
  - {name: made, literals: [a=b]}
generatorOptions: {disableNameSuffixHash: true}
buildMetadata: [managedByLabel]
-- broken/kustomization.yaml --
resource: [mesh.yaml]
-- scalar/kustomization.yaml --
just text
-- remote/kustomization.yaml --
resources: ['http://user:secret@127.0.0.1:1/a.yaml?token=secret']
`

// makeTree writes the files of an archive and returns their directory.
func makeTree(t *testing.T, archive string) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, f.Data, 0o666))
	}
	return dir
}

// render returns the file and the text of each resource.
func render(t *testing.T, dir string, files overlay.Files) []string {
	inputs, err := overlay.Render(dir, files)
	require.NoError(t, err)
	var all []string
	for _, input := range inputs {
		var text strings.Builder
		input.Seen = func(part string, _ bool) { text.WriteString(part) }
		cluster.Read([]manifest.Input{input})
		all = append(all, input.Path+" "+strings.TrimSpace(text.String()))
	}
	return all
}

func TestRender(t *testing.T) {
	dir := makeTree(t, tree)
	t.Chdir(dir)
	mesh := `base/mesh.yaml {"apiVersion":"kuma.io/v1alpha1","kind":"Mesh","metadata":{"name":"p-default"}}`
	one := `prod/extra/more.yaml {"apiVersion":"v1","kind":"ConfigMap","metadata":{"annotations":{"kept":"yes"},"name":"p-one"}}`
	two := `prod/extra/more.yaml {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"p-two"}}`
	named := func(name string) []byte {
		return []byte("apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata: {name: " + name + "}\n")
	}
	for name, row := range map[string]struct {
		dir   string
		files overlay.Files
		want  []string
	}{
		"an overlay": {dir: "prod", want: []string{one, two, mesh}},
		"other contents": {
			dir: "prod", files: overlay.Files{filepath.Join(dir, "base/mesh.yaml"): named("other")},
			want: []string{one, two, strings.ReplaceAll(mesh, "p-default", "p-other")},
		},
		"a new file, listed in another kustomization": {
			dir: "prod", files: overlay.Files{
				filepath.Join(dir, "base/new.yaml"):           named("new"),
				filepath.Join(dir, "base/kustomization.yaml"): []byte("resources: [new.yaml]\n"),
			},
			want: []string{one, two, strings.ReplaceAll(strings.ReplaceAll(mesh, "p-default", "p-new"), "mesh.yaml", "new.yaml")},
		},
		"the root itself": {
			dir: "prod", files: overlay.Files{filepath.Join(dir, "prod/kustomization.yml"): []byte("resources: [../base]\n")},
			want: []string{strings.ReplaceAll(mesh, "p-default", "default")},
		},
		"a generator": {
			dir: "generated",
			want: []string{` {"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap",` +
				`"metadata":{"labels":{"app.kubernetes.io/managed-by":"kustomize-(devel)"},"name":"made"}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, row.want, render(t, row.dir, row.files))
		})
	}
}

func TestRenderErrors(t *testing.T) {
	dir := makeTree(t, tree)
	t.Chdir(dir)
	for name, row := range map[string]struct {
		dir, want string
		files     overlay.Files
	}{
		"no directory":           {dir: "gone", want: "rendering gone: no such file or directory"},
		"a file":                 {dir: "base/mesh.yaml", want: "rendering base/mesh.yaml: it is a file; pass the directory of the kustomization"},
		"no kustomization":       {dir: ".", want: "rendering .: the directory has no kustomization.yaml; pass files with -f"},
		"a misspelt field":       {dir: "broken", want: `unknown field "resource"`},
		"text":                   {dir: "scalar", want: "rendering scalar: "},
		"a deleted file":         {dir: "prod", want: "mesh.yaml", files: overlay.Files{filepath.Join(dir, "base/mesh.yaml"): nil}},
		"a deleted base":         {dir: "prod", want: "base", files: overlay.Files{filepath.Join(dir, "base/kustomization.yaml"): nil}},
		"a remote base, secrets": {dir: "remote", want: "rendering remote: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := overlay.Render(row.dir, row.files)
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// TestSymbolicLinks replaces the content of a file that the overlay reaches through a link.
func TestSymbolicLinks(t *testing.T) {
	dir := makeTree(t, tree)
	require.NoError(t, os.Symlink("base", filepath.Join(dir, "link")))
	files := overlay.Files{filepath.Join(dir, "base/mesh.yaml"): []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")}
	require.Contains(t, render(t, filepath.Join(dir, "link"), files)[0], `"name":"x"`)
}

// FuzzRender renders arbitrary kustomizations of one file: no panic.
func FuzzRender(f *testing.F) {
	for _, file := range txtar.Parse([]byte(tree)).Files {
		if !strings.Contains(string(file.Data), "http") {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "/") || strings.Contains(string(text), ":") && strings.Contains(string(text), "git") {
			t.Skip("it may name a remote base")
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o666))
		_, _ = overlay.Render(dir, nil)
	})
}
