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
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// file is a file to write.
type file struct {
	name string
	text []byte
}

// warnOfOthers prints that dir contains manifests that this run did not write, because
// users often apply a directory as a whole.
func warnOfOthers(stderr *output.Printer, dir string, written []file) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the files were written, so this is not an error
	}
	var others []string
	for _, entry := range entries {
		ours := slices.ContainsFunc(written, func(f file) bool { return f.name == entry.Name() })
		if !ours && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name())) {
			others = append(others, entry.Name())
		}
	}
	if len(others) > 0 {
		stderr.Line("tracemigrate: %s contains %s, such as %s, which this run did not write; before you apply the directory, "+
			"remove those that are out of date", dir, plain.Plural(len(others), "other manifest", "other manifests"), others[0])
	}
}

// checkFree returns an error if a file would overwrite another or, with force, something
// other than a file.
func checkFree(dir string, files []file, force bool) error {
	var taken []string
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		switch info, err := os.Lstat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("reading %s: %w", path, err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s exists and is not a file; no policy was written", path)
		case !force:
			taken = append(taken, path)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	exist := "exists"
	if len(taken) > 1 {
		exist = "exist"
	}
	return fmt.Errorf("%s %s; no policy was written (--force overwrites)", plain.List(taken[:1], len(taken)), exist)
}

// writePolicies writes the policies of a plan, and the backends that they refer to, to
// stdout or to files, all or nothing.
func (f *convertFlags) writePolicies(c *cli.Context, plan *convert.Plan, style meshtrace.Style) error {
	if dir := f.directory; dir != "" {
		files := make([]file, 0, len(plan.Backends)+len(plan.Policies))
		for _, backend := range plan.Backends {
			name, text, err := backend.File(style)
			if err != nil {
				return err
			}
			files = append(files, file{name, text})
		}
		for _, policy := range plan.Policies {
			name, text, err := policy.File(style)
			if err != nil {
				return err
			}
			files = append(files, file{name, text})
		}
		stderr := newPrinter(c.App.ErrWriter)
		if err := writeFiles(stderr, dir, files, f.force); err != nil {
			return err
		}
		warnOfOthers(stderr, dir, files)
		return nil
	}
	// Write encodes all policies before it writes the first.
	return meshtrace.Write(c.App.Writer, plan.Policies, style, plan.Backends...)
}
