package worktree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"tracemigrate/cluster/manifest"
)

// rename renames a file. Tests replace it to see what a full disk or another file system
// does.
var rename = os.Rename

// move replaces a file with another, also on another file system. from may remain.
func move(from, to string, mode fs.FileMode) error {
	err := rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	beside := filepath.Join(filepath.Dir(to), ".tracemigrate-"+filepath.Base(to))
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeSynced(beside, text, mode); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	if err := rename(beside, to); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return nil
}

// keep gives a file a second name, as a copy on another file system. If the second name
// exists, keep does nothing.
func keep(path, second string) error {
	if _, err := os.Lstat(second); err == nil {
		return nil
	}
	if os.Link(path, second) == nil {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return writeSynced(second, text, info.Mode().Perm())
}

// writeSynced writes a new file to the disk.
func writeSynced(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return manifest.WithoutPath(err)
	}
	_, err = f.Write(text)
	return manifest.WithoutPath(errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()))
}

// SyncDir writes the entries of a directory to the disk, if its file system supports that.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which has no such call
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
