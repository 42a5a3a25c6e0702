package broker

import (
	"container/heap"
	"time"

	"nsqsuite/protocol"
)

// expireAtOnce is how many pages are looked at under one hold of the channel's lock.
const expireAtOnce = 64

// Finish ends a message: FIN. The errors are ErrNotInFlight and ErrNotOwner.
func (s *Subscription) Finish(id protocol.MessageID) error {
	n, ok := protocol.ParseMessageID(id)
	if !ok {
		return ErrNotInFlight
	}
	var failed error
	s.FinishAll([]uint64{n}, func(_ uint64, err error) { failed = err })
	return failed
}

// unresolved is a message that could not be finished or put back.
type unresolved struct {
	number uint64
	err    error
}

// FinishAll is Finish for many, in one step, by the numbers of their IDs; failed is
// called for each that could not be finished, in order, without locks.
func (s *Subscription) FinishAll(numbers []uint64, failed func(number uint64, err error)) {
	var failures []unresolved
	c := s.channel
	var gone *ages
	observe := c.topic.broker.config.Finished
	if s.consumer.Mover {
		observe = nil
	}
	if observe != nil {
		gone = c.topic.broker.startAges()
		defer gone.release()
	}
	c.mu.Lock()
	for len(numbers) > 0 {
		p, i, err := c.owned(s, numbers[0])
		if err != nil {
			failures = append(failures, unresolved{numbers[0], err})
			numbers = numbers[1:]
			continue
		}
		n := p.row(i, numbers, s.id)
		for k := range n {
			if observe != nil {
				gone.add(c, p, i+k)
			}
			c.move(p, i+k, finished)
		}
		numbers = numbers[n:]
		s.inFlight -= int64(n)
		s.finished += uint64(n)
		if p.live == 0 && p.end() <= c.next {
			c.retire(p)
		} else if p.deferred > 0 {
			c.unpin(p)
		}
	}
	wake := c.rouse(s, nil)
	c.mu.Unlock()
	wake.now()
	if observe != nil && len(gone.age) > 0 {
		observe(c.topic.name, c.name, gone.age, gone.held)
	}
	for _, f := range failures {
		failed(f.number, f.err)
	}
}

// Requeue puts a message back: REQ. It is ready again after delay, which must
// not be negative. The errors are ErrNotInFlight, ErrNotOwner and ErrExiting.
func (s *Subscription) Requeue(id protocol.MessageID, delay time.Duration) error {
	n, ok := protocol.ParseMessageID(id)
	if !ok {
		return ErrNotInFlight
	}
	var failed error
	s.RequeueAll([]Requeued{{n, delay}}, func(_ uint64, err error) { failed = err })
	return failed
}

// Requeued is a message to put back.
type Requeued struct {
	Number uint64 // of its ID
	Delay  time.Duration
}

// RequeueAll is Requeue for many, in one step; failed is as for FinishAll.
func (s *Subscription) RequeueAll(all []Requeued, failed func(number uint64, err error)) {
	var failures []unresolved
	c := s.channel
	c.mu.Lock()
	now := c.topic.broker.now()
	for _, r := range all {
		if err := c.requeue(s, r, now); err != nil {
			failures = append(failures, unresolved{r.Number, err})
		}
	}
	wake := c.passOn(c.rouse(s, nil))
	c.mu.Unlock()
	wake.now()
	for _, f := range failures {
		failed(f.number, f.err)
	}
}

func (c *Channel) requeue(s *Subscription, r Requeued, now int64) error {
	p, i, err := c.owned(s, r.Number)
	if err == nil && c.exiting {
		err = ErrExiting
	}
	if err != nil {
		return err
	}
	s.inFlight--
	s.requeued++
	c.requeues++
	if r.Delay == 0 {
		c.move(p, i, again)
		return nil
	}
	c.move(p, i, deferred)
	p.slots[i].due = now + int64(r.Delay)
	c.schedule(p, p.slots[i].due)
	c.unpin(p)
	return nil
}

// Touch gives a message in flight its time anew: TOUCH. Its time-out is never
// later than Config.MaxMsgTimeout after its delivery. The errors are
// ErrNotInFlight and ErrNotOwner.
func (s *Subscription) Touch(id protocol.MessageID) error {
	c := s.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	p, i, err := c.ownedID(s, id)
	if err != nil {
		return err
	}
	m := &p.slots[i]
	b := c.topic.broker
	m.due = min(b.now()+int64(s.consumer.MsgTimeout), m.since+int64(b.config.MaxMsgTimeout))
	c.schedule(p, m.due)
	return nil
}

