package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"tracemigrate/cmd/tracemigrate/output"
)

// directory is a directory to write files to, all or none.
type directory struct {
	path  string // without symbolic links
	given string // as the user wrote it
	info  os.FileInfo
	files []file
	names map[string]bool // of files
}

// errChanged reports that another program changed a directory while it was copied.
var errChanged = errors.New("another program keeps changing the directory")

// inPlaceError is the reason that a directory cannot be exchanged for a new one, so
// its files are replaced one by one.
type inPlaceError struct{ reason error }

func (e *inPlaceError) Error() string { return e.reason.Error() }
func (e *inPlaceError) Unwrap() error { return e.reason }

// writeFiles writes files to dir, which it makes if it does not exist: all of them or,
// on an error, none. Without force it overwrites nothing. The same applies to a killed
// run where the system can exchange two directories; it prints a line where not.
func writeFiles(words *output.Printer, dir string, files []file, force bool) error {
	writing.Lock()
	defer writing.Unlock()
	d := &directory{given: dir, files: files, names: make(map[string]bool, len(files))}
	for _, f := range files {
		d.names[f.name] = true
	}
	var err error
	if d.path, err = resolve(dir); err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	parent := filepath.Dir(d.path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	if parent != d.path {
		unlock, locked, err := lock(parent)
		if err != nil {
			return fmt.Errorf("writing to %s: %w", dir, err)
		}
		defer unlock()
		if locked {
			removeStages(words, parent)
		}
	}
	for range 3 {
		if err = d.check(force); err != nil {
			return err
		}
		if err = d.exchange(words); !errors.Is(err, errChanged) {
			break
		}
	}
	var inPlace *inPlaceError
	if !errors.As(err, &inPlace) {
		return err
	}
	words.Line("tracemigrate: %s cannot be exchanged as a whole (%v), so its files are replaced one by one; a run that is killed meanwhile leaves some old and some new ones: run it again then", dir, inPlace)
	return d.replaceEach(words)
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
		return "", fmt.Errorf("%s is a symbolic link to nothing", path)
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// check reads the state of the directory. It returns an error when writing a file would
// overwrite what it must not.
func (d *directory) check(force bool) error {
	info, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.info = nil
		return nil
	case err != nil:
		return fmt.Errorf("making the output directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("making the output directory: %s is not a directory", d.given)
	}
	d.info = info
	if err := writable(d.path); err != nil {
		return fmt.Errorf("writing to %s: %w; nothing was written", d.given, err)
	}
	return checkFree(d.given, d.files, force)
}

// exchange builds the whole new directory beside the old one and exchanges the two in
// one step. The new one also contains the other entries of the old one: files of any
// type as hard links, directories with their mode, owner and times.
func (d *directory) exchange(words *output.Printer) (err error) {
	parent := filepath.Dir(d.path)
	mode := fs.FileMode(0o777) // less what the umask takes
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
	defer func() {
		if _, err := os.Lstat(stage); err == nil {
			removeTree(words, stage)
		}
	}()
	copied := mirror{of: d.path}
	// Until the directory is complete nobody else has access; its group is that of the
	// old one, which new files inherit.
	opened, err := os.Open(stage)
	if err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	defer func() { _ = opened.Close() }() // of which nothing was written
	if d.info != nil {
		err := keepGroup(stage, d.path, d.info)
		if err = errors.Join(err, opened.Chmod(0o700|d.info.Mode()&fs.ModeSetgid)); err != nil {
			return &inPlaceError{err}
		}
		if err := copied.directory("", stage, func(entry fs.DirEntry) bool { return d.names[entry.Name()] || isStage(entry) }); err != nil {
			return &inPlaceError{err}
		}
	}
	if err := d.writeTo(stage); err != nil {
		return err
	}
	if err := syncDirectory(stage); err != nil {
		return fmt.Errorf("writing to %s: %w", d.given, err)
	}
	if d.info != nil {
		if err := errors.Join(keepUser(opened, d.info), opened.Chmod(d.info.Mode())); err != nil {
			return &inPlaceError{err}
		}
	}
	if !copied.current(d.path) {
		return errChanged
	}
	if d.info == nil {
		switch err := renameNew(stage, d.path); {
		case errors.Is(err, fs.ErrExist):
			return errChanged
		case err != nil:
			return fmt.Errorf("making the output directory: %w", err)
		}
		return d.synced(parent)
	}
	if err := exchangePaths(stage, d.path); err != nil {
		return &inPlaceError{err}
	}
	if !copied.current(stage) {
		if err := exchangePaths(stage, d.path); err != nil { // back
			stage = "" // which may hold what is nowhere else
			return fmt.Errorf("writing to %s: %w", d.given, err)
		}
		return errChanged
	}
	return d.synced(parent)
}

func (d *directory) synced(parent string) error {
	if err := syncDirectory(parent); err != nil {
		return fmt.Errorf("the files are in %s, and may not outlast a power failure: %w", d.given, err)
	}
	return nil
}

// exchangeable returns why the directory must not move: it is the current directory, or
// it is on another file system than its parent.
func (d *directory) exchangeable(parent string) error {
	above, err := os.Stat(parent)
	switch {
	case err != nil:
		return err
	case !canExchange:
		return errors.New("this system exchanges no directories")
	case isWorkingDirectory(d.info):
		return errors.New("it is the current directory")
	case os.SameFile(above, d.info) || !sameDevice(above, d.info):
		return errors.New("it is the root of a file system")
	}
	return nil
}

func isWorkingDirectory(info os.FileInfo) bool {
	here, err := os.Stat(".")
	return err == nil && os.SameFile(here, info)
}

// writeTo writes the files to a directory and syncs them, each with the mode and owner
// of the file that it replaces.
func (d *directory) writeTo(stage string) error {
	var group errgroup.Group
	group.SetLimit(16) // a disk takes several at a time for the price of one
	for _, f := range d.files {
		group.Go(func() error {
			return writeLike(filepath.Join(stage, f.name), filepath.Join(d.path, f.name), filepath.Join(d.given, f.name), f.text)
		})
	}
	return group.Wait()
}

// writeLike writes a new file with the mode and owner of old, which it is to replace.
// Errors call it name.
func writeLike(path, old, name string, text []byte) error {
	mode := fs.FileMode(0o666) // less what the umask takes
	replaced, err := os.Stat(old)
	switch {
	case err == nil:
		mode = 0o600
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing %s: %w", name, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = f.Write(text)
	if err == nil && replaced != nil {
		if err = keepOwner(path, old, replaced); err != nil {
			err = fmt.Errorf("the owner, group and attributes of what is there cannot be kept: %w; nothing was written", err)
		}
		err = errors.Join(err, f.Chmod(replaced.Mode()))
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// replaceEach stages every file first, and keeps the old files until the new ones have
// replaced all.
func (d *directory) replaceEach(words *output.Printer) (err error) {
	unlock, locked, err := lock(d.path)
	if err != nil {
		return fmt.Errorf("writing to %s: %w", d.given, err)
	}
	defer unlock()
	if locked {
		removeStages(words, d.path)
	}
	stage, err := makeStage(d.path, 0o700)
	if err != nil {
		return fmt.Errorf("writing to %s: %w", d.given, err)
	}
	var undo []func() error
	defer func() {
		if err != nil {
			for _, step := range slices.Backward(undo) {
				err = errors.Join(err, step())
			}
		}
		removeTree(words, stage)
	}()
	if err := d.writeTo(stage); err != nil {
		return err
	}
	for i, f := range d.files {
		path, now, old := filepath.Join(d.path, f.name), filepath.Join(stage, f.name), filepath.Join(stage, fmt.Sprintf("%d.old", i))
		switch err := keepOld(path, old); {
		case errors.Is(err, fs.ErrNotExist):
			undo = append(undo, func() error {
				if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return nil
			})
		case err != nil:
			return fmt.Errorf("replacing %s: %w", filepath.Join(d.given, f.name), err)
		default:
			undo = append(undo, func() error { return os.Rename(old, path) })
		}
		if err := os.Rename(now, path); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(d.given, f.name), err)
		}
	}
	return d.synced(d.path)
}

// keepOld links a file to a second name or, where a file system has no hard links,
// renames it.
func keepOld(path, old string) error {
	if err := os.Link(path, old); err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(path, old)
}
