package diskqueue

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Durability says when an append may return.
type Durability int

const (
	// Memory writes to disk only what does not fit into memory, and the rest at Close.
	Memory Durability = iota
	// Write has the records in the file before an append returns: they survive
	// the end of the process, however it comes.
	Write
	// Fsync has them on the disk before an append returns: they survive power loss.
	Fsync
)

var (
	// ErrClosed is returned by operations on a log that was closed or removed.
	ErrClosed = errors.New("log is closed")
	// ErrTooLarge is returned for records that no batch can hold.
	ErrTooLarge = errors.New("record is too large")
)

// A Record is what an append stores: a header that the owner's PutHeader makes, and a body.
type Record struct {
	Body []byte
	// Delay is how long after Times.From the record must not be handed out; 0 if
	// it may be at once. The time that makes is stored beside the record, not in it.
	Delay time.Duration
	// At is the time that PutHeader is given instead of the append's, if it is
	// not 0, and Mark a number for it to use: neither is stored but by PutHeader.
	At   int64
	Mark uint16
}

// Times are an append's, in Unix ns.
type Times struct {
	At   int64 // what PutHeader is given
	From int64 // what delays count from
}

// Options are a log's settings. HeaderSize and PutHeader are required.
type Options struct {
	Durability Durability
	// MaxSegmentBytes bounds a segment file, except that one append that is larger has a file to itself.
	MaxSegmentBytes int64
	// MemRecords is how many records stay resident in memory; at least the newest block does.
	MemRecords int64
	// Budget bounds the memory of all logs that share it. Nil: no bound.
	Budget *Budget
	// HeaderSize is the number of bytes PutHeader writes before each body.
	HeaderSize int
	// PutHeader writes the header of a record into dst, HeaderSize bytes long.
	// It is called with the log's writing lock held and must not block.
	PutHeader func(dst []byte, offset uint64, at int64, r *Record)
	// NextOffset returns a number that is above any offset of an earlier log of
	// this name. It is asked when a log is new, or was not closed in order.
	NextOffset func() uint64
	// Needed tells whether the owner may still ask for any record with first ≤
	// offset < end. It is called with the writing lock held, and no other: the
	// owner must not hold a lock that Needed takes while it appends. Nil: for all.
	Needed func(first, end uint64) bool
	// Damaged, if not nil, is told of every damaged place, once.
	Damaged func(Damage)
}

// Damage describes bytes of a segment that could not be read.
type Damage struct {
	Segment  string // path of the file
	Pos, Len int64  // which bytes
	Records  uint64 // how many offsets are missing there
	KeptAs   string // file with a copy of the bytes, or ""
	Err      error  // why they could not be kept, or nil
}

// Log is a log of records. All methods are safe for concurrent use.
type Log struct {
	o     Options
	store *Store // nil: in memory only
	dir   string

	writing  sync.Mutex // serialises appends; guards the fields down to mu
	heads    []byte
	pieces   []piece
	bufs     [][]byte
	active   *segment // the last of segs if it can be appended to
	spare    *segment // a file to use again
	closed   bool
	overfull bool  // memory is full, and what should go to the disk could not
	nextBlk  int   // size of the next block, bytes
	segSize  int64 // bytes that the active segment may have
	dirMade  bool  // the folder exists

	loading sync.Mutex // held by who reads from disk, or takes files away

	end atomic.Uint64 // offset after the newest visible record
	// forgettable is where the oldest block ends, if Forget may drop it.
	forgettable atomic.Uint64

	mu       sync.Mutex
	blocks   []*block // resident, ascending; each with a reference of the log's
	resident int64    // records in blocks
	total    int64    // bytes of records, see Bytes
	evicted  uint64   // records below this offset have been resident and are not any more
	cold     [coldBlocks]*block
	coldNext int
	segs     []*segment // ascending; a log in memory has none
	gaps     Gaps
	dirStale bool   // files came or went since the folder was last synced
	dirNew   uint64 // the number of the folder, see Store.syncDir, while it is not synced
	damaged  uint64 // records found damaged

	commit commit
}

// coldBlocks is how many blocks read back from disk are kept for readers near each other.
const coldBlocks = 4

// OpenMemory returns a log without a disk: it keeps its newest records and forgets older ones.
func OpenMemory(o Options) *Log {
	l := &Log{o: o}
	l.init()
	l.start(o.NextOffset())
	return l
}

