package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

const completionKubeconfig = `
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: a, user: a}}
- {name: "arn:aws:eks:eu-west-1:1:cluster/blue", context: {cluster: a, user: a}}
- {name: "two words", context: {cluster: a, user: a}}
`

const completionMesh = `
type: Mesh
name: default
---
type: Dataplane
mesh: default
name: web-1
networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}
---
type: Dataplane
mesh: other
name: web-1
networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}
---
type: Dataplane
mesh: other
name: api-1
networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: api}}]}
`

// completionHome makes a directory with what completions read, and makes it the home and
// the current directory.
func completionHome(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(home, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write(".kube/config", completionKubeconfig)
	write(".kumactl/config", "controlPlanes:\n- {name: local}\n- {name: global}\n")
	write("mesh.yaml", completionMesh)
	write("broken.yaml", "type: [")
	write("meshes/one.yaml", completionMesh)
	write("other/kubeconfig", strings.ReplaceAll(completionKubeconfig, "prod", "test"))
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", filepath.Join(home, ".kube/config")) // client-go looks for the home directory only once
	t.Chdir(home)
}

// completions runs the hidden command; its error would be on stderr.
func completions(t *testing.T, shell, line string) []string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"tracemigrate", completeCommand, shell}, strings.Split(line, " ")...)
	assert.Zero(t, run(t.Context(), args, strings.NewReader(""), &stdout, &stderr))
	assert.Empty(t, stderr.String())
	return strings.Split(strings.TrimRight(stdout.String(), "\n"), "\n")
}

func TestComplete(t *testing.T) {
	completionHome(t)
	for line, want := range map[string]string{
		"conv":                       "values convert",
		"re":                         "values report rewrite",
		"nope ":                      "values",
		"nope --q":                   "values",
		"ma":                         "values man",
		"help sn":                    "values snapshot",
		"--col":                      "values --color",
		"--color n":                  "values never",
		"-q dif":                     "values diff",
		"--color never dif":          "values diff",
		"convert --out":              "values --output --output-dir",
		"convert --output x --out":   "values --output-dir",
		"convert -ojson --out":       "values --output-dir",
		"convert -f x --filen":       "values --filename",
		"convert -- --out":           "values",
		"convert x":                  "values",
		"convert -o ":                "values yaml json",
		"convert -o j":               "values json",
		"convert --output=":          "values --output=yaml --output=json",
		"report --output h":          "values html",
		"upgrade-check -o s":         "values sarif",
		"explain -o ":                "values text json yaml",
		"version -o t":               "values text",
		"convert --color a":          "values auto always",
		"convert --format ":          "values kubernetes universal",
		"convert --target-ref ":      "values meshsubset dataplane",
		"convert --mode ":            "values zone federated-zone global",
		"convert --kuma-version 2.1": "values 2.14 2.13 2.12 2.11 2.10 2.1",
		"rewrite --stage ":           "values add remove",
		"verify --step r":            "values remove rollback",
		"diff --accept samp":         "values sampling",
		"diff --context p":           "values prod",
		"diff --context=p":           "values --context=prod",
		"diff --kubeconfig other/kubeconfig --context ": "values arn:aws:eks:eu-west-1:1:cluster/blue test",
		"diff --kubeconfig none --context ":             "values",
		"diff --control-plane ":                         "values global local",
		"diff --kumactl-config none --control-plane ":   "values",
		"diff -f mesh.yaml --mesh ":                     "values default other",
		"diff -f meshes --mesh o":                       "values other",
		"diff -f none --mesh ":                          "values",
		"diff -f - --mesh ":                             "values",
		"diff -f /dev/stdin --mesh ":                    "values",
		"diff -f broken.yaml --mesh ":                   "values",
		"diff --mesh ":                                  "values",
		"explain -f mesh.yaml ":                         "values api-1 default/web-1 other/web-1",
		"explain -fmesh.yaml a":                         "values api-1",
		"explain --filename=mesh.yaml other/":           "values other/api-1 other/web-1",
		"explain --mesh other -f mesh.yaml ":            "values api-1 other/web-1",
		"explain api-1 -f mesh.yaml ":                   "values",
		"explain ":                                      "values",
		"completion ":                                   "values bash zsh fish powershell",
		"convert -f ":                                   "files",
		"convert --filename=m":                          "files",
		"convert -k ":                                   "directories",
		"convert --output-dir ":                         "directories",
		"verify --plan ":                                "directories",
		"diff --before-manifests ":                      "files",
		"rewrite cl":                                    "files",
		"convert --timeout ":                            "values",
		`explain -f "mesh.yaml" ap`:                     "values api-1",
		`explain -f mesh\.yaml ap`:                      "values api-1",
		"explain -f ~/mesh.yaml ap":                     "values api-1",
	} {
		t.Run(line, func(t *testing.T) {
			assert.Equal(t, want, strings.Join(completions(t, "bash", line), " "))
		})
	}
}

// A shell might run a part of a value that is not plain.
func TestCompleteSafely(t *testing.T) {
	completionHome(t)
	dataplane := "---\ntype: Dataplane\nmesh: default\nname: '%s'\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: a}}]}\n"
	var text strings.Builder
	for _, name := range []string{
		"a-1.ns", "é$(touch pwned)x", "a$(touch pwned)", "a`b`", "a;b", "a b", "a\"b", "a''b", "a\\b", "a|b", "a&b", "a%b", "a,b", "a~b", "ä", "a٣",
		"--all", "-f", "@a", "=ls", "~a", "#a", "!a", "a*", "a\x7f",
	} {
		fmt.Fprintf(&text, dataplane, name)
	}
	require.NoError(t, os.WriteFile("unsafe.yaml", []byte(text.String()), 0o600))
	for _, shell := range shells {
		assert.Equal(t, []string{"values", "a-1.ns"}, completions(t, shell, "explain -f unsafe.yaml "), shell)
	}
	assert.Equal(t, []string{"values"}, completions(t, "bash", `explain -f unsafe.yaml "é`))
}

// Shells other than bash get what a value means, too.
func TestCompleteMeanings(t *testing.T) {
	completionHome(t)
	assert.Equal(t, []string{"values", "snapshot\t" + snapshotCommand().Usage}, completions(t, "fish", "snap"))
	assert.Equal(t, []string{"values", "--shadow\tadd the label kuma.io/effect: shadow: policies are computed but not applied (2.7 and later)"},
		completions(t, "zsh", "convert --sha"))
	assert.Equal(t, []string{"values", "prod"}, completions(t, "zsh", "diff --context p"))
	assert.Equal(t, "values", completions(t, "powershell", `""`)[0])
	assert.Contains(t, completions(t, "powershell", `""`), "version\tprint the version and build information")
}

// A user does not wait for the names of many proxies.
func TestCompleteLarge(t *testing.T) {
	completionHome(t)
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "---\ntype: Dataplane\nmesh: default\nname: web-%d\nnetworking:\n  address: 10.0.0.1\n  inbound:\n"+
			"  - port: 80\n    tags:\n      kuma.io/service: web\n      kuma.io/protocol: http\n      team: t%d\n", i, i%7)
	}
	require.NoError(t, os.WriteFile("large.yaml", []byte(text.String()), 0o600))
	before := fixtures.CPUTime(t)
	found := parseLine(newApp("tracemigrate"), "bash", strings.Split("explain -f large.yaml web-49", " ")).lines(t.Context())
	assert.Len(t, found, 1+111)
	if !fixtures.RaceDetector() {
		assert.Less(t, fixtures.CPUTime(t)-before, time.Second)
	}
}
