//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// writer runs convert with --output-dir as a process of its own.
type writer struct {
	t     *testing.T
	dir   string // its current directory
	umask string
	user  uint32 // 0: that of the test
}

// convert returns the exit code and stderr. The mesh gives the policy a.yaml.
func (w writer) convert(args ...string) (code int, stderr string) {
	w.t.Helper()
	self, err := os.Executable()
	require.NoError(w.t, err)
	if w.user != 0 {
		self = copyForOthers(w.t, self)
	}
	input := "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://z:9411/'}}\n---\n" +
		"type: TrafficTrace\nmesh: default\nname: a\nselectors:\n- match: {kuma.io/service: '*'}\n"
	umask := w.umask
	if umask == "" {
		umask = "022"
	}
	shell := append([]string{"-c", `umask ` + umask + `; exec "$0" convert -f - "$@"`, self}, args...)
	command := exec.CommandContext(w.t.Context(), "sh", shell...)
	command.Dir = w.dir
	command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_STATUS=/dev/null")
	command.Stdin = strings.NewReader(input)
	if w.user != 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: w.user, Gid: w.user}}
	}
	var stdout, all bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &all
	if err := command.Run(); command.ProcessState == nil {
		require.NoError(w.t, err)
	}
	return command.ProcessState.ExitCode(), all.String()
}

const nobody = 65534

// copyForOthers copies a file to where every user may read and run it.
func copyForOthers(t *testing.T, path string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	copied := filepath.Join(openDir(t), "tracemigrate")
	write(t, copied, string(text), 0o755)
	return copied
}

// openDir makes a directory that every user may enter, which that of t is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tracemigrate-test-*")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// namesIn lists a directory and those below it.
func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	return names
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chmod(path, mode))
}

// New files and directories get the mode that the umask leaves.
func TestOutputHonoursUmask(t *testing.T) {
	w := writer{t: t, dir: t.TempDir(), umask: "027"}
	code, stderr := w.convert("--output-dir", "new/out", "--notes-output", "notes.json")
	require.Equal(t, 0, code, stderr)
	for name, want := range map[string]os.FileMode{"new/out": os.ModeDir | 0o750, "new/out/default_a.yaml": 0o640, "notes.json": 0o640} {
		info, err := os.Stat(filepath.Join(w.dir, name))
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode(), name)
	}
}

// What is replaced keeps mode, owner, group and attributes, and so does the directory.
func TestOutputKeepsModesAndOwners(t *testing.T) {
	w := writer{t: t, dir: t.TempDir()}
	out := filepath.Join(w.dir, "out")
	policy, notes := filepath.Join(out, "default_a.yaml"), filepath.Join(w.dir, "notes.json")
	write(t, policy, "old", 0o604)
	write(t, notes, "old", 0o604)
	require.NoError(t, os.Chmod(out, 0o2711|os.ModeSetgid))
	owner := uint32(os.Getuid())
	if owner == 0 {
		owner = 4711
		for _, path := range []string{out, policy, notes} {
			require.NoError(t, os.Chown(path, int(owner), int(owner)))
		}
		require.NoError(t, os.Chmod(out, 0o711|os.ModeSetgid))
	}
	attributed := unix.Setxattr(out, "user.test", []byte("kept"), 0) == nil && unix.Setxattr(policy, "user.test", []byte("kept"), 0) == nil
	code, stderr := w.convert("--output-dir", "out", "--notes-output", "notes.json", "--force")
	require.Equal(t, 0, code, stderr)
	for path, want := range map[string]os.FileMode{out: os.ModeDir | os.ModeSetgid | 0o711, policy: 0o604, notes: 0o604} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode(), path)
		assert.Equal(t, owner, info.Sys().(*syscall.Stat_t).Uid, path)
		if value, err := attribute(path, "user.test"); attributed && path != notes {
			require.NoError(t, err, path)
			assert.Equal(t, "kept", value, path)
		}
	}
	text, err := os.ReadFile(policy)
	require.NoError(t, err)
	assert.Contains(t, string(text), "kind: Mesh")
}

