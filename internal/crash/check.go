package main

import (
	"fmt"
	"slices"
	"time"
)

// channelsPerTopic is how many channels each topic has.
const channelsPerTopic = 2

// clockSlack is by how much a message may seem early: due times are rounded.
const clockSlack = time.Millisecond

// kind says what happened.
type kind string

// The events of a history. Requests count when they are sent, that is before
// nsqd can act on them, answers when they have come.
const (
	published    kind = "published"
	acknowledged kind = "acknowledged"
	refused      kind = "refused"
	delivered    kind = "delivered"
	altered      kind = "altered"   // came, but not as any message was published
	finish       kind = "finish"    // FIN
	requeue      kind = "requeue"   // REQ
	touch        kind = "touch"     // TOUCH
	failed       kind = "failed"    // nsqd answered one of them, Of, by an error
	confirmed    kind = "confirmed" // all but the newest Pending answers of Conn were processed
	closed       kind = "closed"    // the connection Conn
	killed       kind = "killed"
	stopped      kind = "stopped" // in order
)

// event is something that happened to a message on a channel, over a
// connection, as far as its kind has these.
type event struct {
	At      time.Duration
	Kind    kind
	Message int
	Channel int // 0 to channelsPerTopic-1
	Conn    int
	Of      kind
	Pending int
	Delay   time.Duration
}

// promise is what nsqd was told to hold.
type promise struct {
	Loses      time.Duration // how far back a kill may lose what was published; negative: nothing
	Vague      bool          // the disk fails at the end: what was refused then may come all the same
	Window     time.Duration // how far back a kill may make it forget what consumers answered
	MsgTimeout time.Duration
}

// answer is what a consumer said of a message.
type answer struct {
	kind    kind
	message int
	channel int
	at      time.Duration
	delay   time.Duration
}

// copyState is what is known of a message on one channel.
type copyState struct {
	deliveries int
	notBefore  time.Duration // it must not come before, as its consumer wanted …
	by         kind          // … by requeue or touch
	conn       int           // over this connection
	sent       bool          // a FIN was sent since it came last, and did not fail …
	finished   bool          // … and was processed
	maybe      bool          // … but a kill may have made nsqd forget it
}

type messageState struct {
	at     time.Duration // of the publish
	due    time.Duration
	acked  bool
	refuse bool
	copies [channelsPerTopic]copyState
}

// checker follows a history, event by event.
type checker struct {
	promise promise

	messages []messageState
	pending  map[int][]answer // by open connection, oldest first
	recent   []answer         // processed within the window
	kills    []time.Duration
	report   report
}

func newChecker(p promise) *checker {
	return &checker{promise: p, pending: map[int][]answer{}, report: report{wrong: map[verdict]int{}}}
}

// add takes one event in. Published messages are numbered from 0 on.
func (c *checker) add(e event) {
	switch e.Kind {
	case published:
		c.messages = append(c.messages, messageState{at: e.At, due: e.At + e.Delay})
		c.report.published++
	case acknowledged:
		c.messages[e.Message].acked = true
		c.report.acknowledged++
	case refused:
		c.messages[e.Message].refuse = !c.promise.Vague
		c.report.refused++
	case delivered:
		c.delivered(e)
	case altered:
		c.report.fault(unexpected, e, "no message has this body")
	case finish, requeue, touch:
		c.pending[e.Conn] = append(c.pending[e.Conn], answer{e.Kind, e.Message, e.Channel, e.At, e.Delay})
		if e.Kind == finish {
			c.copy(e.Message, e.Channel).sent = true
		}
	case failed:
		c.failed(e)
	case confirmed:
		list := c.pending[e.Conn]
		for _, a := range list[:len(list)-e.Pending] {
			c.processed(a, e)
		}
		c.pending[e.Conn] = slices.Delete(list, 0, len(list)-e.Pending)
	case closed:
		delete(c.pending, e.Conn)
	case killed:
		c.killed(e)
	case stopped:
		c.report.stops++
		c.ended()
	}
}

func (c *checker) copy(message, channel int) *copyState {
	return &c.messages[message].copies[channel]
}

