package worktree

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
)

// record is a replacement in the journal.
type record struct {
	Path   string `json:"path"`             // absolute
	Before string `json:"before,omitempty"` // digest of the old text; empty: the file is new
	After  string `json:"after,omitempty"`  // digest of the new text; empty: the file is deleted
	Mode   uint32 `json:"mode"`
}

const recordsName = "records.json"

// journal returns the path of the journal: in the Git directory, where it is not part of the
// work tree, or else in the common directory of the paths.
func (t *Tree) journal() string {
	if t.git != "" {
		return filepath.Join(t.git, "tracemigrate-rewrite")
	}
	return filepath.Join(t.root, ".tracemigrate-rewrite")
}

// Write replaces files, by name, with new texts; nil deletes. before are the texts that were
// read: if a file has another, Write returns an error and writes nothing. The journal is
// complete before the first file is replaced, so that a killed run is finished by Recover.
func (t *Tree) Write(changes, before map[string][]byte) error {
	journal := t.journal()
	stage := journal + ".new"
	if err := os.RemoveAll(stage); err != nil {
		return fmt.Errorf("removing the files of an earlier run: %w", err)
	}
	records, err := t.stage(stage, changes, before)
	if err == nil {
		err = os.Rename(stage, journal)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("preparing the files: %w; nothing was changed", err), os.RemoveAll(stage))
	}
	if err := errors.Join(syncDir(filepath.Dir(journal)), t.finish(journal, records)); err != nil {
		return fmt.Errorf("%w; some files are new and some old: solve this, then run the command again, which finishes the change", err)
	}
	return nil
}

// stage writes the new texts and the records to a directory.
func (t *Tree) stage(dir string, changes, before map[string][]byte) ([]record, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	var records []record
	for i, name := range slices.Sorted(maps.Keys(changes)) {
		r, err := t.record(name, changes[name], before)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
		if changes[name] != nil {
			if err := writeSynced(filepath.Join(dir, strconv.Itoa(i)), changes[name], fs.FileMode(r.Mode)); err != nil {
				return nil, err
			}
		}
	}
	text, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	return records, errors.Join(writeSynced(filepath.Join(dir, recordsName), text, 0o600), syncDir(dir))
}

// record returns the record of a change, if the file still has the text that was read.
func (t *Tree) record(name string, text []byte, before map[string][]byte) (record, error) {
	r := record{Path: t.Resolved(filepath.FromSlash(name)), Mode: 0o644}
	if text != nil {
		r.After = digest(text)
	}
	old, known := before[name]
	if known {
		r.Before = digest(old)
	}
	now, err := digestOf(r.Path)
	switch {
	case err != nil:
		return r, err
	case now != r.Before:
		return r, fmt.Errorf("%s changed while this command ran; run it again", name)
	}
	if info, err := os.Stat(r.Path); err == nil {
		r.Mode = uint32(info.Mode().Perm())
		if f, err := os.OpenFile(r.Path, os.O_WRONLY, 0); err != nil {
			return r, fmt.Errorf("%s: %w", name, withoutPath(err))
		} else if err := f.Close(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// finish replaces the files that still have their old text, and removes the journal.
func (t *Tree) finish(journal string, records []record) error {
	dirs := make(map[string]bool)
	for i, r := range records {
		now, err := digestOf(r.Path)
		switch {
		case err != nil:
			return err
		case now == r.After:
		case now != r.Before:
			return fmt.Errorf("%s is neither the file before nor after an interrupted rewrite; restore it, or delete %s",
				t.Name(r.Path), journal)
		case r.After == "":
			err = os.Remove(r.Path)
		default:
			err = move(filepath.Join(journal, strconv.Itoa(i)), r.Path, fs.FileMode(r.Mode))
		}
		if err != nil {
			return err
		}
		dirs[filepath.Dir(r.Path)] = true
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return os.RemoveAll(journal)
}

// Recover finishes the replacement that a killed run began, and reports whether there was
// one. A run that was killed before that changed nothing.
func (t *Tree) Recover() (finished bool, err error) {
	journal := t.journal()
	if err := os.RemoveAll(journal + ".new"); err != nil {
		return false, fmt.Errorf("removing the files of an earlier run: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(journal, recordsName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, os.RemoveAll(journal) // killed while it was removed, when all files were replaced
	case err != nil:
		return false, fmt.Errorf("reading the journal of an earlier run: %w", err)
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return false, fmt.Errorf("reading the journal of an earlier run: %w; delete %s", err, journal)
	}
	if err := t.finish(journal, records); err != nil {
		return false, fmt.Errorf("finishing an earlier run: %w", err)
	}
	return true, nil
}

// move replaces a file with another, also on another file system.
func move(from, to string, mode fs.FileMode) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	beside := filepath.Join(filepath.Dir(to), ".tracemigrate-"+filepath.Base(to))
	if err := writeSynced(beside, text, mode); err != nil {
		return err
	}
	return os.Rename(beside, to)
}

// writeSynced writes a file to the disk.
func writeSynced(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

// syncDir writes the entries of a directory to the disk.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which has no such call
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestOf returns the digest of a file, empty if it does not exist.
func digestOf(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return digest(text), err
}
