package broker

import (
	"sync"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// ages gathers what Config.Finished is told.
type ages struct {
	age, held []int64
	wall, now int64
}

var agesPool = sync.Pool{New: func() any { return new(ages) }}

func (b *Broker) startAges() *ages {
	a := agesPool.Get().(*ages)
	a.wall, a.now = time.Now().UnixNano(), b.now()
	return a
}

func (a *ages) release() {
	a.age, a.held = a.age[:0], a.held[:0]
	agesPool.Put(a)
}

// add adds message i of p, which is in flight, if its bytes are in memory.
func (a *ages) add(c *Channel, p *page, i int) {
	at := p.first + uint64(i)
	if !p.view.Holds(at) {
		v, _ := c.topic.log.Resident(at)
		p.view.Release()
		p.view = v
		if !v.Holds(at) {
			return
		}
	}
	a.age = append(a.age, max(a.wall-published(&p.view, at), 0))
	a.held = append(a.held, max(a.now-p.slots[i].since, 0))
}

// published returns when the message at offset, which v holds, was published, in Unix ns.
func published(v *diskqueue.View, offset uint64) int64 {
	i := int(offset - v.First)
	return protocol.MessageTimestamp(v.Bytes(i, i+1))
}

// scanPages is how many pages Oldest looks at under the channel's lock.
const scanPages = 1000

// Oldest returns when the oldest message was published that waits or is in
// flight; deferred ones are not late. ok is false if there is none. Behind very
// many deferred messages the answer is that of a message a little older. Unless
// the message is the one of the last call, its bytes may have to be read from
// disk; the error is the disk's.
func (c *Channel) Oldest() (at time.Time, ok bool, err error) {
	c.mu.Lock()
	offset, ok := c.oldestDue()
	seen := c.oldestSeen
	c.mu.Unlock()
	if !ok {
		return at, false, nil
	}
	if seen.offset == offset && seen.at != 0 {
		return time.Unix(0, seen.at), true, nil
	}
	v, err := c.topic.log.Load(offset)
	if err != nil || !v.Valid() {
		return at, false, err
	}
	seen.offset, seen.at = offset, published(&v, v.First)
	v.Release()
	c.mu.Lock()
	c.oldestSeen = seen
	c.mu.Unlock()
	return time.Unix(0, seen.at), true, nil
}

// oldestDue returns the offset of the oldest message that waits or is in flight.
func (c *Channel) oldestDue() (offset uint64, ok bool) {
	if c.counts[inFlight]+c.counts[again] > 0 {
		left := scanPages
		for _, p := range c.below.list[c.below.head:] {
			if p == nil || p.live == 0 {
				continue
			}
			if left--; left < 0 {
				return p.first, true
			}
			for i := range p.slots {
				if s := p.slots[i].state; s == inFlight || s == again {
					return p.first + uint64(i), true
				}
			}
		}
	}
	at, limit := c.next, c.limit()
	for _, p := range c.ahead.list[c.ahead.head:] {
		switch {
		case p == nil:
		case p.first > at:
			return at, at < limit
		case p.again > 0:
			return p.first, true
		default:
			at = max(at, p.end())
		}
	}
	return at, at < limit
}
