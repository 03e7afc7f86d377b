package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// findGit finds the Git work tree of the paths, without Git, which a dry run does not need.
func (t *Tree) findGit() error {
	tops := make([]string, 0, len(t.paths))
	for _, path := range t.paths {
		tops = append(tops, above(directoryOf(path), func(dir string) bool {
			_, err := os.Lstat(filepath.Join(dir, ".git"))
			return err == nil
		}))
	}
	top := tops[0]
	switch {
	case slices.ContainsFunc(tops, func(other string) bool { return other != top }):
		return errors.New("the paths are in several Git work trees, or some in none; run the command once for each")
	case top == "":
		return nil
	}
	t.root = top
	git, err := gitDirectory(filepath.Join(top, ".git"))
	if err != nil {
		return fmt.Errorf("finding the Git directory of %s: %w", top, err)
	}
	t.git = git
	return nil
}

// gitDirectory returns the directory that .git is, or, in a submodule or a linked work tree,
// names.
// https://git-scm.com/docs/gitrepository-layout
func gitDirectory(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return path, manifest.WithoutPath(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", manifest.WithoutPath(err)
	}
	name, ok := strings.CutPrefix(strings.TrimRight(string(text), "\r\n"), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("the file %s does not name a directory", path)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(path), name)
	}
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory, and the file %s names it", name, path)
	}
	return name, nil
}

// above returns the first directory above dir, or dir itself, for which is reports true.
func above(dir string, is func(string) bool) string {
	for !is(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return dir
}

// Dirty returns what Git could not restore: tracked files of the work tree that are changed,
// and those of names that Git does not track or does not look at. Without Git it returns
// nothing.
func (t *Tree) Dirty(ctx context.Context, names []string) ([]string, error) {
	if t.git == "" {
		return nil, nil
	}
	status, err := t.run(ctx, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames",
		"--ignore-submodules=none")
	if err != nil {
		return nil, fmt.Errorf("asking Git whether the work tree is clean: %w", err)
	}
	unseen, err := t.run(ctx, "ls-files", "-v", "-z")
	if err != nil {
		return nil, fmt.Errorf("asking Git which files it does not look at: %w", err)
	}
	touched := make([]string, 0, len(names))
	for _, name := range names {
		if relative, err := filepath.Rel(t.root, t.Resolved(filepath.FromSlash(name))); err == nil {
			touched = append(touched, filepath.ToSlash(relative))
		}
	}
	slices.Sort(touched)
	var dirty []string
	for line := range strings.SplitSeq(status, "\x00") {
		if len(line) < 4 {
			continue
		}
		if state := line[:2]; state == "??" || state == "!!" {
			dirty = append(dirty, below(touched, line[3:])...)
		} else {
			dirty = append(dirty, line[3:])
		}
	}
	for line := range strings.SplitSeq(unseen, "\x00") {
		// Lower case is for assume-unchanged, S for skip-worktree.
		if len(line) > 2 && (line[0] == 'S' || line[0] >= 'a' && line[0] <= 'z') {
			dirty = append(dirty, below(touched, line[2:])...)
		}
	}
	for i, path := range dirty {
		dirty[i] = t.Name(filepath.Join(t.root, filepath.FromSlash(path)))
	}
	slices.Sort(dirty)
	return slices.Compact(dirty), nil
}

// below returns the sorted paths that are a path of Git, or that are in it if it is a
// directory, which ends with a slash.
func below(paths []string, path string) []string {
	first, exact := slices.BinarySearch(paths, path)
	if !strings.HasSuffix(path, "/") {
		if exact {
			return paths[first : first+1]
		}
		return nil
	}
	end := first
	for end < len(paths) && strings.HasPrefix(paths[end], path) {
		end++
	}
	return paths[first:end]
}

// run runs Git in the work tree. It ignores the variables with which a hook selects another
// repository.
func (t *Tree) run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", t.root}, args...)...)
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{
			"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_LITERAL_PATHSPECS",
		}, name)
	})
	command.Env = append(command.Env, "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
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
