package diskqueue

// rewindAt is the size in bytes from which a segment that is still written, but
// needed by nobody, is given up so that its file can be used again from the start.
const rewindAt = 1 << 20

// Trim takes away the segments whose records the owner does not need: needed is
// asked for each segment with its range of offsets, first ≤ offset < end, and
// is called without any lock of the log. It returns how many went.
//
// One file is kept to be used again; an idle log gives that up too, and with it
// the memory of its newest block if keep says that nobody waits to read it.
func (l *Log) Trim(needed func(first, end uint64) bool, idle bool) (gone int, err error) {
	if l.store == nil {
		return 0, nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	l.mu.Lock()
	segs := append([]*segment(nil), l.segs...)
	l.mu.Unlock()
	var go1 []*segment
	for _, s := range segs {
		if s == l.active && (s.size < rewindAt || s.end == s.first) {
			continue
		}
		if !needed(s.first, s.end) {
			go1 = append(go1, s)
		}
	}
	for _, s := range go1 {
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

// shrink gives up what an idle log does not need: the spare file, the blocks
// read back from disk, and large blocks to come.
func (l *Log) shrink() error {
	l.loading.Lock()
	defer l.loading.Unlock()
	l.mu.Lock()
	l.dropCold()
	l.mu.Unlock()
	l.nextBlk = minBlock
	spare := l.spare
	l.spare = nil
	if spare == nil {
		return nil
	}
	spare.file.close()
	return l.store.fs.Remove(spare.file.path)
}
