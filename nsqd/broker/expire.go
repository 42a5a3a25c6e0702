package broker

import (
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// expireBlocks is how many blocks of the log a round of tend reads for a channel,
// or for a topic that holds, to find what is too old.
const expireBlocks = 256

// cutoff returns the time, in Unix ns, before which a message was published that
// is older than age, or 0 if age is.
func (b *Broker) cutoff(age time.Duration) int64 {
	if age == 0 {
		return 0
	}
	return b.wall(time.Now()) - int64(age)
}

// cutoff is Broker.cutoff of what the channel may hand out.
func (c *Channel) cutoff() int64 {
	if c.keep.age == 0 || c.exiting || c.onlooks() {
		return 0
	}
	return c.topic.broker.cutoff(c.keep.age)
}

// keepWithin drops what the limits of topic and channels do not allow to keep, as
// far as one round goes.
func (t *Topic) keepWithin() {
	if !t.drops.Load() {
		return
	}
	t.shedHeld()
	t.expireHeld()
	for _, c := range *t.readers.Load() {
		for more := true; more; {
			c.mu.Lock()
			more = !c.exiting && c.shed()
			cutoff := c.cutoff()
			c.mu.Unlock()
			if !more && cutoff != 0 {
				c.expireOld(cutoff)
			}
		}
	}
	t.forget()
}

// expireOld drops, from the oldest message on, what was published before cutoff
// and is not in flight, until it finds one that is younger.
func (c *Channel) expireOld(cutoff int64) {
	at := uint64(0)
	for range expireBlocks {
		c.mu.Lock()
		offset, ok := c.nextOwed(at)
		c.mu.Unlock()
		if !ok {
			return
		}
		v, err := c.topic.log.Load(offset)
		if err != nil {
			c.topic.broker.readFailed(c.topic, err)
			return
		}
		if !v.Valid() {
			return
		}
		c.mu.Lock()
		if offset == c.next && v.First > offset {
			c.lost(min(v.First, c.limit()))
		}
		ok = c.expireIn(&v, cutoff)
		c.mu.Unlock()
		at = v.End()
		v.Release()
		if !ok {
			return
		}
	}
}

// nextOwed returns the first message that is owed and not in flight: below the
// cursor it looks from offset at on.
func (c *Channel) nextOwed(at uint64) (offset uint64, ok bool) {
	left := scanPages
	for left > 0 {
		for p := c.below.next(at, &left); p != nil; p = c.below.next(p.end(), &left) {
			for i := range p.slots {
				if s := p.slots[i].state; (s == again || s == deferred) && p.first+uint64(i) >= at {
					return p.first + uint64(i), true
				}
			}
		}
		p := c.ahead.front()
		if p == nil || p.first > c.next {
			break
		}
		c.setNext(p.end()) // it is below now
		left--
	}
	return c.next, c.next < c.limit()
}

// expireIn drops what v shows to be older than cutoff. It returns false if there is something younger.
func (c *Channel) expireIn(v *diskqueue.View, cutoff int64) (all bool) {
	left := scanPages
	for p := c.below.next(v.First, &left); p != nil && p.first < v.End(); {
		at := p.end()
		for i := range p.slots {
			offset := p.first + uint64(i)
			if s := p.slots[i].state; !v.Holds(offset) || s != again && s != deferred {
				continue
			}
			if published(v, offset) >= cutoff {
				return false
			}
			c.move(p, i, finished)
			c.expired++
		}
		if p.live == 0 && at <= c.next {
			c.retire(p)
		}
		p = c.below.next(at, &left)
	}
	limit := c.limit()
	if !v.Holds(c.next) || c.next >= limit {
		return true
	}
	i, end := int(c.next-v.First), c.stretch(v, limit)
	j := end
	return i == end || c.tooOld(v, i, &j, cutoff) && j == end
}

// stretch returns the end, in v, of the messages from the cursor on that were never touched.
func (c *Channel) stretch(v *diskqueue.View, limit uint64) int {
	if p := c.ahead.front(); p != nil {
		limit = min(limit, p.first)
	}
	if len(c.skips) > 0 {
		limit = min(limit, c.skips[0].From)
	}
	return min(v.Len(), int(min(limit, v.End())-v.First))
}

// tooOld drops the messages from i on, where the cursor is in v, that were
// published before cutoff, and returns true if there were any. It ends j before
// the next such among the others, or where what it dropped ended if that is before j.
func (c *Channel) tooOld(v *diskqueue.View, i int, j *int, cutoff int64) bool {
	old := func(k int) bool { return protocol.MessageTimestamp(v.Bytes(k, k+1)) < cutoff }
	n := 0
	for ; i+n < *j && old(i+n); n++ {
	}
	if n > 0 {
		c.expired += uint64(n)
		*j = i + n
		c.setNext(v.First + uint64(i+n))
		return true
	}
	for k := i + 1; k < *j; k++ {
		if old(k) {
			*j = k
		}
	}
	return false
}

// expireHeld drops, from the oldest on, the messages that the topic holds and that are too old.
func (t *Topic) expireHeld() {
	cutoff := t.broker.cutoff(time.Duration(t.limits.Load().MaxAge))
	if cutoff == 0 {
		return
	}
	for range expireBlocks {
		from := t.hold.Load()
		if from == flowing {
			return
		}
		v, err := t.log.Load(from)
		if err != nil {
			t.broker.readFailed(t, err)
			return
		}
		n := 0
		for ; n < v.Len() && published(&v, v.First+uint64(n)) < cutoff; n++ {
		}
		all, to := n == v.Len(), v.First+uint64(n)
		v.Release()
		if n == 0 {
			return
		}
		t.mu.Lock()
		if t.hold.Load() == from && !t.exiting {
			t.expired.Add(t.dropHeld(to))
		}
		t.mu.Unlock()
		t.touch()
		if !all {
			return
		}
	}
}
