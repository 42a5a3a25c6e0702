package upstream

import (
	"encoding/binary"
	"errors"
	"io"

	"nsqsuite/internal/vfs"
)

const (
	idAt   = 10 // in a payload
	idSize = 16
	// headSize is how many bytes of a record tell whether it looks like one.
	headSize = lengthSize + MinPayload
)

// resume returns where, at or behind pos, reading may go on behind damage: at
// what looks like a record and ends the file or is followed by another such. It
// returns size if there is none.
func resume(file vfs.File, pos, size int64) (int64, error) {
	p := make([]byte, window)
	for size-pos >= headSize {
		n, err := readAt(file, p[:min(window, size-pos)], pos)
		if err != nil {
			return 0, err
		}
		if n < headSize {
			break
		}
		for i := 0; i+headSize <= n; i++ {
			at := pos + int64(i)
			end, ok := looksLikeRecord(p[i:i+headSize], at, size)
			if !ok {
				continue
			}
			if ok, err := followedBy(file, end, size); err != nil || ok {
				return at, err
			}
		}
		pos += int64(n - headSize + 1)
	}
	return size, nil
}

// followedBy tells whether the file ends at pos, or has what looks like a record there.
func followedBy(file vfs.File, pos, size int64) (bool, error) {
	if pos == size {
		return true, nil
	}
	var head [headSize]byte
	n, err := readAt(file, head[:], pos)
	if err != nil || n < headSize {
		return false, err
	}
	_, ok := looksLikeRecord(head[:], pos, size)
	return ok, nil
}

// looksLikeRecord tells whether the bytes at pos of a file can begin a record:
// its length must fit, and the message's ID be one. end is where it ends.
func looksLikeRecord(head []byte, pos, size int64) (end int64, ok bool) {
	for _, c := range head[lengthSize+idAt : lengthSize+idAt+idSize] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, false
		}
	}
	n := int64(int32(binary.BigEndian.Uint32(head)))
	end = pos + lengthSize + n
	return end, n >= MinPayload && n <= MaxPayload && end <= size
}

func readAt(file vfs.File, p []byte, pos int64) (int, error) {
	n, err := file.ReadAt(p, pos)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
