package diskqueue

import (
	"container/list"
	"sync"

	"nsqsuite/internal/vfs"
)

// files keeps at most max segment files open, closing those used longest ago,
// so that the number of logs is not bounded by the number of descriptors.
type files struct {
	fs  vfs.FS
	max int

	mu   sync.Mutex
	open *list.List // of *handle, most recently used first
}

func newFiles(fs vfs.FS, max int) *files {
	return &files{fs: fs, max: max, open: list.New()}
}

// handle is a file that is opened when it is used.
type handle struct {
	files *files
	path  string

	opening sync.Mutex // held while opening, so that two users open once

	// guarded by files.mu
	file  vfs.File
	users int
	place *list.Element
}

func (f *files) handle(path string) *handle { return &handle{files: f, path: path} }

// use opens the file if need be. Each use that returns no error needs a done.
func (h *handle) use() (vfs.File, error) {
	if f := h.acquire(); f != nil {
		return f, nil
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if f := h.acquire(); f != nil {
		return f, nil
	}
	f, err := h.files.fs.OpenFile(h.path)
	if err != nil {
		return nil, err
	}
	h.keep(f)
	return f, nil
}

// create makes the file anew, empty, and takes it into use.
func (h *handle) create() (vfs.File, error) {
	f, err := h.files.fs.Create(h.path)
	if err != nil {
		return nil, err
	}
	h.keep(f)
	return f, nil
}

func (h *handle) acquire() vfs.File {
	h.files.mu.Lock()
	defer h.files.mu.Unlock()
	if h.file == nil {
		return nil
	}
	h.users++
	h.files.open.MoveToFront(h.place)
	return h.file
}

// keep takes an opened file in, with one user, and closes what is over the bound.
func (h *handle) keep(f vfs.File) {
	s := h.files
	s.mu.Lock()
	h.file, h.users = f, 1
	h.place = s.open.PushFront(h)
	var idle []vfs.File
	for e := s.open.Back(); e != nil && s.open.Len() > s.max; {
		old := e.Value.(*handle)
		e = e.Prev()
		if old.users == 0 {
			idle = append(idle, old.forget())
		}
	}
	s.mu.Unlock()
	for _, f := range idle {
		f.Close() // what was written is with the kernel; a sync opens the file again
	}
}

func (h *handle) done() {
	h.files.mu.Lock()
	h.users--
	h.files.mu.Unlock()
}

// forget takes the file out of the list. The caller holds files.mu and closes it.
func (h *handle) forget() vfs.File {
	h.files.open.Remove(h.place)
	f := h.file
	h.file, h.place = nil, nil
	return f
}

// close closes the file if it is open. Nobody may be using it.
func (h *handle) close() {
	h.files.mu.Lock()
	var f vfs.File
	if h.file != nil {
		f = h.forget()
	}
	h.files.mu.Unlock()
	if f != nil {
		f.Close()
	}
}
