package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

var console = regexp.MustCompile("(?s)```console\n(\\$ [^\n]*\n)(.*?)```\n")

// TestReadme runs every console block of the README and of documents, and compares the
// output.
func TestReadme(t *testing.T) {
	root := filepath.Dir(fixtures.Dir())
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version="+testVersion, "-o", filepath.Join(bin, "tracemigrate"), "./cmd/tracemigrate")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)

	for _, document := range []string{"README.md", "docs/labels.md"} {
		t.Run(document, func(t *testing.T) { runBlocks(t, root, bin, document) })
	}
}

// runBlocks runs the console blocks of a document in root, with the tool from bin.
func runBlocks(t *testing.T, root, bin, document string) {
	t.Helper()
	path := filepath.Join(root, document)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	blocks := 0
	got := console.ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		command := console.FindStringSubmatch(block)[1]
		// Files of a previous run in /tmp must not change the output.
		line := strings.ReplaceAll(strings.TrimPrefix(command, "$ "), "/tmp/meshtraces", t.TempDir())
		shell := exec.CommandContext(t.Context(), "sh", "-c", line)
		shell.Dir = root
		shell.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		output, err := shell.CombinedOutput()
		require.NoError(t, err, "%s%s", command, output)
		return "```console\n" + command + string(output) + "```\n"
	})
	require.Positive(t, blocks)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	assert.Equal(t, string(text), got, "go test ./cmd/tracemigrate -update rewrites it")
}
