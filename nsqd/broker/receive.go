package broker

import (
	"math/rand/v2"
	"sort"
	"time"
)

// retryAfter is how long a channel waits before it asks a disk again that did not answer.
const retryAfter = time.Second

// Receive puts messages for the consumer into r, which must be empty: as many as
// its ready count allows, at most MaxRun, and at most maxBytes but for the
// first. They are in flight from now on. It returns false when there is nothing
// to take; the subscription then sleeps until its Wake. The error says that the
// disk did not answer; the channel tries again by itself and wakes.
func (s *Subscription) Receive(r *Run, maxBytes int) (bool, error) {
	c := s.channel
	for {
		c.mu.Lock()
		cold, offset := c.take(s, r, maxBytes)
		if !cold {
			wake := c.settle(s, r.n > 0)
			c.mu.Unlock()
			wake.now()
			c.topic.forget()
			return r.n > 0, nil
		}
		c.mu.Unlock()
		v, err := c.topic.log.Load(offset)
		if err != nil {
			c.topic.broker.readFailed(c.topic, err)
			c.mu.Lock()
			s.idle = true
			c.mu.Unlock()
			time.AfterFunc(retryAfter, c.retry)
			return false, err
		}
		c.mu.Lock()
		if v.Holds(c.next) && !c.view.Holds(c.next) {
			c.view.Release()
			c.view = v
		} else if p, _ := c.find(offset); p != nil && v.Holds(offset) && !p.view.Holds(offset) {
			p.view.Release()
			p.view = v
		} else {
			v.Release()
		}
		c.mu.Unlock()
	}
}

// settle leaves s awake if it took something, else idle, and parked if it could
// have taken something. It returns who is to be woken for what is left.
func (c *Channel) settle(s *Subscription, took bool) wakes {
	s.idle = !took
	if took {
		c.unpark(s) // it looked without having been woken
	} else if s.room() > 0 {
		c.park(s)
	}
	return c.passOn(nil)
}

// retry wakes everybody who could take something.
func (c *Channel) retry() {
	c.mu.Lock()
	wake := c.rouseAll()
	c.mu.Unlock()
	wake.now()
}

// taking is a Receive under the channel's lock.
type taking struct {
	s     *Subscription
	r     *Run
	now   int64
	left  int // messages that may still be taken
	bytes int // likewise bytes
	// cutoff is before when a message was published that is too old, in Unix ns; 0: none is.
	cutoff int64
}

// full tells whether a message of size bytes does not fit any more.
func (t *taking) full(size int) bool {
	return t.left <= 0 || t.r.n > 0 && size > t.bytes
}

// take fills r. If it could take nothing because the bytes of the message at
// offset are on disk only, it says so.
func (c *Channel) take(s *Subscription, r *Run, maxBytes int) (cold bool, offset uint64) {
	t := taking{s: s, r: r, left: int(min(s.room(), MaxRun)), bytes: maxBytes}
	if t.left <= 0 {
		return false, 0
	}
	t.now = c.topic.broker.now()
	c.shed()
	t.cutoff = c.cutoff()
	if c.newFirst { // in turns, so that neither starves the other
		if cold, offset = c.takeNew(&t); !cold {
			cold, offset = c.takeAgain(&t)
		}
	} else if cold, offset = c.takeAgain(&t); !cold {
		cold, offset = c.takeNew(&t)
	}
	if r.n > 0 {
		c.newFirst = !c.newFirst
	}
	return cold && r.n == 0, offset
}

// takeNew takes messages from the cursor on.
func (c *Channel) takeNew(t *taking) (cold bool, offset uint64) {
	for t.left > 0 {
		if p := c.ahead.front(); p != nil && p.first <= c.next {
			c.setNext(p.end())
			continue
		}
		limit := min(c.limit(), t.s.until)
		if c.next >= limit {
			return false, 0
		}
		if !c.view.Holds(c.next) {
			c.view.Release()
			v, cold := c.topic.log.Resident(c.next)
			if cold {
				return true, c.next
			}
			c.view = v
			if !v.Valid() {
				c.setNext(limit) // no record is left below limit
				return false, 0
			}
			if v.First > c.next {
				c.lost(min(v.First, limit))
				continue
			}
		}
		i := int(c.next - c.view.First)
		j := c.untouched(t, i, limit)
		if i == j {
			return false, 0
		}
		if t.cutoff != 0 && c.tooOld(&c.view, i, &j, t.cutoff) || c.notDue(t, i, &j) || t.s.consumer.SampleRate > 0 && c.sampledOut(t, i, &j) {
			continue
		}
		c.handOut(t, i, j)
	}
	return false, 0
}

// lost moves the cursor over messages that the log does not have any more.
func (c *Channel) lost(to uint64) {
	if c.volatile {
		c.dropped += c.topic.published(c.next, to)
	}
	c.setNext(to)
}

// untouched returns the end, in the cursor's view, of the messages from i on that
// may be handed out at once as far as room, bytes and what is owed go.
func (c *Channel) untouched(t *taking, i int, limit uint64) int {
	v := &c.view
	j := min(v.Len(), i+t.left)
	if limit < v.End() {
		j = min(j, int(limit-v.First))
	}
	if p := c.ahead.front(); p != nil && p.first < v.End() {
		j = min(j, int(p.first-v.First))
	}
	if len(c.skips) > 0 && c.skips[0].From < v.End() {
		j = min(j, int(c.skips[0].From-v.First))
	}
	if v.Size(i, j) > t.bytes {
		j = i + sort.Search(j-i, func(n int) bool { return v.Size(i, i+n+1) > t.bytes })
		if i == j && t.r.n == 0 {
			j++
		}
	}
	return j
}

