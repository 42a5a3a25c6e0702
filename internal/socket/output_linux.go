//go:build linux && !race

package socket

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tryWrite writes to a file what it takes without waiting. The error says that the
// file, or the system, does not know how to tell.
func tryWrite(f *os.File, p []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	part := syscall.Iovec{Base: unsafe.SliceData(p)}
	part.SetLen(len(p))
	closed := raw.Control(func(fd uintptr) {
		const here = ^uintptr(0) // where the file stands
		done, _, errno := syscall.RawSyscall6(unix.SYS_PWRITEV2, fd, uintptr(unsafe.Pointer(&part)), 1, here, here, unix.RWF_NOWAIT)
		switch errno {
		case 0:
			n = int(done)
		case syscall.EAGAIN, syscall.EINTR:
		default:
			err = errno
		}
	})
	if err == nil {
		err = closed
	}
	return n, err
}
