package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/worktree"
	"tracemigrate/convert"
)

// notesWriters returns this program's streams by their paths. Opening such a path would
// overwrite a file that the shell redirects the stream to.
func notesWriters(c *cli.Context) map[string]io.Writer {
	return map[string]io.Writer{"/dev/stdout": c.App.Writer, "/dev/stderr": c.App.ErrWriter}
}

// checkNotes returns an error if the file of --notes-output cannot be written, or would
// overwrite an input or, without --force, anything.
func (f *convertFlags) checkNotes(c *cli.Context) error {
	name := f.notesFile
	if name == "" || notesWriters(c)[name] != nil {
		return nil
	}
	path, err := resolve(name)
	if err != nil {
		return fmt.Errorf("writing notes to %s: %w", name, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return fmt.Errorf("writing notes to %s: directory %s: %w", name, filepath.Dir(name), manifest.WithoutPath(err))
		}
		return nil
	case err != nil:
		return fmt.Errorf("writing notes to %s: %w", name, err)
	case info.IsDir():
		return fmt.Errorf("writing notes to %s: it is a directory", name)
	case !info.Mode().IsRegular():
		return nil // a pipe or a device has no content to lose
	}
	if input := inputThatIs(c, info); input != "" {
		return fmt.Errorf("--notes-output: %s is %s, which this run reads; choose another file", name, input)
	}
	if !f.force {
		return fmt.Errorf("--notes-output: %s exists; nothing was written (--force overwrites)", name)
	}
	return nil
}

// inputThatIs returns the name of the input that is file, or an empty text.
func inputThatIs(c *cli.Context, file os.FileInfo) string {
	for _, read := range filesRead(c) {
		if os.SameFile(read.info, file) {
			return read.name
		}
	}
	return ""
}

// writeNotes writes notes as a JSON list to the file of --notes-output. After an error, or
// if the run is killed, the file has its old content.
func (f *convertFlags) writeNotes(c *cli.Context, notes []*convert.Note) error {
	name := f.notesFile
	text, err := manifest.EncodeJSON(convert.Texts(notes))
	if err != nil {
		return fmt.Errorf("writing notes: %w", err)
	}
	if w := notesWriters(c)[name]; w != nil {
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("writing notes to %s: %w", name, err)
		}
		return nil
	}
	if err := f.checkNotes(c); err != nil { // again, because reading takes time
		return err
	}
	if err := writeNotesFile(stderrPrinter(c), name, text, f.force); err != nil {
		return fmt.Errorf("writing notes to %s: %w", name, err)
	}
	return nil
}

// writeNotesFile writes to a device, or replaces a file in one step.
func writeNotesFile(stderr *output.Printer, name string, text []byte, force bool) error {
	path, err := resolve(name)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return errors.Join(err, f.Close())
	}
	writing.Lock()
	defer writing.Unlock()
	in := filepath.Dir(path)
	unlock, err := lock(stderr, in)
	if err != nil {
		return err
	}
	defer unlock()
	stage, err := makeStage(in, 0o700)
	if err != nil {
		return err
	}
	defer removeTree(stderr, stage)
	written := filepath.Join(stage, "notes.json")
	if err := writeLike(written, path, &file{text: text}); err != nil {
		return err
	}
	put := os.Rename
	if !force {
		put = os.Link // does not overwrite
	}
	switch err := put(written, path); {
	case errors.Is(err, fs.ErrExist):
		return errors.New("another program has created it; --force overwrites")
	case err != nil: // a file system without hard links
		if err := os.Rename(written, path); err != nil {
			return manifest.WithoutPath(err)
		}
	}
	return worktree.SyncDir(in)
}
