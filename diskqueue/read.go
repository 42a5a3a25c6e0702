package diskqueue

import (
	"errors"
	"io"
	"sort"
	"sync"

	"nsqsuite/internal/vfs"
)

// Resident returns a view of records in memory that begins at offset, or at the
// first record behind it if there is none at offset. The view is empty when
// there is nothing to read; cold tells that there is, but on disk: see Load.
// It never waits for the disk.
func (l *Log) Resident(offset uint64) (v View, cold bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.look(offset)
}

// look is Resident for a caller that holds mu.
func (l *Log) look(offset uint64) (v View, cold bool) {
	offset = l.gaps.Skip(offset)
	if offset >= l.end.Load() {
		return View{}, false
	}
	limit := l.gaps.Next(offset)
	i := sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].end() > offset })
	if i < len(l.blocks) && l.blocks[i].first <= offset {
		return l.blocks[i].view(offset, limit), false
	}
	for _, b := range l.cold {
		if b != nil && b.first <= offset && offset < b.end() {
			return b.view(offset, limit), false
		}
	}
	if l.segmentAt(offset) != nil {
		return View{}, true
	}
	if i < len(l.blocks) { // what was before it is forgotten: only a log that drops records gets here
		return l.blocks[i].view(l.blocks[i].first, l.gaps.Next(l.blocks[i].first)), false
	}
	return View{}, false
}

// segmentAt returns the first segment with records that ends behind offset. The caller holds mu.
func (l *Log) segmentAt(offset uint64) *segment {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].end > offset })
	for ; i < len(l.segs); i++ {
		if s := l.segs[i]; !s.empty() {
			return s
		}
	}
	return nil
}

// Load is Resident that reads from disk if it must. Damage is skipped, see
// Damage; an error means that the disk does not answer and nothing was skipped.
func (l *Log) Load(offset uint64) (View, error) {
	for {
		v, cold := l.Resident(offset)
		if !cold {
			return v, nil
		}
		if err := l.load(offset); err != nil {
			return View{}, err
		}
	}
}

// load reads the block that begins at offset, or at the first record behind it,
// into the cold blocks.
func (l *Log) load(offset uint64) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	l.mu.Lock()
	v, cold := l.look(offset)
	offset = l.gaps.Skip(offset)
	s := l.segmentAt(offset)
	l.mu.Unlock()
	v.Release()
	if !cold || s == nil {
		return nil // somebody else did it
	}
	f, err := s.file.use()
	if err != nil {
		return err
	}
	defer s.file.done()
	l.mu.Lock()
	r := segmentReader{file: f, salt: s.salt, end: s.size, stop: s.end}
	l.gaps.Add(offset, s.first) // nothing was ever written there
	offset = max(offset, s.first)
	from := s.before(offset)
	l.mu.Unlock()
	r.pos, r.next = from.pos, from.offset
	defer r.release()
	return l.fill(s, &r, offset)
}

// fill reads batches until one holds offset, and goes on while they follow on
// and the block has room.
func (l *Log) fill(s *segment, r *segmentReader, offset uint64) error {
	var b *block
	for {
		at := r.pos
		t, err := r.read()
		if err != nil && !isDamage(err) {
			if b != nil {
				break // give what was read; the error comes again
			}
			return err
		}
		if err != nil {
			if b != nil {
				break
			}
			if err := l.skipDamage(s, r, at); err != nil || r.next > offset {
				return err
			}
			continue
		}
		l.mu.Lock()
		s.note(t.first, at)
		l.mu.Unlock()
		if t.end() <= offset {
			continue
		}
		if b == nil {
			if t.first > offset {
				l.Discard(offset, t.first) // nothing was ever written there
			}
			first := max(offset, t.first)
			b = newBlock(first, max(len(t.records), min(int(r.end-at), maxBlock)), l.o.Budget)
			t.appendTo(b, first)
		} else if t.first == b.end() && b.filled()+len(t.records) <= len(b.buf) {
			t.appendTo(b, t.first)
		} else {
			break
		}
		if r.next >= r.stop {
			break
		}
	}
	l.keepCold(b)
	return nil
}

// keepCold puts b, with its reference, in the place of the oldest cold block.
func (l *Log) keepCold(b *block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.cold[l.coldNext]; old != nil {
		old.release()
	}
	l.cold[l.coldNext] = b
	l.coldNext = (l.coldNext + 1) % coldBlocks
}

// segmentReader reads batch by batch through a window of the file.
type segmentReader struct {
	file vfs.File
	salt uint32
	end  int64  // bytes in use
	stop uint64 // offset after the segment's last record

	pos  int64  // of the next batch
	next uint64 // offset expected there

	window []byte
	at     int64 // where in the file the window begins
	lent   *[windowSize]byte
}

// windowSize is how many bytes a reader asks the file for at a time. A full
// block's batch fits with its head: so one read is enough for most of them.
const windowSize = maxBlock + maxBlock/2

var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

// release gives the window back. What read returned last is not valid any more.
func (r *segmentReader) release() {
	if r.lent != nil {
		windows.Put(r.lent)
	}
	r.lent, r.window = nil, nil
}

// read returns the batch at pos and moves behind it. An error leaves pos as it is.
func (r *segmentReader) read() (batch, error) {
	if r.next >= r.stop || r.pos >= r.end {
		return batch{}, errShort
	}
	want := int64(windowSize)
	for {
		p, err := r.bytes(want)
		if err != nil {
			return batch{}, err
		}
		t, err := parseBatch(p, r.salt)
		if errors.Is(err, errShort) && int64(len(p)) < r.end-r.pos {
			size, err := batchSize(p, r.salt)
			if err != nil {
				return batch{}, err
			}
			if int64(size) > r.end-r.pos {
				return batch{}, errShort
			}
			want = int64(size)
			continue
		}
		if err != nil {
			return batch{}, err
		}
		if t.first < r.next {
			return batch{}, errDamaged
		}
		r.pos += int64(t.size)
		r.next = t.end()
		return t, nil
	}
}

// bytes returns the file's bytes from pos on: what the window holds if that is
// a whole batch, else up to want bytes freshly read.
func (r *segmentReader) bytes(want int64) ([]byte, error) {
	want = min(want, r.end-r.pos)
	if from := r.pos - r.at; from >= 0 && from < int64(len(r.window)) {
		p := r.window[from:]
		if size, err := batchSize(p, r.salt); err == nil && size <= len(p) {
			return p, nil
		}
	}
	p := r.room(want)
	n, err := r.file.ReadAt(p, r.pos)
	if err != nil && !errors.Is(err, io.EOF) {
		r.window = nil
		return nil, err
	}
	r.window, r.at = p[:n], r.pos
	return r.window, nil
}

// room returns memory for a window of n bytes.
func (r *segmentReader) room(n int64) []byte {
	if n > windowSize {
		return make([]byte, n)
	}
	if r.lent == nil {
		r.lent = windows.Get().(*[windowSize]byte)
	}
	return r.lent[:n]
}