// ownedID returns the page and slot of a message in flight on s.
func (c *Channel) ownedID(s *Subscription, id protocol.MessageID) (*page, int, error) {
	n, ok := protocol.ParseMessageID(id)
	if !ok {
		return nil, 0, ErrNotInFlight
	}
	return c.owned(s, n)
}

// owned is ownedID by the ID's number.
func (c *Channel) owned(s *Subscription, number uint64) (*page, int, error) {
	offset, ok := c.topic.broker.offset(number)
	if !ok {
		return nil, 0, ErrNotInFlight
	}
	p, i := c.find(offset)
	if p == nil || p.slots[i].state != inFlight {
		return nil, 0, ErrNotInFlight
	}
	if p.slots[i].owner != s.id {
		return nil, 0, ErrNotOwner
	}
	return p, i, nil
}

// unpin lets go of the bytes of a page of which little will be sent soon, if they
// are on disk as well.
func (c *Channel) unpin(p *page) {
	if p.view.Valid() && c.topic.rereads() && 2*p.deferred >= p.live {
		p.view.Release()
	}
}

// noteDeferred notes which of the messages from offset first on, published now on
// the broker's clock, are deferred, so that they count as such even before the cursor
// comes there. What it leaves out for want of order the cursor finds.
func (c *Channel) noteDeferred(first uint64, messages []Message, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range messages {
		if delay := messages[i].Delay; delay > 0 {
			c.deferAt(first+uint64(i), now+int64(delay))
		}
	}
}

// deferAt is noteDeferred for one message. The caller holds mu.
func (c *Channel) deferAt(offset uint64, due int64) {
	if c.exiting || offset < c.next || offset >= c.limit() {
		return
	}
	p := c.ahead.last()
	if p != nil && offset < p.end() {
		return
	}
	if p != nil && p.end() == offset && len(p.slots) < pageSize && c.topic.log.OnDisk() {
		p.slots = append(p.slots, slot{})
	} else {
		p = c.newPage(offset, 1)
		if !c.topic.log.OnDisk() {
			p.view, _ = c.topic.log.Resident(offset)
		}
		c.ahead.push(p)
	}
	c.above++
	i := len(p.slots) - 1
	c.move(p, i, deferred)
	p.slots[i].due = due
	c.schedule(p, due)
}

// schedule sees to it that p is looked at when due has come.
func (c *Channel) schedule(p *page, due int64) {
	if p.place < 0 {
		p.earliest = due
		heap.Push(&c.dues, p)
	} else if due < p.earliest {
		p.earliest = due
		heap.Fix(&c.dues, p.place)
	}
	if c.armed == 0 || c.dues[0].earliest < c.armed {
		c.arm()
	}
}

// arm sets the timer for the earliest due time.
func (c *Channel) arm() {
	if len(c.dues) == 0 || c.exiting {
		c.armed = 0
		return
	}
	c.armed = c.dues[0].earliest
	in := time.Duration(c.armed - c.topic.broker.now())
	if c.timer == nil {
		c.timer = time.AfterFunc(in, c.expire)
	} else {
		c.timer.Reset(in)
	}
}

// expire makes what is due ready again: deferred messages, and those in flight
// whose consumer has let their time pass.
func (c *Channel) expire() {
	c.mu.Lock()
	now := c.topic.broker.now()
	var wake wakes
	for range expireAtOnce {
		if c.exiting || len(c.dues) == 0 || c.dues[0].earliest > now {
			break
		}
		wake = c.expirePage(c.dues[0], now, wake)
	}
	c.arm()
	wake = c.passOn(wake)
	c.mu.Unlock()
	wake.now()
}

// expirePage does it for one page, and finds the page's earliest due time anew.
func (c *Channel) expirePage(p *page, now int64, wake wakes) wakes {
	earliest := int64(1<<63 - 1)
	for i := range p.slots {
		s := &p.slots[i]
		switch {
		case s.state != inFlight && s.state != deferred:
		case s.due > now:
			earliest = min(earliest, s.due)
		case s.state == deferred:
			c.move(p, i, again)
		default:
			c.timeouts++
			c.move(p, i, again)
			if owner := c.subs[s.owner]; owner != nil {
				owner.inFlight--
				wake = c.rouse(owner, wake)
			}
		}
	}
	p.earliest = earliest
	if earliest == 1<<63-1 {
		heap.Remove(&c.dues, p.place)
	} else {
		heap.Fix(&c.dues, p.place)
	}
	return wake
}
