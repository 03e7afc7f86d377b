package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tracemigrate/cmd/tracemigrate/worktree"
)

// mirror copies a directory tree. The files of the copy are hard links.
type mirror struct {
	of   string
	seen map[string]os.FileInfo // by path below of
}

// directory copies the entries of a directory to another, except those that skip matches.
func (m *mirror) directory(path, to string, skip func(fs.DirEntry) bool) error {
	info, err := os.Lstat(filepath.Join(m.of, path))
	if err != nil {
		return err
	}
	m.seen[path] = info
	entries, err := os.ReadDir(filepath.Join(m.of, path))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		below, copied := filepath.Join(path, entry.Name()), filepath.Join(to, entry.Name())
		switch {
		case skip(entry):
			continue
		case entry.IsDir():
			err = m.below(info, below, copied)
		default:
			err = os.Link(filepath.Join(m.of, below), copied)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below copies a subdirectory with its mode, owner and times.
func (m *mirror) below(above os.FileInfo, path, to string) error {
	from := filepath.Join(m.of, path)
	info, err := os.Lstat(from)
	switch {
	case err != nil:
		return err
	case isFile(".", info):
		return fmt.Errorf("%s is the current directory", from)
	case !sameDevice(above, info):
		return fmt.Errorf("%s is the root of a file system", from)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	if err := keepOwner(to, from, info); err != nil {
		return err
	}
	if err := m.directory(path, to, func(fs.DirEntry) bool { return false }); err != nil {
		return err
	}
	if err := worktree.SyncDir(to); err != nil {
		return err
	}
	return errors.Join(os.Chmod(to, info.Mode()), os.Chtimes(to, time.Time{}, info.ModTime()))
}

// current reports whether the directories, now below root, are unchanged since they were
// copied.
func (m *mirror) current(root string) bool {
	for path, seen := range m.seen {
		info, err := os.Lstat(filepath.Join(root, path))
		if err != nil || !os.SameFile(info, seen) || !info.ModTime().Equal(seen.ModTime()) {
			return false
		}
	}
	return true
}
