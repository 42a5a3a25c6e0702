package session

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// repeated is a PUB or DPUB: one with the same command line can be gathered without
// another look at it.
type repeated struct {
	line    []byte // newline included; empty: there is none
	command string
	failed  protocol.Code
	delay   time.Duration
}

// note remembers the command that has just been gathered, its line in the usual form.
func (r *repeated) note(topic []byte, command string, failed protocol.Code, delay time.Duration) {
	if len(r.line) > 0 && r.command == command && r.delay == delay {
		return // the topic is the same, or the line would be empty
	}
	r.command, r.failed, r.delay = command, failed, delay
	r.line = append(r.line[:0], command...)
	r.line = append(r.line, ' ')
	r.line = append(r.line, topic...)
	if failed == protocol.DPubFailed {
		r.line = append(r.line, ' ')
		r.line = strconv.AppendInt(r.line, delay.Milliseconds(), 10)
	}
	r.line = append(r.line, '\n')
}

// repeat takes the short way with what clients send by the thousand: FINs in their
// usual form, and PUBs or DPUBs whose line is that of the one before. It gathers as
// many of one kind as are wholly in hand, and returns false if there is none. What
// is cut short, unusual or wrong is for the long way; both do the same, and the short
// one spares a quarter of what a stream of PUBs and FINs costs in all.
func (s *Session) repeat() (bool, error) {
	p := s.in.bytes()
	if s.subscription != nil {
		if number, ok := protocol.CutFin(p); ok {
			return true, s.repeatFin(number)
		}
	}
	if r := &s.repeated; len(r.line) > 0 && s.server.Auth == nil && bytes.HasPrefix(p, r.line) {
		return s.repeatPub(r)
	}
	return false, nil
}

// repeatFin gathers the FINs in hand, of which the first has this number.
func (s *Session) repeatFin(number uint64) error {
	if err := s.aimFin(); err != nil {
		return err
	}
	b := s.pending.batch
	for ok := true; ok; number, ok = protocol.CutFin(s.in.bytes()) {
		b.finished = append(b.finished, number)
		s.in.skip(protocol.FinSize)
	}
	return nil
}

// repeatPub gathers the commands in hand that are like r.
func (s *Session) repeatPub(r *repeated) (done bool, err error) {
	line := r.line
	head := len(line) + 4
	for {
		p := s.in.bytes()
		if len(p) < head || !bytes.HasPrefix(p, line) {
			return done, nil
		}
		size := int64(int32(binary.BigEndian.Uint32(p[len(line):])))
		if size <= 0 || size > s.server.MaxMsgSize || size > int64(len(p)-head) {
			return done, nil
		}
		if !done {
			if err := s.aimSame(r.command); err != nil {
				return false, err
			}
			done = true
		}
		end := head + int(size)
		s.gather(broker.Message{Body: p[head:end], Delay: r.delay}, r.command, r.failed)
		s.in.skip(end)
	}
}
