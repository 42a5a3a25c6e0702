package nsqlookupd

import (
	"net"
	"time"

	"nsqsuite/internal/socket"
)

// writeTimeout is how long a peer may take to take an answer.
const writeTimeout = 10 * time.Second

// wire is a connection as cheap as it can be where a few bytes come each 15 seconds.
type wire struct {
	socket.Conn
	now socket.Now

	few   [16]byte // to doze in; a PING has 5
	ahead []byte   // what is left of what came then
	late  error    // what ended it
}

func newWire(conn net.Conn) *wire {
	w := new(wire)
	w.Attach(conn)
	w.now.Attach(socket.Raw(conn))
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
	}
	return w.Conn.Read(p)
}

// Write sets a deadline only for what the socket does not take at once: the timer of
// one would go off long after.
func (w *wire) Write(p []byte) (n int, err error) {
	left, err := w.now.Write(p)
	n = len(p) - len(left)
	if err != nil || len(left) == 0 {
		return n, err
	}
	w.SetWriteDeadline(time.Now().Add(writeTimeout)) //nolint:errcheck // the write will tell
	more, err := w.Conn.Write(left)
	return n + more, err
}
