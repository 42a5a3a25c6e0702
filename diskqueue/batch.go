package diskqueue

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const (
	batchHeader  = 24
	flagDue      = 1 << 24
	maxBatch     = 1 << 24 // records in a batch, exclusive
	lengthSize   = 4
	dueSize      = 8
	maxBatchBody = 1 << 31 // bytes below a batch header, exclusive
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian

	// errShort says that more bytes are needed before a batch can be judged.
	errShort = errors.New("batch is cut short")
	// errDamaged says that what stands here is not a batch of this segment.
	errDamaged = errors.New("batch is damaged")
)

// batch is a batch as it was parsed; everything aliases the bytes it came from.
type batch struct {
	first   uint64
	count   int
	lengths []byte // count × 4
	dueAt   []byte // count × 8, or empty
	records []byte
	size    int // of the whole batch on disk
}

func (b *batch) end() uint64 { return b.first + uint64(b.count) }

// appendBatchHead appends what precedes the records of p on disk: the header,
// their lengths and their due times.
func appendBatchHead(dst []byte, salt uint32, p *piece) []byte {
	from := len(dst)
	ends, dues := p.added(), p.addedDues()
	count := uint32(len(ends))
	if len(dues) > 0 {
		count |= flagDue
	}
	dst = le.AppendUint32(dst, salt)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint32(dst, count)
	dst = le.AppendUint64(dst, p.first)
	at := p.start
	for _, end := range ends {
		dst = le.AppendUint32(dst, end-at)
		at = end
	}
	if len(dues) > 0 {
		at := len(dst)
		dst = append(dst, make([]byte, dueSize*len(ends))...)
		for _, d := range dues {
			le.PutUint64(dst[at+dueSize*int(d.index-p.base):], uint64(d.at))
		}
	}
	records := p.bytes()
	le.PutUint32(dst[from+8:], uint32(len(dst)-from-batchHeader+len(records)))
	sum := crc32.Update(0, castagnoli, dst[from+8:])
	le.PutUint32(dst[from+4:], crc32.Update(sum, castagnoli, records))
	return dst
}

// piece is a run of records of one block on its way to disk as one batch.
type piece struct {
	block *block
	first uint64   // offset of the first record
	base  uint32   // its index in the block
	start uint32   // where it begins
	ends  []uint32 // of all records of the block, the piece's last
	dues  []due    // likewise
}

// batchSize tells how long the batch at the start of p is, from its header
// alone: errShort if p is too short to say, errDamaged if it is none.
func batchSize(p []byte, salt uint32) (int, error) {
	if len(p) < batchHeader {
		return 0, errShort
	}
	n, count := le.Uint32(p[8:]), le.Uint32(p[12:])
	per := uint64(lengthSize)
	if count&flagDue != 0 {
		per += dueSize
	}
	records := uint64(count &^ (0xff << 24))
	if le.Uint32(p) != salt || n >= maxBatchBody || records == 0 || records*per > uint64(n) || count>>25 != 0 {
		return 0, errDamaged
	}
	return batchHeader + int(n), nil
}

// parseBatch checks and splits the batch at the start of p.
func parseBatch(p []byte, salt uint32) (batch, error) {
	size, err := batchSize(p, salt)
	if err != nil {
		return batch{}, err
	}
	if size > len(p) {
		return batch{}, errShort
	}
	p = p[:size]
	if crc32.Checksum(p[8:], castagnoli) != le.Uint32(p[4:]) {
		return batch{}, errDamaged
	}
	word := le.Uint32(p[12:])
	b := batch{first: le.Uint64(p[16:]), count: int(word &^ (0xff << 24)), size: size}
	b.lengths, p = p[batchHeader:batchHeader+lengthSize*b.count], p[batchHeader+lengthSize*b.count:]
	if word&flagDue != 0 {
		b.dueAt, p = p[:dueSize*b.count], p[dueSize*b.count:]
	}
	b.records = p
	total := uint64(0)
	for i := range b.count {
		total += uint64(le.Uint32(b.lengths[lengthSize*i:]))
	}
	if total != uint64(len(p)) || b.end() < b.first {
		return batch{}, errDamaged
	}
	return b, nil
}

// appendTo copies the batch's records with offset ≥ from behind what to holds.
// The caller has made sure that they fit and follow on.
func (b *batch) appendTo(to *block, from uint64) {
	at, fill := 0, to.filled()
	for i := range b.count {
		n := int(le.Uint32(b.lengths[lengthSize*i:]))
		if b.first+uint64(i) >= from {
			copy(to.buf[fill:], b.records[at:at+n])
			fill += n
			to.ends = append(to.ends, uint32(fill))
			if b.dueAt != nil {
				if d := int64(le.Uint64(b.dueAt[dueSize*i:])); d != 0 {
					to.dues = append(to.dues, due{index: uint32(len(to.ends) - 1), at: d})
				}
			}
		}
		at += n
	}
}