func (c *checker) delivered(e event) {
	m, s := &c.messages[e.Message], c.copy(e.Message, e.Channel)
	s.deliveries++
	underway, finishing := c.underway(e.Message, e.Channel)
	_, open := c.pending[s.conn]
	held := s.by == requeue || open
	switch {
	case m.refuse:
		c.report.fault(unexpected, e, "its publisher was told that it failed")
	case e.At < m.due-clockSlack:
		c.report.fault(early, e, fmt.Sprintf("published with a delay, %s too early", m.due-e.At))
	case s.finished && !s.maybe:
		c.report.fault(repeated, e, "it was finished")
	case e.At < s.notBefore-clockSlack && held && !underway:
		c.report.fault(early, e, fmt.Sprintf("after %s, %s too early", s.by, s.notBefore-e.At))
	}
	if s.maybe {
		c.report.duplicated++
	}
	s.notBefore, s.sent, s.finished, s.maybe = 0, finishing, false, false
}

// underway tells whether any answer to the message was sent that may not be
// processed yet, and whether one of them is a FIN.
func (c *checker) underway(message, channel int) (answered, finishing bool) {
	for _, list := range c.pending {
		for _, a := range list {
			if a.message == message && a.channel == channel {
				answered = true
				finishing = finishing || a.kind == finish
			}
		}
	}
	return answered, finishing
}

// failed takes back an answer to the message: it had no effect.
func (c *checker) failed(e event) {
	list := c.pending[e.Conn]
	for i, a := range list {
		if a.message == e.Message && a.channel == e.Channel && a.kind == e.Of {
			c.pending[e.Conn] = slices.Delete(list, i, i+1)
			break
		}
	}
	if s := c.copy(e.Message, e.Channel); e.Of == finish && !s.finished {
		_, s.sent = c.underway(e.Message, e.Channel)
	}
}

// processed notes that nsqd has carried out an answer.
func (c *checker) processed(a answer, e event) {
	s := c.copy(a.message, a.channel)
	switch a.kind {
	case finish:
		s.sent, s.finished, s.maybe = true, true, false
	case requeue:
		s.notBefore, s.by, s.conn = a.at+a.delay, requeue, e.Conn
	case touch:
		s.notBefore, s.by, s.conn = a.at+c.promise.MsgTimeout, touch, e.Conn
	}
	a.at = e.At
	c.recent = append(c.recent, a)
	for len(c.recent) > 0 && c.recent[0].at < e.At-c.promise.Window {
		c.recent = c.recent[1:]
	}
}

func (c *checker) killed(e event) {
	c.report.kills++
	c.kills = append(c.kills, e.At)
	for _, a := range c.recent {
		s := c.copy(a.message, a.channel)
		if a.at < e.At-c.promise.Window {
			continue
		}
		switch a.kind {
		case finish:
			s.maybe = s.finished
		case requeue:
			s.notBefore = 0
		}
	}
	c.ended()
}

// ended notes that the process is gone. What it has not forgotten it never will.
func (c *checker) ended() {
	clear(c.pending)
	c.recent = c.recent[:0]
}

// forgivable tells whether a kill came that may have lost the message.
func (c *checker) forgivable(m *messageState) bool {
	for _, at := range c.kills {
		if m.at < at && at-m.at <= c.promise.Loses {
			return true
		}
	}
	return false
}

// verdict gives the final report, when all channels are empty.
func (c *checker) verdict() *report {
	r := &c.report
	r.unanswered = r.published - r.acknowledged - r.refused
	for i := range c.messages {
		m := &c.messages[i]
		for k := range m.copies {
			s := &m.copies[k]
			switch {
			case m.acked && !s.sent && c.forgivable(m):
				r.forgiven++
			case m.acked && !s.sent:
				r.fault(lost, event{At: m.at, Kind: published, Message: i, Channel: k}, fmt.Sprintf("delivered %d times and never finished", s.deliveries))
			case s.deliveries > 0 && m.acked:
				r.delivered++
			case s.deliveries > 0 && !m.refuse:
				r.recovered++
			}
		}
	}
	return r
}