// notDue defers the messages from i on that are not due, and returns true if
// there were any; else it ends j before the first such.
func (c *Channel) notDue(t *taking, i int, j *int) bool {
	v := &c.view
	if !v.HasDue() {
		return false
	}
	due := func(k int) int64 { // when message k of the view is due, or 0
		if d := v.Due(k); d != 0 {
			return c.topic.dueAt(v.First+uint64(k), d)
		}
		return 0
	}
	n := 0
	for ; i+n < *j && n < pageSize && due(i+n) > t.now; n++ {
	}
	if n == 0 {
		for k := i + 1; k < *j; k++ {
			if due(k) > t.now {
				*j = k
			}
		}
		return false
	}
	p := c.newPage(c.next, n)
	for k := range n {
		c.move(p, k, deferred)
		p.slots[k].due = due(i + k)
		c.schedule(p, p.slots[k].due)
	}
	if !c.topic.log.OnDisk() {
		p.view = v.Slice(i, i+n)
	}
	c.takeIn(p)
	c.setNext(c.next + uint64(n))
	return true
}

// sampledOut drops message i for the whole channel, and returns true, if the
// dice say so (protocol.md 12.7); else it leaves message i alone in the run.
func (c *Channel) sampledOut(t *taking, i int, j *int) bool {
	*j = i + 1
	if rand.IntN(100) <= t.s.consumer.SampleRate {
		return false
	}
	c.setNext(c.next + 1)
	return true
}

// handOut puts the messages i to j-1 of the cursor's view, never handed out
// before, in flight, and the cursor behind them.
func (c *Channel) handOut(t *taking, i, j int) {
	c.view.Size(i, j)
	t.r.addFresh(&c.view, i, j)
	t.left -= j - i
	t.bytes -= c.view.Size(i, j)
	c.took(t.s, j-i)
	due := t.now + int64(t.s.consumer.MsgTimeout)
	for i < j {
		n := min(j-i, pageSize)
		p := c.newPage(c.next, n)
		fresh := slot{due: due, since: t.now, owner: t.s.id, attempts: 1, state: inFlight}
		for k := range p.slots {
			p.slots[k] = fresh
		}
		p.live, p.dirty = n, true
		c.counts[inFlight] += int64(n)
		if c.topic.pins() {
			p.view = c.view.Slice(i, i+n)
		}
		c.schedule(c.takeIn(p), due)
		c.setNext(c.next + uint64(n))
		i += n
	}
}

func (c *Channel) took(s *Subscription, n int) {
	s.inFlight += int64(n)
	s.delivered += uint64(n)
	c.delivered[s.consumer.Locality] += uint64(n)
}

// takeAgain takes messages that are ready again, the page that has waited longest first.
func (c *Channel) takeAgain(t *taking) (cold bool, offset uint64) {
	for len(c.againPages) > 0 {
		p := c.againPages[0]
		for i := 0; i < len(p.slots) && p.again > 0; i++ {
			if p.slots[i].state != again {
				continue
			}
			at := p.first + uint64(i)
			if !p.view.Holds(at) {
				v, cold := c.topic.log.Resident(at)
				if cold {
					return true, at
				}
				p.view.Release()
				p.view = v
				if !v.Holds(at) { // damaged on disk, or discarded
					c.move(p, i, finished)
					continue
				}
			}
			k := int(at - p.view.First)
			if t.cutoff != 0 && published(&p.view, at) < t.cutoff {
				c.move(p, i, finished)
				c.expired++
				continue
			}
			if t.full(p.view.Size(k, k+1)) {
				return false, 0
			}
			if n := t.untried(p, i, k); n > 0 {
				c.handOutLate(t, p, i, k, n)
			} else {
				c.handOutAgain(t, p, i, k)
			}
		}
		c.againPages[0] = nil
		c.againPages = c.againPages[1:]
		p.queued = false
		if p.live == 0 && p.end() <= c.next {
			c.retire(p)
		}
	}
	c.againPages = nil
	return false, 0
}

// untried returns how many messages from slot i of p on, which is message k of its
// view, wait for their first attempt, as deferred ones do, and fit.
func (t *taking) untried(p *page, i, k int) (n int) {
	if t.cutoff != 0 {
		return 0 // each is asked for its age
	}
	most := min(t.left, len(p.slots)-i, p.view.Len()-k)
	for n < most && p.slots[i+n].state == again && p.slots[i+n].attempts == 0 && (n == 0 || p.view.Size(k, k+n+1) <= t.bytes) {
		n++
	}
	return n
}

// handOutLate puts n messages from slot i of p on, which is message k of its view, in
// flight for the first time.
func (c *Channel) handOutLate(t *taking, p *page, i, k, n int) {
	for j := i; j < i+n; j++ {
		c.fly(t, p, j)
	}
	t.r.addFresh(&p.view, k, k+n)
	t.bytes -= p.view.Size(k, k+n)
	t.left -= n
	c.took(t.s, n)
}

// handOutAgain puts slot i of p, which is message k of its view, in flight once more.
func (c *Channel) handOutAgain(t *taking, p *page, i, k int) {
	c.fly(t, p, i)
	t.r.addAgain(&p.view, k, p.slots[i].attempts)
	t.bytes -= p.view.Size(k, k+1)
	t.left--
	c.took(t.s, 1)
}

// fly puts slot i of p, which is ready again, in flight.
func (c *Channel) fly(t *taking, p *page, i int) {
	s := &p.slots[i]
	c.move(p, i, inFlight)
	s.attempts++
	s.owner, s.since = t.s.id, t.now
	s.due = t.now + int64(t.s.consumer.MsgTimeout)
	c.schedule(p, s.due)
}
