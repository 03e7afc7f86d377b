package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
)

// compareDumps compares the dumps of --before with those of --after.
func (f *diffFlags) compareDumps(c *cli.Context, accepted []envoydiff.Code) ([]*envoydiff.Comparison, error) {
	switch {
	case f.before == "" || f.after == "":
		return nil, errors.New("--before and --after go together")
	case f.shadow:
		return nil, errors.New("--shadow asks a running control plane, --before and --after compare dumps; give one of the two")
	case firstGiven(c, kubernetesFlags)+firstGiven(c, restFlags)+firstGiven(c, limitFlags)+firstGiven(c, []string{"control-plane", "mesh", "mode", "zone-version", "zone"}) != "":
		return nil, errors.New("--before and --after compare dumps; the flags of a cluster or control plane have no say in that")
	case c.IsSet("filename") || c.IsSet("meshtrace") || c.IsSet("kuma-version"):
		return nil, errors.New("--before and --after compare dumps; -f, --meshtrace and --kuma-version have no say in that")
	}
	one := strings.TrimSuffix(filepath.Base(f.before), ".json")
	limit, err := inputLimit(c)
	if err != nil {
		return nil, err
	}
	before, beforeIsDir, err := readDumps(f.before, one, limit)
	if err != nil {
		return nil, err
	}
	after, afterIsDir, err := readDumps(f.after, one, limit)
	if err != nil {
		return nil, err
	}
	if beforeIsDir != afterIsDir {
		return nil, errors.New("--before and --after are two files or two directories")
	}
	return []*envoydiff.Comparison{envoydiff.CompareDumps(before, after, accepted)}, nil
}

// readDumps reads one dump, with one as its name, or those of a directory, with the names
// of their files.
func readDumps(path, one string, limit int64) (map[string]*envoydiff.Dump, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, fmt.Errorf("reading dumps: %w", err)
	}
	if !info.IsDir() {
		dump, err := readDump(path, limit)
		return map[string]*envoydiff.Dump{one: dump}, false, err
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
		return nil, true, fmt.Errorf("reading dumps: %s holds no .json file", path)
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
