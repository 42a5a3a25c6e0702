package diskqueue

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// commit is the state of group commit: any number of appends wait for one sync,
// made by one of them for all that is written when it begins. There is one at a
// time: who found nothing dirty because another one is at it must wait for that.
type commit struct {
	mu      sync.Mutex
	done    sync.Cond
	running bool
	synced  uint64 // all records below this offset are on the disk, but for …
	from    uint64 // … those from here …
	failed  uint64 // … to below there, which a sync that failed …
	err     error  // … with this error was to cover
}

// wait returns when all records below end are on the disk.
func (l *Log) wait(end uint64) error {
	c := &l.commit
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.from < end && end <= c.failed: // even if later ones went well since
			return c.err
		case c.synced >= end:
			return nil
		case c.running:
			c.done.Wait()
		default:
			l.commitNow() //nolint:errcheck // c tells
		}
	}
}

// commitNow makes one sync. The caller holds commit.mu, which is released
// meanwhile, and no sync is running.
func (l *Log) commitNow() error {
	c := &l.commit
	c.running = true
	c.mu.Unlock()
	covers := l.end.Load()
	err := l.syncFiles()
	c.mu.Lock()
	c.running = false
	if err == nil {
		c.synced = max(c.synced, covers)
	} else {
		if c.failed == 0 {
			c.from = c.synced
		}
		c.failed, c.err = covers, err
	}
	c.done.Broadcast()
	return err
}

// Sync puts everything that is written on the disk. It costs nothing when
// nothing was written since the last one.
func (l *Log) Sync() error {
	if l.store == nil {
		return nil
	}
	c := &l.commit
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running {
		c.done.Wait()
	}
	return l.commitNow()
}

// syncFiles syncs each dirty segment, then the folder if files came or went. One
// that cannot even be opened is tried again next time, but one whose sync fails is
// never written again: what the kernel holds of it afterwards cannot be trusted,
// and a second sync would report success.
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
		if opened, err := l.syncSegment(s); err != nil {
			errs = append(errs, err)
			l.mu.Lock()
			s.failed, s.dirty = s.failed || opened, s.dirty || !opened
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

func (l *Log) syncSegment(s *segment) (opened bool, err error) {
	// A file that is being taken away needs no sync, and must not be opened again.
	f, err := s.file.use()
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if slices.Contains(l.segs, s) {
			return false, err
		}
		return false, nil
	}
	defer s.file.done()
	start := time.Now()
	err = f.Sync()
	if l.store.OnSync != nil {
		l.store.OnSync(time.Since(start))
	}
	return true, err
}
