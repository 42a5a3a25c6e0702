package session

import (
	"bytes"
	"encoding/binary"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// repeat takes the short way with what clients send by the thousand: FINs in their
// usual form, and PUBs to the topic of the publish before. It gathers as many of one
// kind as are wholly in hand, and returns false if there is none. What is cut short,
// unusual or wrong is for the long way; both do the same, and the short one
// spares a quarter of what a stream of PUBs and FINs costs in all.
func (s *Session) repeat() (bool, error) {
	p := s.in.bytes()
	if s.subscription != nil {
		if number, ok := protocol.CutFin(p); ok {
			return true, s.repeatFin(number)
		}
	}
	if s.topic == nil || s.server.Auth != nil || !bytes.HasPrefix(p, s.pubLine) {
		return false, nil
	}
	return s.repeatPub()
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

// repeatPub gathers the PUBs to s.topic in hand.
func (s *Session) repeatPub() (done bool, err error) {
	line := s.pubLine
	name, head := line[len("PUB "):len(line)-1], len(line)+4
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
			if err := s.aim(name, "PUB", protocol.PubFailed); err != nil {
				return false, err
			}
			done = true
		}
		end := head + int(size)
		s.gather(broker.Message{Body: p[head:end]}, "PUB", protocol.PubFailed)
		s.in.skip(end)
	}
}
