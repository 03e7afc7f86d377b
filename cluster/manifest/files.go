package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// Input is a text to read, by the name it has in messages.
type Input struct {
	Name string
	Open func() (io.ReadCloser, error)
	// Unnumbered says that lines of the text mean nothing to a reader.
	Unnumbered bool
	// Seen, where set, gets the text once it is read.
	Seen func(text string)
	// Limit is how many bytes the text may have, 0 for any number.
	Limit int64
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
	return Input{Name: name, Open: func() (io.ReadCloser, error) {
		if f, ok := r.(*os.File); ok {
			return unclosed{f}, nil
		}
		return io.NopCloser(r), nil
	}}
}

// unclosed is a file that stays open.
type unclosed struct{ *os.File }

// Close does nothing.
func (unclosed) Close() error { return nil }

// Files finds the manifests at path: the file itself, or every .yaml, .yml and
// .json file of the directory and those below it, in the order of their names.
// Symbolic links are followed, each directory entered once; names that begin
// with a dot, and links that lead nowhere, are passed over. It returns an error
// for what is neither file nor directory, and for a kustomization.
func Files(path string) ([]Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	if !info.IsDir() {
		return []Input{file(path)}, checkRegular(info)
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

// CheckFile returns an error unless path is a regular file of at most limit bytes.
func CheckFile(path string, limit int64) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return reason(err)
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

// tooLong is the error of a text of more than limit bytes.
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
	seen  []os.FileInfo // directories entered on the way, so that loops end
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
		if slices.Contains(kustomizations, entry.Name()) {
			return fmt.Errorf("%s is a kustomization, so the files in %s are not what is applied; render them: kubectl kustomize %s | tracemigrate convert -f -",
				filepath.Join(dir, entry.Name()), dir, shellQuote(dir))
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
			continue // a link that leads nowhere is nobody's manifest
		case err != nil:
			return within(path, err)
		case info.IsDir():
			if err := w.walk(path); err != nil {
				return err
			}
		case slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			if err := checkRegular(info); err != nil {
				return within(path, err)
			}
			w.found = append(w.found, file(path))
		}
	}
	return nil
}

// kustomizations are the names by which kubectl knows a directory of kustomize.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// within is why a part of a directory cannot be read.
func within(path string, err error) error { return fmt.Errorf("%s: %w", path, reason(err)) }

// shellQuote writes a word as a shell reads it back.
func shellQuote(word string) string {
	for _, r := range []byte(word) {
		if !isWord(r) && r != '/' {
			return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return word
}

// reason is err without the name of the system call, which tells a user nothing.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// read returns the whole text. It never holds more than twice that.
func (in Input) read() (string, error) {
	r, err := in.Open()
	if err != nil {
		return "", reason(err)
	}
	defer func() { _ = r.Close() }()
	limit := in.Limit
	if limit == 0 {
		limit = math.MaxInt64 - 1
	}
	size := int64(0) // as far as it is known before
	if f, ok := r.(interface{ Stat() (os.FileInfo, error) }); ok {
		info, err := f.Stat()
		switch {
		case err != nil:
			return "", reason(err)
		case info.IsDir():
			return "", errors.New("it is a directory")
		case info.Mode().IsRegular():
			size = info.Size()
		}
	}
	if size > limit {
		return "", tooLong(limit)
	}
	whole := io.LimitReader(r, limit+1)
	text := make([]byte, size)
	n, err := io.ReadFull(whole, text)
	text = text[:n]
	var pieces [][]byte // of what comes beyond the known size
	length, next := int64(n), int64(4<<10)
	for err == nil {
		piece := make([]byte, min(next, limit+1-length))
		var n int
		n, err = io.ReadFull(whole, piece)
		if length += int64(n); length > limit {
			return "", tooLong(limit)
		}
		pieces = append(pieces, piece[:n])
		next = min(2*next, maxPiece)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("reading it: %w", reason(err))
	}
	if int(length) > n {
		text = append(make([]byte, 0, length), text...) // of exactly that size
	}
	for i, piece := range pieces {
		text = append(text, piece...)
		pieces[i] = nil
	}
	return unsafe.String(unsafe.SliceData(text), len(text)), nil // nobody else has text
}

// maxPiece is how many bytes of a text of unknown length are read at a time.
const maxPiece = 1 << 20
