package vfs

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A system call that Go's scheduler knows of wakes its monitor thread if the process
// was asleep, which then looks around for a while. For a message that comes alone
// that is a third of all the CPU it costs. A small write goes into the page cache at
// once, so it need not be known: unless the disk is so busy that the kernel has it
// wait. Then nobody else has the processor's place meanwhile, and a garbage
// collection waits too; so after one slow write all are made known for a time.
const (
	// quickBytes and quickVec are what a write has at most that is not made known.
	quickBytes = 4 << 10
	quickVec   = 8
	// slowWrite is how long such a write may take. It takes microseconds.
	slowWrite = time.Millisecond
	// notQuick is for how long the disk is not trusted after a slow one.
	notQuick = 10 * time.Second
)

var (
	started = time.Now()
	disks   trust
)

// trust tells whether the disks are quick.
type trust struct{ from atomic.Int64 } // they are from then on, in ns since started

func (t *trust) has(now time.Duration) bool { return int64(now) >= t.from.Load() }

// took takes in how long a quick write has lasted.
func (t *trust) took(began, ended time.Duration) {
	if ended-began > slowWrite {
		t.from.Store(int64(ended + notQuick))
	}
}

// pwritev writes bufs at off, as the system call does.
func pwritev(fd uintptr, bufs [][]byte, off int64) (int, error) {
	if len(bufs) > quickVec || size(bufs) > quickBytes {
		return unix.Pwritev(int(fd), bufs, off)
	}
	began := time.Since(started)
	if !disks.has(began) {
		return unix.Pwritev(int(fd), bufs, off)
	}
	n, err := quickPwritev(fd, bufs, off)
	disks.took(began, time.Since(started))
	return n, err
}
