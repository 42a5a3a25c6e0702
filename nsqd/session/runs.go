package session

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"nsqsuite/nsqd/broker"
)

// maxRunBytes is how many bytes of messages are written by one call, but for a larger single one.
const maxRunBytes = 256 << 10

// The states of the writing loop.
const (
	asleep  = iota // there is none
	running        // there is one
	again          // there is one, and it was woken since it last looked
	failed         // it could not write, and there is none any more
	over           // the session has ended; a loop that there still is shall end
)

// runs is the writing loop: it writes runs of messages as long as there are any.
type runs struct {
	session *Session
	state   atomic.Int32
	done    chan struct{} // closed by a loop that finds the session over
}

// wake starts the loop, or makes it look once more.
func (r *runs) wake() {
	for {
		switch r.state.Load() {
		case asleep:
			if r.state.CompareAndSwap(asleep, running) {
				go r.loop()
				return
			}
		case running:
			if r.state.CompareAndSwap(running, again) {
				return
			}
		default:
			return
		}
	}
}

// end makes the loop end, and returns when it has. No wake starts another.
func (r *runs) end() {
	if old := r.state.Swap(over); old == running || old == again {
		<-r.done
	}
}

// scratch is what a writing loop works with.
type scratch struct {
	run  broker.Run
	bufs net.Buffers
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (r *runs) loop() {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	s := r.session
	for {
		more, err := s.subscription.Receive(&w.run, maxRunBytes)
		if more {
			err = s.writeRun(w)
		}
		if err != nil {
			s.server.Log.Errorf("PROTOCOL(V2): [%s] messagePump error - %s", s.remote, err)
		}
		if more && err != nil {
			s.conn.Close() // a client that does not read is gone
			r.leave(failed)
			return
		}
		if (!more || r.state.Load() == over) && r.leave(asleep) {
			return
		}
	}
}

// leave ends the loop, to be in state next, unless it was woken again. If the
// session is over it says that the loop has ended.
func (r *runs) leave(next int32) bool {
	for {
		switch now := r.state.Load(); {
		case now == over:
			close(r.done)
			return true
		case now == again && next == asleep:
			if r.state.CompareAndSwap(again, running) {
				return false
			}
		case r.state.CompareAndSwap(now, next):
			return true
		}
	}
}

// writeRun writes the messages of w.run as they lie, and releases them.
func (s *Session) writeRun(w *scratch) error {
	all := append(w.bufs[:0], w.run.Buffers()...)
	w.bufs = all
	s.writing.Lock()
	err := s.writeBuffers(&w.bufs)
	s.writing.Unlock()
	clear(all)
	w.bufs = all[:0]
	w.run.Release()
	return err
}

// writeBuffers gives the client as long as it needs, provided that it takes
// something each time. The caller holds writing.
func (s *Session) writeBuffers(bufs *net.Buffers) error {
	for {
		s.limitWrite()
		n, err := s.conn.WriteBuffers(bufs)
		if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}
