//go:build !race

package vfs

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickPwritev is a pwritev that the scheduler does not know of, of at most quickVec buffers.
func quickPwritev(fd uintptr, bufs [][]byte, off int64) (int, error) {
	var vec [quickVec]unix.Iovec
	for i, p := range bufs {
		vec[i].Base = unsafe.SliceData(p)
		vec[i].SetLen(len(p))
	}
	const word = 8 * unsafe.Sizeof(uintptr(0)) // bits; what of off does not fit in goes beside it
	low, high := uintptr(off), uintptr(uint64(off)>>32>>(word-32))
	n, _, errno := unix.RawSyscall6(unix.SYS_PWRITEV, fd, uintptr(unsafe.Pointer(&vec)), uintptr(len(bufs)), low, high, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
