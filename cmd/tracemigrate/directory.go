package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/worktree"
)

// directory is a directory and the files to write to it, all or none.
type directory struct {
	path  string // without symbolic links
	name  string // as the user wrote it
	info  os.FileInfo
	files []file
	names map[string]bool // of entries that files replace

	replaced int // entries of names that existed
}

// errChanged reports that another program changed a directory while it was copied.
var errChanged = errors.New("another program keeps changing the directory")

// inPlaceError is the reason that a directory cannot be exchanged with a new one, so its
// files are replaced one by one.
type inPlaceError struct{ reason error }

func (e *inPlaceError) Error() string { return e.reason.Error() }
func (e *inPlaceError) Unwrap() error { return e.reason }

// writeFiles writes files to dir, which it makes if necessary: all of them or, on an error,
// none. Without force it overwrites nothing. If the system cannot exchange two directories,
// a killed run may leave some of the files, and writeFiles prints that. Files in
// subdirectories are only written with an exchange, and replace those of owned, which are
// other entries of dir that belong to them. It returns the number of replaced entries.
func writeFiles(stderr *output.Printer, dir string, files []file, force bool, owned ...string) (replaced int, err error) {
	writing.Lock()
	defer writing.Unlock()
	d := &directory{name: dir, files: files, names: make(map[string]bool, len(files))}
	for _, f := range files {
		d.names[f.entry()] = true
	}
	for _, name := range owned {
		d.names[name] = true
	}
	if d.path, err = resolve(dir); err != nil {
		return 0, fmt.Errorf("making the output directory: %w", err)
	}
	parent := filepath.Dir(d.path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return 0, fmt.Errorf("making the output directory: %w", err)
	}
	if parent != d.path {
		unlock, err := lock(stderr, parent)
		if err != nil {
			return 0, fmt.Errorf("writing to %s: %w", dir, err)
		}
		defer unlock()
	}
	for range 3 {
		if err = d.check(force); err != nil {
			return 0, err
		}
		if err = d.exchange(stderr); !errors.Is(err, errChanged) {
			break
		}
	}
	var inPlace *inPlaceError
	if !errors.As(err, &inPlace) {
		return d.replaced, err
	}
	if slices.ContainsFunc(files, func(f file) bool { return f.entry() != f.name }) {
		return 0, fmt.Errorf("writing to %s: %w, so it cannot be replaced as a whole; nothing was written; pass another directory", dir, inPlace)
	}
	stderr.Line("tracemigrate: %s cannot be replaced as a whole (%v), so its files are replaced one by one; "+
		"if this run is killed, some files are old and some new: then run it again", dir, inPlace)
	return d.replaced, d.replaceEach(stderr)
}

// resolve follows the symbolic links of a path that may not exist.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	followed, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return followed, err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is a symbolic link to a path that does not exist", path)
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// check reads the state of the directory. It returns an error if a file would overwrite
// what it must not.
func (d *directory) check(force bool) error {
	info, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.info, d.replaced = nil, 0
		return nil
	case err != nil:
		return fmt.Errorf("making the output directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("making the output directory: %s is not a directory", d.name)
	}
	d.info = info
	if err := worktree.Writable(d.path); err != nil {
		return fmt.Errorf("writing to %s: %w; no policy was written", d.name, err)
	}
	d.replaced = 0
	for name := range d.names {
		if _, err := os.Lstat(filepath.Join(d.path, name)); err == nil {
			d.replaced++
		}
	}
	return checkFree(d.name, d.files, d.names, force)
}

