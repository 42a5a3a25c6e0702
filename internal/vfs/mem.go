package vfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"path"
	"sort"
	"strings"
	"sync"
)

// sector is the unit in bytes that a power loss keeps or loses whole.
const sector = 512

// ErrDead is returned by every operation on a file system that has lost power.
var ErrDead = errors.New("file system has lost power")

// Mem is a file system in memory. It knows what was synced, and Crash tells
// what a power loss would leave of it.
type Mem struct {
	mu   sync.Mutex
	dead bool
	free int64 // what Free says
	// names are the entries as programs see them, stable those on the disk.
	names, stable map[string]*node
	// gone are the stable names that, at some moment since, named nothing: to
	// replace a file by Rename leaves no such moment.
	gone map[string]bool
}

// node is a file or a folder.
type node struct {
	dir    bool
	data   []byte
	synced []byte  // the content as it was last synced
	writes []write // since then
}

type write struct {
	off  int64
	data []byte
	size int64 // of the file afterwards; data is nil for a truncation
}

// NewMem returns an empty file system with a root folder.
func NewMem() *Mem {
	root := &node{dir: true}
	return &Mem{
		free:   math.MaxInt64,
		names:  map[string]*node{"/": root, ".": root},
		stable: map[string]*node{"/": root, ".": root},
		gone:   map[string]bool{},
	}
}

// Crash ends the file system as a power loss does, and returns what the disk
// holds then. What was synced is there; of each write since, each sector is
// there or not as the dice fall, and so is each change of a folder's entries.
func (m *Mem) Crash(dice *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	left := NewMem()
	entries := map[string]*node{}
	for name, n := range m.stable {
		if m.names[name] == n || !m.gone[name] || dice.IntN(2) == 0 {
			entries[name] = n // else its removal reached the disk
		}
	}
	for name, n := range m.names {
		if m.stable[name] != n && dice.IntN(2) == 0 {
			entries[name] = n
		}
	}
	kept := map[*node]*node{}
	for name, n := range entries {
		if n.dir || !m.reachable(entries, name) {
			continue
		}
		if kept[n] == nil {
			data := n.survives(dice)
			kept[n] = &node{data: data, synced: append([]byte(nil), data...)}
		}
		left.names[name] = kept[n]
	}
	for name, n := range entries {
		if n.dir && m.reachable(entries, name) {
			left.names[name] = &node{dir: true}
		}
	}
	for name, n := range left.names {
		left.stable[name] = n
	}
	return left
}

// reachable tells whether all folders above name are there.
func (m *Mem) reachable(entries map[string]*node, name string) bool {
	for dir := path.Dir(name); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if n := entries[dir]; n == nil || !n.dir {
			return false
		}
	}
	return true
}

// survives returns what a power loss leaves of a file.
func (n *node) survives(dice *rand.Rand) []byte {
	data := append([]byte(nil), n.synced...)
	for _, w := range n.writes {
		if w.data == nil {
			if dice.IntN(2) == 0 {
				data = resize(data, w.size)
			}
			continue
		}
		for from := int64(0); from < int64(len(w.data)); {
			to := min((w.off+from)/sector*sector+sector-w.off, int64(len(w.data)))
			if dice.IntN(3) > 0 {
				data = overwrite(data, w.off+from, w.data[from:to])
			}
			from = to
		}
	}
	return data
}

// Kill ends the file system as the death of the process does, and returns what
// the next one finds: everything that was written.
func (m *Mem) Kill() *Mem {
	left := m.Clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	return left
}

// Clone returns a file system that is like this one now.
func (m *Mem) Clone() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := NewMem()
	copies := map[*node]*node{}
	clone := func(n *node) *node {
		if copies[n] == nil {
			c := *n
			c.data = append([]byte(nil), n.data...)
			c.writes = append([]write(nil), n.writes...)
			copies[n] = &c
		}
		return copies[n]
	}
	for name, n := range m.names {
		left.names[name] = clone(n)
	}
	for name, n := range m.stable {
		left.stable[name] = clone(n)
	}
	maps.Copy(left.gone, m.gone)
	return left
}

func resize(data []byte, size int64) []byte {
	if int64(len(data)) >= size {
		return data[:size]
	}
	return append(data, make([]byte, size-int64(len(data)))...)
}

func overwrite(data []byte, off int64, p []byte) []byte {
	if end := off + int64(len(p)); end > int64(len(data)) {
		data = resize(data, end)
	}
	copy(data[off:], p)
	return data
}

func memError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// begin locks, and fails if the power is gone.
func (m *Mem) begin(op, name string) error {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return memError(op, name, ErrDead)
	}
	return nil
}

// OpenFile is FS.OpenFile.
func (m *Mem) OpenFile(name string) (File, error) {
	if err := m.begin("open", name); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	n := m.names[path.Clean(name)]
	if n == nil || n.dir {
		return nil, memError("open", name, fs.ErrNotExist)
	}
	return &memFile{m, n, name}, nil
}

