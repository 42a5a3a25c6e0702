package session

import (
	"net"
	"runtime"
	"sync/atomic"
	"time"
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
	if s.now.Raw() == nil || !s.conn.Plain() || time.Since(s.wrote) < calmFor {
		s.writing.Unlock()
		return false
	}
	w := scratches.Get().(*scratch)
	if r.receive(w, maxRunBytes) {
		if w.run.Size() > maxNowBytes {
			go r.finish(w)
			return true
		}
		s.wrote = time.Now()
		if err := s.tryBuffers(&w.bufs); err != nil {
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

// tryBuffers writes as much of bufs as the socket takes at once, and leaves the rest in it.
func (s *Session) tryBuffers(bufs *net.Buffers) error {
	for len(*bufs) > 0 {
		left, err := s.now.Write((*bufs)[0])
		if err != nil {
			return err
		}
		if len(left) > 0 {
			(*bufs)[0] = left
			return nil
		}
		*bufs = (*bufs)[1:]
	}
	return nil
}