// exchange builds the new directory beside the old one and exchanges the two in one step.
// The new one also contains the other entries of the old one: files of any type as hard
// links, directories with their mode, owner and times.
func (d *directory) exchange(stderr *output.Printer) error {
	parent := filepath.Dir(d.path)
	mode := directoryMode(d.files)
	if d.info != nil {
		mode = 0o700
		if err := d.exchangeable(parent); err != nil {
			return &inPlaceError{err}
		}
	}
	stage, err := makeStage(parent, mode)
	if err != nil {
		if d.info != nil {
			return &inPlaceError{err}
		}
		return fmt.Errorf("making the output directory: %w", err)
	}
	keep := false
	defer func() {
		if _, err := os.Lstat(stage); err == nil && !keep {
			removeTree(stderr, stage)
		}
	}()
	copied, err := d.fill(stage)
	switch {
	case err != nil:
		return err
	case !copied.current(d.path):
		return errChanged
	case d.info == nil:
		err = d.putNew(stage)
	default:
		keep, err = d.swap(stage, copied)
	}
	if err != nil {
		return err
	}
	return d.synced(parent)
}

// fill writes the files and copies of the old directory's entries to a staging directory,
// which gets the mode and owner of the old one. It returns what it copied.
func (d *directory) fill(stage string) (*mirror, error) {
	copied := &mirror{of: d.path, seen: make(map[string]os.FileInfo)}
	opened, err := os.Open(stage)
	if err != nil {
		return nil, fmt.Errorf("making the output directory: %w", err)
	}
	defer func() { _ = opened.Close() }() // nothing was written to it
	if d.info != nil {
		// Until the directory is complete nobody else has access. New files inherit its
		// group, which is that of the old one.
		err := keepGroup(stage, d.path, d.info)
		if err = errors.Join(err, opened.Chmod(0o700|d.info.Mode()&fs.ModeSetgid)); err != nil {
			return nil, &inPlaceError{err}
		}
		skip := func(entry fs.DirEntry) bool { return d.names[entry.Name()] || isStage(entry) }
		if err := copied.directory("", stage, skip); err != nil {
			return nil, &inPlaceError{err}
		}
	}
	if err := d.writeTo(stage); err != nil {
		return nil, err
	}
	if err := worktree.SyncDir(stage); err != nil {
		return nil, fmt.Errorf("writing to %s: %w", d.name, err)
	}
	if d.info != nil {
		if err := errors.Join(keepUser(opened, d.info), opened.Chmod(d.info.Mode())); err != nil {
			return nil, &inPlaceError{err}
		}
	}
	return copied, nil
}

// putNew renames a staging directory to the path of the directory, which must not exist.
func (d *directory) putNew(stage string) error {
	err := renameNew(stage, d.path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return errChanged
	case err != nil:
		return fmt.Errorf("making the output directory: %w", manifest.WithoutPath(err))
	}
	return nil
}

// swap exchanges the directory with a staging directory, and exchanges them back if the old
// one is no longer what was copied. If that fails, keep reports that the staging directory
// may contain the only copy of a file.
func (d *directory) swap(stage string, copied *mirror) (keep bool, err error) {
	if err := exchangePaths(stage, d.path); err != nil {
		return false, &inPlaceError{fmt.Errorf("exchanging two directories: %w", manifest.WithoutPath(err))}
	}
	if copied.current(stage) {
		return false, nil
	}
	if err := exchangePaths(stage, d.path); err != nil {
		return true, fmt.Errorf("writing to %s: %w", d.name, err)
	}
	return false, errChanged
}

// synced waits until the entry of the directory is on the disk.
func (d *directory) synced(parent string) error {
	if err := worktree.SyncDir(parent); err != nil {
		return fmt.Errorf("the files are in %s, but a power failure may lose them: %w", d.name, err)
	}
	return nil
}

// exchangeable returns the reason that the directory must not move: it is the current
// directory, or its parent is on another file system.
func (d *directory) exchangeable(parent string) error {
	above, err := os.Stat(parent)
	switch {
	case err != nil:
		return err
	case !canExchange:
		return errors.New("this system cannot exchange directories")
	case isFile(".", d.info):
		return errors.New("it is the current directory")
	case os.SameFile(above, d.info) || !sameDevice(above, d.info):
		return errors.New("it is the root of a file system")
	}
	return nil
}