// A new file gets the group, and what access control lists say, that its directory
// hands down, and what another user may have planted stays.
func TestOutputInheritsFromItsDirectory(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be in another group")
	}
	w := writer{t: t, dir: t.TempDir()}
	out := filepath.Join(w.dir, "out")
	require.NoError(t, os.Mkdir(out, 0o755))
	require.NoError(t, os.Chown(out, nobody, 4711))
	require.NoError(t, os.Chmod(out, 0o775|os.ModeSetgid))
	// Version 2 of POSIX lists: owner rwx, the user nobody r-x, group r-x, mask rwx, others none.
	list := []byte{2, 0, 0, 0}
	for _, entry := range [][3]uint32{{1, 7, 1<<32 - 1}, {2, 5, nobody}, {4, 5, 1<<32 - 1}, {16, 7, 1<<32 - 1}, {32, 0, 1<<32 - 1}} {
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[0]))
		list = binary.LittleEndian.AppendUint16(list, uint16(entry[1]))
		list = binary.LittleEndian.AppendUint32(list, entry[2])
	}
	lists := unix.Setxattr(out, "system.posix_acl_default", list, 0) == nil
	planted := filepath.Join(w.dir, ".tracemigrate-0123456789abcdef.new")
	require.NoError(t, os.Mkdir(planted, 0o755))
	require.NoError(t, os.Chown(planted, nobody, nobody))
	require.NoError(t, os.Chmod(w.dir, 0o777|os.ModeSticky))
	code, stderr := w.convert("--output-dir", "out")
	require.Equal(t, 0, code, stderr)
	assert.NotContains(t, stderr, "one by one")
	info, err := os.Stat(filepath.Join(out, "default_a.yaml"))
	require.NoError(t, err)
	assert.EqualValues(t, 4711, info.Sys().(*syscall.Stat_t).Gid)
	if lists {
		inherited, err := attribute(filepath.Join(out, "default_a.yaml"), "system.posix_acl_access")
		require.NoError(t, err)
		assert.NotEmpty(t, inherited)
	}
	info, err = os.Stat(out)
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|os.ModeSetgid|0o775, info.Mode())
	assert.EqualValues(t, nobody, info.Sys().(*syscall.Stat_t).Uid)
	assert.DirExists(t, planted)
}

// A directory that must keep its place has its files replaced one by one, and the
// words say so.
func TestOutputInPlace(t *testing.T) {
	withoutRace.Skip(t)
	for name, test := range map[string]struct {
		dir   string // of the run
		to    string
		user  uint32
		ready func(t *testing.T, dir string)
		says  string
	}{
		"the current directory": {dir: "out", to: ".", says: "it is the current directory"},
		"above it":              {dir: "out/sub", to: "..", says: "sub is the current directory"},
		"a parent that is not writable": {to: "out", user: nobody, says: "permission denied", ready: func(t *testing.T, dir string) {
			require.NoError(t, os.Chown(filepath.Join(dir, "out"), nobody, nobody))
			require.NoError(t, os.Chown(filepath.Join(dir, "out", "default_a.yaml"), nobody, nobody))
		}},
		"another's directory": {to: "out", user: nobody, says: "operation not permitted", ready: func(t *testing.T, dir string) {
			require.NoError(t, os.Chmod(dir, 0o777))
			require.NoError(t, os.Chmod(filepath.Join(dir, "out"), 0o777))
			require.NoError(t, os.Chown(filepath.Join(dir, "out", "default_a.yaml"), nobody, nobody))
		}},
		"the root of a file system": {to: "out", says: "it is the root of a file system", ready: func(t *testing.T, dir string) {
			out := filepath.Join(dir, "out")
			if err := syscall.Mount("none", out, "tmpfs", 0, ""); err != nil {
				t.Skipf("mounting: %v", err)
			}
			t.Cleanup(func() { assert.NoError(t, syscall.Unmount(out, 0)) })
			write(t, filepath.Join(out, "default_a.yaml"), "old", 0o644)
			write(t, filepath.Join(out, "sub", "one"), "one", 0o644)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := openDir(t)
			out := filepath.Join(dir, "out")
			write(t, filepath.Join(out, "default_a.yaml"), "old", 0o644)
			write(t, filepath.Join(out, "sub", "one"), "one", 0o644)
			if test.user == 0 {
				write(t, filepath.Join(out, ".tracemigrate-0123456789abcdef.new", "x"), "of a killed run", 0o644)
			}
			if test.ready != nil {
				test.ready(t, dir)
			}
			before := inode(t, out)
			code, stderr := writer{t: t, dir: filepath.Join(dir, test.dir), user: test.user}.convert("--output-dir", test.to, "--force")
			require.Equal(t, 0, code, stderr)
			assert.Contains(t, stderr, test.says)
			assert.Contains(t, stderr, "its files are replaced one by one")
			assert.Equal(t, before, inode(t, out))
			assert.Equal(t, []string{"default_a.yaml", "sub", "sub/one"}, namesIn(t, out))
			text, err := os.ReadFile(filepath.Join(out, "default_a.yaml"))
			require.NoError(t, err)
			assert.Contains(t, string(text), "kind: Mesh")
		})
	}
}