func (l *Log) init() {
	if l.o.Budget == nil {
		l.o.Budget = NewBudget(0)
	}
	l.commit.done.L = &l.commit.mu
	l.nextBlk, l.segSize = minBlock, l.minSegment()
}

func (l *Log) start(offset uint64) {
	l.evicted = offset
	l.end.Store(offset)
	l.commit.synced = offset
}

// Durability returns the log's mode. A log without a disk says Memory.
func (l *Log) Durability() Durability { return l.o.Durability }

// OnDisk tells whether the log has files.
func (l *Log) OnDisk() bool { return l.store != nil }

// End returns the offset that the next record will have.
func (l *Log) End() uint64 { return l.end.Load() }

// First returns the offset of the oldest record that the log may still have.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaps.Skip(l.oldest())
}

// oldest returns the offset below which there is nothing. The caller holds mu.
func (l *Log) oldest() uint64 {
	first := l.end.Load()
	if len(l.blocks) > 0 {
		first = l.blocks[0].first
	}
	if len(l.segs) > 0 {
		first = min(first, l.segs[0].first)
	}
	return first
}

// Count returns the number of records with from ≤ offset < to that the log has.
func (l *Log) Count(from, to uint64) uint64 {
	if from >= to {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count(from, to)
}

// count is Count for a caller that holds mu.
func (l *Log) count(from, to uint64) uint64 {
	// Gaps are remembered only where the log still has something.
	if from = max(from, l.oldest()); from >= to {
		return 0
	}
	return to - from - l.gaps.In(from, to)
}

// CountBackend returns how many of the records from ≤ offset < to are not resident in memory.
func (l *Log) CountBackend(from, to uint64) uint64 {
	if l.store == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	end := l.end.Load()
	border := end - min(uint64(max(l.o.MemRecords, 0)), end)
	if len(l.blocks) == 0 {
		border = end
	} else {
		border = max(border, l.blocks[0].first)
	}
	return l.count(from, min(to, border))
}

// Discard makes the records from ≤ offset < to unreadable: they count no more.
func (l *Log) Discard(from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps.Add(from, to)
}

// SkipGap returns offset, or the end of the range without records that it lies in:
// one such is all that is older than the oldest record.
func (l *Log) SkipGap(offset uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaps.Skip(max(offset, l.oldest()))
}

// DamagedRecords returns how many records were found unreadable since the log was opened.
func (l *Log) DamagedRecords() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.damaged
}

// DiskBytes returns the bytes in use in the log's segments.
func (l *Log) DiskBytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(0)
	for _, s := range l.segs {
		n += s.size
	}
	return n
}

// Segments returns how many files the log has.
func (l *Log) Segments() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.segs)
}

// Advance makes the next record's offset at least offset. An owner that knows of
// larger offsets than the log, as after power loss, calls it before the first append.
func (l *Log) Advance(offset uint64) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.advance(offset)
}

// advance leaves a gap up to offset, which the next segment's header records.
func (l *Log) advance(offset uint64) {
	end := l.end.Load()
	if offset <= end {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps.Add(end, offset)
	l.end.Store(offset)
	l.active = nil
}

// Close writes what is only in memory, syncs, and closes the files. What a log
// in memory held is gone. The first error is returned; all the rest is closed all the same.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.closed = true
	err := l.flush()
	l.release()
	return err
}

// Flush writes what is only in memory, and syncs.
func (l *Log) Flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.flush()
}

// flush is Flush for a caller that holds writing.
func (l *Log) flush() error {
	if l.store == nil {
		return nil
	}
	err := l.spill(l.end.Load())
	if err != nil {
		err = fmt.Errorf("writing memory to disk: %w", err)
	}
	if e := l.Sync(); err == nil {
		err = e
	}
	return err
}

// release gives all memory and files back. The caller holds writing and has set closed.
func (l *Log) release() {
	l.loading.Lock()
	defer l.loading.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.blocks {
		b.release()
	}
	l.blocks, l.resident = nil, 0
	l.dropCold()
	for _, s := range l.segs {
		s.file.close()
	}
	if l.spare != nil {
		l.spare.file.close()
	}
}

// dropCold forgets the blocks read back from disk. The caller holds mu.
func (l *Log) dropCold() {
	for i, b := range l.cold {
		if b != nil {
			b.release()
			l.cold[i] = nil
		}
	}
}
