package main

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
	"tracemigrate/fixtures/kubernetes"
)

var (
	console = regexp.MustCompile("(?s)```console\n(\\$ [^\n]*\n)(.*?)```\n")
	script  = regexp.MustCompile("(?s)```sh\n(.*?)```\n")
)

// onCluster are the documents whose console blocks need a cluster, that of a real API
// server. All others are run without one.
var onCluster = []string{"docs/tutorial.md", "docs/rollback.md"}

// documents returns the text of every document, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Dir(fixtures.Dir())
	paths := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "fixtures/README.md"}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	}))
	texts := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		texts[path] = string(text)
	}
	return texts
}

// documentShell returns a function that runs a line in the root, with the tool on the path,
// and returns what the line prints. /tmp/migration is a directory of the test.
func documentShell(t *testing.T) func(t *testing.T, line string) string {
	t.Helper()
	bin, dir := t.TempDir(), filepath.Join(t.TempDir(), "migration")
	linkTool(t, bin)
	return func(t *testing.T, line string) string {
		t.Helper()
		shell := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "/tmp/migration", dir))
		shell.Dir = filepath.Dir(fixtures.Dir())
		shell.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		output, err := shell.CombinedOutput()
		require.NoError(t, err, "%s%s", line, output)
		return strings.ReplaceAll(string(output), dir, "/tmp/migration")
	}
}

// TestReadme runs the console blocks of the README and of all documents, each document's in
// order, and compares the output.
func TestReadme(t *testing.T) {
	withoutRace.Skip(t)
	for path, text := range documents(t) {
		if console.MatchString(text) && !slices.Contains(onCluster, path) {
			t.Run(path, func(t *testing.T) { runBlocks(t, path, text) })
		}
	}
}

// emptyMesh makes an API server with a control plane of 2.13.1, and no mesh, the current
// context.
func emptyMesh(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl")
	}
	c := kubernetes.Start(t)
	c.Reset(t, kubernetes.CRDs)
	c.Apply(t, deployment)
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, "admin"))
	t.Setenv("HOME", t.TempDir())
}

// TestReadmeOnCluster runs the console blocks of documents that need a cluster.
func TestReadmeOnCluster(t *testing.T) {
	withoutRace.Skip(t)
	for _, path := range onCluster {
		t.Run(path, func(t *testing.T) {
			emptyMesh(t)
			runBlocks(t, path, documents(t)[path])
		})
	}
}

// TestScriptsOnCluster runs the sh blocks of documents in a cluster that has
// fixtures/tutorial, except those that install or build something.
func TestScriptsOnCluster(t *testing.T) {
	withoutRace.Skip(t)
	emptyMesh(t)
	shell := documentShell(t)
	shell(t, "kubectl config rename-context test prod && kubectl apply -f fixtures/tutorial")
	for path, text := range documents(t) {
		if scripts[path].test != t.Name() {
			continue
		}
		t.Run(path, func(t *testing.T) {
			dir, ran := t.TempDir(), 0
			for _, block := range script.FindAllStringSubmatch(text, -1) {
				if !elsewhere.MatchString(block[1]) {
					shell(t, "set -e; cd "+dir+"\n"+block[1])
					ran++
				}
			}
			assert.Positive(t, ran)
		})
	}
}

// runBlocks runs the console blocks of a document, and compares or updates it.
func runBlocks(t *testing.T, path, text string) {
	t.Helper()
	shell := documentShell(t)
	got := console.ReplaceAllStringFunc(text, func(block string) string {
		command := console.FindStringSubmatch(block)[1]
		return "```console\n" + command + shell(t, strings.TrimPrefix(command, "$ ")) + "```\n"
	})
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(fixtures.Dir()), path), []byte(got), 0o644))
		return
	}
	assert.Equal(t, text, got, "go test ./cmd/tracemigrate -run TestReadme -update rewrites it")
}

// scripts says of every document with sh blocks which test runs them, or why they are only
// parsed. TestDocumentScripts parses all.
var scripts = map[string]struct{ test, reason string }{
	"README.md":                 {test: "TestScriptsOnCluster", reason: "not run: commands that install or build"},
	"CONTRIBUTING.md":           {reason: "writes a picture, in Chromium"},
	"docs/diff.md":              {reason: "compares files and dumps of the reader; testdata/script has the same commands"},
	"docs/gitops.md":            {test: "TestGitOps"},
	"docs/install.md":           {test: "TestInstallDocument"},
	"docs/kubernetes/README.md": {reason: "needs an administrator and Docker; TestLiveReport applies the ClusterRole"},
	"docs/labels.md":            {test: "TestScriptsOnCluster"},
	"docs/live.md":              {reason: "needs control planes of the reader; TestShadow has the same commands"},
	"docs/plan.md":              {test: "TestScriptsOnCluster"},
	"docs/reference.md":         {test: "TestScriptsOnCluster"},
}

// TestDocumentScripts fails if no test runs a document's sh blocks and none says why, and
// parses each block: its shell, and the commands and flags of tracemigrate.
func TestDocumentScripts(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var tests strings.Builder
	for _, source := range sources {
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		tests.Write(text)
	}
	texts := documents(t)
	for path, how := range scripts {
		assert.Regexp(t, script, texts[path], "%s has no sh block any more", path)
		for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(how.test+" "+how.reason, -1) {
			assert.Contains(t, tests.String(), "func "+name+"(", "%s: the test does not exist", path)
		}
	}
	for path, text := range texts {
		for _, block := range script.FindAllStringSubmatch(text, -1) {
			assert.Contains(t, slices.Collect(maps.Keys(scripts)), path, "%s has an sh block that no test runs, without a reason", path)
			command := exec.CommandContext(t.Context(), "sh", "-n")
			command.Stdin = strings.NewReader(block[1])
			output, err := command.CombinedOutput()
			assert.NoError(t, err, "%s: %s%s", path, block[1], output)
			checkFlags(t, path, strings.ReplaceAll(block[1], "\\\n", " "))
		}
		for _, span := range regexp.MustCompile("`(tracemigrate [^`]+)`").FindAllStringSubmatch(text, -1) {
			checkFlags(t, path, strings.Join(strings.Fields(span[1]), " "))
		}
	}
}

var toolCommand = regexp.MustCompile(`(?m)(?:^|[|(;] ?|&& |kubectl )tracemigrate ([^|;&>#)\n]+)`)

// checkFlags checks that the commands and flags of tracemigrate in a shell text exist: with
// --help they are parsed and do nothing.
func checkFlags(t *testing.T, path, text string) {
	t.Helper()
	for _, m := range toolCommand.FindAllStringSubmatch(text, -1) {
		code, stdout, stderr := tool(t, strings.ReplaceAll(m[1], "...", "")+" --help")
		assert.Zero(t, code, "%s: tracemigrate %s\n%s", path, m[1], stderr)
		if name, _, _ := strings.Cut(m[1], " "); !strings.HasPrefix(name, "-") {
			assert.Contains(t, stdout, "tracemigrate "+name, "%s: tracemigrate %s", path, m[1])
		}
	}
}
