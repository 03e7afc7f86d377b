package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Input is a text to read, by the name it has in messages.
type Input struct {
	Name string
	Open func() (io.ReadCloser, error)
	// Unnumbered says that lines of the text mean nothing to a reader.
	Unnumbered bool
	// Seen, where set, gets the text once it is read.
	Seen func(text string)
}

// Object is an input that is one resource in JSON, from an API: places in it
// have its name and no line.
func Object(name string, text []byte) Input {
	return Input{Name: name, Unnumbered: true, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
}

// Text is an input that is there already.
func Text(name, text string) Input {
	return Input{Name: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// Stream is an input that can be read once, such as standard input.
func Stream(name string, r io.Reader) Input {
	return Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
}

// Files finds the manifests at path: the file itself, or every .yaml, .yml and
// .json file of the directory and those below it, in the order of their names.
// Symbolic links are followed, each directory entered once; names that begin
// with a dot are passed over.
func Files(path string) ([]Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	if !info.IsDir() {
		return []Input{file(path)}, nil
	}
	w := walker{}
	if err := w.walk(path); err != nil {
		return nil, err
	}
	if len(w.found) == 0 {
		return nil, errors.New("the directory holds no .yaml, .yml or .json file")
	}
	return w.found, nil
}

func file(path string) Input {
	return Input{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

type walker struct {
	found []Input
	seen  []os.FileInfo // directories entered on the way, so that loops end
}

func (w *walker) walk(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return reason(err)
	}
	if slices.ContainsFunc(w.seen, func(seen os.FileInfo) bool { return os.SameFile(seen, info) }) {
		return nil
	}
	w.seen = append(w.seen, info)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return reason(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // a dangling link is nobody's manifest
		case err != nil && entry.Type()&fs.ModeSymlink != 0:
			continue
		case err != nil:
			return reason(err)
		case info.IsDir():
			if err := w.walk(path); err != nil {
				return err
			}
		case info.Mode().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			w.found = append(w.found, file(path))
		}
	}
	return nil
}

// reason is err without the name of the system call, which tells a user nothing.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// read returns the whole text.
func (in Input) read() (string, error) {
	r, err := in.Open()
	if err != nil {
		return "", reason(err)
	}
	defer func() { _ = r.Close() }()
	var text strings.Builder
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		if err != nil {
			return "", reason(err)
		}
		if info.IsDir() {
			return "", errors.New("it is a directory")
		}
		text.Grow(int(info.Size()))
	}
	if _, err := io.Copy(&text, r); err != nil {
		return "", fmt.Errorf("reading it: %w", reason(err))
	}
	return text.String(), nil
}
