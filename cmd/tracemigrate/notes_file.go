package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// notesWriters returns the streams of this program by their paths. Opened as a file, a
// stream that the shell redirects would be written from its start.
func notesWriters(c *cli.Context) map[string]io.Writer {
	return map[string]io.Writer{"/dev/stdout": c.App.Writer, "/dev/stderr": c.App.ErrWriter}
}

// checkNotes returns an error when the file of --notes-output would overwrite an
// input or, without --force, anything.
func (f *convertFlags) checkNotes(c *cli.Context) error {
	given := f.notesFile
	if given == "" || notesWriters(c)[given] != nil {
		return nil
	}
	path, err := resolve(given)
	if err != nil {
		return fmt.Errorf("writing notes to %s: %w", given, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("writing notes to %s: %w", given, err)
	case info.IsDir():
		return fmt.Errorf("writing notes to %s: it is a directory", given)
	case !info.Mode().IsRegular():
		return nil // a pipe or a device keeps nothing that could be lost
	}
	if input := inputThatIs(c, info); input != "" {
		return fmt.Errorf("--notes-output: %s is %s, which this run reads; name another file", given, input)
	}
	if !f.force {
		return fmt.Errorf("--notes-output: %s exists; nothing was written (--force overwrites)", given)
	}
	return nil
}

// inputThatIs returns the name of the input that is file, empty when none is.
func inputThatIs(c *cli.Context, file os.FileInfo) string {
	inputs, _ := openInputs(c, "filename") // reading them reports their errors
	for _, input := range inputs {
		if info, err := os.Stat(input.Name); err == nil && os.SameFile(info, file) {
			return "the input " + input.Name
		}
	}
	if f, ok := c.App.Reader.(*os.File); ok && slices.Contains(c.StringSlice("filename"), "-") {
		if info, err := f.Stat(); err == nil && os.SameFile(info, file) {
			return "the input stdin"
		}
	}
	for _, flag := range []string{"kubeconfig", "kumactl-config", "token-file", "client-cert", "client-key", "ca-cert"} {
		if info, err := os.Stat(c.String(flag)); err == nil && os.SameFile(info, file) {
			return "the file of --" + flag
		}
	}
	return ""
}

// writeNotes writes notes as a JSON list to the file of --notes-output. On an error or a
// kill the file has its old content.
func (f *convertFlags) writeNotes(c *cli.Context, notes []*convert.Note) error {
	given := f.notesFile
	var text bytes.Buffer
	if err := output.WriteNotes(&text, notes); err != nil {
		return fmt.Errorf("writing notes: %w", err)
	}
	if w := notesWriters(c)[given]; w != nil {
		if _, err := w.Write(text.Bytes()); err != nil {
			return fmt.Errorf("writing notes to %s: %w", given, err)
		}
		return nil
	}
	if err := f.checkNotes(c); err != nil { // reading took its time
		return err
	}
	if err := writeNotesFile(newPrinter(c.App.ErrWriter), given, text.Bytes(), f.force); err != nil {
		return fmt.Errorf("writing notes to %s: %w", given, err)
	}
	return nil
}

func writeNotesFile(words *output.Printer, given string, text []byte, force bool) error {
	path, err := resolve(given)
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
	unlock, locked, err := lock(in)
	if err != nil {
		return err
	}
	defer unlock()
	if locked {
		removeStages(words, in)
	}
	stage, err := makeStage(in, 0o700)
	if err != nil {
		return err
	}
	defer removeTree(words, stage)
	written := filepath.Join(stage, "notes.json")
	if err := writeLike(written, path, given, text); err != nil {
		return err
	}
	put := os.Rename
	if !force {
		put = os.Link // which overwrites nothing
	}
	switch err := put(written, path); {
	case errors.Is(err, fs.ErrExist):
		return errors.New("it exists by now; --force overwrites")
	case err != nil: // a file system without hard links
		if err := os.Rename(written, path); err != nil {
			return err
		}
	}
	return syncDirectory(in)
}
