package diskqueue

import "sort"

// Bytes returns how many bytes the records from ≤ offset < to have. It is exact
// for records in memory, and for whole segments that this process has written. A
// position inside a segment is reckoned from its index: records between two of its
// entries are taken to be of one size. Of a segment that was found on the disk,
// what its batches cost beside their records counts too.
func (l *Log) Bytes(from, to uint64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from = max(from, l.oldest()); from >= to {
		return 0
	}
	n := l.bytesBefore(to) - l.bytesBefore(from)
	for i := l.gaps.after(from); i < len(l.gaps) && l.gaps[i].From < to; i++ {
		n -= l.bytesBefore(min(l.gaps[i].To, to)) - l.bytesBefore(max(l.gaps[i].From, from))
	}
	return max(n, 0)
}

// bytesBefore returns how many bytes of records came before offset since the
// oldest of those that were there when the log was opened. The caller holds mu.
func (l *Log) bytesBefore(offset uint64) int64 {
	if offset >= l.end.Load() {
		return l.total
	}
	i := sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].end() > offset })
	if i < len(l.blocks) && l.blocks[i].first <= offset {
		return l.blocks[i].bytesBefore(offset)
	}
	k := sort.Search(len(l.segs), func(k int) bool { return l.segs[k].first > offset })
	switch {
	case k > 0:
		s := l.segs[k-1]
		return s.base + s.bytesBefore(offset)
	case len(l.segs) > 0:
		return l.segs[0].base
	case i < len(l.blocks):
		return l.blocks[i].base
	}
	return l.total
}

func (b *block) bytesBefore(offset uint64) int64 {
	if offset == b.first {
		return b.base
	}
	return b.base + int64(b.ends[offset-b.first-1])
}

// bytesBefore returns how many bytes the segment's records before offset have.
func (s *segment) bytesBefore(offset uint64) int64 {
	if offset >= s.end || s.size <= segmentHeader {
		return s.bytes
	}
	from, to := s.before(offset), mark{s.end, s.size}
	if i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].offset > offset }); i < len(s.marks) {
		to = s.marks[i]
	}
	pos := float64(from.pos-segmentHeader) + float64(to.pos-from.pos)*float64(offset-from.offset)/float64(to.offset-from.offset)
	return int64(float64(s.bytes) * pos / float64(s.size-segmentHeader))
}

// measure takes in how large the segments are that were found on the disk.
func (l *Log) measure() {
	for _, s := range l.segs {
		s.base = l.total
		s.bytes = max(s.size-segmentHeader-lengthSize*int64(s.end-s.first), 0)
		l.total += s.bytes
	}
}
