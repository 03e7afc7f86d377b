package worktree

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	before  = map[string]string{"a.yaml": "a old", "sub/b.yaml": "b old", "sub/gone.yaml": "c old", "kept.yaml": "kept"}
	after   = map[string]string{"a.yaml": "a new", "sub/b.yaml": "b new", "sub/new.yaml": "d new", "kept.yaml": "kept"}
	changes = map[string][]byte{
		"a.yaml": []byte("a new"), "sub/b.yaml": []byte("b new"), "sub/gone.yaml": nil, "sub/new.yaml": []byte("d new"),
	}
)

// texts returns what Read returns for files.
func texts(files map[string]string) map[string][]byte {
	all := make(map[string][]byte)
	for name, text := range files {
		all[name] = []byte(text)
	}
	return all
}

// contents returns the files of the current directory, without those of Git.
func contents(t testing.TB) map[string]string {
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			all[path] = "-> " + target
			return err
		case !entry.IsDir():
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		}
		return nil
	}))
	return all
}

func TestWrite(t *testing.T) {
	for name, prepare := range map[string]func(string){
		"without Git": func(string) {}, "with Git": func(dir string) { commit(t, dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeTree(t, before)
			prepare(dir)
			require.NoError(t, os.Chmod("a.yaml", 0o751))
			require.NoError(t, os.Chmod("sub/b.yaml", 0o600))
			tree := open(t, ".")
			require.NoError(t, tree.Write(changes, texts(before)))
			assert.Equal(t, after, contents(t))
			for name, want := range map[string]fs.FileMode{"a.yaml": 0o751, "sub/b.yaml": 0o600, "sub/new.yaml": 0o644} {
				info, err := os.Stat(name)
				require.NoError(t, err)
				assert.Equal(t, want, info.Mode(), name)
			}
			assert.NoDirExists(t, tree.journal())
			assert.NoDirExists(t, tree.journal()+".new")
		})
	}
}

// A file that is another than the one that was read is an error, and nothing is changed.
func TestWriteRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(t *testing.T)
		want   string
	}{
		"changed": {
			func(t *testing.T) { write(t, ".", map[string]string{"sub/b.yaml": "mine"}) },
			"preparing the files: sub/b.yaml: the file changed while this command ran; run it again; nothing was changed",
		},
		"deleted": {
			func(t *testing.T) { require.NoError(t, os.Remove("sub/gone.yaml")) },
			"preparing the files: sub/gone.yaml: the file changed while this command ran; run it again; nothing was changed",
		},
		"made": {
			func(t *testing.T) { write(t, ".", map[string]string{"sub/new.yaml": "mine"}) },
			"preparing the files: sub/new.yaml: the file changed while this command ran; run it again; nothing was changed",
		},
		"now a link": {func(t *testing.T) {
			require.NoError(t, os.Rename("a.yaml", "kept.txt"))
			require.NoError(t, os.Symlink("kept.txt", "a.yaml"))
		}, "preparing the files: a.yaml: a symbolic link, directory or device has the name of the file; remove it; nothing was changed"},
		"a dangling link": {
			func(t *testing.T) { require.NoError(t, os.Symlink("nowhere", "sub/new.yaml")) },
			"preparing the files: sub/new.yaml: a symbolic link, directory or device has the name of the file; remove it; nothing was changed",
		},
		"a directory": {
			func(t *testing.T) { require.NoError(t, os.Mkdir("sub/new.yaml", 0o755)) },
			"preparing the files: sub/new.yaml: a symbolic link, directory or device has the name of the file; remove it; nothing was changed",
		},
		"a link out of the tree": {func(t *testing.T) {
			outside := t.TempDir()
			write(t, outside, map[string]string{"b.yaml": "b old", "gone.yaml": "c old"})
			require.NoError(t, os.RemoveAll("sub"))
			require.NoError(t, os.Symlink(outside, "sub"))
		}, "the file is not below "},
	} {
		t.Run(name, func(t *testing.T) {
			makeTree(t, before)
			tree := open(t, ".")
			row.change(t)
			had := contents(t)
			err := tree.Write(changes, texts(before))
			require.ErrorContains(t, err, row.want)
			assert.Equal(t, had, contents(t))
		})
	}
}

