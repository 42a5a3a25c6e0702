package socket

import (
	"net"
	"syscall"
)

// Raw returns the socket that conn is, or nil.
func Raw(conn net.Conn) syscall.RawConn {
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// Now writes to a socket what that takes at once. It is for one goroutine at a time.
type Now struct {
	raw syscall.RawConn // nil if there is no socket
	try func(fd uintptr)
	p   []byte // what is left
	err error
}

// Attach makes raw, or nil, the socket, before all else.
func (n *Now) Attach(raw syscall.RawConn) { n.raw, n.try = raw, n.tryOnce }

// Raw returns the socket, or nil.
func (n *Now) Raw() syscall.RawConn { return n.raw }

// Write writes as much of p as the socket takes at once, and returns what is left. A
// write deadline has no say. Without a socket all is left.
func (n *Now) Write(p []byte) (left []byte, err error) {
	if n.raw == nil {
		return p, nil
	}
	n.p, n.err = p, nil
	err = n.raw.Control(n.try)
	left, n.p = n.p, nil
	if err == nil {
		err = n.err
	}
	return left, err
}

// tryOnce is called with the socket.
func (n *Now) tryOnce(fd uintptr) {
	for len(n.p) > 0 {
		written, err := Write(fd, n.p)
		if err == syscall.EAGAIN {
			return
		}
		if err != nil {
			n.err = err
			return
		}
		n.p = n.p[written:]
	}
}
