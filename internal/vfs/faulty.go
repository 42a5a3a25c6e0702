package vfs

import "sync"

// Op is a kind of operation.
type Op string

// The kinds of operations that Faulty counts and can let fail.
const (
	OpOpen     Op = "open"
	OpCreate   Op = "create"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpMkdir    Op = "mkdir"
	OpReadDir  Op = "readdir"
	OpSyncDir  Op = "syncdir"
	OpRead     Op = "read"
	OpWrite    Op = "write"
	OpSync     Op = "sync"
	OpTruncate Op = "truncate"
	OpSize     Op = "size"
	OpFree     Op = "free"
)

// Faulty passes operations on to another file system until its Fail says no.
type Faulty struct {
	FS FS

	mu    sync.Mutex
	count int
	fail  func(n int, op Op, name string) error
}

// NewFaulty returns a Faulty over fs that lets nothing fail.
func NewFaulty(fs FS) *Faulty { return &Faulty{FS: fs} }

// Fail sets what decides on failure: it is given the number of the operation,
// from 1 on since the last Fail, its kind and the file's name, and returns the
// error that the operation shall have, or nil. It may block, and may be called
// by several goroutines at once. A write that fails still writes the first half
// of its bytes.
func (f *Faulty) Fail(fail func(n int, op Op, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.fail = 0, fail
}

// Count returns how many operations there were since the last Fail.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

func (f *Faulty) check(op Op, name string) error {
	f.mu.Lock()
	f.count++
	n, fail := f.count, f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil
	}
	if err := fail(n, op, name); err != nil {
		return memError(string(op), name, err)
	}
	return nil
}

func (f *Faulty) wrap(op Op, name string, open func(string) (File, error)) (File, error) {
	if err := f.check(op, name); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, file, name}, nil
}

// OpenFile is FS.OpenFile.
func (f *Faulty) OpenFile(name string) (File, error) { return f.wrap(OpOpen, name, f.FS.OpenFile) }

// Create is FS.Create.
func (f *Faulty) Create(name string) (File, error) { return f.wrap(OpCreate, name, f.FS.Create) }

// Rename is FS.Rename.
func (f *Faulty) Rename(oldname, newname string) error {
	if err := f.check(OpRename, oldname); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

// Remove is FS.Remove.
func (f *Faulty) Remove(name string) error {
	if err := f.check(OpRemove, name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// MkdirAll is FS.MkdirAll.
func (f *Faulty) MkdirAll(dir string) error {
	if err := f.check(OpMkdir, dir); err != nil {
		return err
	}
	return f.FS.MkdirAll(dir)
}

// ReadDir is FS.ReadDir.
func (f *Faulty) ReadDir(dir string) ([]string, error) {
	if err := f.check(OpReadDir, dir); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(dir)
}

// Free is FS.Free.
func (f *Faulty) Free(dir string) (int64, error) {
	if err := f.check(OpFree, dir); err != nil {
		return 0, err
	}
	return f.FS.Free(dir)
}

// SyncDir is FS.SyncDir.
func (f *Faulty) SyncDir(dir string) error {
	if err := f.check(OpSyncDir, dir); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

type faultyFile struct {
	f    *Faulty
	file File
	name string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.f.check(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, off)
}

func (f *faultyFile) WriteVecAt(off int64, bufs ...[]byte) (int, error) {
	if err := f.f.check(OpWrite, f.name); err != nil {
		half := size(bufs) / 2
		n := 0
		for _, b := range bufs {
			b = b[:min(len(b), half-n)]
			if m, err := f.file.WriteVecAt(off+int64(n), b); err != nil {
				return n + m, err
			}
			n += len(b)
		}
		return n, err
	}
	return f.file.WriteVecAt(off, bufs...)
}

func (f *faultyFile) Sync() error {
	if err := f.f.check(OpSync, f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.f.check(OpTruncate, f.name); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Size() (int64, error) {
	if err := f.f.check(OpSize, f.name); err != nil {
		return 0, err
	}
	return f.file.Size()
}

func (f *faultyFile) Close() error { return f.file.Close() }
