package diskqueue

import (
	"errors"
	"hash/crc32"
	"io/fs"
	"path"
	"sync"

	"nsqsuite/internal/vfs"
)

const (
	journalName   = "state"
	journalHeader = 8
	maxEntry      = 1 << 26 // bytes
)

// Journal is a file of entries beside a log's segments in which its owner keeps
// what it must find again: entries are appended as things change, and written
// anew now and then by Rewrite. Each is stored as a checksum (4 bytes, little
// endian), its length (4 bytes), and its bytes; the first one that is not intact
// ends the file. The checksum is a CRC-32C of length and bytes that goes on from
// the checksum before, so that nothing left behind a torn tail is taken for the
// entry that follows. It is safe for concurrent use.
type Journal struct {
	store *Store
	dir   string

	mu     sync.Mutex
	file   *handle
	size   int64
	sum    uint32 // of the last entry
	exists bool
	dirty  bool
	placed bool   // the file's entry in its folder is on the disk
	dirNew uint64 // the number of the folder, see Store.syncDir
	closed bool

	unreadable int64 // bytes behind the last intact entry, when it was opened
}

// OpenJournal opens the journal of the log of this name and gives every entry in
// it to replay, in order. An entry is valid only during the call. The file
// appears with the first write.
func (s *Store) OpenJournal(name string, replay func(entry []byte)) (*Journal, error) {
	dir := s.folder(name)
	j := &Journal{store: s, dir: dir, file: s.files.handle(path.Join(dir, journalName))}
	f, err := j.file.use()
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	defer j.file.done()
	j.exists, j.dirty, j.dirNew = true, true, s.made.Add(1) // what an earlier process wrote may be with the kernel only
	if j.size, j.sum, err = replayEntries(f, replay); err != nil {
		return nil, err
	}
	size, err := f.Size()
	j.unreadable = size - j.size
	return j, err
}

// Unreadable returns how many bytes lay behind the last intact entry when the
// journal was opened: of a write that was cut off, or of entries behind a damaged one.
func (j *Journal) Unreadable() int64 { return j.unreadable }

// replayEntries returns where the last intact entry ends, and its checksum.
func replayEntries(f vfs.File, replay func(entry []byte)) (at int64, sum uint32, err error) {
	size, err := f.Size()
	if err != nil {
		return 0, 0, err
	}
	p := make([]byte, size)
	if n, err := f.ReadAt(p, 0); int64(n) < size {
		return 0, 0, err
	}
	for int64(len(p)) >= journalHeader {
		n := int64(le.Uint32(p[4:]))
		if n > maxEntry || n > int64(len(p))-journalHeader {
			break
		}
		next := crc32.Update(sum, castagnoli, p[4:journalHeader+n])
		if next != le.Uint32(p) {
			break
		}
		sum = next
		replay(p[journalHeader : journalHeader+n])
		at += journalHeader + n
		p = p[journalHeader+n:]
	}
	return at, sum, nil
}

// seal puts the checksums into entries, going on from sum, and returns the last.
func seal(entries []byte, sum uint32) uint32 {
	for len(entries) > 0 {
		size := journalHeader + le.Uint32(entries[4:])
		sum = crc32.Update(sum, castagnoli, entries[4:size])
		le.PutUint32(entries, sum)
		entries = entries[size:]
	}
	return sum
}

// AppendEntry appends entry to dst as Append and Rewrite want it.
func AppendEntry(dst, entry []byte) []byte {
	dst = le.AppendUint32(dst, 0) // the checksum
	dst = le.AppendUint32(dst, uint32(len(entry)))
	return append(dst, entry...)
}

// Append writes entries, made with AppendEntry, behind those that are there.
func (j *Journal) Append(entries []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	f, err := j.open()
	if err != nil {
		return err
	}
	defer j.file.done()
	sum := seal(entries, j.sum)
	n, err := f.WriteVecAt(j.size, entries)
	if err != nil {
		return err // the next one writes over what got there
	}
	j.size, j.sum = j.size+int64(n), sum
	j.dirty = true
	return nil
}

// open takes the file into use, and makes it if need be. The caller holds mu.
func (j *Journal) open() (vfs.File, error) {
	if j.exists {
		return j.file.use()
	}
	if err := j.makeDir(); err != nil {
		return nil, err
	}
	f, err := j.file.create()
	j.exists = err == nil
	return f, err
}

func (j *Journal) makeDir() error {
	err := j.store.fs.MkdirAll(j.dir)
	if err == nil {
		j.dirNew = j.store.made.Add(1)
	}
	return err
}

// Rewrite replaces all entries by those that fill gives to add, made with
// AppendEntry: after a crash or an error either the old ones are there or the new
// ones. An error of add ends it; fill must return it.
func (j *Journal) Rewrite(fill func(add func(entries []byte) error) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	s := j.store
	if err := j.makeDir(); err != nil {
		return err
	}
	next := s.files.handle(j.file.path + ".tmp")
	f, err := next.create()
	if err != nil {
		return err
	}
	size, sum := int64(0), uint32(0)
	err = fill(func(entries []byte) error {
		sum = seal(entries, sum)
		n, err := f.WriteVecAt(size, entries)
		size += int64(n)
		return err
	})
	if err == nil {
		err = f.Sync()
	}
	next.done()
	next.close()
	if err != nil {
		return err
	}
	j.file.close()
	if err := s.fs.Rename(next.path, j.file.path); err != nil {
		return err
	}
	j.size, j.sum, j.exists, j.dirty, j.placed = size, sum, true, false, false
	return j.place()
}

// place puts the names of the file and its folder on the disk.
func (j *Journal) place() error {
	if j.placed {
		return nil
	}
	if err := j.store.fs.SyncDir(j.dir); err != nil {
		return err
	}
	if err := j.store.syncDir(j.dirNew); err != nil {
		return err
	}
	j.placed = true
	return nil
}

// Sync puts what was appended on the disk.
func (j *Journal) Sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dirty || j.closed {
		return nil
	}
	f, err := j.file.use()
	if err != nil {
		return err
	}
	defer j.file.done()
	if err := f.Sync(); err != nil {
		return err
	}
	if err := j.place(); err != nil {
		return err
	}
	j.dirty = false
	return nil
}

// Dirty tells whether there is something that Sync would put on the disk.
func (j *Journal) Dirty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dirty
}

// Size returns the bytes in the journal.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Close closes the journal's file; nothing can be written to it again.
func (j *Journal) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.file.close()
}
