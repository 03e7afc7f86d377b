package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
)

// readFile is a file that a run reads.
type readFile struct {
	name string // as messages name it
	path string // empty for stdin
	info os.FileInfo
}

// filesRead returns the files that a run reads. Another function reports those that it cannot.
func filesRead(c *cli.Context) []readFile {
	var files []readFile
	add := func(name, path string) {
		if info, err := os.Stat(path); err == nil {
			files = append(files, readFile{name, path, info})
		}
	}
	inputs, _ := openInputs(c, "filename")
	for _, text := range c.StringSlice("zone") {
		if _, from, err := cluster.SplitZone(text); err == nil {
			ofZone, _ := manifest.Files(from)
			inputs = append(inputs, ofZone...)
		}
	}
	for _, input := range inputs {
		add("the input "+input.Name, cmp.Or(input.Path, input.Name))
	}
	for _, dir := range overlaysOf(c) {
		for _, path := range overlay.FilesRead(dir) {
			add(fmt.Sprintf("the input %s (%s)", dir, path), path)
		}
	}
	if f, ok := c.App.Reader.(*os.File); ok && slices.Contains(c.StringSlice("filename"), "-") {
		if info, err := f.Stat(); err == nil {
			files = append(files, readFile{name: "the input stdin", info: info})
		}
	}
	for _, flag := range fileFlags {
		add("the file of --"+flag, c.String(flag))
	}
	return files
}

// outputs are entries of a directory that a run writes.
type outputs struct {
	dir     string
	info    os.FileInfo         // of dir
	entries map[string][]string // in small letters, because some file systems ignore case
	is      map[string]bool     // whether a path is dir
}

// newOutputs returns entries of a directory, or nil if it does not exist.
func newOutputs(dir string, entries []string) *outputs {
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	o := &outputs{dir: dir, info: info, entries: make(map[string][]string, len(entries)), is: make(map[string]bool)}
	for _, entry := range entries {
		folded := strings.ToLower(entry)
		o.entries[folded] = append(o.entries[folded], entry)
	}
	return o
}

// pathOf returns the path of a file by way of the directory, if the file is one of its
// entries or in one of them, and else an empty text. The path has no symbolic links.
func (o *outputs) pathOf(path string) string {
	below := ""
	for at := path; filepath.Dir(at) != at; at = filepath.Dir(at) {
		parent, name := filepath.Dir(at), filepath.Base(at)
		is, known := o.is[parent]
		if !known {
			is = isFile(parent, o.info)
			o.is[parent] = is
		}
		if is && slices.ContainsFunc(o.entries[strings.ToLower(name)], func(entry string) bool {
			info, err := os.Stat(at)
			return entry == name || err == nil && isFile(filepath.Join(o.dir, entry), info)
		}) {
			return filepath.Join(o.dir, name, below)
		}
		below = filepath.Join(name, below)
	}
	return ""
}

// isFile reports whether a path leads to a file.
func isFile(path string, file os.FileInfo) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, file)
}

// checkInputs returns an error if the outputs would replace a file that this run reads.
func (o *outputs) checkInputs(c *cli.Context) error {
	if o == nil {
		return nil
	}
	for _, read := range filesRead(c) {
		replaced := ""
		if path, err := resolve(read.path); read.path != "" && err == nil {
			replaced = o.pathOf(path)
		} else if read.path == "" {
			replaced = o.entryThatIs(read.info)
		}
		if replaced != "" {
			return fmt.Errorf("--output-dir: %s is %s, which this run reads; nothing was written; choose another directory",
				replaced, read.name)
		}
	}
	return nil
}

// entryThatIs returns the path of the entry that is file, or an empty text.
func (o *outputs) entryThatIs(file os.FileInfo) string {
	for _, names := range o.entries {
		for _, name := range names {
			if path := filepath.Join(o.dir, name); isFile(path, file) {
				return path
			}
		}
	}
	return ""
}

// checkNotes returns an error if the outputs would replace the file of --notes-output.
func (o *outputs) checkNotes(c *cli.Context, name string) error {
	if o == nil || name == "" || notesWriters(c)[name] != nil {
		return nil
	}
	path, err := resolve(name)
	switch {
	case err != nil:
		return fmt.Errorf("writing notes to %s: %w", name, err)
	case o.pathOf(path) == "":
		return nil
	}
	return fmt.Errorf("--notes-output: %s is the file of a policy in --output-dir; nothing was written; choose another file", name)
}
