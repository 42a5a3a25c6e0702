//go:build !race

package quick

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read reads from a socket in non-blocking mode: at least a byte, unless p has no
// room, it returns an error, or the other side has ended (0). The errors are
// syscall.EAGAIN if there is nothing to read yet, EINTR, and the socket's.
func Read(fd uintptr, p []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return result(n, e)
}

// Write writes as much of p as a socket in non-blocking mode takes. The errors are
// syscall.EAGAIN if that is nothing, EINTR, and the socket's.
func Write(fd uintptr, p []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return result(n, e)
}

// pwritev writes at most maxBufs buffers.
func pwritev(fd uintptr, bufs [][]byte, off int64) (int, error) {
	var vec [maxBufs]unix.Iovec
	for i, p := range bufs {
		vec[i].Base = unsafe.SliceData(p)
		vec[i].SetLen(len(p))
	}
	low, high := uintptr(off), uintptr(off>>(unsafe.Sizeof(uintptr(0))*4)>>(unsafe.Sizeof(uintptr(0))*4))
	n, _, e := unix.RawSyscall6(unix.SYS_PWRITEV, fd, uintptr(unsafe.Pointer(&vec)), uintptr(len(bufs)), low, high, 0)
	return result(n, e)
}

func result(n uintptr, e syscall.Errno) (int, error) {
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