// A read-only file or directory is an error before anything is changed. The superuser can
// write to both, so the test runs as another user then.
func TestWriteReadOnly(t *testing.T) {
	if dir := os.Getenv("TRACEMIGRATE_TEST_READ_ONLY"); dir != "" || os.Geteuid() != 0 {
		if dir == "" {
			dir = makeTree(t, nil)
		}
		readOnly(t, dir)
		return
	}
	dir, err := os.MkdirTemp("", "read-only")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	self, err := os.Executable()
	require.NoError(t, err)
	binary, err := os.ReadFile(self)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test"), binary, 0o755)) //nolint:gosec // to execute it
	require.NoError(t, os.Chmod(dir, 0o777))
	command := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), "-test.run", "^TestWriteReadOnly$")
	command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_READ_ONLY="+dir, "GOCOVERDIR="+dir)
	command.Dir = dir
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func readOnly(t *testing.T, parent string) {
	for i, row := range []struct{ path, want string }{
		{"a.yaml", "preparing the files: a.yaml: permission denied; nothing was changed"},
		{"sub", "preparing the files: sub/b.yaml: the directory: permission denied; nothing was changed"},
		{".", "tracemigrate-rewrite.new: permission denied; nothing was changed"},
	} {
		dir := filepath.Join(parent, strconv.Itoa(i))
		write(t, dir, before)
		t.Chdir(dir)
		tree := open(t, ".")
		info, err := os.Stat(row.path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(row.path, info.Mode()&^0o222))
		err = tree.Write(changes, texts(before))
		require.NoError(t, os.Chmod(row.path, info.Mode()))
		require.ErrorContains(t, err, row.want)
		assert.Equal(t, before, contents(t))
	}
}

// failing replaces rename by a function that fails from the call number n on, but for those
// of names with a suffix.
func failing(t *testing.T, n int, err error, suffix string) {
	t.Cleanup(func() { rename = os.Rename })
	rename = func(from, to string) error {
		if n--; n < 0 && (suffix == "" || !strings.HasSuffix(from, suffix)) {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return os.Rename(from, to)
	}
}

// If a file cannot be replaced, the others get their old text back.
func TestWriteUndoes(t *testing.T) {
	for n := range 3 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			makeTree(t, before)
			require.NoError(t, os.Chmod("a.yaml", 0o751))
			tree := open(t, ".")
			failing(t, n, syscall.ENOSPC, ".old")
			err := tree.Write(changes, texts(before))
			require.EqualError(t, err, "replacing the files: "+[]string{"a.yaml", "sub/b.yaml", "sub/new.yaml"}[n]+
				": no space left on device; nothing was changed")
			assert.Equal(t, before, contents(t))
			info, err := os.Stat("a.yaml")
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o751), info.Mode())
		})
	}
}

// If that fails too, the next run finishes the change.
func TestWriteCannotUndo(t *testing.T) {
	makeTree(t, before)
	tree := open(t, ".")
	failing(t, 1, syscall.EIO, "")
	err := tree.Write(changes, texts(before))
	require.EqualError(t, err, "replacing the files: sub/b.yaml: input/output error; undoing that: a.yaml: input/output error; "+
		"some files are new and some old: solve this, then run the command again, which finishes the change")
	rename = os.Rename
	finished, err := open(t, "sub").Recover() // other paths
	require.NoError(t, err)
	assert.True(t, finished)
	assert.Equal(t, after, contents(t))
}

// On another file system the files are copied, and nothing remains beside them.
func TestWriteOtherFileSystem(t *testing.T) {
	other := func(t *testing.T, fail string) {
		t.Cleanup(func() { rename = os.Rename })
		rename = func(from, to string) error {
			err := syscall.EXDEV
			switch {
			case fail != "" && strings.HasSuffix(from, fail):
				err = syscall.ENOSPC
			case filepath.Dir(from) == filepath.Dir(to):
				return os.Rename(from, to)
			}
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
	for fail, want := range map[string]map[string]string{"": after, ".tracemigrate-b.yaml": before, ".tracemigrate-new.yaml": before} {
		t.Run("fails "+fail, func(t *testing.T) {
			outside := t.TempDir()
			makeTree(t, before)
			write(t, outside, map[string]string{"victim": "victim"})
			require.NoError(t, os.Symlink(filepath.Join(outside, "victim"), ".tracemigrate-a.yaml")) // as a hostile repository has it
			other(t, fail)
			err := open(t, ".").Write(changes, texts(before))
			if fail == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "no space left on device; nothing was changed")
			}
			got := contents(t)
			delete(got, ".tracemigrate-a.yaml")
			assert.Equal(t, want, got)
			victim, err := os.ReadFile(filepath.Join(outside, "victim"))
			require.NoError(t, err)
			assert.Equal(t, "victim", string(victim))
		})
	}
}

