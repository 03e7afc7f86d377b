package worktree

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// makeTree writes files, by path, to a new directory, changes to it and returns it.
func makeTree(t testing.TB, files map[string]string) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	write(t, dir, files)
	if t, ok := t.(*testing.T); ok {
		t.Chdir(dir)
	}
	return dir
}

func write(t testing.TB, dir string, files map[string]string) {
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// git runs Git in a directory, without the configuration of the user.
func git(t testing.TB, dir string, args ...string) {
	command := exec.CommandContext(t.Context(), "git", append([]string{
		"-C", dir, "-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "init.defaultBranch=main",
		"-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false",
	}, args...)...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, output)
}

// commit makes a Git work tree of a directory, and commits what it contains.
func commit(t testing.TB, dir string) {
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "all")
}

func open(t testing.TB, paths ...string) *Tree {
	tree, err := Open(paths)
	require.NoError(t, err)
	return tree
}

func TestRead(t *testing.T) {
	dir := makeTree(t, map[string]string{
		"a.yaml": "", "b.yml": "", "c.json": "", "d.txt": "", "e.yaml.bak": "", "Kustomization": "", "sub/deep/f.yaml": "",
		".hidden.yaml": "", ".github/g.yaml": "", "vendor/h.yaml": "", "sub/node_modules/i.yaml": "", "vendor.yaml": "", "with space/ü.yaml": "",
	})
	outside := t.TempDir()
	write(t, outside, map[string]string{"secret.yaml": ""})
	require.NoError(t, os.Symlink(outside, "link"))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.yaml"), "link.yaml"))
	require.NoError(t, os.Symlink("nowhere", "dangling.yaml"))
	all := []string{"Kustomization", "a.yaml", "b.yml", "c.json", "sub/deep/f.yaml", "vendor.yaml", "with space/ü.yaml"}
	for name, row := range map[string]struct {
		paths []string
		want  []string
	}{
		"all":                   {[]string{"."}, all},
		"absolute":              {[]string{dir}, all},
		"twice":                 {[]string{".", "sub", "sub/../sub/"}, all},
		"a file of any name":    {[]string{"d.txt", "./a.yaml"}, []string{"a.yaml", "d.txt"}},
		"a hidden directory":    {[]string{".github"}, []string{".github/g.yaml"}},
		"a skipped directory":   {[]string{"vendor"}, []string{"vendor/h.yaml"}},
		"several":               {[]string{"sub", "b.yml"}, []string{"b.yml", "sub/deep/f.yaml"}},
		"a link that is passed": {[]string{"link"}, []string{relative(t, dir, outside) + "/secret.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			texts, err := open(t, row.paths...).Read(100)
			require.NoError(t, err)
			assert.Equal(t, row.want, slices.Sorted(maps.Keys(texts)))
		})
	}
	t.Run("from a subdirectory", func(t *testing.T) {
		t.Chdir("sub/deep")
		texts, err := open(t, "..", "../../a.yaml").Read(100)
		require.NoError(t, err)
		assert.Equal(t, []string{"../../a.yaml", "f.yaml"}, slices.Sorted(maps.Keys(texts)))
	})
}

func relative(t *testing.T, from, to string) string {
	to, err := filepath.EvalSymlinks(to)
	require.NoError(t, err)
	path, err := filepath.Rel(from, to)
	require.NoError(t, err)
	return filepath.ToSlash(path)
}

func TestReadErrors(t *testing.T) {
	makeTree(t, map[string]string{"sub/a.yaml": "12345678901"})
	_, err := open(t, ".").Read(10)
	require.ErrorContains(t, err, "reading sub/a.yaml: ")
	_, err = Open([]string{"gone", "sub", "gone\x1b"})
	require.EqualError(t, err, "reading \"gone\": no such file or directory\nreading \"gone\\x1b\": no such file or directory")
}

