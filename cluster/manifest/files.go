package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Input is a text to read, with its name in messages.
type Input struct {
	Name string
	// Path is that of the file, if Name is not.
	Path string
	open func() (io.ReadCloser, error)
	// Unnumbered is set if line numbers of the text mean nothing to a reader.
	Unnumbered bool
	// Seen, if set, gets every byte of the text once, in parts. whole parts end between
	// documents, the others between the items of a list.
	Seen func(part string, whole bool)
	// Optional, if set, reports the wanted kinds whose documents may be broken: such a
	// document is ignored like one that is not wanted.
	Optional Wanted
	// Limit is the maximum size of the text in bytes, 0 for no limit.
	Limit int64
	once  bool // it can be opened once
	part  int  // how many bytes are read at a time, 0 for partSize
}

// Object returns an input that is one resource in JSON, from an API. Places in it have
// its name and no line.
func Object(name string, text []byte) Input {
	in := Text(name, textOf(text))
	in.Unnumbered = true
	return in
}

// whole is a text in memory, whose size is known before it is read.
type whole struct{ *strings.Reader }

// Close does nothing.
func (whole) Close() error { return nil }

// Text returns an input that is a text in memory.
func Text(name, text string) Input {
	return Input{Name: name, open: func() (io.ReadCloser, error) {
		return whole{strings.NewReader(text)}, nil
	}}
}

// Stream returns an input that can be read once, such as standard input.
func Stream(name string, r io.Reader) Input {
	return Input{Name: name, once: true, open: func() (io.ReadCloser, error) {
		if f, ok := r.(*os.File); ok {
			return unclosed{f}, nil
		}
		return io.NopCloser(r), nil
	}}
}

// Whole reads the text, and returns it with an input that can be read again. Reading that
// input fails if this failed.
func (in Input) Whole() (Input, string) {
	var text []byte
	p, err := in.parts()
	if err == nil {
		defer func() { _ = p.file.Close() }()
		text, err = p.toEnd(nil)
	}
	in.once, in.open = false, func() (io.ReadCloser, error) { return whole{strings.NewReader(textOf(text))}, err }
	return in, textOf(text)
}

// unclosed is a file that is not closed after reading.
type unclosed struct{ *os.File }

// Close does nothing.
func (unclosed) Close() error { return nil }

// Files finds the manifests at path: the file itself, or every .yaml, .yml and .json
// file in the directory and below, in the order of names. It follows symbolic links, and
// enters each directory once. It skips names that begin with a dot, and broken links. It
// returns an error for anything but a file or directory, and for a kustomization.
func Files(path string) ([]Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, WithoutPath(err)
	}
	if !info.IsDir() {
		return []Input{file(path)}, checkRegular(info)
	}
	w := walker{}
	if err := w.walk(path); err != nil {
		return nil, err
	}
	if len(w.found) == 0 {
		return nil, errors.New("the directory does not contain a .yaml, .yml or .json file")
	}
	return w.found, nil
}

func file(path string) Input {
	return Input{Name: path, open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// CheckFile returns an error unless path is a regular file of at most limit bytes.
func CheckFile(path string, limit int64) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return WithoutPath(err)
	case info.Mode().IsRegular() && info.Size() > limit:
		return tooLong(limit)
	}
	return checkRegular(info)
}

// checkRegular returns an error for what may block, or never end, when it is read.
func checkRegular(info os.FileInfo) error {
	var what string
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("it is a directory")
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe (FIFO)"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	default:
		what = "no file"
	}
	return fmt.Errorf("it is %s, and only files and directories are read; pipe its text to -f -", what)
}

// tooLong returns the error of a text of more than limit bytes.
func tooLong(limit int64) error {
	number, unit := limit, "bytes"
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if number%1024 != 0 {
			break
		}
		number, unit = number/1024, larger
	}
	return fmt.Errorf("it has more than %d %s; split it, or raise the limit with --max-input-size", number, unit)
}

type walker struct {
	found []Input
	seen  []os.FileInfo // directories entered so far, so that loops end
}

func (w *walker) walk(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return within(dir, err)
	}
	if slices.ContainsFunc(w.seen, func(seen os.FileInfo) bool { return os.SameFile(seen, info) }) {
		return nil
	}
	w.seen = append(w.seen, info)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return within(dir, err)
	}
	for _, entry := range entries {
		if IsKustomization(entry.Name()) {
			return fmt.Errorf("%s is a kustomization, so the files in %s are not what is applied; "+
				"render it with -k %s", filepath.Join(dir, entry.Name()), dir, ShellQuote(dir))
		}
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
			continue // a broken link is not a manifest
		case err != nil:
			return within(path, err)
		case info.IsDir():
			if err := w.walk(path); err != nil {
				return err
			}
		case IsFile(path):
			if err := checkRegular(info); err != nil {
				return within(path, err)
			}
			w.found = append(w.found, file(path))
		}
	}
	return nil
}

// within returns why a part of a directory cannot be read.
func within(path string, err error) error { return fmt.Errorf("%s: %w", path, WithoutPath(err)) }

// WithoutPath returns an error of the file system without the path, which the message has,
// or which users do not know.
func WithoutPath(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
