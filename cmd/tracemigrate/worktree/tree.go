package worktree

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Tree is the directory that the paths of a run are in.
type Tree struct {
	paths []string // absolute, without symbolic links
	here  string   // the current directory
	root  string   // of the Git work tree, or the common directory of the paths
	git   string   // the Git directory; empty without one
	lock  *os.File
}

// Open finds the tree of paths. It returns an error for a path that does not exist, and for
// paths of several Git work trees.
func Open(paths []string) (*Tree, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the current directory: %w", err)
	}
	t := &Tree{}
	if t.here, err = filepath.EvalSymlinks(here); err != nil {
		return nil, fmt.Errorf("finding the current directory: %w", err)
	}
	var failed []error
	for _, path := range paths {
		resolved, err := filepath.EvalSymlinks(t.absolute(path))
		if err != nil {
			failed = append(failed, fmt.Errorf("reading %q: %w", path, manifest.WithoutPath(err)))
			continue
		}
		t.paths = append(t.paths, resolved)
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	t.root = shared(t.paths)
	// An interrupted run may have had other paths.
	if dir := above(t.root, func(dir string) bool {
		info, err := os.Lstat(filepath.Join(dir, journalName))
		return err == nil && info.IsDir() && IsOwn(info)
	}); dir != "" {
		t.root = dir
	}
	return t, t.findGit()
}

// Lock prevents other runs from writing to the tree, until Unlock or the end of the process.
func (t *Tree) Lock() error {
	f, err := os.Open(cmp.Or(t.git, t.root))
	if err != nil {
		return fmt.Errorf("locking the work tree: %w", err)
	}
	if !lockFile(f) {
		return errors.Join(errors.New("another run of this command writes to the work tree; run it again when that one has ended"), f.Close())
	}
	t.lock = f
	return nil
}

// Unlock ends what Lock began.
func (t *Tree) Unlock() {
	_ = t.lock.Close() // only its lock was used
	t.lock = nil
}

// shared returns the directory that contains all paths.
func shared(paths []string) string {
	dir := directoryOf(paths[0])
	for _, path := range paths[1:] {
		dir = above(dir, func(dir string) bool {
			relative, err := filepath.Rel(dir, directoryOf(path))
			return err != nil || filepath.IsLocal(relative)
		})
	}
	return dir
}

// directoryOf returns a path that is a directory, or else the directory that contains it.
func directoryOf(path string) string {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return filepath.Dir(path)
	}
	return path
}

// CheckNew returns an error for a name that is not one of texts, which were read, and that
// exists: it would be overwritten.
func (t *Tree) CheckNew(names []string, texts map[string][]byte) error {
	var failed []error
	for _, name := range names {
		if _, known := texts[name]; known {
			continue
		}
		path := t.absolute(filepath.FromSlash(name))
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			failed = append(failed, fmt.Errorf("%s: the file exists, and is not among the files to edit; add it to the arguments", name))
		} else if err == nil {
			failed = append(failed, fmt.Errorf("%s: the file is to be written, and a symbolic link or directory has its name; rename that", name))
		}
	}
	return errors.Join(failed...)
}

// absolute returns a path of a run as an absolute one.
func (t *Tree) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(t.here, path)
}

// Resolved returns the absolute path without symbolic links of a file that may not exist.
func (t *Tree) Resolved(path string) string {
	return manifest.Resolved(t.absolute(path))
}

// RepositoryName returns the name of a file in a diff: as Git does, relative to the root of
// the Git work tree, and without Git to the current directory.
func (t *Tree) RepositoryName(name string) string {
	if t.git == "" {
		return name
	}
	relative, err := filepath.Rel(t.root, t.Resolved(filepath.FromSlash(name)))
	if err != nil {
		return name
	}
	return filepath.ToSlash(relative)
}

// Name returns the path of a file as messages and changes name it: relative to the current
// directory, with slashes.
func (t *Tree) Name(path string) string { return t.relative(t.Resolved(path)) }

// relative returns an absolute path as Name does, and does not follow symbolic links.
func (t *Tree) relative(path string) string {
	if relative, err := filepath.Rel(t.here, path); err == nil {
		path = relative
	}
	return filepath.ToSlash(path)
}

// skipped are directories without manifests to edit.
var skipped = []string{"node_modules", "vendor"}

// Read returns the .yaml, .yml and .json files of the paths and below, and kustomizations, by
// name. It skips names that begin with a dot, and does not follow symbolic links. It returns
// an error for a file of more than limit bytes.
func (t *Tree) Read(limit int64) (map[string][]byte, error) {
	texts := make(map[string][]byte)
	for _, root := range t.paths {
		if err := t.walk(root, limit, isManifest, func(err error) error { return err }, texts); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// Kustomizations returns the kustomizations of the whole tree, by name, as Read does. It
// skips what cannot be read, which need not concern the paths.
func (t *Tree) Kustomizations(limit int64) (map[string][]byte, error) {
	texts := make(map[string][]byte)
	return texts, t.walk(t.root, limit, manifest.IsKustomization, func(error) error { return nil }, texts)
}

// walk adds the files of root and below that is accepts, and root itself, to texts. failed
// gets an error about a file, and returns it or nil.
func (t *Tree) walk(root string, limit int64, is func(name string) bool, failed func(error) error, texts map[string][]byte) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return failed(fmt.Errorf("reading %s: %w", t.Name(path), manifest.WithoutPath(err)))
		}
		base := entry.Name()
		if path != root && (strings.HasPrefix(base, ".") || entry.IsDir() && slices.Contains(skipped, base)) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || path != root && !is(base) {
			return nil
		}
		name := t.Name(path)
		if err := manifest.CheckFile(path, limit); err != nil {
			return failed(fmt.Errorf("reading %s: %w", name, err))
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return failed(fmt.Errorf("reading %s: %w", name, manifest.WithoutPath(err)))
		}
		texts[name] = text
		return nil
	})
}

func isManifest(name string) bool {
	return manifest.IsFile(name) || manifest.IsKustomization(name)
}
