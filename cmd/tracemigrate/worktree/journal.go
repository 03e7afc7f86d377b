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
	"slices"
	"strconv"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// record is a replacement in the journal.
type record struct {
	Path   string `json:"path"`             // relative to the root of the tree, with slashes
	Before string `json:"before,omitempty"` // digest of the old text; empty: the file is new
	After  string `json:"after,omitempty"`  // digest of the new text; empty: the file is deleted
	Mode   uint32 `json:"mode"`
}

const (
	recordsName = "records.json"
	journalName = ".tracemigrate-rewrite" // of a tree without Git
)

// journal returns the path of the journal: in the Git directory, where it is not part of the
// work tree, or else in the root of the tree.
func (t *Tree) journal() string {
	if t.git != "" {
		return filepath.Join(t.git, "tracemigrate-rewrite")
	}
	return filepath.Join(t.root, journalName)
}

// Write replaces files, by name, with new texts; nil deletes. before are the texts that were
// read: if a file has another, Write returns an error and writes nothing. The journal is
// complete before the first file is replaced, so that Recover can finish a killed run. If a
// file cannot be replaced, the others get their old text back. Only one run at a time may
// write: see Lock.
func (t *Tree) Write(changes, before map[string][]byte) error {
	journal := t.journal()
	stage := journal + ".new"
	if err := os.RemoveAll(stage); err != nil {
		return fmt.Errorf("removing the files of an earlier run: %w; nothing was changed", manifest.WithoutPath(err))
	}
	records, err := t.stage(stage, changes, before)
	if err == nil {
		err = errors.Join(os.Rename(stage, journal), SyncDir(filepath.Dir(journal)))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("preparing the files: %w; nothing was changed", err), os.RemoveAll(stage), discard(journal))
	}
	if err = t.finish(journal, records); err == nil {
		return nil
	}
	old := lists.By(slices.Collect(maps.Values(before)), digest)
	if undone := t.undo(journal, records, old); undone != nil {
		return fmt.Errorf("replacing the files: %w; undoing that: %w; some files are new and some old: solve this, then run "+
			"the command again, which finishes the change", err, undone)
	}
	return fmt.Errorf("replacing the files: %w; nothing was changed", err)
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
			return nil, fmt.Errorf("%s: %w", name, manifest.WithoutPath(err))
		}
		records = append(records, r)
		if changes[name] != nil {
			if err := writeSynced(staged(dir, i), changes[name], fs.FileMode(r.Mode)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	text, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	return records, errors.Join(writeSynced(filepath.Join(dir, recordsName), text, 0o600), SyncDir(dir))
}

// staged returns the path of the new text of a record.
func staged(journal string, i int) string { return filepath.Join(journal, strconv.Itoa(i)) }

// record returns the record of a change, if the file can be replaced and still has the text
// that was read.
func (t *Tree) record(name string, text []byte, before map[string][]byte) (record, error) {
	given := t.absolute(filepath.FromSlash(name))
	path := filepath.Join(t.Resolved(filepath.Dir(given)), filepath.Base(given))
	r := record{Mode: 0o644}
	relative, err := filepath.Rel(t.root, path)
	if err != nil || !filepath.IsLocal(relative) {
		return r, fmt.Errorf("the file is not below %s", t.root)
	}
	r.Path = filepath.ToSlash(relative)
	if text != nil {
		r.After = digest(text)
	}
	old, known := before[name]
	if known {
		r.Before = digest(old)
	}
	now, err := digestOf(path)
	switch {
	case err != nil:
		return r, err
	case now != r.Before:
		return r, errors.New("the file changed while this command ran; run it again")
	}
	if err := Writable(filepath.Dir(path)); err != nil {
		return r, fmt.Errorf("the directory: %w", err)
	}
	if info, err := os.Lstat(path); err == nil {
		r.Mode = uint32(info.Mode().Perm())
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return r, err
		}
		return r, f.Close()
	}
	return r, nil
}

