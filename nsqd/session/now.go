package session

import (
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"nsqsuite/internal/quick"
)

// maxNowBytes is the size up to which a run is written without waiting. Where more
// comes at a time the way over another thread does not matter.
const maxNowBytes = 4 << 10

// calmFor is how long nothing must have been written to a client before it is
// served without waiting. In a faster stream it is cheaper to let messages gather
// while a loop is on its way.
const calmFor = 200 * time.Microsecond

// busyNow is how many goroutines are in serveNow. It bounds how deep they nest,
// for who takes messages wakes the next consumer.
var busyNow atomic.Int32

// serveNow does what the loop would do, as far as that goes without waiting, in
// the goroutine that wakes the consumer: mostly the publisher's, or the session's
// own. That spares the way over another thread. What is left is for a loop. It
// returns false if it has not begun.
func (r *runs) serveNow() bool {
	s := r.session
	defer busyNow.Add(-1)
	if int(busyNow.Add(1)) > runtime.GOMAXPROCS(0) || !s.writing.TryLock() {
		return false
	}
	if !s.now.serves(s) || time.Since(s.wrote) < calmFor {
		s.writing.Unlock()
		return false
	}
	w := scratches.Get().(*scratch)
	if r.receive(w, maxRunBytes) {
		if w.run.Size() > maxNowBytes {
			go r.finish(w)
			return true
		}
		s.limitWrite()
		if err := s.now.writeBuffers(&w.bufs); err != nil {
			s.writing.Unlock()
			w.release()
			r.giveUp(w, err)
			return true
		}
		if len(w.bufs) > 0 {
			go r.finish(w)
			return true
		}
		w.release()
		if r.receive(w, maxRunBytes) {
			go r.finish(w)
			return true
		}
	}
	s.writing.Unlock()
	if r.leave(asleep) {
		scratches.Put(w)
	} else {
		go r.loop(w)
	}
	return true
}

// finish writes what is left of a run, for which Session.writing is held, and goes on as the loop.
func (r *runs) finish(w *scratch) {
	if err := r.write(w); err != nil {
		r.giveUp(w, err)
		return
	}
	r.loop(w)
}

// now writes to a plain socket without waiting. Session.writing guards it.
type now struct {
	raw syscall.RawConn // nil if there is no such socket
	try func(fd uintptr) bool
	p   []byte // what is left
	err error
}

// attach makes raw, or nil, the socket.
func (n *now) attach(raw syscall.RawConn) { n.raw, n.try = raw, n.tryOnce }

// serves tells whether the session can be written to so.
func (n *now) serves(s *Session) bool { return n.raw != nil && s.conn.Plain() }

// write writes as much of p as the socket takes at once, and returns the rest.
func (n *now) write(p []byte) (rest []byte, err error) {
	n.p, n.err = p, nil
	err = n.raw.Write(n.try)
	rest, n.p = n.p, nil
	if err == nil {
		err = n.err
	}
	return rest, err
}

// writeBuffers is write for several buffers; what is left stays in bufs.
func (n *now) writeBuffers(bufs *net.Buffers) error {
	for len(*bufs) > 0 {
		rest, err := n.write((*bufs)[0])
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			(*bufs)[0] = rest
			return nil
		}
		*bufs = (*bufs)[1:]
	}
	return nil
}

// tryOnce is called when the socket may take something. It waits for nothing.
func (n *now) tryOnce(fd uintptr) bool {
	for len(n.p) > 0 {
		written, err := quick.Write(fd, n.p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			n.err = err
			return true
		}
		n.p = n.p[written:]
	}
	return true
}
