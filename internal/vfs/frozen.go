package vfs

import (
	"errors"
	"io/fs"
	"os"
)

// ErrFrozen is returned for files that were to be made through a Frozen.
var ErrFrozen = errors.New("nothing is written: the folder is only looked at")

// Frozen is a view of another file system through which nothing can be changed.
// New files are refused; all other changes are said to have succeeded, so that
// code that mends what it opens can be used to find out what it would do.
type Frozen struct{ FS }

// FrozenOS is a view of the real file system, which needs no right to write.
var FrozenOS FS = Frozen{readOnlyFS{osFS{}}}

type readOnlyFS struct{ osFS }

// OpenFile opens a file for reading only.
func (readOnlyFS) OpenFile(name string) (File, error) {
	return file(os.OpenFile(name, os.O_RDONLY, 0))
}

// OpenFile is FS.OpenFile.
func (f Frozen) OpenFile(name string) (File, error) {
	file, err := f.FS.OpenFile(name)
	if err != nil {
		return nil, err
	}
	return frozenFile{file}, nil
}

// Create refuses.
func (f Frozen) Create(name string) (File, error) {
	return nil, &fs.PathError{Op: "create", Path: name, Err: ErrFrozen}
}

// Rename does nothing.
func (f Frozen) Rename(string, string) error { return nil }

// Remove does nothing.
func (f Frozen) Remove(string) error { return nil }

// MkdirAll does nothing.
func (f Frozen) MkdirAll(string) error { return nil }

// SyncDir does nothing.
func (f Frozen) SyncDir(string) error { return nil }

type frozenFile struct{ File }

func (f frozenFile) WriteVecAt(_ int64, bufs ...[]byte) (int, error) { return size(bufs), nil }
func (f frozenFile) Sync() error                                     { return nil }
func (f frozenFile) Truncate(int64) error                            { return nil }
