package diskqueue

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sort"
)

// iovecHint is how many buffers one append usually writes: a header and a run of records each.
const iovecHint = 8

// Append stores records, at being both of the append's Times, and returns the
// offset of the first; the others follow on. When it returns nil they are as durable
// as the log's Options say and readers can see them; when it returns an error none
// of them is visible – unless it was the sync of durability fsync that failed: then
// nobody can tell what is on the disk, and they are read like others. The bodies are
// copied.
func (l *Log) Append(at int64, records []Record) (first uint64, err error) {
	return l.AppendIf(nil, Times{at, at}, records)
}

// AppendIf is Append, unless admit says no: its error is returned then. It is
// called with the writing lock held, and no other, as Options.Needed is: so
// nothing comes between the question and the append.
func (l *Log) AppendIf(admit func([]Record) error, times Times, records []Record) (first uint64, err error) {
	if len(records) == 0 {
		return l.end.Load(), nil
	}
	end, err := l.append(admit, times, records)
	if err != nil {
		return 0, err
	}
	if l.o.Durability == Fsync {
		if err := l.wait(end); err != nil {
			return 0, err
		}
	}
	return end - uint64(len(records)), nil
}

func (l *Log) append(admit func([]Record) error, times Times, records []Record) (end uint64, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	if admit != nil {
		if err := admit(records); err != nil {
			return 0, err
		}
	}
	if l.overfull {
		if err := l.evict(); err != nil {
			return 0, err
		}
	}
	if err := l.stage(times, records); err != nil {
		return 0, err
	}
	if l.store != nil && l.o.Durability != Memory {
		if err := l.write(l.pieces); err != nil {
			l.unstage()
			return 0, err
		}
	}
	l.publish(uint64(len(records)))
	l.overfull = l.evict() != nil
	return l.end.Load(), nil
}

// stage encodes records behind what readers can see, into the last block and as
// many new ones as it takes, and leaves in l.pieces what each block got.
func (l *Log) stage(times Times, records []Record) error {
	left := 0
	for i := range records {
		left += l.o.HeaderSize + len(records[i].Body)
	}
	total := l.total + int64(left)
	if left >= maxBatchBody/2 || len(records) >= maxBatch {
		return ErrTooLarge
	}
	offset := l.end.Load()
	var p *piece
	l.pieces = l.pieces[:0]
	if b := l.last(); b != nil && b.end() == offset {
		l.pieces = append(l.pieces, piece{block: b, first: offset, base: uint32(len(b.ends)), start: uint32(b.filled()), ends: b.ends, dues: b.dues})
		p = &l.pieces[0]
	}
	for i := range records {
		r := &records[i]
		size := l.o.HeaderSize + len(r.Body)
		if p == nil || p.fill()+size > len(p.block.buf) {
			b := newBlock(offset, max(size, l.nextBlk, min(left, maxBlock)), l.o.Budget)
			b.base = total - int64(left)
			l.nextBlk = min(2*len(b.buf), maxBlock)
			l.pieces = append(l.pieces, piece{block: b, first: offset, ends: slices.Grow(b.ends, mostOf(len(b.buf), size, len(records)-i)), dues: b.dues})
			p = &l.pieces[len(l.pieces)-1]
		}
		fill := p.fill()
		dst := p.block.buf[fill : fill+size]
		l.o.PutHeader(dst[:l.o.HeaderSize], offset, cmp.Or(r.At, times.At), r)
		copy(dst[l.o.HeaderSize:], r.Body)
		if r.Delay != 0 {
			if len(p.dues) == cap(p.dues) {
				p.dues = slices.Grow(p.dues, mostOf(len(p.block.buf)-fill, size, len(records)-i))
			}
			p.dues = append(p.dues, due{index: uint32(len(p.ends)), at: times.From + int64(r.Delay)})
		}
		p.ends = append(p.ends, uint32(fill+size))
		left -= size
		offset++
	}
	if len(l.pieces[0].ends) == int(l.pieces[0].base) { // nothing fitted into the last block
		l.pieces = append(l.pieces[:0], l.pieces[1:]...)
	}
	return nil
}

// mostOf returns how many of left records, all of one size, fit into so many bytes.
func mostOf(space, size, left int) int { return min(space/max(size, 1), left) }

