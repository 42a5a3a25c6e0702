package layers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"

	"github.com/golang/snappy"
)

// The snappy framing format is a row of chunks:
//
//	0  1  type
//	1  3  length of the rest, little endian
//	4     of a data chunk: masked CRC-32C of the plain data (4), then the data
//
// It is done here, on top of the library's blocks, because the library's reader
// and writer keep 210 KiB a connection for as long as it lives.
const (
	chunkCompressed = 0x00
	chunkPlain      = 0x01
	chunkSkippable  = 0x80 // and above
	chunkStream     = 0xff

	streamStart = "\xff\x06\x00\x00sNaPpY"

	maxChunk = 64 << 10 // bytes of plain data in a chunk
	headSize = 8
)

// snappyAhead is how many bytes are read at least, to spare calls for small chunks.
const snappyAhead = 512

// maxPacked is how many bytes a chunk's data has at most as it is sent.
var maxPacked = snappy.MaxEncodedLen(maxChunk)

// errSnappy says that what was read is no snappy stream.
var errSnappy = errors.New("malformed snappy stream")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(p []byte) uint32 {
	c := crc32.Checksum(p, castagnoli)
	return c>>15 | c<<17 + 0xa282ead8
}

// chunks are buffers for one chunk's data, packed or plain.
var chunks = sync.Pool{New: func() any {
	p := make([]byte, maxPacked)
	return &p
}}

// StartSnappy puts the snappy framing format over what there is.
func (c *Conn) StartSnappy() {
	c.packer = &snappyWriter{}
	c.reader = &snappyReader{in: bufio.NewReaderSize(c.below(), snappyAhead)}
}

// snappyWriter is the writing side.
type snappyWriter struct{ started bool }

func (w *snappyWriter) rest() {}

func (w *snappyWriter) free() {}

func (w *snappyWriter) pack(out *bufio.Writer, bufs net.Buffers) error {
	if !w.started {
		w.started = true
		out.WriteString(streamStart) //nolint:errcheck // the next write tells
	}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	for _, p := range bufs {
		for len(p) > 0 {
			n := min(len(p), maxChunk)
			if err := writeChunk(out, p[:n], *buf); err != nil {
				return err
			}
			p = p[n:]
		}
	}
	return nil
}

// writeChunk writes plain as one chunk: packed if that saves an eighth.
func writeChunk(out *bufio.Writer, plain, buf []byte) error {
	kind, data := uint32(chunkCompressed), snappy.Encode(buf, plain)
	if len(data) >= len(plain)-len(plain)/8 {
		kind, data = chunkPlain, plain
	}
	var head [headSize]byte
	binary.LittleEndian.PutUint32(head[:], kind|uint32(len(data)+4)<<8)
	binary.LittleEndian.PutUint32(head[4:], checksum(plain))
	out.Write(head[:]) //nolint:errcheck // the next write tells
	_, err := out.Write(data)
	return err
}

// snappyReader is the reading side.
type snappyReader struct {
	in      *bufio.Reader
	started bool
	lent    *[]byte // holds rest
	rest    []byte  // plain data not yet given away
}

// Read gives what is left of the last chunk, or else what the next one holds.
func (r *snappyReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if len(r.rest) == 0 {
		r.giveBack()
	}
	return n, nil
}

func (r *snappyReader) giveBack() {
	if r.lent != nil {
		chunks.Put(r.lent)
	}
	r.lent, r.rest = nil, nil
}

// next reads one chunk, which may hold nothing.
func (r *snappyReader) next() error {
	head, err := r.in.Peek(4)
	if err != nil {
		if len(head) > 0 {
			err = cutShort(err)
		}
		return err
	}
	kind, size := head[0], int(binary.LittleEndian.Uint32(head)>>8)
	r.in.Discard(4) //nolint:errcheck // they have been seen
	switch {
	case kind == chunkStream:
		return r.start(size)
	case !r.started:
		return fmt.Errorf("%w: it does not begin with its name", errSnappy)
	case kind >= chunkSkippable:
		_, err := io.CopyN(io.Discard, r.in, int64(size))
		return cutShort(err)
	case kind > chunkPlain:
		return fmt.Errorf("%w: chunk of type %#x", errSnappy, kind)
	}
	return r.data(kind, size)
}

// full fills p, within a chunk.
func (r *snappyReader) full(p []byte) error {
	_, err := io.ReadFull(r.in, p)
	return cutShort(err)
}

// cutShort is what an error means within a chunk.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// start reads the name of the format, which may come again at any time.
func (r *snappyReader) start(size int) error {
	name := streamStart[4:]
	if size != len(name) {
		return fmt.Errorf("%w: name of %d bytes", errSnappy, size)
	}
	var got [len(streamStart) - 4]byte
	if err := r.full(got[:]); err != nil {
		return err
	}
	if string(got[:]) != name {
		return fmt.Errorf("%w: named %q", errSnappy, got)
	}
	r.started = true
	return nil
}

// data reads a chunk of data whose first four bytes are the checksum.
func (r *snappyReader) data(kind byte, size int) error {
	size -= 4
	if size < 0 || size > maxPacked || kind == chunkPlain && size > maxChunk {
		return fmt.Errorf("%w: chunk of %d bytes", errSnappy, size)
	}
	var sum [4]byte
	if err := r.full(sum[:]); err != nil {
		return err
	}
	lent := chunks.Get().(*[]byte)
	plain := (*lent)[:size]
	if err := r.full(plain); err != nil {
		chunks.Put(lent)
		return err
	}
	if kind == chunkCompressed {
		var err error
		if lent, plain, err = unpack(lent, plain); err != nil {
			chunks.Put(lent)
			return err
		}
	}
	if checksum(plain) != binary.LittleEndian.Uint32(sum[:]) {
		chunks.Put(lent)
		return fmt.Errorf("%w: wrong checksum", errSnappy)
	}
	r.lent, r.rest = lent, plain
	if len(plain) == 0 {
		r.giveBack()
	}
	return nil
}

// unpack decodes what lies in lent, and returns another buffer in which the result lies.
func unpack(lent *[]byte, packed []byte) (*[]byte, []byte, error) {
	n, err := snappy.DecodedLen(packed)
	if err == nil && n > maxChunk {
		err = fmt.Errorf("chunk of %d bytes", n)
	}
	if err != nil {
		return lent, nil, fmt.Errorf("%w: %w", errSnappy, err)
	}
	to := chunks.Get().(*[]byte)
	plain, err := snappy.Decode(*to, packed)
	chunks.Put(lent)
	if err != nil {
		return to, nil, fmt.Errorf("%w: %w", errSnappy, err)
	}
	return to, plain, nil
}
