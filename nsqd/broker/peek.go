package broker

import (
	"time"

	"nsqsuite/protocol"
)

// Bounds of a Peek.
const (
	// MaxPeek is how many messages one Peek returns at most.
	MaxPeek = 1000
	// peekScan is how many messages one Peek looks at under the channel's lock.
	peekScan = 100_000
	// peekBytes is how many bytes of bodies one Peek copies at most, but for the first.
	peekBytes = 8 << 20
)

// Whereabouts tells where a message that a channel owes is.
type Whereabouts uint8

// The places, of which one message is in exactly one.
const (
	Waiting Whereabouts = iota
	InFlight
	Deferred
	// Anywhere asks Peek for all of them.
	Anywhere
)

// Peeked is a message as Peek finds it.
type Peeked struct {
	protocol.Message
	// Attempts shadows the message's: the deliveries so far, here and elsewhere.
	Attempts uint16
	Where    Whereabouts
	// Until is when the message times out or is deferred to; zero for one that waits.
	Until time.Time
	// Size is the body's length in bytes; Body may have less of it.
	Size int
}

// glimpse is what Peek notes under the lock.
type glimpse struct {
	offset   uint64
	where    Whereabouts
	fresh    bool // it was never handed out, so it may be deferred by its record
	attempts uint16
	due      int64
}

// Peek returns copies of messages that the channel owes and that are where it is
// told, in the order of their publishing: at most limit (at most MaxPeek), from
// position from on, bodies cut to maxBody bytes. next is the position to go on
// from, or 0 at the end; there may be more even if few, or none, were found so
// far. Nothing about the messages changes. The error is the disk's.
func (c *Channel) Peek(where Whereabouts, from uint64, limit, maxBody int) (found []Peeked, next uint64, err error) {
	glimpses, next := c.glimpse(where, from, min(max(limit, 1), MaxPeek))
	return c.topic.peek(glimpses, next, where, maxBody)
}

// PeekHeld is Channel.Peek of the messages that the topic holds.
func (t *Topic) PeekHeld(from uint64, limit, maxBody int) (found []Peeked, next uint64, err error) {
	var list []glimpse
	end := t.log.End()
	for from = t.log.SkipGap(max(from, t.hold.Load())); from < end; from = t.log.SkipGap(from + 1) {
		if len(list) == min(max(limit, 1), MaxPeek) {
			next = from
			break
		}
		list = append(list, glimpse{offset: from, where: Waiting, fresh: true})
	}
	return t.peek(list, next, Anywhere, maxBody)
}

// peek copies what was glimpsed.
func (t *Topic) peek(glimpses []glimpse, end uint64, where Whereabouts, maxBody int) (found []Peeked, next uint64, err error) {
	bytes, now, ahead := 0, t.broker.now(), t.broker.aheadOfWall()
	for _, g := range glimpses {
		v, err := t.log.Load(g.offset)
		if err != nil {
			return nil, 0, err
		}
		if !v.Holds(g.offset) {
			v.Release() // damaged on disk, or gone meanwhile
			continue
		}
		i := int(g.offset - v.First)
		if due := v.Due(i); g.fresh && due != 0 && due+ahead > now {
			g.where, g.due = Deferred, due+ahead
		}
		if g.where != where && where != Anywhere {
			v.Release()
			continue
		}
		record := v.Bytes(i, i+1)[protocol.FrameHeaderSize:]
		m, err := protocol.DecodeMessage(record)
		if err != nil {
			v.Release()
			return nil, 0, err
		}
		p := Peeked{Message: m, Attempts: m.Attempts - 1 + g.attempts, Where: g.where, Size: len(m.Body)}
		p.Body = append([]byte(nil), m.Body[:min(len(m.Body), max(maxBody, 0))]...)
		v.Release()
		if g.due != 0 {
			p.Until = time.Unix(0, g.due-ahead)
		}
		if bytes += len(p.Body); bytes > peekBytes && len(found) > 0 {
			return found, g.offset, nil
		}
		found = append(found, p)
	}
	return found, end, nil
}

// glimpse notes the messages that Peek shall copy.
func (c *Channel) glimpse(where Whereabouts, from uint64, limit int) (list []glimpse, next uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shed()
	left := peekScan
	take := func(g glimpse) (more bool) {
		if g.offset < from {
			return true
		}
		if left--; left < 0 {
			next = g.offset
			return false
		}
		if where != Anywhere && g.where != where && !(g.fresh && where == Deferred) {
			return true
		}
		if len(list) == limit {
			next = g.offset
			return false
		}
		list = append(list, g)
		return true
	}
	if !c.below.glimpse(from, where, take) {
		return list, next
	}
	at, fresh := c.next, where != InFlight
	for _, p := range c.ahead.from(from) {
		if p == nil {
			continue
		}
		if fresh && !c.glimpseFresh(max(at, from), p.first, take) || !p.glimpse(where, take) {
			return list, next
		}
		at = p.end()
	}
	if fresh {
		c.glimpseFresh(max(at, from), c.limit(), take)
	}
	return list, next
}

// glimpseFresh looks at messages that were never handed out nor noted as
// deferred. Which of them are deferred after all only their records tell.
func (c *Channel) glimpseFresh(from, to uint64, take func(glimpse) bool) (more bool) {
	for ; from < to; from++ {
		if n := c.topic.log.SkipGap(c.skips.Skip(from)); n > from {
			from = n - 1 // and look again: a gap may end in a range to skip
			continue
		}
		if !take(glimpse{offset: from, where: Waiting, fresh: true}) {
			return false
		}
	}
	return true
}

func (l *pages) glimpse(from uint64, where Whereabouts, take func(glimpse) bool) (more bool) {
	for _, p := range l.from(from) {
		if p != nil && !p.glimpse(where, take) {
			return false
		}
	}
	return true
}

// glimpse passes a page that has nothing of the kind: there may be a million
// messages between one in flight and the next.
func (p *page) glimpse(where Whereabouts, take func(glimpse) bool) (more bool) {
	if where == Waiting && p.again == 0 || where == Deferred && p.deferred == 0 || where == InFlight && p.live == p.again+p.deferred {
		return true
	}
	for i := range p.slots {
		s := &p.slots[i]
		g := glimpse{offset: p.first + uint64(i), attempts: s.attempts}
		switch s.state {
		case finished:
			continue
		case inFlight:
			g.where, g.due = InFlight, s.due
		case deferred:
			g.where, g.due = Deferred, s.due
		}
		if !take(g) {
			return false
		}
	}
	return true
}

// Cancel drops a deferred message, as if it had been finished. The error is ErrNotDeferred.
func (c *Channel) Cancel(id protocol.MessageID) error {
	number, ok := protocol.ParseMessageID(id)
	offset, ours := c.topic.broker.offset(number)
	if !ok || !ours {
		return ErrNotDeferred
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, i := c.find(offset)
	if p == nil || p.slots[i].state != deferred {
		return ErrNotDeferred
	}
	c.move(p, i, finished)
	if p.live == 0 && p.end() <= c.next {
		c.retire(p)
	}
	return nil
}