// stop is what a test panics with in the place of a kill.
type stop struct{}

// A run that ends at any rename, as if it were killed, is finished by the next.
func TestRecoverEveryStep(t *testing.T) {
	for n := range 4 {
		for _, undoing := range []bool{false, true} {
			makeTree(t, before)
			t.Cleanup(func() { rename = os.Rename })
			calls := 0
			rename = func(from, to string) error {
				calls++
				switch {
				case undoing && calls == 3: // the third file fails, and the undo is stopped
					return syscall.EIO
				case calls == n+1 && !undoing, undoing && calls == n+4:
					panic(stop{})
				}
				return os.Rename(from, to)
			}
			stopped := func() (stopped bool) {
				defer func() { stopped = recover() != nil }()
				_ = open(t, ".").Write(changes, texts(before))
				return false
			}()
			rename = os.Rename
			finished, err := open(t, ".").Recover()
			require.NoError(t, err)
			assert.Equal(t, stopped, finished, "%d %t", n, undoing)
			switch {
			case stopped || !undoing:
				assert.Equal(t, after, contents(t), "%d %t", n, undoing)
			default:
				assert.Equal(t, before, contents(t), "%d %t", n, undoing)
			}
			finished, err = open(t, ".").Recover()
			require.NoError(t, err)
			assert.False(t, finished, "the second time there is nothing to finish")
		}
	}
}

// records returns a journal's records of the changes.
func records() []record {
	var all []record
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		r := record{Path: name, Mode: 0o644}
		if old, ok := before[name]; ok {
			r.Before = digest([]byte(old))
		}
		if changes[name] != nil {
			r.After = digest(changes[name])
		}
		all = append(all, r)
	}
	return all
}

// writeJournal writes a journal as a killed run leaves it.
func writeJournal(t *testing.T, all []record) {
	text, err := json.Marshal(all)
	require.NoError(t, err)
	files := map[string]string{journalName + "/" + recordsName: string(text)}
	for i, name := range slices.Sorted(maps.Keys(changes)) {
		if changes[name] != nil {
			files[staged(journalName, i)] = string(changes[name])
		}
	}
	write(t, ".", files)
}