func TestOpenGit(t *testing.T) {
	dir := makeTree(t, map[string]string{"one/a.yaml": "", "two/b.yaml": "", "plain/c.yaml": "", "bad/.git": "text", "lost/.git": "gitdir: nowhere"})
	for _, name := range []string{"one", "two"} {
		commit(t, filepath.Join(dir, name))
	}
	for name, row := range map[string]struct {
		paths []string
		want  string
	}{
		"one":          {[]string{"one", "one/a.yaml"}, ""},
		"none":         {[]string{"plain", "plain/c.yaml"}, ""},
		"two":          {[]string{"one", "two"}, "the paths are in several Git work trees, or some in none; run the command once for each"},
		"one and none": {[]string{"plain", "two"}, "the paths are in several Git work trees, or some in none; run the command once for each"},
		"text":         {[]string{"bad"}, "finding the Git directory of " + dir + "/bad: the file " + dir + "/bad/.git does not name a directory"},
		"gone": {[]string{"lost"}, "finding the Git directory of " + dir + "/lost: " + dir + "/lost/nowhere is not a directory, and the file " +
			dir + "/lost/.git names it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(row.paths)
			if row.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, row.want)
			}
		})
	}
}

func TestDirty(t *testing.T) {
	files := map[string]string{"m/a.yaml": "old", "m/b.yaml": "old", "m/c.yaml": "old", "other.txt": "old", ".gitignore": "ignored*\n"}
	for name, row := range map[string]struct {
		change func(t *testing.T, dir string)
		names  []string
		want   []string
	}{
		"clean":                     {nil, []string{"m/a.yaml", "m/new.yaml"}, nil},
		"a changed file":            {changed("m/a.yaml", "new"), []string{"m/a.yaml"}, []string{"m/a.yaml"}},
		"a changed file, untouched": {changed("other.txt", "new"), []string{"m/a.yaml"}, []string{"other.txt"}},
		"a deleted file":            {func(t *testing.T, _ string) { require.NoError(t, os.Remove("other.txt")) }, nil, []string{"other.txt"}},
		"a staged file": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"n.yaml": ""})
			git(t, dir, "add", "n.yaml")
		}, nil, []string{"n.yaml"}},
		"a staged rename":         {func(t *testing.T, dir string) { git(t, dir, "mv", "m/b.yaml", "m/d.yaml") }, nil, []string{"m/b.yaml", "m/d.yaml"}},
		"an untracked file":       {changed("m/new.yaml", "mine"), []string{"m/a.yaml"}, nil},
		"overwritten, untracked":  {changed("m/new.yaml", "mine"), []string{"m/new.yaml"}, []string{"m/new.yaml"}},
		"overwritten, odd name":   {changed("m/ü \"1\".yaml", "mine"), []string{"m/ü \"1\".yaml"}, []string{"m/ü \"1\".yaml"}},
		"an ignored file":         {changed("ignored.yaml", "mine"), []string{"m/a.yaml"}, nil},
		"overwritten, ignored":    {changed("ignored.yaml", "mine"), []string{"ignored.yaml"}, []string{"ignored.yaml"}},
		"in an ignored directory": {changed("ignored/x.yaml", "mine"), []string{"ignored/x.yaml", "m/a.yaml"}, []string{"ignored/x.yaml"}},
		"in a repository of its own": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"nested/x.yaml": "mine"})
			git(t, filepath.Join(dir, "nested"), "init", "-q")
		}, []string{"nested/x.yaml"}, []string{"nested/x.yaml"}},
		"assume-unchanged": {func(t *testing.T, dir string) {
			git(t, dir, "update-index", "--assume-unchanged", "m/a.yaml", "m/b.yaml")
			write(t, dir, map[string]string{"m/a.yaml": "mine"})
		}, []string{"m/a.yaml"}, []string{"m/a.yaml"}},
		"skip-worktree": {func(t *testing.T, dir string) {
			git(t, dir, "update-index", "--skip-worktree", "m/a.yaml", "m/b.yaml")
		}, []string{"m/a.yaml"}, []string{"m/a.yaml"}},
		"hidden by configuration": {func(t *testing.T, dir string) {
			git(t, dir, "config", "status.showUntrackedFiles", "no")
			write(t, dir, map[string]string{"m/new.yaml": "mine"})
		}, []string{"m/new.yaml"}, []string{"m/new.yaml"}},
		"variables of a hook": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"m/a.yaml": "mine"})
			other := t.TempDir()
			commit(t, other)
			t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
			t.Setenv("GIT_INDEX_FILE", filepath.Join(other, "index"))
			t.Setenv("GIT_WORK_TREE", other)
		}, nil, []string{"m/a.yaml"}},
		"a submodule": {func(t *testing.T, dir string) {
			other := t.TempDir()
			write(t, other, map[string]string{"x.yaml": "theirs"})
			commit(t, other)
			git(t, dir, "submodule", "--quiet", "add", other, "sub")
			git(t, dir, "config", "-f", ".gitmodules", "submodule.sub.ignore", "all")
			git(t, dir, "add", "-A")
			git(t, dir, "commit", "-q", "-m", "sub")
			write(t, dir, map[string]string{"sub/x.yaml": "mine"})
		}, []string{"sub/x.yaml"}, []string{"sub"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeTree(t, files)
			commit(t, dir)
			if row.change != nil {
				row.change(t, dir)
			}
			dirty, err := open(t, ".").Dirty(t.Context(), row.names)
			require.NoError(t, err)
			assert.Equal(t, row.want, dirty)
		})
	}
}

