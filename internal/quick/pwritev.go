package quick

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxBytes and maxBufs are what a quick write to a file has at most.
	maxBytes = 4 << 10
	maxBufs  = 8
	// slowWrite is how long a quick write may take. It takes microseconds, unless
	// the kernel has it wait for the disk.
	slowWrite = time.Millisecond
	// notQuick is how long the disk is not trusted after a slow one.
	notQuick = 10 * time.Second
)

var (
	started = time.Now()
	disk    trust
)

// trust tells whether writes are quick.
type trust struct{ from atomic.Int64 } // they are from then on, in ns since started

func (t *trust) has(now time.Duration) bool { return int64(now) >= t.from.Load() }

// took takes in how long a quick write has lasted.
func (t *trust) took(began, ended time.Duration) {
	if ended-began > slowWrite {
		t.from.Store(int64(ended + notQuick))
	}
}

// Pwritev writes buffers to a file at off, as the system call does; it returns how
// many bytes it wrote, which may be fewer. The errors are EINTR and the file's.
func Pwritev(fd uintptr, bufs [][]byte, off int64) (int, error) {
	began := time.Since(started)
	if !small(bufs) || !disk.has(began) {
		return unix.Pwritev(int(fd), bufs, off)
	}
	n, err := pwritev(fd, bufs, off)
	disk.took(began, time.Since(started))
	return n, err
}

func small(bufs [][]byte) bool {
	size := 0
	for _, p := range bufs {
		size += len(p)
	}
	return size <= maxBytes && len(bufs) <= maxBufs
}
