package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tracemigrate/cmd/tracemigrate/output"

	"golang.org/x/sync/errgroup"
)

// directory is a directory to write files to, all or none.
type directory struct {
	path  string // without symbolic links
	given string // as the user wrote it
	info  os.FileInfo
	files []file
	names map[string]bool // of files
}

// errChanged says that another program changed a directory while it was copied.
var errChanged = errors.New("another program keeps changing the directory")

// inPlaceError says why a directory cannot be exchanged for a new one, so that
// its files must be replaced one by one.
type inPlaceError struct{ reason error }

func (e *inPlaceError) Error() string { return e.reason.Error() }
func (e *inPlaceError) Unwrap() error { return e.reason }

// writeFiles writes files to dir, which it makes if need be: all of them, or on
// an error none, leaving what was there. Without force it overwrites nothing.
// Where the system can exchange two directories, that holds for a run that is
// killed as well; words says where it cannot.
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

// check looks at the directory anew. It returns an error when a file cannot be
// written without losing something.
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

// The names of directories in which files wait for their place. What a killed
// run left is known by them.
const (
	stagePrefix = ".tracemigrate-"
	stageSuffix = ".new"
)

// makeStage makes such a directory.
func makeStage(in string, mode fs.FileMode) (string, error) {
	for {
		path := filepath.Join(in, fmt.Sprintf("%s%016x%s", stagePrefix, rand.Uint64(), stageSuffix))
		if err := os.Mkdir(path, mode); !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
}

func isStage(entry fs.DirEntry) bool {
	return entry.IsDir() && strings.HasPrefix(entry.Name(), stagePrefix) && strings.HasSuffix(entry.Name(), stageSuffix)
}

// removeStages removes what killed runs left in a directory that is locked. Where
// everybody may write, that is only what is this user's.
func removeStages(words *output.Printer, in string) {
	info, err := os.Stat(in)
	if err != nil {
		return // what cannot be read, this run has not to read
	}
	shared := info.Mode()&0o002 != 0
	entries, _ := os.ReadDir(in)
	for _, entry := range entries {
		info, err := entry.Info()
		if isStage(entry) && err == nil && (!shared || isOwn(info)) {
			removeTree(words, filepath.Join(in, entry.Name()))
		}
	}
}

// removeTree removes a directory with all below it, of whatever mode.
func removeTree(words *output.Printer, path string) {
	err := os.RemoveAll(path)
	if err != nil && os.Geteuid() != 0 { // root needs no permission
		_ = filepath.WalkDir(path, func(below string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(below, 0o700) // or removing says why not
			}
			return nil
		})
		err = os.RemoveAll(path)
	}
	if err != nil {
		words.Line("tracemigrate: %s is of no use any more and could not be removed: %v", path, err)
	}
}

// exchange builds the whole new directory beside the old one and exchanges the
// two in one step. What others have in the old one is in the new one, too: files
// of any type by hard link, directories with their mode, owner and times.
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
	// The directory is nobody else's until it is whole, but for its group and what
	// new files inherit.
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

// exchangeable returns why the directory must keep its place: somebody works in
// it, or it belongs to another file system than its parent.
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

// mirror makes copies of a directory and those below it, whose files are hard links.
type mirror struct {
	of   string
	seen map[string]os.FileInfo // by path below of
}

// directory puts all of a directory but what is left out into another.
func (m *mirror) directory(path, to string, leaveOut func(fs.DirEntry) bool) error {
	info, err := os.Lstat(filepath.Join(m.of, path))
	if err != nil {
		return err
	}
	if m.seen == nil {
		m.seen = make(map[string]os.FileInfo)
	}
	m.seen[path] = info
	entries, err := os.ReadDir(filepath.Join(m.of, path))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		below, now := filepath.Join(path, entry.Name()), filepath.Join(to, entry.Name())
		switch {
		case leaveOut(entry):
			continue
		case entry.IsDir():
			err = m.below(info, below, now)
		default:
			err = os.Link(filepath.Join(m.of, below), now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below copies a directory that is in another, with its mode, owner and times.
func (m *mirror) below(above os.FileInfo, path, to string) error {
	from := filepath.Join(m.of, path)
	info, err := os.Lstat(from)
	switch {
	case err != nil:
		return err
	case isWorkingDirectory(info):
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
	if err := syncDirectory(to); err != nil {
		return err
	}
	return errors.Join(os.Chmod(to, info.Mode()), os.Chtimes(to, time.Time{}, info.ModTime()))
}

// current reports whether nothing was added to, removed from or renamed in the
// directories since they were copied; they are below root now.
func (m *mirror) current(root string) bool {
	for path, seen := range m.seen {
		info, err := os.Lstat(filepath.Join(root, path))
		if err != nil || !os.SameFile(info, seen) || !info.ModTime().Equal(seen.ModTime()) {
			return false
		}
	}
	return true
}

// writeTo writes the files to a directory, each safe from a power failure and
// like the one that it replaces in mode and owner.
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

// writeLike writes a new file that is to replace old, by the name it has in messages.
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

// replaceEach writes everything beside its place first, and keeps what was there
// until all is in place.
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

// keepOld gives a file a second name or, where a file system has no hard links,
// another.
func keepOld(path, old string) error {
	if err := os.Link(path, old); err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(path, old)
}
