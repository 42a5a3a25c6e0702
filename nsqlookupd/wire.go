package nsqlookupd

import (
	"io"
	"net"
	"syscall"
	"time"

	"nsqsuite/internal/socket"
)

// writeTimeout is how long a peer may take to take an answer.
const writeTimeout = 10 * time.Second

// wire is a connection as cheap as it can be where a few bytes come each 15 seconds.
type wire struct {
	net.Conn
	raw syscall.RawConn // nil if the connection is no socket

	few   [16]byte // to doze in; a PING has 5
	ahead []byte   // what is left of what came then
	late  error    // what ended it
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	if sc, ok := conn.(syscall.Conn); ok {
		w.raw, _ = sc.SyscallConn() // the error is that there is none
	}
	return w
}

// doze waits for something to read, without a buffer.
func (w *wire) doze() {
	n, err := w.Read(w.few[:])
	w.ahead, w.late = w.few[:n], err
}

// Read returns first what came during a doze.
func (w *wire) Read(p []byte) (n int, err error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case len(w.ahead) > 0:
		n = copy(p, w.ahead)
		w.ahead = w.ahead[n:]
		return n, nil
	case w.late != nil:
		return 0, w.late
	case w.raw == nil:
		return w.Conn.Read(p)
	}
	waited := w.raw.Read(func(fd uintptr) bool {
		n, err = socket.Read(fd, p)
		return err != syscall.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case n == 0 && err == nil:
		return 0, io.EOF
	}
	return n, err
}

// Write sets a deadline only for what the socket does not take at once: the timer of
// one would go off long after.
func (w *wire) Write(p []byte) (n int, err error) {
	if w.raw != nil && len(p) > 0 {
		closed := w.raw.Control(func(fd uintptr) { n, err = socket.Write(fd, p) })
		if closed != nil {
			return 0, closed
		}
		if n == len(p) || err != nil && err != syscall.EAGAIN {
			return n, err
		}
	}
	w.SetWriteDeadline(time.Now().Add(writeTimeout)) //nolint:errcheck // the write will tell
	more, err := w.Conn.Write(p[n:])
	return n + more, err
}

// CloseWrite tells the peer that nothing more comes, if it can be told.
func (w *wire) CloseWrite() error {
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}