func TestRecover(t *testing.T) {
	foreign := "changed: its text is neither that before nor that after the rewrite; restore the file, or delete "
	for name, row := range map[string]struct {
		prepare  func(t *testing.T)
		finished bool
		want     map[string]string // nil: as it was
		failure  string
	}{
		"no journal":         {prepare: func(*testing.T) {}, want: before},
		"killed in stage":    {prepare: func(t *testing.T) { write(t, ".", map[string]string{journalName + ".new/0": "a ne"}) }},
		"nothing replaced":   {prepare: func(t *testing.T) { writeJournal(t, records()) }, finished: true, want: after},
		"killed in discard":  {prepare: func(t *testing.T) { write(t, ".", map[string]string{journalName + "/1": "x"}) }, want: before},
		"an empty journal":   {prepare: func(t *testing.T) { require.NoError(t, os.Mkdir(journalName, 0o755)) }, want: before},
		"no records":         {prepare: func(t *testing.T) { writeJournal(t, nil) }, finished: true},
		"not JSON":           {prepare: func(t *testing.T) { write(t, ".", map[string]string{journalName + "/" + recordsName: "{"}) }, failure: "; restore the files with Git, and delete "},
		"records, unreadble": {prepare: func(t *testing.T) { require.NoError(t, os.MkdirAll(journalName+"/"+recordsName, 0o755)) }, failure: "reading the journal of an interrupted run: "},
		"all replaced": {prepare: func(t *testing.T) {
			writeJournal(t, records())
			require.NoError(t, os.Remove("sub/gone.yaml"))
			write(t, ".", after)
		}, finished: true, want: after},
		"some replaced, the staged files are gone": {prepare: func(t *testing.T) {
			writeJournal(t, records())
			require.NoError(t, os.Rename(staged(journalName, 0), "a.yaml"))
		}, finished: true, want: after},
		"a foreign change": {prepare: func(t *testing.T) {
			writeJournal(t, records())
			write(t, ".", map[string]string{"a.yaml": "mine"})
		}, failure: "finishing an interrupted run: a.yaml " + foreign},
		"a foreign new file": {prepare: func(t *testing.T) {
			writeJournal(t, records()[3:])
			write(t, ".", map[string]string{"sub/new.yaml": "mine"})
		}, failure: "finishing an interrupted run: sub/new.yaml " + foreign},
		"a staged file is gone": {prepare: func(t *testing.T) {
			writeJournal(t, records())
			require.NoError(t, os.Remove(staged(journalName, 0)))
		}, failure: "finishing an interrupted run: a.yaml: no such file or directory"},
		"a path outside": {
			prepare: func(t *testing.T) { writeJournal(t, []record{{Path: "../x", After: digest([]byte("a new"))}}) },
			failure: `finishing an interrupted run: the journal names "../x", which is not below `,
		},
		"an absolute path": {
			prepare: func(t *testing.T) { writeJournal(t, []record{{Path: "/tmp/x", After: digest([]byte("a new"))}}) },
			failure: `finishing an interrupted run: the journal names "/tmp/x", which is not below `,
		},
		"a directory is a link": {prepare: func(t *testing.T) {
			writeJournal(t, records()[3:])
			require.NoError(t, os.Symlink("sub", "link"))
			writeJournal(t, []record{{Path: "link/new.yaml", After: digest([]byte("a new"))}})
		}, failure: "link/new.yaml: a directory above the file is now a symbolic link; restore it"},
		"a file is a link": {prepare: func(t *testing.T) {
			writeJournal(t, records())
			require.NoError(t, os.Rename("a.yaml", "x"))
			require.NoError(t, os.Symlink("x", "a.yaml"))
		}, failure: "a.yaml: a symbolic link, directory or device has the name of the file; remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			makeTree(t, before)
			row.prepare(t)
			had := contents(t)
			finished, err := open(t, ".").Recover()
			if row.failure != "" {
				require.ErrorContains(t, err, row.failure)
				assert.Equal(t, had, contents(t))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.finished, finished)
			if row.want != nil {
				assert.Equal(t, row.want, contents(t))
			}
		})
	}
}

// One run writes at a time; the end of a run unlocks.
func TestLock(t *testing.T) {
	makeTree(t, before)
	first, second := open(t, "."), open(t, ".")
	require.NoError(t, first.Lock())
	require.ErrorContains(t, second.Lock(), "another run of this command writes to the work tree")
	writeJournal(t, records())
	_, err := second.Recover()
	require.ErrorContains(t, err, "another run of this command writes to the work tree")
	assert.Equal(t, "a old", contents(t)["a.yaml"])
	first.Unlock()
	finished, err := second.Recover()
	require.NoError(t, err)
	assert.True(t, finished)
	require.NoError(t, first.Lock())
}

// FuzzRecover reads arbitrary records: no panic, and nothing outside of the tree changes.
func FuzzRecover(f *testing.F) {
	for _, all := range [][]record{records(), nil, {{Path: "../x"}}, {{Path: "sub/../../x", After: "y", Mode: 0o7777}}, {{Path: "."}}, {{}}} {
		text, err := json.Marshal(all)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("{"))
	victim := digest([]byte("victim"))
	f.Add([]byte(`[{"path":"../victim","before":"` + victim + `"}]`))
	f.Add([]byte(`[{"path":"out/victim","before":"` + victim + `"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		parent, err := filepath.EvalSymlinks(t.TempDir())
		require.NoError(t, err)
		dir := filepath.Join(parent, "tree")
		write(t, dir, before)
		write(t, dir, map[string]string{journalName + "/" + recordsName: string(text), journalName + "/0": "a new"})
		write(t, parent, map[string]string{"victim": "victim"})
		require.NoError(t, os.Symlink("..", filepath.Join(dir, "out")))
		_, _ = open(t, dir).Recover()
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Len(t, entries, 2)
		got, err := os.ReadFile(filepath.Join(parent, "victim"))
		require.NoError(t, err)
		require.Equal(t, "victim", string(got))
	})
}
