package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/output/plain"
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

// writePolicies writes policies to stdout or to files, all or nothing.
func (f *convertFlags) writePolicies(c *cli.Context, policies []*meshtrace.Policy, style meshtrace.Style) error {
	if dir := f.directory; dir != "" {
		files := make([]file, 0, len(policies))
		for _, policy := range policies {
			name, text, err := policy.File(style)
			if err != nil {
				return err
			}
			files = append(files, file{name, text})
		}
		words := newPrinter(c.App.ErrWriter)
		if err := writeFiles(words, dir, files, f.force); err != nil {
			return err
		}
		warnOfOthers(words, dir, files)
		return nil
	}
	// Write encodes all before it writes any.
	return meshtrace.Write(c.App.Writer, policies, style)
}
