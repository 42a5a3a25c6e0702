package session

import (
	"errors"
	"os"
	"time"

	"nsqsuite/internal/logging"
)

const (
	// magicTimeout is how long a client may take to send its first four bytes.
	magicTimeout = 60 * time.Second
	// tickEvery is how often at most a session that waits on a plain socket looks at
	// the time. Its read deadline is no more than that ahead, and set again when it
	// has passed, not for each command: that costs more, and leaves timers behind that
	// go off for nothing. If at a tick nothing has come for half as long, the session
	// is calm and waits with a small stack; in a stream of commands that would cost
	// more than it saves.
	tickEvery = time.Second
	// firstTick is the first of a connection, and each is twice as long as the one
	// before: a client that has said all that it wants is calm soon, so that where
	// many come at once few have a large stack at a time.
	firstTick = 10 * time.Millisecond
)

// patience is how long a command may take to come, from when the wait for it began:
// two heartbeats, if there are any (protocol.md 9). 0: as long as it likes.
func (s *Session) patience() time.Duration {
	if !s.greeted {
		return magicTimeout
	}
	return max(2*s.settings.Load().Heartbeat, 0)
}

// fill carries out what is gathered, and waits for more input.
func (s *Session) fill() error {
	if err := s.settle(); err != nil {
		return s.fail(err)
	}
	if err := s.flush(); err != nil {
		return err
	}
	if !s.waits {
		s.waits, s.began = true, time.Now()
		if s.in.raw == nil { // a layer that a deadline has ended reads no more
			s.limitRead()
		}
	}
	for {
		err := s.in.fill()
		if !s.mayGoOn(err) {
			return err
		}
	}
}

// await waits, with nothing in hand, for something to come if the socket is plain.
// The session is calm if for some time nothing does, or if little came before.
func (s *Session) await() error {
	in := &s.in
	if in.raw == nil || in.late != nil || s.server.TLSRequired {
		return nil // then it is the command that waits
	}
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.waits, s.began = true, time.Now()
	for !in.fewCame() {
		enough := s.tick / 2
		err := in.fill()
		if !s.mayGoOn(err) {
			return err
		}
		if time.Since(s.began) >= enough {
			break
		}
	}
	s.limitRead()
	s.calm, s.out = true, nil
	return nil
}

// mayGoOn tells whether err says only that it is time for a tick, and prepares the next.
func (s *Session) mayGoOn(err error) bool {
	if s.in.raw == nil || s.in.late != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	now := time.Now()
	s.tick = min(2*s.tick, s.server.tick)
	next := now.Add(s.tick)
	if patience := s.patience(); patience > 0 {
		end := s.began.Add(patience)
		if !now.Before(end) {
			return false
		}
		if end.Before(next) {
			next = end
		}
	}
	s.conn.SetReadDeadline(next) //nolint:errcheck // the read will tell
	return true
}

// limitRead makes the read deadline that of the command being waited for.
func (s *Session) limitRead() {
	deadline := time.Time{}
	if patience := s.patience(); patience > 0 {
		deadline = s.began.Add(patience)
	}
	s.conn.SetReadDeadline(deadline) //nolint:errcheck // the read will tell
}

// doze waits while the session is calm. It takes what answers a heartbeat, and
// nothing else: to begin another goroutine for that would cost more than the rest.
func (s *Session) doze() {
	for s.in.doze(); string(s.in.bytes()) == "NOP\n" && !s.server.Log.Enabled(logging.Debug); s.in.doze() {
		s.began = time.Now()
		s.limitRead()
	}
}