// last returns the newest block, which only an appender changes.
func (l *Log) last() *block {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.blocks); n > 0 {
		return l.blocks[n-1]
	}
	return nil
}

// unstage gives back the blocks that stage made for an append that failed.
func (l *Log) unstage() {
	for i := range l.pieces {
		if p := &l.pieces[i]; p.base == 0 {
			p.block.release()
		}
	}
}

// publish makes what was staged visible.
func (l *Log) publish(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.pieces {
		p := &l.pieces[i]
		l.total += int64(len(p.bytes()))
		p.block.ends, p.block.dues = p.ends, p.dues
		if p.base == 0 {
			l.blocks = append(l.blocks, p.block)
		}
		*p = piece{}
	}
	l.resident += int64(n)
	l.end.Add(n)
	l.noteOldest()
}

// evict makes memory's share of the log fit its bounds again. Blocks that are
// only in memory are written first; a log without a disk forgets them. What
// cannot be written stays in memory, and nothing comes to it until it can.
func (l *Log) evict() error {
	l.mu.Lock()
	last := l.surplus()
	l.mu.Unlock()
	if last == 0 {
		return nil
	}
	if l.store != nil {
		if err := l.spill(last); err != nil {
			return err
		}
	}
	l.Forget(last)
	return nil
}

// surplus returns the offset below which records are too many for memory, or 0.
// It goes by whole blocks: a log on disk keeps no record too many, one without a
// disk, which would lose them, none too few. The caller holds mu.
func (l *Log) surplus() (last uint64) {
	left := l.resident
	for i := 0; i < len(l.blocks)-1; i++ {
		n := int64(len(l.blocks[i].ends))
		tooMany := left > l.o.MemRecords
		if l.store == nil {
			tooMany = left-n >= l.o.MemRecords
		}
		if !tooMany && (i > 0 || !l.o.Budget.Exceeded()) {
			break
		}
		left -= n
		last = l.blocks[i].end()
	}
	return last
}

// noteOldest keeps forgettable up to date. The caller holds mu.
func (l *Log) noteOldest() {
	oldest := ^uint64(0)
	if len(l.blocks) > 1 {
		oldest = l.blocks[0].end()
	}
	l.forgettable.Store(oldest)
}

// Forgets tells, at no cost, whether Forget(offset) would drop anything.
func (l *Log) Forgets(offset uint64) bool { return offset >= l.forgettable.Load() }

// Forget drops resident blocks that hold nothing at or behind offset. Views of
// them stay valid. It never drops the newest block.
func (l *Log) Forget(offset uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.blocks)-1 && l.blocks[n].end() <= offset {
		b := l.blocks[n]
		l.resident -= int64(len(b.ends))
		l.evicted = b.end()
		b.release()
		n++
	}
	if n > 0 {
		l.blocks = append(l.blocks[:0], l.blocks[n:]...)
		clear(l.blocks[len(l.blocks):cap(l.blocks)])
		l.noteOldest()
	}
}

