package diskqueue

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Block sizes in bytes. Each new block of a log is twice as large as the one
// before, between these bounds.
const (
	minBlock = 512
	maxBlock = 256 << 10
	// Blocks above maxPooled bytes are left to the garbage collector.
	maxPooled = 4 << 20
)

// Budget bounds the bytes that all logs sharing it keep in memory. The zero
// Budget has no bound. It is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit bytes; zero or less means no bound.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used returns the bytes in blocks that somebody still holds.
func (b *Budget) Used() int64 { return b.used.Load() }

// Exceeded tells whether more than the limit is in use.
func (b *Budget) Exceeded() bool { return b.limit > 0 && b.used.Load() > b.limit }

// due is the time before which a record must not be handed out.
type due struct {
	index uint32 // of the record in its block
	at    int64  // Unix ns
}

// block is memory for records that lie back to back. Its bytes are written once,
// by the appender, and only behind what readers can see.
type block struct {
	first  uint64 // offset of record 0
	base   int64  // bytes of records before it, see Log.Bytes
	buf    []byte // len = cap = its size for life
	ends   []uint32
	dues   []due // sparse, ascending by index
	refs   atomic.Int32
	budget *Budget
}

var pools [14]sync.Pool // of *block, by size class: 512 B << class

func class(size int) int { return max(bits.Len(uint(size-1))-9, 0) }

// newBlock returns an empty block with room for at least size bytes and one
// reference, the caller's.
func newBlock(first uint64, size int, budget *Budget) *block {
	var b *block
	if size <= maxPooled {
		c := class(size)
		b, _ = pools[c].Get().(*block)
		if b == nil {
			b = &block{buf: make([]byte, minBlock<<c)}
			populate(b.buf)
		}
	} else {
		b = &block{buf: make([]byte, size)}
	}
	b.first, b.budget = first, budget
	b.refs.Store(1)
	budget.used.Add(int64(len(b.buf)))
	return b
}

// populateFrom is from how many bytes on new memory is asked for in one piece.
const populateFrom = 64 << 10

// populate has the kernel provide the pages of new memory at once instead of one by
// one as they are written to. Where messages pile up that is a tenth of what a publish
// costs, without the disk a sixth. It is no more than a hint.
func populate(buf []byte) {
	if len(buf) >= populateFrom {
		unix.Madvise(buf, unix.MADV_POPULATE_WRITE) //nolint:errcheck // then they come one by one
	}
}

func (b *block) end() uint64 { return b.first + uint64(len(b.ends)) }

// filled returns the number of bytes in use.
func (b *block) filled() int {
	if len(b.ends) == 0 {
		return 0
	}
	return int(b.ends[len(b.ends)-1])
}

func (b *block) retain() { b.refs.Add(1) }

// release gives one reference back; with the last one the memory is used again.
func (b *block) release() {
	if b.refs.Add(-1) > 0 {
		return
	}
	b.budget.used.Add(-int64(len(b.buf)))
	b.budget = nil
	b.ends, b.dues = b.ends[:0], b.dues[:0]
	if size := len(b.buf); size <= maxPooled {
		pools[class(size)].Put(b)
	}
}

// view returns the visible records of b from offset on, ending before limit,
// with a reference of its own. The caller holds Log.mu, and b.first ≤ offset < b.end().
func (b *block) view(offset, limit uint64) View {
	b.retain()
	i := uint32(offset - b.first)
	n := uint32(min(b.end(), limit) - b.first)
	v := View{First: offset, block: b, base: i, ends: b.ends[i:n], dues: b.dues}
	if i > 0 {
		v.start = b.ends[i-1]
	}
	return v
}

// A View is a run of records that lie back to back in one block. It is valid
// until its Release; copies made with Slice have their own.
type View struct {
	// First is the offset of the first record.
	First uint64

	block *block
	base  uint32 // index of the first record in its block
	start uint32 // where its bytes begin
	ends  []uint32
	dues  []due
}

// Len returns the number of records.
func (v *View) Len() int { return len(v.ends) }

// End returns the offset after the last record.
func (v *View) End() uint64 { return v.First + uint64(len(v.ends)) }

// Holds tells whether the record at offset is in the view.
func (v *View) Holds(offset uint64) bool { return offset-v.First < uint64(len(v.ends)) }

// Bytes returns the records i to j-1, back to back. They must not be changed.
func (v *View) Bytes(i, j int) []byte {
	from, to := v.at(i), v.at(j)
	return v.block.buf[from:to:to]
}

// Size returns the number of bytes of the records i to j-1.
func (v *View) Size(i, j int) int { return int(v.at(j) - v.at(i)) }

// at returns where record i begins, which is where record i-1 ends.
func (v *View) at(i int) uint32 {
	if i == 0 {
		return v.start
	}
	return v.ends[i-1]
}

// HasDue tells whether any record of the block has a due time.
func (v *View) HasDue() bool { return len(v.dues) > 0 }

// Due returns the due time of record i in Unix ns, or 0 if it has none.
func (v *View) Due(i int) int64 {
	want := v.base + uint32(i)
	lo, hi := 0, len(v.dues)
	for lo < hi {
		if m := (lo + hi) / 2; v.dues[m].index < want {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(v.dues) && v.dues[lo].index == want {
		return v.dues[lo].at
	}
	return 0
}

// Slice returns the records i to j-1 as a view with a reference of its own.
func (v *View) Slice(i, j int) View {
	v.block.retain()
	return View{First: v.First + uint64(i), block: v.block, base: v.base + uint32(i), start: v.at(i), ends: v.ends[i:j], dues: v.dues}
}

// Valid tells whether the view refers to anything.
func (v *View) Valid() bool { return v.block != nil }

// Release gives the view's reference back and leaves it empty. Releasing an empty view does nothing.
func (v *View) Release() {
	if b := v.block; b != nil {
		*v = View{}
		b.release()
	}
}
