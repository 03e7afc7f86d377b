package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// TestGolden converts every case of fixtures/convert: input.yaml, with the
// flags of args, must give output.yaml (or .json) and stderr.txt.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "convert", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			args := []string{"tracemigrate", "convert", "-f", "input.yaml"}
			if flags, err := os.ReadFile("args"); err == nil {
				args = append(args, strings.Fields(string(flags))...)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
			output := "output.yaml"
			if strings.Contains(strings.Join(args, " "), "-o json") {
				output = "output.json"
			}
			golden(t, output, stdout.String())
			golden(t, "stderr.txt", fmt.Sprintf("exit %d\n%s", code, stderr.String()))

			again := bytes.Buffer{}
			run(t.Context(), args, strings.NewReader(""), &again, &bytes.Buffer{})
			assert.Equal(t, stdout.String(), again.String(), "the same input gives the same bytes")

			policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text(output, stdout.String())}))
			assert.Empty(t, problems, "what is written can be read")
			for _, policy := range policies {
				assert.NotEmpty(t, policy.Name)
			}
		})
	}
}

// golden compares got with a file, or with -update writes the file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s (go test ./cmd/tracemigrate -update rewrites it)", path)
}

var (
	constant = regexp.MustCompile(`\bCode = "([a-z0-9-]+)"|Warn\("([a-z-]+)"|(?:unknownField|unknownTime|ReadOnce|notRead) = "([a-z-]+)"`)
	heading  = regexp.MustCompile("(?m)^### `([a-z0-9-]+)`")
)

// Every code of a note must be documented, and must be in a golden case. A proxy that
// differs for no known reason would be a bug, so it has no case.
func TestNotesAreDocumented(t *testing.T) {
	root := filepath.Dir(fixtures.Dir())
	codes := make(map[string]bool)
	for _, source := range []string{"convert/note.go", "legacy/decode.go", "cluster/decode.go", "cluster/snapshot.go", "cluster/manifest/value.go"} {
		text, err := os.ReadFile(filepath.Join(root, source))
		require.NoError(t, err)
		for _, m := range constant.FindAllStringSubmatch(string(text), -1) {
			codes[m[1]+m[2]+m[3]] = true
		}
	}
	require.Greater(t, len(codes), 25)
	require.True(t, codes[string(convert.UnusedBackend)])

	var shown strings.Builder
	files, err := filepath.Glob(filepath.Join(root, "fixtures/convert/*/stderr.txt"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		shown.Write(text)
	}
	notes, err := os.ReadFile(filepath.Join(root, "docs/notes.md"))
	require.NoError(t, err)
	documented := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(string(notes), -1) {
		documented[m[1]] = true
		assert.True(t, codes[m[1]], "docs/notes.md documents %s, which is no code", m[1])
	}
	for code := range codes {
		assert.True(t, documented[code], "docs/notes.md lacks a heading for %s", code)
		if code != string(convert.ProxyDiffers) {
			assert.Contains(t, shown.String(), "  "+code+" ", "no golden case shows %s", code)
		}
	}
}