// A directory that the user may not write to is not exchanged for another.
func TestOutputDirectoryNotWritable(t *testing.T) {
	withoutRace.Skip(t)
	w := writer{t: t, dir: openDir(t), user: nobody}
	require.NoError(t, os.Chmod(w.dir, 0o777))
	require.NoError(t, os.Mkdir(filepath.Join(w.dir, "out"), 0o555))
	code, stderr := w.convert("--output-dir", "out")
	assert.Equal(t, exitError, code)
	assert.Contains(t, stderr, "writing to out: permission denied; no policy was written")
	assert.Equal(t, []string{"out"}, namesIn(t, w.dir))
}

// A symbolic link to the directory stays one.
func TestOutputThroughSymlink(t *testing.T) {
	withoutRace.Skip(t)
	w := writer{t: t, dir: t.TempDir()}
	write(t, filepath.Join(w.dir, "real", "other.txt"), "other", 0o644)
	require.NoError(t, os.Symlink("real", filepath.Join(w.dir, "out")))
	code, stderr := w.convert("--output-dir", "out")
	require.Equal(t, 0, code, stderr)
	assert.Equal(t, []string{"out", "real", "real/default_a.yaml", "real/other.txt"}, namesIn(t, w.dir))
	info, err := os.Lstat(filepath.Join(w.dir, "out"))
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, info.Mode().Type())

	require.NoError(t, os.Symlink("nowhere", filepath.Join(w.dir, "dangling")))
	code, stderr = w.convert("--output-dir", "dangling")
	assert.Equal(t, exitError, code)
	assert.Contains(t, stderr, "is a symbolic link to a path that does not exist")
}

// Of runs that write to one directory at the same time, one writes and the others
// say that its files exist; with --force all write, one after the other.
func TestOutputOfConcurrentRuns(t *testing.T) {
	withoutRace.Skip(t)
	dir := t.TempDir()
	for _, force := range [][]string{nil, {"--force"}} {
		var wait sync.WaitGroup
		codes := make([]int, 8)
		for i := range codes {
			wait.Go(func() {
				codes[i], _ = writer{t: t, dir: dir}.convert(append([]string{"--output-dir", "deep/out"}, force...)...)
			})
		}
		wait.Wait()
		failed := 0
		for _, code := range codes {
			failed += code / exitError
		}
		assert.Equal(t, map[bool]int{true: len(codes) - 1, false: 0}[force == nil], failed, "%v: %v", force, codes)
		assert.Equal(t, []string{"deep", "deep/out", "deep/out/default_a.yaml"}, namesIn(t, dir))
	}
}

// What a killed run left beside the directory is removed.
func TestOutputRemovesWhatAKilledRunLeft(t *testing.T) {
	w := writer{t: t, dir: t.TempDir()}
	left := filepath.Join(w.dir, ".tracemigrate-0123456789abcdef.new", "sub")
	write(t, filepath.Join(left, "x"), "x", 0o644)
	require.NoError(t, os.Chmod(left, 0o555))
	code, stderr := w.convert("--output-dir", "out", "--notes-output", "notes.json")
	require.Equal(t, 0, code, stderr)
	assert.Equal(t, []string{"notes.json", "out", "out/default_a.yaml"}, namesIn(t, w.dir))
}
