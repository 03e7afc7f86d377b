//go:build !linux && !darwin

package main

import (
	"errors"
	"os"
)

// canExchange reports that exchangePaths can succeed.
const canExchange = false

// exchangePaths would exchange two paths in one step, which this system cannot.
func exchangePaths(string, string) error { return errors.ErrUnsupported }

// renameNew renames a directory to a path that must be free.
func renameNew(from, to string) error { return os.Rename(from, to) }

// lock would keep other runs from writing in a directory.
func lock(string) (unlock func(), locked bool, err error) { return func() {}, false, nil }

// writable leaves it to writing to say whether it is allowed.
func writable(string) error { return nil }

// sameDevice leaves it to renaming to say what is of another file system.
func sameDevice(_, _ os.FileInfo) bool { return true }

// keepOwner has nothing to keep: a file belongs to whom its directory says.
func keepOwner(_, _ string, _ os.FileInfo) error { return nil }

// keepUser has nothing to keep either.
func keepUser(*os.File, os.FileInfo) error { return nil }

// keepGroup has nothing to keep either.
func keepGroup(_, _ string, _ os.FileInfo) error { return nil }

// isOwn leaves it to removing to say what is another's.
func isOwn(os.FileInfo) bool { return true }

// syncDirectory has nothing to do: this system cannot.
func syncDirectory(string) error { return nil }
