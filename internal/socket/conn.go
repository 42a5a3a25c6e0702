package socket

import (
	"io"
	"net"
	"os"
	"syscall"
)

const (
	// maxRead is how many bytes one Read of a Conn returns at most: while more are
	// copied the scheduler should know.
	maxRead = 64 << 10
	// maxWrite is up to how many bytes a Conn writes without a word to the scheduler.
	maxWrite = 4 << 10
)

// Conn is a connection that reads and writes without a word to the scheduler if it
// is a socket. Unlike others it is for one goroutine that reads and one that writes.
type Conn struct {
	net.Conn
	in, out transfer
}

// transfer is what the call needs that waits, so that it needs no new closure.
type transfer struct {
	raw   syscall.RawConn // nil if there is no socket
	ready func(fd uintptr) bool
	p     []byte
	n     int
	err   error
}

// Attach makes conn the connection, before all else.
func (c *Conn) Attach(conn net.Conn) {
	c.Conn = conn
	if raw := Raw(conn); raw != nil {
		c.in = transfer{raw: raw, ready: c.in.read}
		c.out = transfer{raw: raw, ready: c.out.write}
	}
}

// Read reads, like any net.Conn's.
func (c *Conn) Read(p []byte) (int, error) {
	if c.in.raw == nil || len(p) == 0 {
		return c.Conn.Read(p)
	}
	n, err := c.in.do(c.in.raw.Read, p[:min(len(p), maxRead)])
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, c.told("read", err)
}

// Write writes all of p, like any net.Conn's.
func (c *Conn) Write(p []byte) (int, error) {
	if c.out.raw == nil || len(p) == 0 || len(p) > maxWrite {
		return c.Conn.Write(p)
	}
	n, err := c.out.do(c.out.raw.Write, p)
	return n, c.told("write", err)
}

// CloseWrite tells the other end that nothing more comes. The error says that the
// connection cannot do that.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// told returns err as package net tells it.
func (c *Conn) told(op string, err error) error {
	switch err := err.(type) {
	case *net.OpError: // of the wait
		err.Op = op
	case syscall.Errno:
		return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
	}
	return err
}

// do has p transferred by the call that waits.
func (t *transfer) do(wait func(func(fd uintptr) bool) error, p []byte) (int, error) {
	t.p, t.n, t.err = p, 0, nil
	err := wait(t.ready)
	t.p = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

// read is called when the socket may be readable; false means that it was not.
func (t *transfer) read(fd uintptr) bool {
	t.n, t.err = Read(fd, t.p)
	return t.err != syscall.EAGAIN
}

// write is called when the socket may have room; false means that more is needed.
func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.p) {
		n, err := Write(fd, t.p[t.n:])
		t.n += n
		if err != nil {
			t.err = err
			return err != syscall.EAGAIN
		}
	}
	t.err = nil
	return true
}
