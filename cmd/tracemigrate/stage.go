package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/worktree"
)

// Files are complete in a staging directory before they replace others. Its name has this
// prefix and suffix, so that a later run recognises the directories of killed runs.
const (
	stagePrefix = ".tracemigrate-"
	stageSuffix = ".new"
)

// makeStage makes a staging directory. Its error does not contain the random name.
func makeStage(in string, mode fs.FileMode) (string, error) {
	for {
		path := filepath.Join(in, fmt.Sprintf("%s%016x%s", stagePrefix, rand.Uint64(), stageSuffix))
		switch err := os.Mkdir(path, mode); {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrExist):
			return "", fmt.Errorf("creating a file in %s: %w", in, manifest.WithoutPath(err))
		}
	}
}

func isStage(entry fs.DirEntry) bool {
	return entry.IsDir() && strings.HasPrefix(entry.Name(), stagePrefix) && strings.HasSuffix(entry.Name(), stageSuffix)
}

// removeStages removes the staging directories of killed runs from a locked directory. If
// everybody may write there, it removes only those of this user.
func removeStages(stderr *output.Printer, in string) {
	info, err := os.Stat(in)
	if err != nil {
		return // writing reports the error
	}
	shared := info.Mode()&0o002 != 0
	entries, _ := os.ReadDir(in)
	for _, entry := range entries {
		info, err := entry.Info()
		if isStage(entry) && err == nil && (!shared || worktree.IsOwn(info)) {
			removeTree(stderr, filepath.Join(in, entry.Name()))
		}
	}
}

// removeTree removes a directory and everything below it, whatever the modes.
func removeTree(stderr *output.Printer, path string) {
	err := os.RemoveAll(path)
	if err != nil && os.Geteuid() != 0 { // root needs no permission
		_ = filepath.WalkDir(path, func(below string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(below, 0o700) // RemoveAll reports the error
			}
			return nil
		})
		err = os.RemoveAll(path)
	}
	if err != nil {
		stderr.Line("tracemigrate: the temporary directory %s could not be removed: %v", path, err)
	}
}
