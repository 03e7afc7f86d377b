package overlay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tracemigrate/cluster/manifest"
)

// building is locked while kustomize runs, because its schema is global.
var building sync.Mutex

// Render renders the kustomization in the directory dir, as `kubectl kustomize` does:
// files outside of dir are read only from other kustomizations, and plugins are off. Each
// resource is an input, whose name is the overlay and the file, such as
// `overlays/prod (base/mesh.yaml)`. It returns an error if dir has no kustomization, or one
// that cannot be built.
func Render(dir string, files Files) ([]manifest.Input, error) {
	inputs, _, err := build(dir, files)
	return inputs, err
}

// FilesRead returns the paths of all files that a kustomization is rendered from, in the order
// of reading: kustomizations, patches and what generators read, too. If it cannot be rendered,
// they are those up to the error.
func FilesRead(dir string) []string {
	_, disk, _ := build(dir, nil) // Render reports the error
	if disk == nil {
		return nil
	}
	absolute := manifest.Resolved(dir)
	var paths []string
	for _, path := range disk.found {
		if _, err := os.Stat(path); err != nil {
			continue // of a remote base, whose copy is gone
		}
		if below, err := filepath.Rel(absolute, path); err == nil {
			path = filepath.Join(dir, below)
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

func build(dir string, files Files) ([]manifest.Input, *fileSystem, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("rendering %s: %w", dir, manifest.WithoutPath(err))
	case !info.IsDir():
		return nil, nil, fmt.Errorf("rendering %s: it is a file; pass the directory of the kustomization", dir)
	case !Exists(dir):
		return nil, nil, fmt.Errorf("rendering %s: the directory has no kustomization.yaml; pass files with -f", dir)
	}
	building.Lock()
	defer building.Unlock()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	disk := &fileSystem{FileSystem: filesys.MakeFsOnDisk(), replaced: files, root: rootOf(dir)}
	restore := silence()
	built, err := krusty.MakeKustomizer(options).Run(disk, dir)
	restore()
	if err != nil {
		return nil, disk, fmt.Errorf("rendering %s: %w", dir, redacted(err))
	}
	inputs := make([]manifest.Input, 0, built.Size())
	for _, r := range built.Resources() {
		input, err := render(dir, r)
		if err != nil {
			return nil, disk, fmt.Errorf("rendering %s: %w", dir, redacted(err))
		}
		inputs = append(inputs, input)
	}
	return inputs, disk, nil
}

// silence discards what kustomize writes to os.Stderr itself, such as that a field is
// deprecated, which each rendering would repeat.
func silence() (restore func()) {
	stderr := os.Stderr
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return func() {}
	}
	os.Stderr = null
	return func() {
		os.Stderr = stderr
		_ = null.Close() // nothing was kept
	}
}

// render returns a resource without the annotation that says where it is defined. It has no
// file if a generator or a remote base defines it.
func render(dir string, r *resource.Resource) (manifest.Input, error) {
	origin, err := r.GetOrigin()
	if err != nil {
		return manifest.Input{}, err
	}
	name, file := dir, ""
	if origin != nil {
		if origin.Repo == "" && origin.ConfiguredIn == "" && origin.Path != "" {
			file = filepath.Join(dir, filepath.FromSlash(origin.Path))
			name = fmt.Sprintf("%s (%s)", dir, file)
		}
		if err := r.SetOrigin(nil); err != nil {
			return manifest.Input{}, err
		}
	}
	text, err := r.MarshalJSON()
	input := manifest.Object(name, text)
	input.Path = file
	return input, err
}

// redacted returns an error without the credentials of a remote base's URL.
func redacted(err error) error {
	text := cleanedURL.ReplaceAllString(err.Error(), "${1}REDACTED@")
	return errors.New(manifest.Redact(cleanedQuery.ReplaceAllString(text, "$1?REDACTED")))
}

// kustomize also reports a URL as a path, in which // is /.
var (
	cleanedURL   = regexp.MustCompile(`(\w:/)[^\s/'"@]+@`)
	cleanedQuery = regexp.MustCompile(`(\w:/[^\s'"?]*)\?[^\s'"]+`)
)
