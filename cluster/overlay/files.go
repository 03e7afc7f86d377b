package overlay

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tracemigrate/cluster/manifest"
)

// Files are contents that replace those of files on disk, by absolute path without
// symbolic links. nil is for a file that is deleted.
type Files map[string][]byte

// fileSystem is the disk with other contents for some files. kustomize gets the root
// kustomization with an option that makes it report where a resource is defined.
type fileSystem struct {
	filesys.FileSystem
	replaced Files
	root     string   // path of the root kustomization
	found    []string // paths of files on disk that were read
}

func (s *fileSystem) ReadFile(path string) ([]byte, error) {
	text, err := s.read(path)
	if err == nil && manifest.Resolved(path) == s.root {
		text = withOrigins(text)
	}
	return text, err
}

func (s *fileSystem) read(path string) ([]byte, error) {
	if text, ok := s.replaced[manifest.Resolved(path)]; ok {
		if text == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return slices.Clone(text), nil
	}
	text, err := s.FileSystem.ReadFile(path)
	if err == nil {
		s.found = append(s.found, manifest.Resolved(path))
	}
	return text, err
}

func (s *fileSystem) Exists(path string) bool {
	if text, ok := s.replaced[manifest.Resolved(path)]; ok {
		return text != nil
	}
	return s.FileSystem.Exists(path)
}

// CleanedAbs returns the directory and the name of a path. kustomize calls it for files
// as well, so it must find those that do not exist on disk.
func (s *fileSystem) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	at := manifest.Resolved(path)
	text, ok := s.replaced[at]
	switch {
	case !ok:
		return s.FileSystem.CleanedAbs(path)
	case text == nil:
		return "", "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	directory, _, err := s.FileSystem.CleanedAbs(filepath.Dir(at))
	return directory, filepath.Base(at), err
}

// Exists reports whether a directory has a kustomization.
func Exists(dir string) bool { return rootOf(dir) != "" }

// rootOf returns the path of the kustomization in a directory, empty if it has none, or
// several, which kustomize reports.
func rootOf(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return manifest.Resolved(path)
		}
	}
	return ""
}

// withOrigins adds the option originAnnotations to a kustomization. It returns a text that
// is not a mapping unchanged, for kustomize to report.
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/buildmetadata/
func withOrigins(text []byte) []byte {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return text
	}
	root := doc.Content[0]
	option := &yaml.Node{Kind: yaml.ScalarNode, Value: types.OriginAnnotations}
	list := manifest.ValueOf(root, "buildMetadata")
	switch {
	case list == nil:
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: "buildMetadata"}
		root.Content = append(root.Content, key, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{option}})
	case list.Kind == yaml.SequenceNode:
		list.Content = append(list.Content, option)
	default:
		return text
	}
	with, err := yaml.Marshal(&doc)
	if err != nil {
		return text
	}
	return with
}
