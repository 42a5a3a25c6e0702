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
	done    chan struct{} // made by end, and closed by a loop that finds the session over
}

// wake serves the consumer at once, starts the loop, or makes it look once more.
func (r *runs) wake() {
	for {
		switch r.state.Load() {
		case asleep:
			if r.state.CompareAndSwap(asleep, running) {
				if !r.serveNow() {
					go r.loop(scratches.Get().(*scratch))
				}
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
	r.done = make(chan struct{})
	if old := r.state.Swap(over); old == running || old == again {
		<-r.done
	}
}

// scratch is what a writing loop works with.
type scratch struct {
	run  broker.Run
	all  net.Buffers // of run
	bufs net.Buffers // what is left to write of all
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (w *scratch) release() {
	clear(w.all)
	w.run.Release()
}

// loop writes runs until there are none.
func (r *runs) loop(w *scratch) {
	for {
		if r.receive(w, maxRunBytes) {
			r.session.writing.Lock()
			if err := r.write(w); err != nil {
				r.giveUp(w, err)
				return
			}
			if r.state.Load() != over {
				continue
			}
		}
		if r.leave(asleep) {
			scratches.Put(w)
			return
		}
	}
}

// receive takes a run, if there is one.
func (r *runs) receive(w *scratch, most int) bool {
	more, err := r.session.subscription.Receive(&w.run, most)
	if err != nil {
		r.logError(err)
	}
	w.all = append(w.all[:0], w.run.Buffers()...)
	w.bufs = w.all
	return more
}

// write writes what is left of the run as it lies, and releases it. The caller
// holds Session.writing, and does not any more when it returns.
func (r *runs) write(w *scratch) error {
	err := r.session.writeBuffers(&w.bufs)
	r.session.writing.Unlock()
	w.release()
	return err
}

// giveUp ends the session, since its client does not read.
func (r *runs) giveUp(w *scratch, err error) {
	r.logError(err)
	r.session.conn.Close()
	r.leave(failed)
	scratches.Put(w)
}

func (r *runs) logError(err error) {
	r.session.server.Log.Errorf("PROTOCOL(V2): [%s] messagePump error - %s", r.session.remote, err)
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
