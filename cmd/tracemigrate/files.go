package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tracemigrate/convert"
)

// file is a file to write.
type file struct {
	name string
	text []byte
}

// writeFiles writes files to dir, which it makes if need be: all of them, or on
// an error none, leaving what was there. Without force it overwrites nothing.
func writeFiles(dir string, files []file, force bool) (err error) {
	writing.Lock()
	defer writing.Unlock()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	if err := checkFree(dir, files, force); err != nil {
		return err
	}
	// Everything is written beside its place first, and what was there is kept
	// until all is in place.
	var undo, done []func() error
	defer func() {
		if err == nil {
			undo = done
		}
		for _, step := range undo {
			err = errors.Join(err, step())
		}
	}()
	temporary := make([]string, len(files))
	for i, f := range files {
		if temporary[i], err = writeTemporary(dir, f.text); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, f.name), err)
		}
		undo = append(undo, removeIfThere(temporary[i]))
	}
	for i, f := range files {
		path := filepath.Join(dir, f.name)
		old := temporary[i] + ".old"
		switch err := os.Rename(path, old); {
		case err == nil:
			undo = append(undo, func() error { return os.Rename(old, path) })
			done = append(done, removeIfThere(old))
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("replacing %s: %w", path, err)
		default:
			undo = append(undo, removeIfThere(path))
		}
		if err := os.Rename(temporary[i], path); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}

// warnOfOthers tells of manifests in dir that this run did not write: applied
// together with the new ones, they would take effect as well.
func warnOfOthers(words *printer, dir string, written []file) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the files were written, which is what counts
	}
	var others []string
	for _, entry := range entries {
		ours := slices.ContainsFunc(written, func(f file) bool { return f.name == entry.Name() })
		if !ours && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name())) {
			others = append(others, entry.Name())
		}
	}
	if len(others) > 0 {
		words.line("tracemigrate: %s holds %d other manifests, such as %s, which this run did not write; remove what is out of date before you apply the directory", dir, len(others), others[0])
	}
}

// checkFree returns an error when a file cannot be written without losing
// something: where one stands already, or with force something else than a file.
func checkFree(dir string, files []file, force bool) error {
	var taken []string
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		switch info, err := os.Lstat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("looking for %s: %w", path, err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s exists and is not a file; nothing was written", path)
		case !force:
			taken = append(taken, path)
		}
	}
	switch len(taken) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s exists; nothing was written (--force overwrites)", taken[0])
	}
	return fmt.Errorf("%s and %d more exist; nothing was written (--force overwrites)", taken[0], len(taken)-1)
}

func removeIfThere(path string) func() error {
	return func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
}

func writeTemporary(dir string, text []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, ".tracemigrate-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says what is wrong
	}
	return f.Name(), err
}

// writeNotes writes notes as a JSON list.
func writeNotes(path string, notes []*convert.Note) error {
	if notes == nil {
		notes = []*convert.Note{}
	}
	var text bytes.Buffer
	if err := encodeJSON(&text, notes); err != nil {
		return fmt.Errorf("writing notes: %w", err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		// A pipe or a device, such as /dev/stderr, cannot be renamed over.
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("writing notes: %w", err)
		}
		return nil
	}
	writing.Lock()
	defer writing.Unlock()
	temporary, err := writeTemporary(filepath.Dir(path), text.Bytes())
	if err != nil {
		return fmt.Errorf("writing notes to %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing notes to %s: %w", path, errors.Join(err, os.Remove(temporary)))
	}
	return nil
}
