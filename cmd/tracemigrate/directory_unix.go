//go:build linux || darwin

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tracemigrate/cmd/tracemigrate/output"
)

// canExchange reports whether this system can exchange two directories.
const canExchange = true

// lockTime is the time that a run waits for another that writes to the same directory.
const lockTime = 30 * time.Second

// lock prevents other runs from writing in a directory until unlock is called, and removes
// what killed runs left there. If the directory cannot be read or its file system does not
// support locks, lock does nothing.
func lock(stderr *output.Printer, path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return func() {}, nil //nolint:nilerr // two runs at a time are rare
	}
	for end := time.Now().Add(lockTime); ; time.Sleep(20 * time.Millisecond) {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			removeStages(stderr, path)
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return func() {}, f.Close()
		case time.Now().After(end):
			err := fmt.Errorf("another program has locked %s for %s; nothing was written to it; try again later", path, lockTime)
			return func() {}, errors.Join(err, f.Close())
		}
	}
}

// sameDevice reports whether two files are on one file system.
func sameDevice(a, b os.FileInfo) bool {
	of, ok := a.Sys().(*syscall.Stat_t)
	other, also := b.Sys().(*syscall.Stat_t)
	return ok && also && of.Dev == other.Dev
}

// keepOwner gives path the owner, the group and the extended attributes, such as
// access control lists, of old, which info describes.
func keepOwner(path, old string, info os.FileInfo) error {
	if err := keepGroup(path, old, info); err != nil {
		return err
	}
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	var has syscall.Stat_t
	if err := syscall.Lstat(path, &has); err != nil || has.Uid == want.Uid {
		return err
	}
	return os.Lchown(path, int(want.Uid), -1)
}

// keepUser gives an open file the owner that info has.
func keepUser(f *os.File, info os.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(want.Uid) == os.Geteuid() {
		return nil
	}
	return f.Chown(int(want.Uid), -1)
}

// keepGroup gives path the group and the extended attributes of old.
func keepGroup(path, old string, info os.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	var has syscall.Stat_t
	if err := syscall.Lstat(path, &has); err != nil {
		return err
	}
	if has.Gid != want.Gid {
		if err := os.Lchown(path, -1, int(want.Gid)); err != nil {
			return err
		}
	}
	names, err := attributes(old)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "com.apple.") {
			continue // the system sets these
		}
		value, err := attribute(old, name)
		if err != nil {
			return fmt.Errorf("reading the attribute %s of %s: %w", name, old, err)
		}
		if has, err := attribute(path, name); err == nil && has == value {
			continue // the file has it already
		}
		if err := unix.Lsetxattr(path, name, []byte(value), 0); err != nil {
			return fmt.Errorf("setting the attribute %s of %s: %w", name, path, err)
		}
	}
	return nil
}

// attributes are the names of a file's extended attributes.
func attributes(path string) ([]string, error) {
	size, err := unix.Llistxattr(path, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := make([]byte, size)
	if size, err = unix.Llistxattr(path, list); err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(list[:size]), func(r rune) bool { return r == 0 }), nil
}

func attribute(path, name string) (string, error) {
	size, err := unix.Lgetxattr(path, name, nil)
	if err != nil || size == 0 {
		return "", err
	}
	value := make([]byte, size)
	size, err = unix.Lgetxattr(path, name, value)
	return string(value[:max(size, 0)]), err
}
