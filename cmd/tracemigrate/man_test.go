package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// The manual page has every command and flag, and no line that man reads as a command.
func TestManHasAll(t *testing.T) {
	app := newApp("tracemigrate")
	page := manPage(app, "v1.2.3", "2026-01-02T03:04:05Z")
	assert.Contains(t, page, `.TH TRACEMIGRATE 1 "2026-01-02" "tracemigrate v1.2.3"`)
	flags := append(messageFlags(), cli.HelpFlag)
	for _, command := range app.Commands {
		flags = append(flags, command.Flags...)
		if !command.Hidden {
			assert.Contains(t, page, ".SS "+manText(app.Name+" "+command.Name)+" ", command.Name)
			assert.Contains(t, page, manText(upperFirst(command.Usage)), command.Name)
		}
	}
	for _, flag := range flags {
		assert.Contains(t, page, `\fB\-\-`+manText(docOf(flag).Long)+`\fR`)
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") {
			assert.Regexp(t, `^\.(TH|SH|SS|TP|PP|nf|fi|B|I|BR)( |\n)`, line)
		}
	}
}

func TestManText(t *testing.T) {
	for text, want := range map[string]string{
		"a --flag":      `a \-\-flag`,
		`back\slash`:    `back\eslash`,
		".starts\n'too": "\\&.starts\n\\&'too",
	} {
		assert.Equal(t, want, manText(text))
	}
}

// mandoc finds no mistake in the page.
func TestManIsValid(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	path := filepath.Join(t.TempDir(), "tracemigrate.1")
	require.NoError(t, os.WriteFile(path, []byte(manPage(newApp("tracemigrate"), "v1.2.3", "2026-01-02")), 0o600))
	output, err := exec.CommandContext(t.Context(), mandoc, "-Tlint", "-Wwarning", path).CombinedOutput()
	assert.NoError(t, err)
	assert.Empty(t, string(output))
}
