//go:build linux && !race

package socket

import (
	"syscall"
	"unsafe"
)

// Read reads from a non-blocking socket; p is not empty. The error is syscall.EAGAIN if there is nothing yet.
func Read(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_READ, fd, p) }

// Write writes to a non-blocking socket; p is not empty. The error is syscall.EAGAIN if there is no room.
func Write(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_WRITE, fd, p) }

func call(number, fd uintptr, p []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}
