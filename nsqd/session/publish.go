package session

import (
	"encoding/binary"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

func badTopic(command string, name []byte) *protocol.Error {
	return protocol.BadTopic.Errorf("%s topic name %q is not valid", command, protocol.Echo(name))
}

// readMessage returns the body of a PUB or DPUB. It is valid until the next fill.
func (s *Session) readMessage(command string) ([]byte, error) {
	size, err := s.readSize()
	switch {
	case err != nil:
		return nil, protocol.BadMessage.Errorf("%s failed to read message body size", command).Because(err)
	case size <= 0:
		return nil, protocol.BadMessage.Errorf("%s invalid message body size %d", command, size)
	case size > s.server.MaxMsgSize:
		return nil, protocol.BadMessage.Errorf("%s message too big %d > %d", command, size, s.server.MaxMsgSize)
	}
	body, err := s.need(int(size))
	if err != nil {
		return nil, protocol.BadMessage.Errorf("%s failed to read message body", command).Because(err)
	}
	s.in.skip(int(size))
	return body, nil
}

// pub is PUB (protocol.md 7.8).
func (s *Session) pub(line *protocol.Line) error {
	if line.Params() < 1 {
		return protocol.Invalid.Errorf("PUB insufficient number of parameters")
	}
	return s.pubDelayed(pubVerb, line.Param(0), 0)
}

// dpub is DPUB (7.9).
func (s *Session) dpub(line *protocol.Line) error {
	if line.Params() < 2 {
		return protocol.Invalid.Errorf("DPUB insufficient number of parameters")
	}
	name := line.Param(0)
	if !protocol.ValidName(string(name)) {
		return badTopic("DPUB", name)
	}
	most := uint64(s.server.MaxReqTimeout.Milliseconds())
	ms, ok := protocol.ParseDigits(line.Param(1))
	if !ok {
		return protocol.Invalid.Errorf("DPUB could not parse timeout %s", protocol.Echo(line.Param(1)))
	}
	if ms > most {
		return protocol.Invalid.Errorf("DPUB timeout %d out of range 0-%d", ms, most)
	}
	return s.pubDelayed(dpubVerb, name, time.Duration(ms)*time.Millisecond)
}

func (s *Session) pubDelayed(v *verb, name []byte, delay time.Duration) error {
	if s.lanes[string(name)] == nil && !protocol.ValidName(string(name)) {
		return badTopic(v.command, name)
	}
	held := s.keep(name) // the line is gone if the body must be waited for
	body, err := s.readMessage(v.command)
	if err != nil {
		return err
	}
	if err := s.permit(v.command, held, ""); err != nil {
		return err
	}
	lane, err := s.aim(held, v)
	if err != nil {
		return err
	}
	b, err := s.gather(publishes)
	if err != nil {
		return err
	}
	b.messages = append(b.messages, broker.Message{Body: body, Delay: delay})
	b.add(lane, v, 1, 1)
	s.repeated.note(lane, v, delay)
	return nil
}

// keep copies a name out of the buffer.
func (s *Session) keep(name []byte) []byte {
	s.pending.name = append(s.pending.name[:0], name...)
	return s.pending.name
}

// mpub is MPUB (7.10). All messages are read and checked before any is gathered.
func (s *Session) mpub(line *protocol.Line) error {
	if line.Params() < 1 {
		return protocol.Invalid.Errorf("MPUB insufficient number of parameters")
	}
	name := line.Param(0)
	if !protocol.ValidName(string(name)) {
		return protocol.BadTopic.Errorf("%s MPUB topic name %q is not valid", protocol.BadTopic, protocol.Echo(name))
	}
	if err := s.permit("MPUB", name, ""); err != nil {
		return err
	}
	lane, err := s.aim(name, mpubVerb)
	if err != nil {
		return err
	}
	size, err := s.readSize()
	most := s.server.MaxBodySize
	switch {
	case err != nil:
		return protocol.BadBody.Errorf("MPUB failed to read body size").Because(err)
	case size <= 0:
		return protocol.BadBody.Errorf("MPUB invalid body size %d", size)
	case size > most:
		return protocol.BadBody.Errorf("MPUB body too big %d > %d", size, most)
	}
	count, err := s.readSize()
	if err != nil {
		return protocol.BadBody.Errorf("MPUB failed to read message count").Because(err)
	}
	if count <= 0 || count > protocol.MaxBatch(most) {
		return protocol.BadBody.Errorf("MPUB invalid message count %d", count)
	}
	used, err := s.readBatch(int(count))
	if err != nil {
		return err
	}
	b, err := s.gather(publishes)
	if err != nil {
		return err
	}
	b.cut(lane, s.in.buf[s.in.r:s.in.r+used], int(count))
	s.in.skip(used)
	if used > bufferSize { // nothing is saved by gathering more
		return s.settle()
	}
	return nil
}

// readBatch makes sure that count messages, sizes before them, are in the
// buffer, and returns how many bytes they are. What is declared is believed
// only as it arrives, and all of it is bounded by --max-body-size.
func (s *Session) readBatch(count int) (used int, err error) {
	for i := range count {
		p, err := s.need(used + 4)
		if err != nil {
			return 0, protocol.BadMessage.Errorf("MPUB failed to read message(%d) body size", i).Because(err)
		}
		size := int64(int32(binary.BigEndian.Uint32(p[used:])))
		used += 4
		switch {
		case size <= 0:
			return 0, protocol.BadMessage.Errorf("MPUB invalid message(%d) body size %d", i, size)
		case size > s.server.MaxMsgSize:
			return 0, protocol.BadMessage.Errorf("MPUB message too big %d > %d", size, s.server.MaxMsgSize)
		case int64(used)+size > s.server.MaxBodySize:
			return 0, protocol.BadBody.Errorf("MPUB body too big %d > %d", int64(used)+size, s.server.MaxBodySize)
		}
		used += int(size)
		if _, err := s.need(used); err != nil {
			return 0, protocol.BadMessage.Errorf("MPUB failed to read message body").Because(err)
		}
	}
	return used, nil
}

// cut takes in an MPUB's count messages that lie in p, sizes before them.
func (b *batch) cut(l *lane, p []byte, count int) {
	for range count {
		size := binary.BigEndian.Uint32(p)
		b.messages = append(b.messages, broker.Message{Body: p[4 : 4+size]})
		p = p[4+size:]
	}
	b.add(l, mpubVerb, 1, count)
}
