package archive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	dirPerm  = 0o770
	filePerm = 0o666
)

// disk is what the archive wants of the file system, so that tests can watch the
// order of things and let them fail.
type disk interface {
	// create makes a file that must not exist, append one that may. The folders
	// are made, and the name is on the disk when they return.
	create(name string) (diskFile, error)
	append(name string) (diskFile, error)
	exists(name string) (bool, error)
	// move gives a file another name, which must not exist; both folders are on
	// the disk when it returns.
	move(from, to string) error
}

// diskFile is an open file that is written at its end.
type diskFile interface {
	io.WriteCloser
	Sync() error
	// lock takes the file's lock until it is closed, unless another process has it.
	lock() bool
	// state returns the size, and whether a line is unfinished.
	state() (size int64, torn bool, err error)
}

// osDisk is the real one.
type osDisk struct{}

func (d osDisk) create(name string) (diskFile, error) { return d.open(name, os.O_EXCL) }
func (d osDisk) append(name string) (diskFile, error) { return d.open(name, os.O_APPEND) }

func (osDisk) open(name string, how int) (diskFile, error) {
	if err := makeDirs(filepath.Dir(name)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|how, filePerm)
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(name)); err != nil {
		f.Close()
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) exists(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (osDisk) move(from, to string) error {
	if err := makeDirs(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.Link(from, to); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.Remove(from); err != nil {
		return err
	}
	return syncDir(filepath.Dir(from))
}

// makeDirs makes a folder and those above it, and puts their names on the disk.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// syncDir puts a folder's entries on the disk, where the file system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

type osFile struct{ *os.File }

// lock tells apart the files of those that live and those that have died. Where
// the file system knows no locks everybody has one.
func (f osFile) lock() bool {
	return !errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (f osFile) state() (size int64, torn bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || !info.Mode().IsRegular() {
		return 0, false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return 0, false, err
	}
	return info.Size(), last[0] != '\n', nil
}
