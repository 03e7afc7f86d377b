package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
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
}

// Open finds the tree of paths. It returns an error for a path that does not exist, and for
// paths of several Git work trees.
func Open(ctx context.Context, paths []string) (*Tree, error) {
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
			failed = append(failed, fmt.Errorf("reading %q: %w", path, withoutPath(err)))
			continue
		}
		t.paths = append(t.paths, resolved)
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	t.root = common(t.paths)
	return t, t.findGit(ctx)
}

// findGit finds the Git work tree of the paths.
func (t *Tree) findGit(ctx context.Context) error {
	for i, path := range t.paths {
		dir := path
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			dir = filepath.Dir(path)
		}
		top := above(dir)
		switch {
		case i > 0 && (top == "") != (t.git == ""), i > 0 && top != "" && top != t.root:
			return errors.New("the paths are in several Git work trees; run once for each")
		case top == "":
			continue
		}
		t.root = top
		output, err := t.run(ctx, "rev-parse", "--absolute-git-dir")
		if err != nil {
			return fmt.Errorf("finding the Git directory of %s: %w", top, err)
		}
		t.git = strings.TrimSpace(output)
	}
	return nil
}

// above returns the first directory above dir, or dir itself, that has .git.
func above(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// common returns the directory that contains all paths.
func common(paths []string) string {
	dir := ""
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			path = filepath.Dir(path)
		}
		if dir == "" {
			dir = path
		}
		for dir != path && !strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator)) {
			dir = filepath.Dir(dir)
		}
	}
	return dir
}

// run runs Git in the work tree.
func (t *Tree) run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", t.root}, args...)...)
	command.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	var output, message bytes.Buffer
	command.Stdout, command.Stderr = &output, &message
	if err := command.Run(); err != nil {
		if text := strings.TrimSpace(message.String()); text != "" {
			return "", fmt.Errorf("git %s: %s", args[0], manifest.Redact(text))
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return output.String(), nil
}

// Dirty returns what Git could not restore: tracked files of the work tree that are changed,
// and those of names that Git does not track. Without Git it returns nothing.
func (t *Tree) Dirty(ctx context.Context, names []string) ([]string, error) {
	if t.git == "" {
		return nil, nil
	}
	output, err := t.run(ctx, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames")
	if err != nil {
		return nil, fmt.Errorf("asking whether the work tree is clean: %w", err)
	}
	touched := make(map[string]bool, len(names))
	for _, name := range names {
		touched[t.absolute(name)] = true
	}
	var dirty []string
	for _, line := range strings.Split(output, "\x00") {
		if len(line) < 4 {
			continue
		}
		path := filepath.Join(t.root, filepath.FromSlash(line[3:]))
		if status := line[:2]; (status == "??" || status == "!!") && !touched[path] {
			continue
		}
		dirty = append(dirty, t.Name(path))
	}
	return dirty, nil
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
	path = t.absolute(path)
	if found, err := filepath.EvalSymlinks(path); err == nil {
		return found
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// Name returns the path of a file as messages and changes name it: relative to the current
// directory, with slashes.
func (t *Tree) Name(path string) string {
	relative, err := filepath.Rel(t.here, t.Resolved(path))
	if err != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(relative)
}

// skipped are directories without manifests to edit.
var skipped = []string{"node_modules", "vendor"}

// Read returns the .yaml, .yml and .json files of the paths and below, and kustomizations, by
// name. It skips names that begin with a dot, and does not follow symbolic links. It returns
// an error for a file of more than limit bytes.
func (t *Tree) Read(limit int64) (map[string][]byte, error) {
	texts := make(map[string][]byte)
	for _, root := range t.paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch name := entry.Name(); {
			case err != nil:
				return fmt.Errorf("reading %s: %w", t.Name(path), withoutPath(err))
			case path != root && (strings.HasPrefix(name, ".") || entry.IsDir() && slices.Contains(skipped, name)):
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			case !entry.Type().IsRegular() || path != root && !isManifest(name):
				return nil
			}
			name := t.Name(path)
			if err := manifest.CheckFile(path, limit); err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name, withoutPath(err))
			}
			texts[name] = text
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) || name == "Kustomization"
}

// withoutPath returns an error of the file system without the path, which the message has.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
