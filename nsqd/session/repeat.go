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
	line  []byte // newline included; empty: there is none
	lane  *lane
	verb  *verb
	delay time.Duration
}

// note remembers a command, its line in the usual form.
func (r *repeated) note(l *lane, v *verb, delay time.Duration) {
	if r.lane == l && r.verb == v && r.delay == delay {
		return
	}
	r.lane, r.verb, r.delay = l, v, delay
	r.line = append(r.line[:0], v.command...)
	r.line = append(r.line, ' ')
	r.line = append(r.line, l.topic.Name()...)
	if v == dpubVerb {
		r.line = append(r.line, ' ')
		r.line = strconv.AppendInt(r.line, delay.Milliseconds(), 10)
	}
	r.line = append(r.line, '\n')
}

// repeat takes the short way with what clients send by the thousand: FINs and REQs in
// their usual form, PUBs or DPUBs whose line is that of the one before, and PUBs to a
// topic that the session remembers. It gathers as many of one kind as are wholly in
// hand, and returns false if there is none. What is cut short, unusual or wrong is
// for the long way; both do the same, and the short one spares a quarter of what a
// stream of PUBs and FINs costs in all.
func (s *Session) repeat() (bool, error) {
	p := s.in.bytes()
	if s.subscription != nil {
		if number, ok := protocol.CutFin(p); ok {
			return true, s.repeatFin(number)
		}
		if done, err := s.repeatReq(p); done || err != nil {
			return done, err
		}
	}
	if len(s.lanes) == 0 || s.server.Auth != nil {
		return false, nil
	}
	r := &s.repeated
	if len(r.line) == 0 || !bytes.HasPrefix(p, r.line) {
		name, ok := protocol.CutPub(p)
		l := s.lanes[string(name)]
		if !ok || l == nil {
			return false, nil
		}
		r.note(l, pubVerb, 0)
	}
	return s.repeatPub(r)
}

// repeatFin gathers the FINs in hand, of which the first has this number.
func (s *Session) repeatFin(number uint64) error {
	b, err := s.gather(finishes)
	if err != nil {
		return err
	}
	for ok := true; ok; number, ok = protocol.CutFin(s.in.bytes()) {
		b.finished = append(b.finished, number)
		s.in.skip(protocol.FinSize)
	}
	return nil
}

// repeatReq gathers the REQs that p begins with.
func (s *Session) repeatReq(p []byte) (done bool, err error) {
	most := uint64(s.server.MaxReqTimeout.Milliseconds())
	for {
		number, ms, size, ok := protocol.CutReq(p)
		if !ok || ms > most {
			return done, nil
		}
		b, err := s.gather(requeues)
		if err != nil {
			return false, err
		}
		done = true
		b.requeued = append(b.requeued, broker.Requeued{Number: number, Delay: time.Duration(ms) * time.Millisecond})
		s.in.skip(size)
		p = p[size:]
	}
}

// repeatPub gathers the commands in hand that are like r.
func (s *Session) repeatPub(r *repeated) (done bool, err error) {
	most := s.server.MaxMsgSize
	line, head := r.line, len(r.line)+4
	p := s.in.bytes()
	b, err := s.gather(publishes)
	if err != nil {
		return false, err
	}
	n := 0
	for ; len(p) >= head && bytes.HasPrefix(p, line); n++ {
		size := int64(int32(binary.BigEndian.Uint32(p[len(line):])))
		if size <= 0 || size > most || size > int64(len(p)-head) {
			break
		}
		end := head + int(size)
		b.messages = append(b.messages, broker.Message{Body: p[head:end], Delay: r.delay})
		p = p[end:]
	}
	if n == 0 {
		return false, nil
	}
	b.add(r.lane, r.verb, n, n)
	s.in.skip(len(s.in.bytes()) - len(p))
	return true, nil
}
