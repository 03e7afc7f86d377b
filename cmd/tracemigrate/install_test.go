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

// elsewhere matches the commands of docs/install.md that need a release, a key or Docker.
// Package fixtures/release tests the archives and the signature.
var elsewhere = regexp.MustCompile(`(?m)^(curl|gpg|cosign|docker|make|go) `)

// TestInstallDocument runs the commands of docs/install.md in order, beside an archive and
// its checksum. Its make targets and files exist.
func TestInstallDocument(t *testing.T) {
	withoutRace.Skip(t)
	root, dir, bin := filepath.Dir(fixtures.Dir()), t.TempDir(), t.TempDir()
	linkTool(t, bin)
	shell := func(script string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), "bash", "-ec", script)
		command.Dir = dir
		command.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir)
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s%s", script, output)
		return string(output)
	}
	shell("printf '#!/bin/sh\necho tracemigrate v1.2.3\n' > tracemigrate && chmod +x tracemigrate && " +
		"tar -czf tracemigrate_1.2.3_linux_amd64.tar.gz tracemigrate && rm tracemigrate && sha256sum *.tar.gz > checksums.txt && " +
		"echo " + strings.Repeat("0", 64) + "'  tracemigrate_1.2.3_windows_amd64.zip' >> checksums.txt")

	text := document(t, "install.md")
	var said []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if !elsewhere.MatchString(block[1]) {
			said = append(said, shell(block[1]))
		}
	}
	assert.Equal(t, []string{"tracemigrate_1.2.3_linux_amd64.tar.gz: OK\ntracemigrate v1.2.3\n", ""}, said)
	assert.FileExists(t, filepath.Join(dir, ".local/share/man/man1/tracemigrate.1"))

	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	for _, target := range regexp.MustCompile(`make\s([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if target[1] != "for" { // "and make for the second line"
			assert.Contains(t, string(makefile), "\n"+target[1]+":", target[0])
		}
	}
	for _, command := range regexp.MustCompile(`tracemigrate (completion [a-z]+|version -o json)`).FindAllStringSubmatch(text, -1) {
		assert.NotEmpty(t, shell(command[0]), command[0])
	}
	for _, path := range []string{".release/Dockerfile", ".github/actions/install/action.yml"} {
		assert.Contains(t, text, strings.TrimSuffix(path, "/action.yml"))
		assert.FileExists(t, filepath.Join(root, path))
	}
}
