//go:build !linux && !darwin

package worktree

import "os"

func lockFile(*os.File) bool { return true }

// Writable returns nil on this system: writing reports the error.
func Writable(string) error { return nil }

// IsOwn returns true on this system: removing reports the error.
func IsOwn(os.FileInfo) bool { return true }
