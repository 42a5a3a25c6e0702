package diskqueue

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Position is where a log ended when its owner last asked. Given back to Open it
// saves reading the last segment from its start.
type Position struct {
	Segment uint64 // first offset of the last segment
	Pos     int64  // bytes in use in it
	Next    uint64 // offset of the record that would come at Pos
	End     uint64 // above every offset given out when it was asked
	Closed  bool   // the log was closed in order, so nothing came after End
	Gaps    []Gap  // ranges that held no record
}

// Position returns where the log ends now, as far as it is on disk.
func (l *Log) Position() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Position{End: l.end.Load(), Gaps: slices.Clone(l.gaps)}
	if n := len(l.segs); n > 0 {
		last := l.segs[n-1]
		p.Segment, p.Pos, p.Next = last.first, last.size, last.end
	}
	return p
}

// Open opens the log of this name, or makes a new one; its folder appears with
// the first write. Only the last segment is read, and of it what lies behind known,
// and those that were followed by one that has gone since.
func (s *Store) Open(name string, known Position, o Options) (*Log, error) {
	l := &Log{o: o, store: s, dir: s.folder(name)}
	l.init()
	if err := l.listSegments(known); err != nil {
		return nil, fmt.Errorf("opening log %s: %w", name, err)
	}
	if err := l.recoverLast(known); err != nil {
		return nil, fmt.Errorf("opening log %s: %w", name, err)
	}
	l.measure()
	end, closed := uint64(0), known.Closed
	if n := len(l.segs); n > 0 {
		last := l.segs[n-1]
		end = last.end
		// What was written since is of a process that ended before it could tell.
		closed = closed && last.first == known.Segment && last.size == known.Pos
	}
	if !closed {
		l.distrust()
	}
	l.start(end)
	l.advance(known.End) // even if the clock, of which NextOffset may be made, went back
	if !closed || l.end.Load() == 0 {
		l.advance(o.NextOffset())
	}
	if len(l.segs) == 0 {
		l.gaps = nil
	}
	return l, nil
}

// distrust has everything synced next time: what a process wrote that did not
// close the log may be with the kernel only.
func (l *Log) distrust() {
	for _, s := range l.segs {
		s.dirty = true
	}
	if l.dirStale = l.dirMade; l.dirMade {
		l.dirNew = l.store.made.Add(1)
	}
}

// listSegments finds the segments and reads their headers.
func (l *Log) listSegments(known Position) error {
	entries, err := l.store.fs.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	l.dirMade = true
	for _, entry := range entries {
		first, ok := segmentFirst(entry)
		if !ok {
			continue
		}
		if err := l.addSegment(first, path.Join(l.dir, entry)); err != nil {
			return err
		}
	}
	for i := range l.segs[:max(len(l.segs)-1, 0)] {
		if err := l.findEnd(l.segs[i], l.segs[i+1], known); err != nil {
			return err
		}
		l.gaps.Add(l.segs[i].end, l.segs[i+1].first)
	}
	return nil
}

// findEnd finds out where a segment ends that is not the last: where the header
// of the next one says, if that was begun behind it. If what was between them is
// gone, the gap that lies there tells if all gaps are known, or else the segment itself.
func (l *Log) findEnd(s, next *segment, known Position) error {
	if s.size <= segmentHeader {
		return nil
	}
	if next.prevFirst == s.first {
		s.end = min(max(next.prevEnd, s.first), next.first)
		return nil
	}
	gaps := Gaps(known.Gaps)
	i := gaps.after(next.first - 1)
	if known.Closed && i < len(gaps) && gaps[i].From > s.first && gaps[i].From < next.first {
		s.end = gaps[i].From
		return nil
	}
	f, err := s.file.use()
	if err != nil {
		return err
	}
	defer s.file.done()
	r := segmentReader{file: f, salt: s.salt, end: s.size, stop: ^uint64(0), pos: segmentHeader, next: s.first}
	defer r.release()
	if err := l.scan(s, &r); err != nil {
		return err
	}
	s.end, s.size = r.next, r.pos // behind it may be what an earlier use of the file left
	return nil
}

// addSegment takes the file at path in as a segment, or removes it if it is
// empty: it never came to hold anything, or held another segment before.
func (l *Log) addSegment(first uint64, path string) error {
	s := &segment{first: first, prevFirst: first, prevEnd: first, end: first, file: l.store.files.handle(path)}
	if err := l.examine(s); err != nil {
		return err
	}
	if s.size == 0 {
		s.file.close()
		return l.store.fs.Remove(path)
	}
	l.segs = append(l.segs, s)
	return nil
}

// examine reads the header of s and sets its size to the file's, or to 0 if it is empty.
func (l *Log) examine(s *segment) error {
	f, err := s.file.use()
	if err != nil {
		return err
	}
	defer s.file.done()
	fileSize, err := f.Size()
	if err != nil {
		return err
	}
	err = s.readHeader(f, fileSize)
	if errors.Is(err, errNoHeader) {
		l.report(Damage{Segment: s.file.path, Pos: 0, Len: segmentHeader}, f)
	} else if err != nil {
		return err
	}
	if s.size > 0 {
		s.size = fileSize
	}
	return nil
}

// recoverLast finds the end of the last segment and cuts off what is torn.
func (l *Log) recoverLast(known Position) error {
	n := len(l.segs)
	if n == 0 {
		return nil
	}
	s := l.segs[n-1]
	f, err := s.file.use()
	if err != nil {
		return err
	}
	defer s.file.done()
	r := segmentReader{file: f, salt: s.salt, end: s.size, stop: ^uint64(0), pos: segmentHeader, next: s.first}
	if known.Segment == s.first && known.Pos >= segmentHeader && known.Pos <= s.size {
		r.pos, r.next = known.Pos, known.Next
	}
	defer r.release()
	if err := l.scan(s, &r); err != nil {
		return err
	}
	s.end = r.next
	if r.pos < s.size {
		if err := f.Truncate(r.pos); err != nil {
			return err
		}
	}
	s.size = r.pos
	l.active = s
	return nil
}

// scan moves r behind the last intact batch, skipping damaged ones before it.
func (l *Log) scan(s *segment, r *segmentReader) error {
	for r.pos < r.end {
		at := r.pos
		t, err := r.read()
		if err == nil {
			s.note(t.first, at)
			continue
		}
		if !isDamage(err) {
			return err
		}
		_, b, found, err := findBatch(r.file, at+1, r.end, r.salt)
		if err != nil {
			return err
		}
		if !found || b.first < r.next {
			return nil // a torn tail, or what was there before
		}
		r.stop = b.first
		if err := l.skipDamage(s, r, at); err != nil {
			return err
		}
		r.stop = ^uint64(0)
	}
	return nil
}
