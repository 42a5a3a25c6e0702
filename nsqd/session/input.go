package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"nsqsuite/nsqd/layers"
	"nsqsuite/protocol"
)

// bufferSize is the size in bytes of the buffer that a session borrows while
// there is something to read. A longer command makes it grow, as its bytes come.
const bufferSize = 64 << 10

// trickle is the size in bytes of the buffer in which a session waits for what
// comes through layers, or from what is no socket.
const trickle = 512

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// errLineTooLong ends a connection without a word.
var errLineTooLong = errors.New("command line is too long")

// input is what has been read and not yet carried out: buf[r:w].
type input struct {
	conn  io.Reader
	raw   syscall.RawConn // nil if conn is no plain socket
	small []byte          // to wait in if raw is nil and little came last
	last  int             // bytes that came last

	lent *[bufferSize]byte
	buf  []byte
	r, w int

	// for the call that waits, so that it needs no new closure
	ready func(fd uintptr) bool
	n     int
	err   error
}

// attach makes conn, as it is now, what is read from. What had been read before is dropped.
func (in *input) attach(conn *layers.Conn) {
	in.release()
	in.conn, in.raw = conn, nil
	if sc, ok := conn.Conn.(syscall.Conn); ok && conn.Plain() {
		if raw, err := sc.SyscallConn(); err == nil {
			in.raw = raw
			in.ready = in.readReady
			return
		}
	}
	in.small = make([]byte, trickle)
}

// borrow makes sure that there is a buffer.
func (in *input) borrow() {
	if in.buf == nil {
		in.lent = buffers.Get().(*[bufferSize]byte)
		in.buf = in.lent[:]
	}
}

// release gives the buffer back, whatever is in it.
func (in *input) release() {
	if in.lent != nil {
		buffers.Put(in.lent)
	}
	in.lent, in.buf, in.r, in.w = nil, nil, 0, 0
}

func (in *input) bytes() []byte { return in.buf[in.r:in.w] }

func (in *input) skip(n int) { in.r += n }

// fill waits for more bytes and adds them. While it waits with nothing in hand it
// holds no buffer on a plain socket. Through layers it cannot know that it will
// wait: it holds the small buffer if little came last, be it a NOP, and else the
// large one, so that a stream of commands is read in large pieces.
func (in *input) fill() error {
	if in.r == in.w {
		in.release()
		if in.raw != nil {
			return in.wait()
		}
		if in.last < trickle {
			in.buf = in.small
		} else {
			in.borrow()
		}
	}
	if in.w == len(in.buf) || in.w > 0 && len(in.buf) < bufferSize {
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

// makeRoom moves what is in hand to the buffer's start, or to a larger buffer if that is full.
func (in *input) makeRoom() {
	held, lent := in.bytes(), in.lent
	switch {
	case len(in.buf) < bufferSize: // it is the small one
		in.buf = nil
		in.borrow()
		in.w = copy(in.buf, held)
	case in.r >= len(in.buf)/2:
		in.w = copy(in.buf, held)
	default:
		in.buf, in.lent = make([]byte, 2*len(in.buf)), nil
		in.w = copy(in.buf, held)
		if lent != nil {
			buffers.Put(lent)
		}
	}
	in.r = 0
}

// wait waits until the socket is readable, then borrows a buffer and reads.
func (in *input) wait() error {
	in.n, in.err = 0, nil
	if err := in.raw.Read(in.ready); err != nil {
		return err
	}
	switch {
	case in.err != nil:
		return in.err
	case in.n == 0:
		return io.EOF
	}
	in.w = in.n
	return nil
}

// readReady is called when the socket may be readable; false means that it was not.
func (in *input) readReady(fd uintptr) bool {
	in.borrow()
	for {
		n, err := syscall.Read(int(fd), in.buf)
		switch err {
		case nil:
			in.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			in.release()
			return false
		default:
			in.err = err
		}
		return true
	}
}

// fill carries out what is gathered, and waits for more input. The deadline is
// that of the command being waited for: two heartbeats from when the wait began.
func (s *Session) fill() error {
	if err := s.settle(); err != nil {
		return s.fail(err)
	}
	if err := s.flush(); err != nil {
		return err
	}
	if !s.armed {
		s.armed = true
		deadline := time.Time{}
		if interval := s.settings.Load().Heartbeat; interval > 0 {
			deadline = time.Now().Add(2 * interval)
		}
		s.conn.SetReadDeadline(deadline) //nolint:errcheck // the read will tell
	}
	return s.in.fill()
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
