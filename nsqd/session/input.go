package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"syscall"

	"nsqsuite/internal/socket"
	"nsqsuite/nsqd/layers"
	"nsqsuite/protocol"
)

// bufferSize is the size in bytes of the buffer that a session borrows while
// there is something to read. A longer command makes it grow, as its bytes come.
const bufferSize = 64 << 10

// floodSize is the size of the one for a client that fills such a buffer by a single
// read: fewer reads, writes and appends are up to a fifth cheaper. Who sends no more
// for the moment has none.
const floodSize = 256 << 10

// trickle is the size in bytes of the buffer in which a session waits with little in
// hand, or for what comes through layers, or from what is no socket.
const trickle = 512

// buffer is memory lent by a pool.
type buffer struct {
	bytes []byte
	pool  *sync.Pool
}

var buffers, floodBuffers = bufferPool(bufferSize), bufferPool(floodSize)

func bufferPool(size int) *sync.Pool {
	pool := new(sync.Pool)
	pool.New = func() any { return &buffer{make([]byte, size), pool} }
	return pool
}

// errLineTooLong ends a connection without a word.
var errLineTooLong = errors.New("command line is too long")

// input is what has been read and not yet carried out: buf[r:w].
type input struct {
	conn   io.Reader
	raw    syscall.RawConn // nil if conn is no plain socket
	small  []byte          // to wait in with little in hand
	few    [16]byte        // to doze in: what answers a heartbeat fits in, what a message needs does not
	dozing bool            // the wait is one with few
	late   error           // what ended the doze
	last   int             // bytes that came last
	flood  bool            // they filled the buffer

	lent *buffer // nil if buf is nobody else's
	buf  []byte
	r, w int

	// for the call that waits, so that it needs no new closure
	ready func(fd uintptr) bool
	err   error
}

// attach makes conn, as it is now, what is read from; raw is its socket, or nil. What
// had been read before is dropped.
func (in *input) attach(conn *layers.Conn, raw syscall.RawConn) {
	in.release()
	in.conn, in.raw, in.last = conn, nil, 0
	if raw != nil && conn.Plain() {
		in.raw, in.ready = raw, in.readReady
	} else {
		in.small = make([]byte, trickle)
	}
}

// borrow moves what is in hand to the start of a buffer from the pool.
func (in *input) borrow(pool *sync.Pool) {
	held, old := in.bytes(), in.lent
	in.lent = pool.Get().(*buffer)
	in.buf = in.lent.bytes
	in.r, in.w = 0, copy(in.buf, held)
	if old != nil {
		old.pool.Put(old)
	}
}

// release gives the buffer back, whatever is in it.
func (in *input) release() {
	if in.lent != nil {
		in.lent.pool.Put(in.lent)
	}
	in.lent, in.buf, in.r, in.w = nil, nil, 0, 0
}

func (in *input) bytes() []byte { return in.buf[in.r:in.w] }

func (in *input) skip(n int) { in.r += n }

// fill waits for more bytes and adds them. While it waits on a plain socket it holds
// no buffer with nothing in hand, and a small one with little. Through layers it
// cannot know that it will wait: it holds the small buffer if little came last, be it
// a NOP, and else the large one, so that a stream of commands is read in large pieces.
func (in *input) fill() error {
	if in.late != nil {
		return in.late
	}
	if in.r == in.w {
		in.release()
	}
	if in.raw != nil {
		return in.wait()
	}
	if in.buf == nil && in.last < trickle {
		in.buf = in.small
	} else {
		in.makeRoom()
	}
	n, err := in.conn.Read(in.buf[in.w:])
	in.w += n
	in.last = n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		// A client that closes its socket is gone, whether it has ended the layers
		// in form (the last block of deflate, close_notify) or not.
		return io.EOF
	}
	return err
}

// makeRoom makes sure that there is a buffer with room: if need be it moves what is
// in hand to the buffer's start, or to a larger buffer if that is full.
func (in *input) makeRoom() {
	switch {
	case len(in.buf) < bufferSize: // there is none, or it is the small one
		in.borrow(buffers)
	case in.flood && len(in.buf) < floodSize:
		in.borrow(floodBuffers)
	case in.w < len(in.buf):
	case in.r >= len(in.buf)/2:
		in.w = copy(in.buf, in.bytes())
		in.r = 0
	default:
		grown := make([]byte, 2*len(in.buf))
		n := copy(grown, in.bytes())
		in.release()
		in.buf, in.w = grown, n
	}
}

// wait waits until the socket is readable, and reads.
func (in *input) wait() error {
	if err := in.raw.Read(in.ready); err != nil {
		return err
	}
	switch {
	case in.err != nil:
		return in.err
	case in.last == 0:
		return io.EOF
	}
	in.w += in.last
	in.flood = in.w == len(in.buf) || in.last >= bufferSize
	return nil
}

// doze waits as wait does, with nothing in hand, but needs next to no stack. What
// went wrong the next fill tells.
func (in *input) doze() {
	in.release()
	in.dozing = true
	in.late = in.wait()
	in.dozing = false
}

// fewCame tells whether what came last during a doze is all that there was.
func (in *input) fewCame() bool { return len(in.buf) == len(in.few) && in.w < len(in.few) }

// readReady is called when the socket may be readable; false means that it was not.
func (in *input) readReady(fd uintptr) bool {
	if in.dozing {
		in.buf = in.few[:]
	} else {
		in.makeRoom()
	}
	in.last, in.err = socket.Read(fd, in.buf[in.w:])
	if in.err == syscall.EAGAIN {
		in.rest()
		return false
	}
	return true
}

// rest gives up, before a wait, what the bytes in hand do not need.
func (in *input) rest() {
	in.flood = false
	switch held := in.bytes(); {
	case len(held) == 0:
		in.release()
	case len(held) <= trickle && len(in.buf) > trickle:
		if in.small == nil {
			in.small = make([]byte, trickle)
		}
		n := copy(in.small, held)
		in.release()
		in.buf, in.w = in.small, n
	case len(in.buf) == floodSize && len(held) <= bufferSize/2:
		in.borrow(buffers)
	}
}

// need returns the next n bytes without taking them. They are valid until the next fill.
func (s *Session) need(n int) ([]byte, error) {
	for s.in.w-s.in.r < n {
		if err := s.fill(); err != nil {
			if errors.Is(err, io.EOF) && s.in.w > s.in.r {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return s.in.buf[s.in.r : s.in.r+n], nil
}

// readLine takes the next command line. It is valid until the next fill.
func (s *Session) readLine() (protocol.Line, error) {
	for looked := 0; ; {
		held := s.in.bytes()
		if i := bytes.IndexByte(held[looked:], '\n'); i >= 0 && looked+i < protocol.MaxLine {
			s.in.skip(looked + i + 1)
			return protocol.SplitLine(held[:looked+i]), nil
		} else if i >= 0 || len(held) >= protocol.MaxLine {
			return protocol.Line{}, errLineTooLong
		}
		looked = len(held)
		if err := s.fill(); err != nil {
			return protocol.Line{}, err
		}
	}
}

// readSize takes a body's size. The error is that of the read.
func (s *Session) readSize() (int64, error) {
	p, err := s.need(4)
	if err != nil {
		return 0, err
	}
	size := int64(int32(binary.BigEndian.Uint32(p)))
	s.in.skip(4)
	return size, nil
}
