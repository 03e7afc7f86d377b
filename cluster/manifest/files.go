package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// Input is a text to read, with its name in messages.
type Input struct {
	Name string
	// Path is that of the file, if Name is not.
	Path string
	open func() (io.ReadCloser, error)
	// Unnumbered is set if line numbers of the text mean nothing to a reader.
	Unnumbered bool
	// Seen, if set, gets every byte of the text after it is read, in parts that end between
	// documents.
	Seen func(part string)
	// Optional, if set, reports the wanted kinds whose documents may be broken: such a
	// document is ignored like one that is not wanted.
	Optional Wanted
	// Limit is the maximum size of the text in bytes, 0 for no limit.
	Limit int64
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
	return Input{Name: name, open: func() (io.ReadCloser, error) {
		if f, ok := r.(*os.File); ok {
			return unclosed{f}, nil
		}
		return io.NopCloser(r), nil
	}}
}

// Whole reads the text, and returns it with an input that can be read again. Reading that
// input fails if this failed.
func (in Input) Whole() (Input, string) {
	var text strings.Builder
	var failed error
	for part, err := range in.parts() {
		text.WriteString(part)
		failed = err
	}
	in.open = func() (io.ReadCloser, error) { return whole{strings.NewReader(text.String())}, failed }
	return in, text.String()
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

// partSize is how many bytes of a text are read at a time. A longer document, or a JSON
// list, is read to the end of the text.
const partSize = 1 << 20

// parts yields the text in pieces that end between YAML documents, so that only the
// documents being parsed need memory. An error is the last piece. It never keeps more
// than twice the text.
func (in Input) parts() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		f, err := in.open()
		if err != nil {
			yield("", WithoutPath(err))
			return
		}
		defer func() { _ = f.Close() }()
		r, err := newBounded(f, in.Limit)
		if err != nil {
			yield("", err)
			return
		}
		for rest, first := []byte(nil), true; ; first = false {
			part, err := r.fill(rest, r.available(partSize-len(rest)))
			cut := 0
			if err == nil && (!first || !beginsJSON(textOf(part))) {
				cut = lastMarker(part)
			}
			switch {
			case err == nil && cut == 0:
				part, err = r.all(part)
			case err == nil:
				rest = slices.Clone(part[cut:])
				if !yield(textOf(part[:cut]), nil) {
					return
				}
				continue
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			yield(textOf(part), err)
			return
		}
	}
}

// lastMarker returns where the last document after the first begins, 0 if there is one
// document.
func lastMarker(text []byte) int {
	if !bytes.Contains(text, []byte("\n---")) {
		return 0 // a list; this search is five times faster than the one from the end
	}
	for end := len(text); ; {
		i := bytes.LastIndex(text[:end], []byte("\n---"))
		if i < 0 || i+4 < len(text) && isMarker(textOf(text[i+1:])) {
			return i + 1
		}
		end = i + 3
	}
}

// textOf returns text as a string without a copy. text must not change afterwards.
func textOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// bounded reads a text up to a limit.
type bounded struct {
	io.Reader
	limit, length int64 // in bytes; length is what was read
	size          int64 // of the whole text, 0 if unknown
}

// newBounded returns an error for a directory, and for a text longer than limit bytes; 0
// is no limit.
func newBounded(r io.Reader, limit int64) (*bounded, error) {
	if limit == 0 {
		limit = math.MaxInt64 - 1
	}
	b := &bounded{Reader: io.LimitReader(r, limit+1), limit: limit}
	switch r := r.(type) {
	case whole:
		b.size = r.Size()
	case interface{ Stat() (os.FileInfo, error) }:
		info, err := r.Stat()
		switch {
		case err != nil:
			return nil, WithoutPath(err)
		case info.IsDir():
			return nil, errors.New("it is a directory")
		case info.Mode().IsRegular():
			b.size = info.Size()
		}
	}
	if b.size > limit {
		return nil, tooLong(limit)
	}
	return b, nil
}

// available returns how many of the next n bytes exist, plus one to find the end of the
// text.
func (b *bounded) available(n int) int {
	if b.size > 0 {
		n = int(min(int64(n), max(b.size-b.length, 0)+1))
	}
	return n
}

// fill appends n bytes to text. It returns io.EOF with the last bytes.
func (b *bounded) fill(text []byte, n int) ([]byte, error) {
	from := len(text)
	text = append(make([]byte, 0, from+n), text...)[:from+n]
	n, err := io.ReadFull(b, text[from:])
	text = text[:from+n]
	switch b.length += int64(n); {
	case b.length > b.limit:
		return nil, tooLong(b.limit)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return text, io.EOF
	case err != nil:
		return nil, fmt.Errorf("reading it: %w", WithoutPath(err))
	}
	return text, nil
}

// all appends the rest.
func (b *bounded) all(text []byte) ([]byte, error) {
	text, err := b.fill(text, int(max(b.size-b.length, 0)))
	pieces := [][]byte{text} // then what exceeds the known size
	length := len(text)
	for next := 4 << 10; err == nil; next = min(2*next, partSize) {
		var piece []byte
		piece, err = b.fill(nil, next)
		pieces = append(pieces, piece)
		length += len(piece)
	}
	if !errors.Is(err, io.EOF) || length == len(text) {
		return text, err
	}
	text = make([]byte, 0, length)
	for i, piece := range pieces {
		text = append(text, piece...)
		pieces[i] = nil
	}
	return text, err
}

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
