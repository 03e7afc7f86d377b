//go:build !linux && !darwin

package main

import (
	"errors"
	"os"

	"tracemigrate/cmd/tracemigrate/output"
)

// canExchange reports whether this system can exchange two directories.
const canExchange = false

// exchangePaths returns an error, because this system cannot exchange two paths.
func exchangePaths(string, string) error { return errors.ErrUnsupported }

// renameNew renames a directory to a path that must not exist.
func renameNew(from, to string) error { return os.Rename(from, to) }

// lock does nothing on this system.
func lock(*output.Printer, string) (unlock func(), err error) { return func() {}, nil }

// sameDevice returns true on this system: renaming reports the error.
func sameDevice(_, _ os.FileInfo) bool { return true }

// keepOwner does nothing: on this system a file inherits its owner from its directory.
func keepOwner(_, _ string, _ os.FileInfo) error { return nil }

// keepUser does nothing on this system.
func keepUser(*os.File, os.FileInfo) error { return nil }

// keepGroup does nothing on this system.
func keepGroup(_, _ string, _ os.FileInfo) error { return nil }
