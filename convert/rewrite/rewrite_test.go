package rewrite_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"tracemigrate/convert/rewrite"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

// TestRewrite runs the cases in testdata: each is a repository, a stage, and the files or
// the problems that are expected. The comment has the lines "stage:" and "overlays:", and
// what the case shows.
func TestRewrite(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		path, err := filepath.Abs(name)
		require.NoError(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err)
			texts, want := split(archive)
			dir, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			t.Chdir(dir)
			w := newTree(t, dir, texts)
			w.state = dataplanes
			got := make(map[string]string)
			for _, stage := range strings.Fields(option(archive, "stage")) {
				changes, problems := w.run(stage, overlaysOf(archive))
				record(got, stage, changes, problems)
				if len(problems) > 0 {
					break
				}
				again, _ := w.run(stage, overlaysOf(archive))
				require.Empty(t, again, "a second run changes something")
			}
			if *update {
				require.NoError(t, os.WriteFile(path, format(archive, got), 0o666)) //nolint:gosec // not secret
				return
			}
			require.Equal(t, want, got)
		})
	}
}

// split returns the files of a case, and its expected results, which are in the
// directories want-add and want-remove. ^M at the end of a line is for CR.
func split(archive *txtar.Archive) (texts map[string][]byte, want map[string]string) {
	texts, want = make(map[string][]byte), make(map[string]string)
	for _, f := range archive.Files {
		text := strings.ReplaceAll(string(f.Data), "^M\n", "\r\n")
		if strings.HasPrefix(f.Name, "want-") {
			want[f.Name] = text
			continue
		}
		texts[f.Name] = []byte(text)
	}
	return texts, want
}

// record adds the result of a stage to the results. A deleted file has a text that says so.
func record(got map[string]string, stage string, changes rewrite.Changes, problems []string) {
	if len(problems) > 0 {
		got["want-"+stage+" problems"] = strings.Join(problems, "\n") + "\n"
		return
	}
	for name, text := range changes {
		got["want-"+stage+"/"+name] = string(text)
		if text == nil {
			got["want-"+stage+"/"+name] = "(deleted)\n"
		}
	}
	if len(changes) == 0 {
		got["want-"+stage+" nothing"] = ""
	}
}

// format returns a case with new results.
func format(archive *txtar.Archive, got map[string]string) []byte {
	is := func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want-") }
	archive.Files = slices.DeleteFunc(archive.Files, is)
	for _, name := range slices.Sorted(maps.Keys(got)) {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(strings.ReplaceAll(got[name], "\r\n", "^M\n"))})
	}
	return txtar.Format(archive)
}

// option returns an option of the comment of a case.
func option(archive *txtar.Archive, name string) string {
	for line := range strings.Lines(string(archive.Comment)) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func overlaysOf(archive *txtar.Archive) []string {
	if names := option(archive, "overlays"); names != "" {
		return strings.Fields(names)
	}
	return nil
}
