package diskqueue

import (
	"errors"
	"fmt"
	"io"

	"nsqsuite/internal/vfs"
)

// maxKept bounds the bytes that are kept aside of one damaged place.
const maxKept = 16 << 20

// badSpan is a damaged place that is known already.
type badSpan struct {
	from, to int64  // bytes
	next     uint64 // offset of the first record behind it
}

// skipDamage moves r from the unreadable bytes at r.pos to the next intact batch,
// or to the segment's end, and makes the missing offsets a gap.
func (l *Log) skipDamage(s *segment, r *segmentReader, at int64) error {
	for _, bad := range s.bad {
		if bad.from == at {
			r.pos, r.next = bad.to, bad.next
			return nil
		}
	}
	to, b, found, err := findBatch(r.file, at+1, r.end, r.salt)
	if err != nil {
		return err
	}
	next := r.stop
	if found {
		next = max(b.first, r.next)
	} else {
		to = r.end
	}
	missing := l.Count(r.next, next)
	l.mu.Lock()
	l.gaps.add(r.next, next)
	l.damaged += missing
	s.bad = append(s.bad, badSpan{from: at, to: to, next: next})
	l.mu.Unlock()
	r.pos, r.next = to, next
	if to > at || missing > 0 {
		l.report(Damage{Segment: s.file.path, Pos: at, Len: to - at, Records: missing}, r.file)
	}
	return nil
}

// report keeps the damaged bytes aside and tells the owner.
func (l *Log) report(d Damage, f vfs.File) {
	if d.Len > 0 {
		path := fmt.Sprintf("%s.%d.bad", d.Segment, d.Pos)
		if d.Err = l.keepAside(path, f, d.Pos, min(d.Len, maxKept)); d.Err == nil {
			d.KeptAs = path
		}
	}
	if l.o.Damaged != nil {
		l.o.Damaged(d)
	}
}

// keepAside copies n bytes at pos of f into a new file.
func (l *Log) keepAside(path string, f vfs.File, pos, n int64) (err error) {
	to, err := l.store.fs.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	window := make([]byte, min(n, markEvery))
	for done := int64(0); done < n; {
		m, err := f.ReadAt(window[:min(int64(len(window)), n-done)], pos+done)
		if m == 0 {
			if errors.Is(err, io.EOF) {
				break
			}
			return err
		}
		if _, err := to.WriteVecAt(done, window[:m]); err != nil {
			return err
		}
		done += int64(m)
	}
	return to.Sync()
}
