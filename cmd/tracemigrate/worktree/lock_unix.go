//go:build linux || darwin

package worktree

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockFile locks an open file. It reports false if another process has locked it; a file
// system without locks locks nothing.
func lockFile(f *os.File) bool {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		default:
			return !errors.Is(err, syscall.EWOULDBLOCK)
		}
	}
}

// Writable returns an error if the user cannot write in a directory.
func Writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }

// IsOwn reports whether a file belongs to the user.
func IsOwn(info os.FileInfo) bool {
	of, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(of.Uid) == os.Geteuid()
}
