package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// file is a file to write.
type file struct {
	name string // may be below a subdirectory
	text []byte
	mode fs.FileMode // 0: any may read it
}

// isPrivate reports whether only the owner may read the file.
func (f *file) isPrivate() bool { return f.mode == 0o600 }

// directoryMode returns the mode of new directories for files, to which the umask applies. If
// one of the files is private, so are they.
func directoryMode(files []file) fs.FileMode {
	if slices.ContainsFunc(files, func(f file) bool { return f.isPrivate() }) {
		return 0o700
	}
	return 0o777
}

// entry returns the name of the file, or of the subdirectory that contains it.
func (f *file) entry() string {
	entry, _, _ := strings.Cut(f.name, "/")
	return entry
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
		if !ours && manifest.IsFile(entry.Name()) {
			others = append(others, entry.Name())
		}
	}
	if len(others) > 0 {
		stderr.Line("tracemigrate: %s contains %s, such as %s, which this run did not write; before you apply the directory, "+
			"remove those that are out of date", dir, convert.Plural(len(others), "other manifest"), others[0])
	}
}

// checkFree returns an error if a file would overwrite another or, with force, something
// other than a file.
func checkFree(dir string, files []file, entries map[string]bool, force bool) error {
	directories := make(map[string]bool)
	var order []string
	for _, f := range files {
		if _, ok := directories[f.entry()]; !ok {
			order = append(order, f.entry())
		}
		directories[f.entry()] = f.entry() != f.name
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if _, ok := directories[name]; !ok {
			order = append(order, name)
		}
	}
	var taken []string
	for _, name := range order {
		path := filepath.Join(dir, name)
		inside, ours := directories[name]
		switch info, err := os.Lstat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("reading %s: %w", path, err)
		case ours && inside && !info.IsDir():
			return fmt.Errorf("%s exists and is not a directory; nothing was written", path)
		case ours && !inside && !info.Mode().IsRegular():
			return fmt.Errorf("%s exists and is not a file; no policy was written", path)
		case !force:
			taken = append(taken, path)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	exist := convert.Word(len(taken), "exists", "exist")
	return fmt.Errorf("%s %s; no policy was written (--force overwrites)", convert.First(taken, 1), exist)
}

// policyFiles returns the files of --output-dir, and an error if they would replace a file
// that this run reads or the notes.
func (f *convertFlags) policyFiles(c *cli.Context, plan *convert.Plan, style meshtrace.Style) ([]file, error) {
	files := make([]file, 0, len(plan.Backends)+len(plan.Policies))
	for _, backend := range plan.Backends {
		name, text, err := backend.File(style)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, text: text})
	}
	for _, policy := range plan.Policies {
		name, text, err := policy.File(style)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, text: text})
	}
	to := newOutputs(f.directory, lists.Each(files, func(f file) string { return f.name }))
	return files, cmp.Or(to.checkInputs(c), to.checkNotes(c, f.notesFile))
}

// writePolicies writes the policies of a plan, and the backends that they refer to, to
// stdout or to files, all or nothing. It returns what was written where.
func (f *convertFlags) writePolicies(c *cli.Context, plan *convert.Plan, style meshtrace.Style, files []file) (string, error) {
	dir := f.directory
	if dir == "" {
		// Write encodes all policies before it writes the first.
		return wroteText(plan), meshtrace.Write(c.App.Writer, plan.Policies, style, plan.Backends...)
	}
	stderr := stderrPrinter(c)
	replaced, err := writeFiles(stderr, dir, files, f.force)
	if err != nil {
		return "", err
	}
	warnOfOthers(stderr, dir, files)
	where := fmt.Sprintf(" to %s%c (%s", filepath.Clean(dir), filepath.Separator, convert.Plural(len(files), "file"))
	if replaced > 0 {
		where += fmt.Sprintf("; %d replaced", replaced)
	}
	return wroteText(plan) + where + ")", nil
}

// wroteText returns how many resources of each kind were written.
func wroteText(plan *convert.Plan) string {
	text := "wrote " + convert.Plural(len(plan.Policies), "MeshTrace")
	if n := len(plan.Backends); n > 0 {
		text += " and " + convert.Plural(n, "MeshOpenTelemetryBackend")
	}
	return text
}
