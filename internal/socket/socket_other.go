//go:build !linux || race

package socket

import "syscall"

// Read reads from a non-blocking socket; p is not empty. The error is syscall.EAGAIN if there is nothing yet.
func Read(fd uintptr, p []byte) (int, error) {
	for {
		if n, err := syscall.Read(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// Write writes to a non-blocking socket; p is not empty. The error is syscall.EAGAIN if there is no room.
func Write(fd uintptr, p []byte) (int, error) {
	for {
		if n, err := syscall.Write(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
