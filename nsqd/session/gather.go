package session

import (
	"errors"
	"slices"
	"sync"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// pending is what the reading loop has gathered and not yet carried out:
// publishes, FINs, or REQs.
type pending struct {
	*batch        // nil if nothing is gathered
	name   []byte // of the topic that a command being read is for
}

// batch is borrowed while something is gathered.
type batch struct {
	messages  []broker.Message // in the order in which they came
	stretches []stretch        // of the commands that brought them
	groups    []group          // by topic, in the order in which they began
	sorted    []broker.Message // by group
	counts    []int            // of the messages in each command, by group
	commands  int
	together  bool     // there are commands of several messages
	finished  []uint64 // numbers of IDs
	requeued  []broker.Requeued
	kind      kind
}

// kind is what a batch has gathered.
type kind int

const (
	publishes kind = iota
	finishes
	requeues
)

// stretch is commands alike that came one behind the other. A command of several
// messages is one for itself.
type stretch struct {
	lane               *lane
	verb               *verb
	commands, messages int
}

// verb is a command that publishes, as its errors name it.
type verb struct {
	command string
	failed  protocol.Code
}

var (
	pubVerb  = &verb{"PUB", protocol.PubFailed}
	mpubVerb = &verb{"MPUB", protocol.MPubFailed}
	dpubVerb = &verb{"DPUB", protocol.DPubFailed}
)

func (v *verb) error(err error) *protocol.Error {
	return v.failed.Errorf("%s failed %s", v.command, err)
}

// lane is a topic that the client publishes to.
type lane struct {
	topic *broker.Topic
	group int // in what is gathered, counted from 1; 0: it has none
}

// maxLanes is how many topics a session remembers.
const maxLanes = 1024

// group is what is gathered for one topic, and what became of it.
type group struct {
	lane           *lane
	commands, size int // size: messages

	messages []broker.Message // once it is sorted
	counts   []int            // of the messages in each command; nil: each has one

	refused  []error // nil, or of each command before err why it was refused, if it was
	err      error   // of the command behind these, and of all behind that
	answered int     // commands
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// keepBatch is how many messages, FINs or REQs a batch may have room for to be used again.
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
	for i := range b.groups {
		b.groups[i].lane.group = 0
	}
	if max(cap(b.messages), cap(b.finished), cap(b.requeued)) > keepBatch {
		return
	}
	clear(b.messages)
	clear(b.sorted)
	clear(b.stretches)
	clear(b.groups)
	*b = batch{messages: b.messages[:0], stretches: b.stretches[:0], groups: b.groups[:0],
		sorted: b.sorted[:0], counts: b.counts[:0], finished: b.finished[:0], requeued: b.requeued[:0]}
	batches.Put(b)
}

// add takes in commands alike whose messages have just been added, one each but for MPUB.
func (b *batch) add(l *lane, v *verb, commands, messages int) {
	b.commands += commands
	b.together = b.together || v == mpubVerb
	if l.group == 0 {
		b.groups = append(b.groups, group{lane: l})
		l.group = len(b.groups)
	}
	g := &b.groups[l.group-1]
	g.commands += commands
	g.size += messages
	if n := len(b.stretches); n > 0 && v != mpubVerb {
		if s := &b.stretches[n-1]; s.lane == l && s.verb == v {
			s.commands += commands
			s.messages += messages
			return
		}
	}
	b.stretches = append(b.stretches, stretch{l, v, commands, messages})
}

// sort gives each group its messages, in the order in which they came, and how many
// each of its commands has: nothing if each has one.
func (b *batch) sort() {
	if len(b.groups) == 1 {
		b.groups[0].messages = b.messages
	} else {
		b.sortMessages()
	}
	if b.together {
		b.sortCounts()
	}
}

func (b *batch) sortMessages() {
	b.sorted = slices.Grow(b.sorted, len(b.messages))[:len(b.messages)]
	rest := b.sorted
	for i := range b.groups {
		g := &b.groups[i]
		g.messages, rest = rest[:0:g.size], rest[g.size:]
	}
	from := b.messages
	for i := range b.stretches {
		s := &b.stretches[i]
		g := b.group(s)
		g.messages = append(g.messages, from[:s.messages]...)
		from = from[s.messages:]
	}
}

func (b *batch) sortCounts() {
	b.counts = slices.Grow(b.counts, b.commands)[:b.commands]
	rest := b.counts
	for i := range b.groups {
		g := &b.groups[i]
		g.counts, rest = rest[:0:g.commands], rest[g.commands:]
	}
	for i := range b.stretches {
		s := &b.stretches[i]
		g := b.group(s)
		for range s.commands {
			g.counts = append(g.counts, s.messages/s.commands)
		}
	}
}

func (b *batch) group(s *stretch) *group { return &b.groups[s.lane.group-1] }

// settle carries out what is gathered. Its answers are gathered in turn.
func (s *Session) settle() error {
	b := s.pending.batch
	if b == nil {
		return nil
	}
	defer s.pending.giveBack()
	if len(b.finished) > 0 {
		s.subscription.FinishAll(b.finished, func(number uint64, err error) {
			s.refuseFin(protocol.NewMessageID(number), err)
		})
	}
	if len(b.requeued) > 0 {
		s.subscription.RequeueAll(b.requeued, func(number uint64, err error) {
			s.refuseReq(protocol.NewMessageID(number), err)
		})
	}
	if !s.publishAll(b) {
		return s.answerEach(b)
	}
	for i := range b.groups {
		g := &b.groups[i]
		s.countPublished(g.lane, g.size)
	}
	for range b.commands {
		s.out = append(s.out, okFrame...)
	}
	return nil
}

var okFrame = protocol.AppendFrame(nil, protocol.FrameResponse, protocol.OK)

// publishAll publishes what is gathered, topic by topic, and tells whether all went
// well. If each publish waits for the disk they wait together.
func (s *Session) publishAll(b *batch) bool {
	b.sort()
	if len(b.groups) > 1 && s.server.Broker.Syncs() {
		s.publishTogether(b.groups)
	} else {
		for i := range b.groups {
			s.publish(&b.groups[i])
		}
	}
	return !slices.ContainsFunc(b.groups, func(g group) bool { return g.refused != nil || g.err != nil })
}

// maxTogether is how many publishes of a session wait for the disk at once.
const maxTogether = 64

func (s *Session) publishTogether(groups []group) {
	for some := range slices.Chunk(groups, maxTogether) {
		var all sync.WaitGroup
		for i := range some {
			all.Go(func() { s.publish(&some[i]) })
		}
		all.Wait()
	}
}

// publish publishes to the topic, which may have been deleted and made again
// meanwhile: all commands or, if there is not room for all, those that fit, see
// broker.Topic.PublishEach.
func (s *Session) publish(g *group) {
	topic := g.lane.topic
	g.refused, g.err = topic.PublishEach(g.messages, g.counts)
	if !errors.Is(g.err, broker.ErrExiting) || g.refused != nil {
		return
	}
	if now, err := s.server.Broker.Topic(topic.Name()); err == nil && now != topic {
		g.lane.topic = now
		g.refused, g.err = now.PublishEach(g.messages, g.counts)
	}
}

// answerEach answers commands of which some were refused because there is no room:
// that is no fault of theirs, so the connection stays, and the log has it from the
// broker. Any other failure is returned, and nothing behind it is answered.
func (s *Session) answerEach(b *batch) error {
	for i := range b.stretches {
		stretch := &b.stretches[i]
		g := b.group(stretch)
		for range stretch.commands {
			n := g.answered
			g.answered++
			switch {
			case n < len(g.refused) && g.refused[n] != nil:
				s.respond(protocol.FrameError, stretch.verb.error(g.refused[n]).Error())
				continue
			case n >= len(g.refused) && g.err != nil:
				return stretch.verb.error(g.err).Because(g.err)
			}
			s.out = append(s.out, okFrame...)
			s.countPublished(g.lane, stretch.messages/stretch.commands)
		}
	}
	return nil
}

func (s *Session) countPublished(l *lane, n int) {
	s.mu.Lock()
	if s.published == nil {
		s.published = map[string]uint64{}
	}
	s.published[l.topic.Name()] += uint64(n)
	s.mu.Unlock()
}

// gather returns the batch for one more command of a kind. What is gathered of
// another one it carries out.
func (s *Session) gather(k kind) (*batch, error) {
	if b := s.pending.batch; b != nil && b.kind != k {
		if err := s.settle(); err != nil {
			return nil, err
		}
	}
	b := s.pending.borrow()
	b.kind = k
	return b, nil
}

// aim returns the lane to the topic of this name. The error is that of the command v.
func (s *Session) aim(name []byte, v *verb) (*lane, error) {
	if l := s.lanes[string(name)]; l != nil {
		return l, nil
	}
	topic, err := s.server.Broker.Topic(string(name))
	if err != nil {
		return nil, v.error(err).Because(err)
	}
	if len(s.lanes) == maxLanes {
		if err := s.settle(); err != nil { // of two lanes to one topic only one may have a group
			return nil, err
		}
		clear(s.lanes)
	} else if s.lanes == nil {
		s.lanes = map[string]*lane{}
	}
	l := &lane{topic: topic}
	s.lanes[topic.Name()] = l
	return l, nil
}
