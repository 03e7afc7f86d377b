package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"tracemigrate/cmd/tracemigrate/output"
)

// The names of staging directories, in which files are complete before they replace
// others. A later run recognises by them what a killed run left.
const (
	stagePrefix = ".tracemigrate-"
	stageSuffix = ".new"
)

// makeStage makes a staging directory.
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

// removeStages removes what killed runs left in a locked directory. Where everybody may
// write, it removes only what this user owns.
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

// removeTree removes a directory and all below it, whatever its mode.
func removeTree(words *output.Printer, path string) {
	err := os.RemoveAll(path)
	if err != nil && os.Geteuid() != 0 { // root needs no permission
		_ = filepath.WalkDir(path, func(below string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(below, 0o700) // RemoveAll reports why not
			}
			return nil
		})
		err = os.RemoveAll(path)
	}
	if err != nil {
		words.Line("tracemigrate: %s is of no use any more and could not be removed: %v", path, err)
	}
}
