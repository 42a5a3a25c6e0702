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

// readMessage returns the body of a PUB or DPUB. It is valid until the next fill,
// unless it is in a room.
func (s *Session) readMessage(command string) (body []byte, room *broker.Room, err error) {
	size, err := s.readSize()
	switch {
	case err != nil:
		return nil, nil, protocol.BadMessage.Errorf("%s failed to read message body size", command).Because(err)
	case size <= 0:
		return nil, nil, protocol.BadMessage.Errorf("%s invalid message body size %d", command, size)
	case size > s.server.MaxMsgSize:
		return nil, nil, protocol.BadMessage.Errorf("%s message too big %d > %d", command, size, s.server.MaxMsgSize)
	}
	if s.in.large = size >= roomFrom; s.in.large {
		body, room, err = s.readLarge(int(size))
	} else if body, err = s.need(int(size)); err == nil {
		s.in.skip(int(size))
	}
	if err != nil {
		return nil, nil, protocol.BadMessage.Errorf("%s failed to read message body", command).Because(err)
	}
	return body, room, nil
}

const (
	// roomFrom is the size in bytes from which on a body is read into memory of the
	// log's own: a copy less, which is a third of what a message of 100 KB costs.
	roomFrom = 32 << 10
	// roomShare is the share of such a body that must have come before there is
	// memory for all of it.
	roomShare = 4
)

// readLarge is readMessage of a large body. Nothing is gathered when it returns a room.
func (s *Session) readLarge(size int) ([]byte, *broker.Room, error) {
	if _, err := s.need(size / roomShare); err != nil {
		return nil, nil, err
	}
	if held := s.in.bytes(); len(held) >= size {
		s.in.skip(size)
		return held[:size], nil, nil
	}
	room := s.server.Broker.NewRoom(size)
	body := room.Body()
	n := copy(body, s.in.bytes())
	s.in.skip(n)
	if err := s.readFull(body[n:]); err != nil {
		room.Release()
		return nil, nil, err
	}
	return body, room, nil
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
	body, room, err := s.readMessage(v.command)
	if err != nil {
		return err
	}
	var to *lane
	if err = s.permit(v.command, held, ""); err == nil {
		to, err = s.aim(held, v)
	}
	if err != nil {
		if room != nil {
			room.Release()
		}
		return err
	}
	s.gather(to, v, broker.Message{Body: body, Delay: delay})
	s.repeated.note(to, v, delay)
	if room != nil {
		s.pending.room = room
		return s.settle()
	}
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
	s.in.large = false
	used, err := s.readBatch(int(count))
	if err != nil {
		return err
	}
	s.cutBatch(lane, s.in.buf[s.in.r:s.in.r+used], int(count))
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

// cutBatch gathers count messages that lie in p, sizes before them, to be answered by one OK.
func (s *Session) cutBatch(l *lane, p []byte, count int) {
	b := s.pending.borrow()
	for range count {
		size := binary.BigEndian.Uint32(p)
		b.messages = append(b.messages, broker.Message{Body: p[4 : 4+size]})
		p = p[4+size:]
	}
	b.add(l, mpubVerb, 1, count)
}
