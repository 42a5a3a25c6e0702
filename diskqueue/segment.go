package diskqueue

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strconv"
	"strings"

	"nsqsuite/internal/vfs"
)

const (
	segmentHeader = 40
	segmentMagic  = "nsqlog\x00\x01"
	segmentSuffix = ".log"
	// markEvery is the distance in bytes between entries of a segment's index.
	markEvery = 256 << 10
)

var errNoHeader = errors.New("segment header is damaged")

// mark says that the batch at byte pos begins with the record at offset.
type mark struct {
	offset uint64
	pos    int64
}

// segment is one file of a log. What changes in it is guarded by Log.mu and
// changed only by who holds Log.writing.
type segment struct {
	first     uint64 // offset of its first record
	prevFirst uint64 // of the segment before when this one was begun; first if that is not known
	prevEnd   uint64 // offset after the last record of that
	salt      uint32
	file      *handle

	end    uint64 // offset after its last record
	base   int64  // bytes of records before it, see Log.Bytes
	bytes  int64  // of its records
	size   int64  // bytes in use; 0: not even the header is written
	marks  []mark // sparse index, ascending
	dirty  bool   // written since it was last synced
	failed bool   // a sync failed: never written again
	bad    []badSpan
}

// empty tells whether the segment has no records; there may still be bytes in the file.
func (s *segment) empty() bool { return s.end == s.first || s.size <= segmentHeader }

func segmentPath(dir string, first uint64) string {
	return path.Join(dir, fmt.Sprintf("%016x%s", first, segmentSuffix))
}

// segmentFirst returns the offset that a segment's file name tells.
func segmentFirst(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 16, 64)
	return first, err == nil
}

// header returns the bytes that begin the file.
func (s *segment) header() []byte {
	p := append(make([]byte, 0, segmentHeader), segmentMagic...)
	p = le.AppendUint64(p, s.first)
	p = le.AppendUint64(p, s.prevFirst)
	p = le.AppendUint64(p, s.prevEnd)
	p = le.AppendUint32(p, s.salt)
	return le.AppendUint32(p, crc32.Checksum(p, castagnoli))
}

// readHeader fills in what the header says. A file that carries another
// segment's header, as one does that was about to be used again, is empty: size
// stays 0. A damaged header costs only itself: the salt is taken from the first batch.
func (s *segment) readHeader(f vfs.File, fileSize int64) error {
	p := make([]byte, segmentHeader+batchHeader)
	n, err := f.ReadAt(p, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	p = p[:n]
	if len(p) >= segmentHeader && string(p[:8]) == segmentMagic &&
		crc32.Checksum(p[:segmentHeader-4], castagnoli) == le.Uint32(p[segmentHeader-4:]) {
		if le.Uint64(p[8:]) != s.first {
			return nil
		}
		s.prevFirst, s.prevEnd, s.salt, s.size = le.Uint64(p[16:]), le.Uint64(p[24:]), le.Uint32(p[32:]), segmentHeader
		return nil
	}
	if len(p) < segmentHeader+batchHeader {
		return nil
	}
	salt := le.Uint32(p[segmentHeader:])
	if b, err := readBatch(f, segmentHeader, fileSize, salt); err == nil && b.first == s.first {
		s.prevFirst, s.prevEnd, s.salt, s.size = s.first, s.first, salt, segmentHeader
		return errNoHeader
	}
	return nil
}

// note adds the batch at pos to the index if it is far enough from the last entry.
func (s *segment) note(offset uint64, pos int64) {
	if n := len(s.marks); n == 0 || pos >= s.marks[n-1].pos+markEvery {
		s.marks = append(s.marks, mark{offset, pos})
	}
}

// before returns the last indexed position whose batch begins at or before offset.
func (s *segment) before(offset uint64) mark {
	at := mark{s.first, segmentHeader}
	for lo, hi := 0, len(s.marks); lo < hi; {
		m := (lo + hi) / 2
		if s.marks[m].offset <= offset {
			at, lo = s.marks[m], m+1
		} else {
			hi = m
		}
	}
	return at
}

// readBatch reads and checks the batch at pos. It reads no byte at or behind
// end, and allocates no more than lies before it.
func readBatch(f vfs.File, pos, end int64, salt uint32) (batch, error) {
	var head [batchHeader]byte
	if end-pos < batchHeader {
		return batch{}, errShort
	}
	if _, err := f.ReadAt(head[:], pos); err != nil {
		return batch{}, eofIsShort(err)
	}
	size, err := batchSize(head[:], salt)
	if err != nil {
		return batch{}, err
	}
	if int64(size) > end-pos {
		return batch{}, errShort
	}
	p := make([]byte, size)
	if _, err := f.ReadAt(p, pos); err != nil {
		return batch{}, eofIsShort(err)
	}
	return parseBatch(p, salt)
}

func eofIsShort(err error) error {
	if errors.Is(err, io.EOF) {
		return errShort
	}
	return err
}

// isDamage tells an unreadable batch from a disk that does not answer.
func isDamage(err error) bool { return errors.Is(err, errDamaged) || errors.Is(err, errShort) }

// findBatch returns the position of the first intact batch at or behind pos, or ok = false.
func findBatch(f vfs.File, pos, end int64, salt uint32) (at int64, b batch, ok bool, err error) {
	window := make([]byte, markEvery)
	var key [4]byte
	le.PutUint32(key[:], salt)
	for end-pos >= batchHeader {
		n, err := f.ReadAt(window[:min(int64(len(window)), end-pos)], pos)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, batch{}, false, err
		}
		for i := 0; ; i++ {
			j := bytes.Index(window[i:n], key[:])
			if j < 0 {
				break
			}
			i += j
			b, err := readBatch(f, pos+int64(i), end, salt)
			if err == nil {
				return pos + int64(i), b, true, nil
			}
			if !isDamage(err) {
				return 0, batch{}, false, err
			}
		}
		if n < len(key) {
			break
		}
		pos += int64(n - len(key) + 1)
	}
	return 0, batch{}, false, nil
}
