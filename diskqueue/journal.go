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
// anew now and then by Rewrite. Each is stored as its CRC-32C (4 bytes, little
// endian), its length (4 bytes), and its bytes; the first one that is not intact
// ends the file. It is safe for concurrent use.
type Journal struct {
	store *Store
	dir   string

	mu     sync.Mutex
	file   *handle
	size   int64
	exists bool
	dirty  bool
	closed bool
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
	j.exists = true
	j.size, err = replayEntries(f, replay)
	return j, err
}

// replayEntries returns where the last intact entry ends.
func replayEntries(f vfs.File, replay func(entry []byte)) (int64, error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	p := make([]byte, size)
	if n, err := f.ReadAt(p, 0); int64(n) < size {
		return 0, err
	}
	at := int64(0)
	for int64(len(p)) >= journalHeader {
		n := int64(le.Uint32(p[4:]))
		if n > maxEntry || n > int64(len(p))-journalHeader {
			break
		}
		entry := p[journalHeader : journalHeader+n]
		if crc32.Checksum(entry, castagnoli) != le.Uint32(p) {
			break
		}
		replay(entry)
		at += journalHeader + n
		p = p[journalHeader+n:]
	}
	return at, nil
}

// AppendEntry appends entry to dst as a journal stores it.
func AppendEntry(dst, entry []byte) []byte {
	dst = le.AppendUint32(dst, crc32.Checksum(entry, castagnoli))
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
	n, err := f.WriteVecAt(j.size, entries)
	if err != nil {
		return err // the next one writes over what got there
	}
	j.size += int64(n)
	j.dirty = true
	return nil
}

// open takes the file into use, and makes it if need be. The caller holds mu.
func (j *Journal) open() (vfs.File, error) {
	if j.exists {
		return j.file.use()
	}
	if err := j.store.fs.MkdirAll(j.dir); err != nil {
		return nil, err
	}
	f, err := j.file.create()
	j.exists = err == nil
	return f, err
}

// Rewrite replaces all entries by these, made with AppendEntry: after a crash
// either the old ones are there or the new ones.
func (j *Journal) Rewrite(entries []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	s := j.store
	if err := s.fs.MkdirAll(j.dir); err != nil {
		return err
	}
	next := s.files.handle(j.file.path + ".tmp")
	f, err := next.create()
	if err != nil {
		return err
	}
	_, err = f.WriteVecAt(0, entries)
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
	j.size, j.exists, j.dirty = int64(len(entries)), true, false
	return s.fs.SyncDir(j.dir)
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
	j.dirty = false
	return f.Sync()
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
