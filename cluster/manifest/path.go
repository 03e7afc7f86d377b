package manifest

import (
	"path/filepath"
	"slices"
)

// IsFile reports whether a file, by its name, may contain manifests.
func IsFile(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// IsKustomization reports whether kubectl recognises a kustomization by a file name.
func IsKustomization(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, name)
}

// Resolved returns the absolute path without symbolic links of a file that may not exist.
func Resolved(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path // the current directory is gone; reading reports that
	}
	if found, err := filepath.EvalSymlinks(absolute); err == nil {
		return found
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		return filepath.Join(dir, filepath.Base(absolute))
	}
	return absolute
}