// writeTo writes the files to a directory and syncs them, each with the mode and owner
// of the file that it replaces.
func (d *directory) writeTo(stage string) error {
	if err := d.makeSubdirectories(stage); err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(16) // a disk syncs several files in the time of one
	for _, f := range d.files {
		group.Go(func() error {
			err := writeLike(filepath.Join(stage, f.name), filepath.Join(d.path, f.name), &f)
			if err != nil {
				return fmt.Errorf("writing %s: %w", filepath.Join(d.name, f.name), err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, f := range d.files {
		if f.entry() == f.name {
			continue
		}
		if err := worktree.SyncDir(filepath.Join(stage, filepath.Dir(f.name))); err != nil {
			return fmt.Errorf("writing to %s: %w", d.name, err)
		}
	}
	return nil
}

// makeSubdirectories makes the directories of files below a staging directory.
func (d *directory) makeSubdirectories(stage string) error {
	for _, f := range d.files {
		if err := os.MkdirAll(filepath.Join(stage, filepath.Dir(f.name)), directoryMode(d.files)); err != nil {
			return fmt.Errorf("making a directory in %s: %w", d.name, manifest.WithoutPath(err))
		}
	}
	return nil
}

// writeLike writes a new file with the mode and owner of old, which it will replace, or
// else with its own mode, to which the umask applies. A private file is private in any case.
// Errors do not contain its path, which is in a staging directory.
func writeLike(path, old string, from *file) error {
	mode := cmp.Or(from.mode, 0o666)
	replaced, err := os.Stat(old)
	switch {
	case err == nil:
		mode = 0o600
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return manifest.WithoutPath(err)
	}
	_, err = f.Write(from.text)
	if err == nil && replaced != nil {
		if err = keepOwner(path, old, replaced); err != nil {
			err = fmt.Errorf("the owner, group and attributes of the existing file cannot be kept: %w; it was not replaced",
				manifest.WithoutPath(err))
		}
		kept := replaced.Mode()
		if from.isPrivate() {
			kept &^= 0o077
		}
		err = errors.Join(err, f.Chmod(kept))
	}
	return manifest.WithoutPath(errors.Join(err, f.Sync(), f.Close()))
}

// replaceEach first writes every file to a staging directory. It keeps the old files until
// all are replaced.
func (d *directory) replaceEach(stderr *output.Printer) (err error) {
	unlock, err := lock(stderr, d.path)
	if err != nil {
		return fmt.Errorf("writing to %s: %w", d.name, err)
	}
	defer unlock()
	stage, err := makeStage(d.path, 0o700)
	if err != nil {
		return fmt.Errorf("writing to %s: %w", d.name, err)
	}
	var undo []func() error
	defer func() {
		if err != nil {
			for _, step := range slices.Backward(undo) {
				err = errors.Join(err, step())
			}
		}
		removeTree(stderr, stage)
	}()
	if err := d.writeTo(stage); err != nil {
		return err
	}
	for i, f := range d.files {
		path, written, old := filepath.Join(d.path, f.name), filepath.Join(stage, f.name), filepath.Join(stage, fmt.Sprintf("%d.old", i))
		switch err := keepOld(path, old); {
		case errors.Is(err, fs.ErrNotExist):
			undo = append(undo, func() error {
				if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return nil
			})
		case err != nil:
			return fmt.Errorf("replacing %s: %w", filepath.Join(d.name, f.name), manifest.WithoutPath(err))
		default:
			undo = append(undo, func() error { return os.Rename(old, path) })
		}
		if err := os.Rename(written, path); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(d.name, f.name), manifest.WithoutPath(err))
		}
	}
	return d.synced(d.path)
}

// keepOld links a file to a second name or, if the file system has no hard links, renames
// it.
func keepOld(path, old string) error {
	if err := os.Link(path, old); err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(path, old)
}