// changed returns a change that writes a file.
func changed(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { write(t, dir, map[string]string{name: text}) }
}

func TestDirtyPlaces(t *testing.T) {
	files := map[string]string{"m/a.yaml": "old"}
	t.Run("no Git", func(t *testing.T) {
		makeTree(t, files)
		dirty, err := open(t, "m").Dirty(t.Context(), []string{"m/a.yaml"})
		require.NoError(t, err)
		assert.Empty(t, dirty)
	})
	t.Run("no Git binary", func(t *testing.T) {
		dir := makeTree(t, files)
		commit(t, dir)
		tree := open(t, "m")
		t.Setenv("PATH", "")
		_, err := tree.Dirty(t.Context(), []string{"m/a.yaml"})
		require.ErrorContains(t, err, "asking Git whether the work tree is clean: git status: exec: \"git\": executable file not found")
		_, err = Open([]string{"m"})
		require.NoError(t, err, "a dry run needs no Git")
	})
	t.Run("an empty .git", func(t *testing.T) {
		dir := makeTree(t, files)
		require.NoError(t, os.Mkdir(filepath.Join(dir, ".git"), 0o755))
		_, err := open(t, "m").Dirty(t.Context(), []string{"m/a.yaml"})
		require.ErrorContains(t, err, "asking Git whether the work tree is clean: git status: fatal: not a git repository")
	})
	t.Run("a subdirectory", func(t *testing.T) {
		dir := makeTree(t, files)
		commit(t, dir)
		write(t, dir, map[string]string{"other.yaml": "", "m/a.yaml": "new", "m/new.yaml": "new"})
		t.Chdir("m")
		tree := open(t, ".")
		dirty, err := tree.Dirty(t.Context(), []string{"a.yaml", "new.yaml"})
		require.NoError(t, err)
		assert.Equal(t, []string{"a.yaml", "new.yaml"}, dirty)
		assert.Equal(t, "m/a.yaml", tree.RepositoryName("a.yaml"))
	})
	t.Run("a linked work tree", func(t *testing.T) {
		dir := makeTree(t, files)
		commit(t, dir)
		git(t, dir, "worktree", "add", "-q", "../linked")
		t.Chdir("../linked")
		write(t, ".", map[string]string{"m/a.yaml": "new"})
		tree := open(t, ".")
		dirty, err := tree.Dirty(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"m/a.yaml"}, dirty)
		assert.True(t, strings.HasPrefix(tree.journal(), filepath.Join(dir, ".git", "worktrees")+"/"), tree.journal())
	})
}

func TestCheckNew(t *testing.T) {
	dir := makeTree(t, map[string]string{"read.yaml": "", "exists.yaml": "", "dir.yaml/x": ""})
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "link.yaml")))
	err := open(t, ".").CheckNew([]string{"read.yaml", "new.yaml", "exists.yaml", "dir.yaml", "link.yaml"}, map[string][]byte{"read.yaml": nil})
	require.EqualError(t, err, `exists.yaml: the file exists, and is not among the files to edit; add it to the arguments
dir.yaml: the file is to be written, and a symbolic link or directory has its name; rename that
link.yaml: the file is to be written, and a symbolic link or directory has its name; rename that`)
}