// spill writes the resident records below limit that no segment has yet. The
// caller holds writing. In durability write and fsync there are none.
func (l *Log) spill(limit uint64) error {
	if l.o.Durability != Memory {
		return nil
	}
	var pieces []piece
	l.mu.Lock()
	from := uint64(0)
	if n := len(l.segs); n > 0 {
		from = l.segs[n-1].end
	}
	for _, b := range l.blocks {
		if b.end() > from && b.first < limit {
			i := int(max(from, b.first) - b.first)
			v := b.view(b.first+uint64(i), ^uint64(0))
			pieces = append(pieces, piece{block: b, first: v.First, base: v.base, start: v.start, ends: b.ends, dues: b.dues})
			v.Release()
		}
	}
	l.mu.Unlock()
	for i := range pieces {
		if err := l.write(pieces[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// write appends pieces to the active segment by one call, or to a new one if
// they do not fit. When it fails the segment is as it was.
func (l *Log) write(pieces []piece) error {
	total := int64(0)
	for i := range pieces {
		total += pieces[i].diskSize()
	}
	s, err := l.segmentFor(pieces[0].first, total)
	if err != nil {
		return err
	}
	f, err := s.file.use()
	if err != nil {
		return err
	}
	defer s.file.done()
	bufs := l.encode(s, pieces)
	if _, err := f.WriteVecAt(s.size, bufs...); err != nil {
		if f.Truncate(s.size) != nil {
			// What is left behind the end must never be taken for records.
			l.active = nil
		}
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	pos := max(s.size, segmentHeader)
	if s.bytes == 0 {
		s.base = pieces[0].block.base + int64(pieces[0].start)
	}
	for i := range pieces {
		s.bytes += int64(len(pieces[i].bytes()))
		s.note(pieces[i].first, pos)
		pos += pieces[i].diskSize()
	}
	s.size, s.end, s.dirty = pos, pieces[len(pieces)-1].last(), true
	return nil
}

// encode returns what to write for pieces: for each its head and its records,
// and before them the segment's header if it is new.
func (l *Log) encode(s *segment, pieces []piece) [][]byte {
	l.heads, l.bufs = l.heads[:0], l.bufs[:0]
	size := segmentHeader
	for i := range pieces {
		size += pieces[i].headSize()
	}
	if cap(l.heads) < size {
		l.heads = make([]byte, 0, size+size/2)
		l.bufs = make([][]byte, 0, max(iovecHint, 2*len(pieces)+1))
	}
	if s.size == 0 {
		l.heads = append(l.heads, s.header()...)
		l.bufs = append(l.bufs, l.heads)
	}
	for i := range pieces {
		from := len(l.heads)
		l.heads = appendBatchHead(l.heads, s.salt, &pieces[i])
		l.bufs = append(l.bufs, l.heads[from:], pieces[i].bytes())
	}
	return l.bufs
}

// segmentFor returns the segment for size bytes of batches that begin at offset.
func (l *Log) segmentFor(offset uint64, size int64) (*segment, error) {
	l.mu.Lock()
	a := l.active
	fits := a != nil && !a.failed && (a.size <= segmentHeader || a.size+size <= l.segSize)
	l.mu.Unlock()
	if fits {
		return a, nil
	}
	l.active = nil
	l.reclaim()
	s := &segment{first: offset, prevFirst: offset, prevEnd: offset, end: offset, salt: rand.Uint32()}
	l.mu.Lock()
	if n := len(l.segs); n > 0 {
		if last := l.segs[n-1]; last.first == offset { // it never came to hold anything
			l.segs = l.segs[:n-1]
			last.file.close()
			if last.prevFirst != last.first {
				s.prevFirst, s.prevEnd = last.prevFirst, last.prevEnd
			}
		} else {
			s.prevFirst, s.prevEnd = last.first, last.end
		}
	}
	l.mu.Unlock()
	path := segmentPath(l.dir, offset)
	if err := l.newFile(s, path); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segs = append(l.segs, s)
	l.dirStale = true
	l.active = s
	return s, nil
}

// newFile gives s its file: the spare one under a new name, or a new one.
func (l *Log) newFile(s *segment, path string) error {
	s.file = l.store.files.handle(path)
	if spare := l.spare; spare != nil {
		l.spare = nil
		spare.file.close()
		if err := l.store.fs.Rename(spare.file.path, path); err == nil {
			return nil
		}
	}
	if err := l.makeDir(); err != nil {
		return err
	}
	if _, err := s.file.create(); err != nil {
		return err
	}
	s.file.done()
	if len(l.segs) > 0 {
		l.segSize = min(2*l.segSize, l.o.MaxSegmentBytes)
	}
	return nil
}

func (p *piece) fill() int {
	if len(p.ends) == 0 {
		return 0
	}
	return int(p.ends[len(p.ends)-1])
}

// added returns the ends of the piece's own records; ends before them belong to what the block held already.
func (p *piece) added() []uint32 { return p.ends[p.base:] }

func (p *piece) bytes() []byte { return p.block.buf[p.start:p.fill():p.fill()] }

func (p *piece) last() uint64 { return p.first + uint64(len(p.added())) }

// addedDues returns the due times of the piece's own records.
func (p *piece) addedDues() []due {
	first := sort.Search(len(p.dues), func(i int) bool { return p.dues[i].index >= p.base })
	return p.dues[first:]
}

func (p *piece) headSize() int {
	n := batchHeader + lengthSize*len(p.added())
	if len(p.addedDues()) > 0 {
		n += dueSize * len(p.added())
	}
	return n
}

func (p *piece) diskSize() int64 { return int64(p.headSize() + len(p.bytes())) }
