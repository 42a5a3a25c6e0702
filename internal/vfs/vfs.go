package vfs

// FS is a file system.
type FS interface {
	// OpenFile opens an existing file for reading and writing.
	OpenFile(name string) (File, error)
	// Create makes an empty file, readable and writable by its owner only, in
	// the place of any file of that name.
	Create(name string) (File, error)
	// Rename gives a file or folder another name, in the place of any file of that name.
	Rename(oldname, newname string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// MkdirAll makes a folder and those above it; it is no error if it exists.
	MkdirAll(dir string) error
	// ReadDir returns the names of the entries of a folder, sorted.
	ReadDir(dir string) ([]string, error)
	// Free returns how many bytes the file system that a folder is on has room for.
	Free(dir string) (int64, error)
	// SyncDir puts the entries of a folder on the disk: which names there are.
	SyncDir(dir string) error
}

// File is an open file. It may be used by several goroutines at once.
type File interface {
	// ReadAt is io.ReaderAt.
	ReadAt(p []byte, off int64) (int, error)
	// WriteVecAt writes the buffers one behind the other, by one call to the
	// system where it can. It returns how many bytes were written, and an error
	// if that is not all.
	WriteVecAt(off int64, bufs ...[]byte) (int, error)
	// Sync puts the file's content on the disk.
	Sync() error
	// Truncate makes the file end at size.
	Truncate(size int64) error
	// Size returns the file's length in bytes.
	Size() (int64, error)
	// Close closes the file.
	Close() error
}
