package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// OS is the real file system.
var OS FS = osFS{}

const (
	filePerm = 0o600
	dirPerm  = 0o755
	// maxVec is how many buffers the system takes at a time (IOV_MAX).
	maxVec = 1024
)

type osFS struct{}

func (osFS) OpenFile(name string) (File, error) { return file(os.OpenFile(name, os.O_RDWR, filePerm)) }

func (osFS) Create(name string) (File, error) {
	return file(os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, filePerm))
}

func file(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }
func (osFS) Remove(name string) error             { return os.Remove(name) }
func (osFS) MkdirAll(dir string) error            { return os.MkdirAll(dir, dirPerm) }

func (osFS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type osFile struct{ f *os.File }

func (o osFile) ReadAt(p []byte, off int64) (int, error) { return o.f.ReadAt(p, off) }
func (o osFile) Truncate(size int64) error               { return o.f.Truncate(size) }
func (o osFile) Close() error                            { return o.f.Close() }

func (o osFile) Size() (int64, error) {
	info, err := o.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (o osFile) Sync() error {
	err := retry(func() error { return unix.Fdatasync(int(o.f.Fd())) })
	return pathError("fdatasync", o.f, err)
}

func (o osFile) WriteVecAt(off int64, bufs ...[]byte) (int, error) {
	total := 0
	var rest [][]byte
	for len(bufs) > 0 {
		var n int
		err := retry(func() (err error) {
			n, err = pwritev(o.f.Fd(), bufs[:min(len(bufs), maxVec)], off+int64(total))
			return err
		})
		if err == nil && n == 0 && size(bufs) > 0 {
			err = unix.EIO
		}
		if err != nil {
			return total, pathError("pwritev", o.f, err)
		}
		total += n
		if rest == nil && n < size(bufs) {
			rest = append(rest, bufs...) // the caller's slice is not ours to change
			bufs = rest
		}
		bufs = advance(bufs, n)
	}
	return total, nil
}

// advance drops the first n bytes of bufs.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

func size(bufs [][]byte) int {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	return n
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func pathError(op string, f *os.File, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.Name(), Err: err}
}

func (osFS) Free(dir string) (int64, error) {
	free, _, err := Space(dir)
	return free, err
}

// Space returns how many bytes the file system that dir is on has room for, and
// how many it has in all.
func Space(dir string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}

// Lock takes the exclusive lock of a folder, which must exist, for the life of
// the process or until unlock. The lock is on the folder itself (flock), as
// protocol.md 18.1 wants it, and so are the texts of the errors.
func Lock(dir string) (unlock func() error, err error) { return lock(dir, unix.LOCK_EX) }

// LockShared is Lock for who only looks: others may look too.
func LockShared(dir string) (unlock func() error, err error) { return lock(dir, unix.LOCK_SH) }

func lock(dir string, how int) (unlock func() error, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), how|unix.LOCK_NB); err != nil {
		d.Close()
		return nil, fmt.Errorf("cannot flock directory %s - %w (possibly in use by another instance of nsqd)", dir, err)
	}
	return d.Close, nil
}
