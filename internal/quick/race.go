//go:build race

package quick

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Read is an ordinary read.
func Read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// Write is an ordinary write.
func Write(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }

func pwritev(fd uintptr, bufs [][]byte, off int64) (int, error) {
	return unix.Pwritev(int(fd), bufs, off)
}
