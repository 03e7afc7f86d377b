package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchangePaths exchanges two paths in one step.
func exchangePaths(a, b string) error { return unix.RenamexNp(a, b, unix.RENAME_SWAP) }

// renameNew renames a directory to a path that must not exist.
func renameNew(from, to string) error {
	err := unix.RenamexNp(from, to, unix.RENAME_EXCL)
	if errors.Is(err, unix.ENOTSUP) { // the file system does not support it
		return os.Rename(from, to)
	}
	return err
}