// Create is FS.Create.
func (m *Mem) Create(name string) (File, error) {
	if err := m.begin("create", name); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	clean := path.Clean(name)
	if d := m.names[path.Dir(clean)]; d == nil || !d.dir {
		return nil, memError("create", name, fs.ErrNotExist)
	}
	n := m.names[clean]
	if n == nil {
		n = &node{}
		m.names[clean] = n
	}
	if n.dir {
		return nil, memError("create", name, fs.ErrInvalid)
	}
	n.data = nil
	n.writes = append(n.writes, write{})
	return &memFile{m, n, name}, nil
}

// Rename is FS.Rename.
func (m *Mem) Rename(oldname, newname string) error {
	if err := m.begin("rename", oldname); err != nil {
		return err
	}
	defer m.mu.Unlock()
	from, to := path.Clean(oldname), path.Clean(newname)
	if m.names[from] == nil {
		return memError("rename", oldname, fs.ErrNotExist)
	}
	for name, n := range m.names {
		if name == from || strings.HasPrefix(name, from+"/") {
			delete(m.names, name)
			m.gone[name] = true
			m.names[to+strings.TrimPrefix(name, from)] = n
		}
	}
	if m.names[to].dir { // a folder's entries on the disk go with it
		for name, n := range m.stable {
			if strings.HasPrefix(name, from+"/") {
				m.stable[to+strings.TrimPrefix(name, from)] = n
			}
		}
	}
	return nil
}

// Remove is FS.Remove.
func (m *Mem) Remove(name string) error {
	if err := m.begin("remove", name); err != nil {
		return err
	}
	defer m.mu.Unlock()
	clean := path.Clean(name)
	n := m.names[clean]
	if n == nil {
		return memError("remove", name, fs.ErrNotExist)
	}
	if n.dir && len(m.entries(clean)) > 0 {
		return memError("remove", name, fs.ErrExist)
	}
	delete(m.names, clean)
	m.gone[clean] = true
	return nil
}

// MkdirAll is FS.MkdirAll.
func (m *Mem) MkdirAll(dir string) error {
	if err := m.begin("mkdir", dir); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for d := path.Clean(dir); m.names[d] == nil; d = path.Dir(d) {
		m.names[d] = &node{dir: true}
	}
	return nil
}

// ReadDir is FS.ReadDir.
func (m *Mem) ReadDir(dir string) ([]string, error) {
	if err := m.begin("readdir", dir); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	clean := path.Clean(dir)
	if n := m.names[clean]; n == nil || !n.dir {
		return nil, memError("readdir", dir, fs.ErrNotExist)
	}
	return m.entries(clean), nil
}

func (m *Mem) entries(dir string) []string {
	var names []string
	for name := range m.names {
		if path.Dir(name) == dir && name != dir {
			names = append(names, path.Base(name))
		}
	}
	sort.Strings(names)
	return names
}

// Free is FS.Free: what SetFree has set, and without that no end.
func (m *Mem) Free(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.free, nil
}

// SetFree sets what Free returns. It does not keep anybody from writing.
func (m *Mem) SetFree(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = bytes
}

// SyncDir is FS.SyncDir.
func (m *Mem) SyncDir(dir string) error {
	if err := m.begin("syncdir", dir); err != nil {
		return err
	}
	defer m.mu.Unlock()
	clean := path.Clean(dir)
	for name := range m.stable {
		if path.Dir(name) == clean && m.names[name] == nil {
			delete(m.stable, name)
		}
	}
	for name := range m.gone {
		if path.Dir(name) == clean {
			delete(m.gone, name)
		}
	}
	for name, n := range m.names {
		if path.Dir(name) == clean {
			m.stable[name] = n
		}
	}
	return nil
}

type memFile struct {
	m    *Mem
	n    *node
	name string
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.m.begin("read", f.name); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteVecAt(off int64, bufs ...[]byte) (int, error) {
	if err := f.m.begin("write", f.name); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	total := 0
	for _, b := range bufs {
		f.n.data = overwrite(f.n.data, off+int64(total), b)
		f.n.writes = append(f.n.writes, write{off: off + int64(total), data: append([]byte{}, b...)})
		total += len(b)
	}
	return total, nil
}

func (f *memFile) Sync() error {
	if err := f.m.begin("sync", f.name); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.n.synced = append([]byte(nil), f.n.data...)
	f.n.writes = nil
	return nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.m.begin("truncate", f.name); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.n.data = resize(f.n.data, size)
	f.n.writes = append(f.n.writes, write{size: size})
	return nil
}

func (f *memFile) Size() (int64, error) {
	if err := f.m.begin("stat", f.name); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Close() error { return nil }