// finish replaces the files that still have their old text, and removes the journal.
func (t *Tree) finish(journal string, records []record) error {
	dirs := make(map[string]bool)
	for i, r := range records {
		path, err := t.path(r)
		if err != nil {
			return err
		}
		now, err := digestOf(path)
		switch {
		case err != nil:
		case now == r.After:
		case now != r.Before:
			return fmt.Errorf("%s changed: its text is neither that before nor that after the rewrite; restore the file, or delete %s "+
				"to keep all files as they are", t.relative(path), journal)
		case r.After == "":
			err = os.Remove(path)
		default:
			err = move(staged(journal, i), path, fs.FileMode(r.Mode).Perm())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.relative(path), manifest.WithoutPath(err))
		}
		dirs[filepath.Dir(path)] = true
	}
	for dir := range dirs {
		if err := SyncDir(dir); err != nil {
			return err
		}
	}
	return discard(journal)
}

// path returns the path of a record's file. It returns an error for one outside of the tree,
// also through a symbolic link: the journal may be another's.
func (t *Tree) path(r record) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(r.Path)) {
		return "", fmt.Errorf("the journal names %q, which is not below %s", r.Path, t.root)
	}
	path := filepath.Join(t.root, filepath.FromSlash(r.Path))
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", r.Path, manifest.WithoutPath(err))
	case dir != filepath.Dir(path):
		return "", fmt.Errorf("%s: a directory above the file is now a symbolic link; restore it", r.Path)
	}
	return path, nil
}

// undo gives the files that were replaced their old text, which it finds by digest, and
// removes the journal. Each new text is back in the journal first, so that a run which is
// killed here is finished as well.
func (t *Tree) undo(journal string, records []record, old map[string][]byte) error {
	for i, r := range slices.Backward(records) {
		path, err := t.path(r)
		if err != nil {
			return err
		}
		now, err := digestOf(path)
		switch {
		case err != nil:
		case now == r.Before || now != r.After: // not replaced, or another program's
		case r.Before == "":
			err = keep(path, staged(journal, i))
			if err == nil {
				err = os.Remove(path)
			}
		default:
			if r.After != "" {
				err = keep(path, staged(journal, i))
			}
			beside := staged(journal, i) + ".old"
			if err == nil {
				err = writeSynced(beside, old[r.Before], fs.FileMode(r.Mode))
			}
			if err == nil {
				err = move(beside, path, fs.FileMode(r.Mode))
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.relative(path), manifest.WithoutPath(err))
		}
	}
	return discard(journal)
}

// Recover finishes the replacement that a killed run began, and reports whether there was
// one. A run that was killed before that changed nothing.
func (t *Tree) Recover() (finished bool, err error) {
	journal := t.journal()
	if _, err := os.Lstat(journal); errors.Is(err, fs.ErrNotExist) {
		return false, nil // also while another run writes its journal
	}
	if t.lock == nil {
		if err := t.Lock(); err != nil {
			return false, err
		}
		defer t.Unlock()
	}
	text, err := os.ReadFile(filepath.Join(journal, recordsName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, discard(journal) // killed while it was removed, when all files were replaced
	case err != nil:
		return false, fmt.Errorf("reading the journal of an interrupted run: %w", err)
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return false, fmt.Errorf("reading the journal of an interrupted run: %w; restore the files with Git, and delete %s", err, journal)
	}
	if err := t.finish(journal, records); err != nil {
		return false, fmt.Errorf("finishing an interrupted run: %w", err)
	}
	return true, nil
}

// discard removes a journal. Its records go first, because without them nothing is finished.
func discard(journal string) error {
	err := os.Remove(filepath.Join(journal, recordsName))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.RemoveAll(journal)
	}
	if err != nil {
		return fmt.Errorf("removing the journal: %w", err)
	}
	return nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestOf returns the digest of a file, empty if it does not exist. It returns an error for
// what is not a regular file, such as a symbolic link.
func digestOf(path string) (string, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("a symbolic link, directory or device has the name of the file; remove it")
	}
	text, err := os.ReadFile(path)
	return digest(text), err
}
