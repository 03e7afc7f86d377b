package output

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Both `git apply` and `patch -p1` turn the old files into the new ones, whatever their names
// and line ends.
func TestFileDiffsApply(t *testing.T) {
	changes := []FileChange{
		{Path: "a b/new file.yaml", After: []byte("one\ntwo\n")},
		{Path: "a b/gone.yaml", Before: []byte("one\n"), Existed: true},
		{Path: "crlf.yaml", Before: []byte("a\r\nb\r\nc\r\n"), After: []byte("a\r\nc\r\n"), Existed: true},
		{Path: "no end.yaml", Before: []byte("a\nb"), After: []byte("a"), Existed: true},
		{Path: "end.yaml", Before: []byte("a"), After: []byte("a\nb\n"), Existed: true},
		{Path: "ünï\"code\".yaml", Before: []byte("a\n"), After: []byte("b\n"), Existed: true},
		{Path: "tab\there.yaml", Before: []byte("a\n"), After: []byte("\xff\x1b[31m\n"), Existed: true},
		{Path: "long.yaml", Before: []byte(strings.Repeat("x\n", 50) + "y\n" + strings.Repeat("x\n", 50)), After: []byte(strings.Repeat("x\n", 100)), Existed: true},
		{Path: "empty.yaml", After: []byte{}, Before: []byte("x\n"), Existed: true},
		{Path: "filled.yaml", After: []byte("x\n"), Before: []byte{}, Existed: true},
		{Path: "--- a.yaml", Before: []byte("-- a\n++ b\n"), After: []byte("++ b\n"), Existed: true},
	}
	var patch bytes.Buffer
	require.NoError(t, NewPrinter(&patch, 0, false).FileDiffs(changes))
	for name, command := range map[string][]string{"git": {"git", "apply", "-"}, "patch": {"patch", "-p1", "--binary", "-s"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, c := range changes {
				path := filepath.Join(dir, c.Path)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				if c.Existed {
					require.NoError(t, os.WriteFile(path, c.Before, 0o644))
				}
			}
			run := exec.CommandContext(t.Context(), command[0], command[1:]...)
			run.Dir, run.Stdin = dir, bytes.NewReader(patch.Bytes())
			output, err := run.CombinedOutput()
			require.NoError(t, err, "%s\n%s", output, patch.String())
			for _, c := range changes {
				text, err := os.ReadFile(filepath.Join(dir, c.Path))
				if c.After == nil {
					assert.ErrorIs(t, err, os.ErrNotExist, c.Path)
				} else if len(c.After) > 0 || err == nil { // patch removes a file that becomes empty
					require.NoError(t, err)
					assert.Equal(t, string(c.After), string(text), c.Path)
				}
			}
		})
	}
}

// A terminal gets colours, and no control character of a file.
func TestFileDiffsOnTerminal(t *testing.T) {
	change := []FileChange{{Path: "a.yaml", Before: []byte("a\r\n\x1b[2J\n"), After: []byte("a\r\n\x9b5m\u202eb\n"), Existed: true}}
	for name, row := range map[string]struct {
		colour bool
		want   string
	}{
		"colours": {true, "\x1b[1mdiff --git a/a.yaml b/a.yaml\x1b[0m\n\x1b[1m--- a/a.yaml\x1b[0m\n\x1b[1m+++ b/a.yaml\x1b[0m\n" +
			"\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n a\n\x1b[31m-\uFFFD[2J\x1b[0m\n\x1b[32m+\uFFFD5m\uFFFDb\x1b[0m\n"},
		"NO_COLOR": {false, "diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a\n-\uFFFD[2J\n+\uFFFD5m\uFFFDb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, NewPrinter(&out, 80, row.colour).FileDiffs(change))
			assert.Equal(t, row.want, out.String())
		})
	}
}
