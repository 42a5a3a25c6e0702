package diskqueue

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/internal/vfs"
)

const (
	folderSuffix  = ".topic"
	deletedSuffix = ".deleted"
	// DefaultOpenFiles is how many files a store keeps open unless told otherwise.
	DefaultOpenFiles = 256
)

// Store is a folder of logs, each in a folder of its own named after it with
// ".topic" behind, so that no name can reach out of the store or meet the files
// of an upstream disk queue.
type Store struct {
	fs    vfs.FS
	dir   string
	files *files

	// OnSync, if not nil, is told how long each sync of a file took. It is set
	// before the first log is opened, and must not block.
	OnSync func(took time.Duration)

	made atomic.Uint64 // counts the folders that were made

	syncing sync.Mutex
	synced  uint64 // what made was when the store's own folder was last synced
}

// NewStore returns the store in dir, which must exist, with at most openFiles
// files open at a time (DefaultOpenFiles if that is not positive).
func NewStore(fsys vfs.FS, dir string, openFiles int) *Store {
	if openFiles <= 0 {
		openFiles = DefaultOpenFiles
	}
	return &Store{fs: fsys, dir: dir, files: newFiles(fsys, openFiles)}
}

// List returns the names of the logs in the store, sorted, and finishes
// removals that were interrupted.
func (s *Store) List() ([]string, error) {
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry, folderSuffix); ok {
			names = append(names, name)
		} else if strings.HasSuffix(entry, folderSuffix+deletedSuffix) {
			if err := s.removeFolder(path.Join(s.dir, entry)); err != nil {
				return nil, err
			}
		}
	}
	return names, nil
}

// Free returns how many bytes the store's file system has room for.
func (s *Store) Free() (int64, error) { return s.fs.Free(s.dir) }

func (s *Store) folder(name string) string { return path.Join(s.dir, name+folderSuffix) }

// Remove closes the log and deletes all it has, journal included. Nothing of a
// removed log comes back, even if the process ends in the middle.
func (l *Log) Remove() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.closed = true
	l.release()
	if l.store == nil {
		return nil
	}
	s := l.store
	condemned := l.dir + deletedSuffix
	if err := s.removeFolder(condemned); err != nil {
		return err
	}
	if err := s.fs.Rename(l.dir, condemned); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was ever written
		}
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return err
	}
	return s.removeFolder(condemned)
}

func (s *Store) removeFolder(dir string) error {
	entries, err := s.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := s.fs.Remove(path.Join(dir, entry)); err != nil {
			return err
		}
	}
	return s.fs.Remove(dir)
}

// makeDir makes the log's folder; it is there from the first write on.
func (l *Log) makeDir() error {
	if l.dirMade {
		return nil
	}
	if err := l.store.fs.MkdirAll(l.dir); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirMade, l.dirNew = true, l.store.made.Add(1)
	return nil
}

// syncDir puts the folders of logs on the disk, up to the one that was made as
// number upTo: one sync serves all that were made before it.
func (s *Store) syncDir(upTo uint64) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= upTo {
		return nil
	}
	made := s.made.Load()
	if err := s.fs.SyncDir(s.dir); err != nil {
		return err
	}
	s.synced = made
	return nil
}
