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
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// file is a file to write.
type file struct {
	name string
	text []byte
}

// warnOfOthers prints which manifests in dir this run did not write: applied together
// with the new ones, they would take effect as well.
func warnOfOthers(words *output.Printer, dir string, written []file) {
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
		words.Line("tracemigrate: %s holds %s, such as %s, which this run did not write; remove what is out of date before you apply the directory", dir, plain.Plural(len(others), "other manifest", "other manifests"), others[0])
	}
}

// checkFree returns an error when a file would overwrite another or, with force,
// something other than a file.
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

// notesWriters returns the streams of this program by their paths. Opened as a file, a
// stream that the shell redirects would be written from its start.
func notesWriters(c *cli.Context) map[string]io.Writer {
	return map[string]io.Writer{"/dev/stdout": c.App.Writer, "/dev/stderr": c.App.ErrWriter}
}

// checkNotes returns an error when the file of --notes-output would overwrite an
// input or, without --force, anything.
func checkNotes(c *cli.Context) error {
	given := c.String("notes-output")
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
	if !c.Bool("force") {
		return fmt.Errorf("--notes-output: %s exists; nothing was written (--force overwrites)", given)
	}
	return nil
}

// inputThatIs returns the name of the input that is file, empty when none is.
func inputThatIs(c *cli.Context, file os.FileInfo) string {
	inputs, _ := openInputs(c, "filename") // reading them says what is wrong with them
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
func writeNotes(c *cli.Context, notes []*convert.Note) error {
	given := c.String("notes-output")
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
	if err := checkNotes(c); err != nil { // reading took its time
		return err
	}
	if err := writeNotesFile(newPrinter(c.App.ErrWriter), given, text.Bytes(), c.Bool("force")); err != nil {
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

// writePolicies writes policies to stdout or to files, all or nothing.
func writePolicies(c *cli.Context, policies []*meshtrace.Policy, style meshtrace.Style) error {
	if dir := c.String("output-dir"); dir != "" {
		files := make([]file, 0, len(policies))
		for _, policy := range policies {
			name, text, err := policy.File(style)
			if err != nil {
				return err
			}
			files = append(files, file{name, text})
		}
		words := newPrinter(c.App.ErrWriter)
		if err := writeFiles(words, dir, files, c.Bool("force")); err != nil {
			return err
		}
		warnOfOthers(words, dir, files)
		return nil
	}
	// Write encodes all before it writes any.
	return meshtrace.Write(c.App.Writer, policies, style)
}
