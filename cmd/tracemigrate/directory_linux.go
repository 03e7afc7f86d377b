package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchangePaths exchanges two paths in one step.
func exchangePaths(a, b string) error {
	return pathError("exchange", a, b, unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE))
}

// renameNew renames a directory to a path that must not exist.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // the kernel or the file system does not support it
		return os.Rename(from, to)
	}
	return pathError("rename", from, to, err)
}

func pathError(op, from, to string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: from, New: to, Err: err}
}
