package session

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// pending is what the reading loop has gathered and not yet carried out:
// publishes to one topic, or FINs.
type pending struct {
	*batch         // nil if nothing is gathered
	name    []byte // of the topic, for the error's text
	oks     int    // answers due when the messages are published
	failed  protocol.Code
	command string
}

// batch is borrowed while something is gathered.
type batch struct {
	messages []broker.Message
	counts   []int    // of messages in each MPUB; empty: each is a command
	finished []uint64 // numbers of IDs
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// keepBatch is how many messages or FINs a batch may have room for to be used again.
const keepBatch = 8 << 10

func (p *pending) borrow() *batch {
	if p.batch == nil {
		p.batch = batches.Get().(*batch)
	}
	return p.batch
}

// giveBack empties the batch.
func (p *pending) giveBack() {
	b := p.batch
	p.batch = nil
	if cap(b.messages) <= keepBatch && cap(b.finished) <= keepBatch {
		clear(b.messages)
		b.messages, b.counts, b.finished = b.messages[:0], b.counts[:0], b.finished[:0]
		batches.Put(b)
	}
}

// settle carries out what is gathered. Its answers are gathered in turn.
func (s *Session) settle() error {
	p := &s.pending
	if p.batch == nil {
		return nil
	}
	defer p.giveBack()
	if len(p.finished) > 0 {
		s.subscription.FinishAll(p.finished, func(number uint64, err error) {
			s.refuseFin(protocol.NewMessageID(number), err)
		})
	}
	if len(p.messages) == 0 {
		return nil
	}
	oks := p.oks
	p.oks = 0
	refused, err := s.publish(p.messages, p.counts)
	if refused != nil {
		s.answerEach(refused)
	}
	if err != nil {
		return p.failed.Errorf("%s failed %s", p.command, err).Because(err)
	}
	if refused == nil {
		for range oks {
			s.out = append(s.out, okFrame...)
		}
		s.countPublished(s.topic.Name(), len(p.messages))
	}
	return nil
}

// answerEach answers commands of which some were refused because there is no room.
// That is no fault of theirs, so the connection stays; the log has it from the broker.
func (s *Session) answerEach(refused []error) {
	p, accepted := &s.pending, 0
	for i, err := range refused {
		if err != nil {
			s.respond(protocol.FrameError, p.failed.Errorf("%s failed %s", p.command, err).Error())
			continue
		}
		s.out = append(s.out, okFrame...)
		if len(p.counts) > 0 {
			accepted += p.counts[i]
		} else {
			accepted++
		}
	}
	if accepted > 0 {
		s.countPublished(s.topic.Name(), accepted)
	}
}

var okFrame = protocol.AppendFrame(nil, protocol.FrameResponse, protocol.OK)

// publish publishes to the topic, which may have been deleted and made again
// meanwhile: all commands or, if there is not room for all, those that fit, see
// broker.Topic.PublishEach.
func (s *Session) publish(messages []broker.Message, counts []int) (refused []error, err error) {
	refused, err = s.topic.PublishEach(messages, counts)
	if !errors.Is(err, broker.ErrExiting) || refused != nil {
		return refused, err
	}
	now, e := s.server.Broker.Topic(s.topic.Name())
	if e != nil || now == s.topic {
		return nil, err
	}
	s.topic = now
	return now.PublishEach(messages, counts)
}

func (s *Session) countPublished(topic string, n int) {
	s.mu.Lock()
	if s.published == nil {
		s.published = map[string]uint64{}
	}
	s.published[topic] += uint64(n)
	s.mu.Unlock()
}

// gather adds a message to what will be published to s.topic by a command that
// fails with the code and is answered by OK.
func (s *Session) gather(m broker.Message, command string, failed protocol.Code) {
	p := &s.pending
	b := p.borrow()
	b.messages = append(b.messages, m)
	p.oks++
	p.command, p.failed = command, failed
}

// aim makes the topic of this name the one that gather is for. The error is the command's.
func (s *Session) aim(name []byte, command string, failed protocol.Code) error {
	if s.sameTopic(name) {
		return s.aimSame(command)
	}
	if err := s.settle(); err != nil {
		return err
	}
	if !protocol.ValidName(string(name)) {
		return badTopic(command, name)
	}
	topic, err := s.server.Broker.Topic(string(name))
	if err != nil {
		return failed.Errorf("%s failed %s", command, err).Because(err)
	}
	s.topic = topic
	s.repeated.line = s.repeated.line[:0]
	return nil
}

// aimSame is aim at the topic of the publish before.
func (s *Session) aimSame(command string) error {
	if p := &s.pending; p.batch != nil && (len(p.finished) > 0 || p.command != command) {
		return s.settle()
	}
	return nil
}

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
	return s.pubDelayed("PUB", protocol.PubFailed, line.Param(0), 0)
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
	return s.pubDelayed("DPUB", protocol.DPubFailed, name, time.Duration(ms)*time.Millisecond)
}

func (s *Session) pubDelayed(command string, failed protocol.Code, name []byte, delay time.Duration) error {
	if !s.sameTopic(name) && !protocol.ValidName(string(name)) {
		return badTopic(command, name)
	}
	held := s.keep(name) // the line is gone if the body must be waited for
	body, err := s.readMessage(command)
	if err != nil {
		return err
	}
	if err := s.permit(command, held, ""); err != nil {
		return err
	}
	if err := s.aim(held, command, failed); err != nil {
		return err
	}
	s.gather(broker.Message{Body: body, Delay: delay}, command, failed)
	s.repeated.note(held, command, failed, delay)
	return nil
}

func (s *Session) sameTopic(name []byte) bool {
	return s.topic != nil && string(name) == s.topic.Name()
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
	if err := s.aim(name, "MPUB", protocol.MPubFailed); err != nil {
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
	s.cutBatch(s.in.buf[s.in.r:s.in.r+used], int(count))
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
func (s *Session) cutBatch(p []byte, count int) {
	b := s.pending.borrow()
	b.counts = append(b.counts, count)
	s.pending.oks++
	s.pending.command, s.pending.failed = "MPUB", protocol.MPubFailed
	for range count {
		size := binary.BigEndian.Uint32(p)
		b.messages = append(b.messages, broker.Message{Body: p[4 : 4+size]})
		p = p[4+size:]
	}
}
