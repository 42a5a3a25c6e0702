package diskqueue

import (
	"errors"
	"sync"
)

// commit is the state of group commit: any number of appends wait for one sync,
// made by one of them for all that is written when it begins.
type commit struct {
	mu      sync.Mutex
	done    sync.Cond
	running bool
	synced  uint64 // all records below this offset are on the disk
	failed  uint64 // a sync that was to cover the records below this offset failed …
	err     error  // … with this error
}

// wait returns when all records below end are on the disk.
func (l *Log) wait(end uint64) error {
	c := &l.commit
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.synced < end {
		if c.failed >= end {
			return c.err
		}
		if c.running {
			c.done.Wait()
			continue
		}
		c.running = true
		c.mu.Unlock()
		covers := l.end.Load()
		err := l.syncFiles()
		c.mu.Lock()
		c.running = false
		if err != nil {
			c.failed, c.err = covers, err
		} else {
			c.synced = max(c.synced, covers)
		}
		c.done.Broadcast()
	}
	return nil
}

// Sync puts everything that is written on the disk. It costs nothing when
// nothing was written since the last one.
func (l *Log) Sync() error {
	if l.store == nil {
		return nil
	}
	return l.syncFiles()
}

// syncFiles syncs each dirty segment, then the folder if files came or went. A
// segment whose sync fails is never written again: what the kernel holds of it
// afterwards cannot be trusted, and a second sync would report success.
func (l *Log) syncFiles() error {
	l.mu.Lock()
	var dirty []*segment
	for _, s := range l.segs {
		if s.dirty {
			s.dirty = false
			dirty = append(dirty, s)
		}
	}
	dirStale, dirNew := l.dirStale, l.dirNew
	l.dirStale, l.dirNew = false, 0
	l.mu.Unlock()
	var errs []error
	for _, s := range dirty {
		if err := l.syncSegment(s); err != nil {
			errs = append(errs, err)
			l.mu.Lock()
			s.failed = true
			l.mu.Unlock()
		}
	}
	if dirStale {
		if err := l.store.fs.SyncDir(l.dir); err != nil {
			errs = append(errs, err)
			l.mu.Lock()
			l.dirStale = true
			l.mu.Unlock()
		}
	}
	if err := l.store.syncDir(dirNew); err != nil {
		errs = append(errs, err)
		l.mu.Lock()
		l.dirNew = dirNew
		l.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (l *Log) syncSegment(s *segment) error {
	// A file that is being taken away needs no sync, and must not be opened again.
	f, err := s.file.use()
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, kept := range l.segs {
			if kept == s {
				return err
			}
		}
		return nil
	}
	defer s.file.done()
	return f.Sync()
}
