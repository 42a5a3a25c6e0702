package diskqueue

import "slices"

// rewindAt is the size in bytes from which a segment that is still written, but
// needed by nobody, is given up so that its file can be used again from the start.
const rewindAt = 1 << 20

const (
	// minSegment is how many bytes the first segment of a log may have. Each new
	// file may be twice as large as the one before: a log whose readers keep up
	// goes on using a small one again and again, a backlog has few files.
	minSegment = 4 << 20
	// reclaimLook is how many segments a roll looks at for a file to use again.
	reclaimLook = 8
)

// Trim takes away the segments whose records the owner does not need, as
// Options.Needed says, and returns how many went. One file is kept to be used
// again; an idle log gives up that too, and what else it has only for speed.
func (l *Log) Trim(idle bool) (gone int, err error) {
	if l.store == nil {
		return 0, nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	for _, s := range l.unneeded(len(l.segs)) {
		if err := l.take(s); err != nil {
			return gone, err
		}
		gone++
	}
	if idle {
		return gone, l.shrink()
	}
	return gone, nil
}

// unneeded returns those of the most oldest segments that the owner does not
// need. The caller holds writing, and no other lock of the log.
func (l *Log) unneeded(most int) (list []*segment) {
	if l.o.Needed == nil {
		return nil
	}
	l.mu.Lock()
	segs := slices.Clone(l.segs[:min(most, len(l.segs))])
	l.mu.Unlock()
	for _, s := range segs {
		if s == l.active && (s.size < rewindAt || s.end == s.first) {
			continue
		}
		if !l.o.Needed(s.first, s.end) {
			list = append(list, s)
		}
	}
	return list
}

// reclaim finds a file to use again for the next segment, if it can.
func (l *Log) reclaim() {
	if l.spare != nil || l.o.Durability == Memory {
		return
	}
	for _, s := range l.unneeded(reclaimLook) {
		if l.take(s) != nil || l.spare != nil {
			return // a file that could not be removed is found by the next Trim
		}
	}
}

// take removes s from the log and keeps its file for the next segment, or removes it.
func (l *Log) take(s *segment) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	l.mu.Lock()
	for i := range l.segs {
		if l.segs[i] == s {
			l.segs = append(l.segs[:i], l.segs[i+1:]...)
			break
		}
	}
	l.gaps.add(s.first, s.end)
	first := l.end.Load()
	if len(l.segs) > 0 {
		first = l.segs[0].first
	}
	if len(l.blocks) > 0 {
		first = min(first, l.blocks[0].first)
	}
	l.gaps.forget(first)
	l.mu.Unlock()
	if s == l.active {
		l.active = nil
	}
	if l.spare == nil && s.size > 0 && !s.failed && l.o.Durability != Memory {
		l.spare = s
		return nil
	}
	s.file.close()
	l.mu.Lock()
	l.dirStale = true
	l.mu.Unlock()
	return l.store.fs.Remove(s.file.path)
}

// minSegment is minSegment within the owner's bound.
func (l *Log) minSegment() int64 { return min(minSegment, l.o.MaxSegmentBytes) }

// shrink gives up what an idle log does not need: the spare file, the blocks
// read back from disk, and large blocks and segments to come.
func (l *Log) shrink() error {
	l.loading.Lock()
	defer l.loading.Unlock()
	l.mu.Lock()
	l.dropCold()
	l.mu.Unlock()
	l.nextBlk, l.segSize = minBlock, l.minSegment()
	spare := l.spare
	l.spare = nil
	if spare == nil {
		return nil
	}
	spare.file.close()
	return l.store.fs.Remove(spare.file.path)
}
