package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
)

// compareDumps compares the dumps of --before with those of --after.
func (r *comparing) compareDumps() ([]*envoydiff.Comparison, error) {
	switch {
	case r.before == "" || r.after == "":
		return nil, errors.New("--before and --after are both required")
	case r.shadow:
		return nil, errors.New("--shadow cannot be combined with --before and --after: it reads a running control plane, they are dumps")
	}
	others := slices.Concat(kubernetesFlags, restFlags, limitFlags, []string{"control-plane", "mesh", "mode", "zone-version", "zone"})
	if firstSet(r.c, others) != "" {
		return nil, errors.New("--before and --after cannot be combined with flags that select a cluster or control plane")
	}
	if readsFiles(r.c) || r.c.IsSet("meshtrace") || r.c.IsSet("kuma-version") {
		return nil, errors.New("--before and --after cannot be combined with -f, -k, --meshtrace and --kuma-version")
	}
	name := strings.TrimSuffix(filepath.Base(r.before), ".json")
	limit, err := sizeOf(r.c, "max-input-size")
	if err != nil {
		return nil, err
	}
	before, beforeIsDir, err := readDumps(r.before, name, limit)
	if err != nil {
		return nil, err
	}
	after, afterIsDir, err := readDumps(r.after, name, limit)
	if err != nil {
		return nil, err
	}
	if beforeIsDir != afterIsDir {
		return nil, errors.New("--before and --after must be two files or two directories")
	}
	return []*envoydiff.Comparison{envoydiff.CompareDumps(before, after, r.accepted)}, nil
}

// readDumps reads the dumps of a directory by the names of their files, or one dump, which
// gets a name. It also reports whether path is a directory.
func readDumps(path, name string, limit int64) (map[string]*envoydiff.Dump, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, fmt.Errorf("reading dumps: %w", err)
	}
	if !info.IsDir() {
		dump, err := readDump(path, limit)
		return map[string]*envoydiff.Dump{name: dump}, false, err
	}
	dumps := make(map[string]*envoydiff.Dump)
	var failed []error
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".json" {
			return err
		}
		name, err := filepath.Rel(path, file)
		if err != nil {
			return err
		}
		dump, err := readDump(file, limit)
		if err != nil {
			failed = append(failed, err)
			return nil
		}
		dumps[strings.TrimSuffix(filepath.ToSlash(name), ".json")] = dump
		return nil
	})
	if err != nil {
		return nil, true, fmt.Errorf("reading dumps: %w", err)
	}
	if len(dumps) == 0 && len(failed) == 0 {
		return nil, true, fmt.Errorf("reading dumps: %s contains no .json file", path)
	}
	return dumps, true, errors.Join(failed...)
}

func readDump(path string, limit int64) (*envoydiff.Dump, error) {
	if err := manifest.CheckFile(path, limit); err != nil {
		return nil, fmt.Errorf("reading dump %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading dump: %w", err)
	}
	defer func() { _ = f.Close() }()
	dump, err := envoydiff.ReadDump(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return dump, nil
}
