package broker

import (
	"math"
	"sort"
)

// shedAtOnce is how many places in the lists of pages are looked at under one hold
// of the channel's lock for messages to drop.
const shedAtOnce = 4096

// shed drops the oldest messages, unless they are in flight, as far as the
// channel has more than it may keep. One call is a bounded piece of work: it
// returns true if another one will go on.
func (c *Channel) shed() (more bool) {
	c.dropLag()
	if c.keep.depth == 0 && c.keep.bytes == 0 || c.onlooks() {
		return false
	}
	left, next, dropped := shedAtOnce, c.next, c.dropped
	if most := c.keep.depth; most > 0 {
		more = c.shedDepth(most, &left)
	}
	if most := c.keep.bytes; most > 0 {
		more = c.shedBytes(most, &left) || more
	}
	if c.next != next && !c.view.Holds(c.next) {
		c.view.Release()
	}
	return more && c.dropped > dropped
}

// shedDepth does it by steps: where the log is damaged one may turn out to be too
// short. It returns true if there is still too much.
func (c *Channel) shedDepth(most int64, left *int) (more bool) {
	for over := c.owed() - most; over > 0; over = c.owed() - most {
		before := c.dropped
		over -= c.dropBelow(over, left)
		c.dropFresh(over, c.limit(), left)
		if c.dropped == before || *left <= 0 {
			return true
		}
	}
	return false
}

// shedBytes is shedDepth for bytes. How large what is left below the cursor is
// taken to be is known anew after each step only.
func (c *Channel) shedBytes(most int64, left *int) (more bool) {
	for *left > 0 {
		fresh, below, size := c.parts()
		over := fresh + below*size - most
		if over <= 0 {
			return false
		}
		if size > 0 && c.dropBelow((over+size-1)/size, left) > 0 {
			continue
		}
		before, limit, room := c.dropped, c.limit(), most-below*size
		n := sort.Search(int(limit-min(c.next, limit)), func(n int) bool { return c.topic.log.Bytes(c.next+uint64(n), limit) <= room })
		c.dropFresh(math.MaxInt64, c.next+uint64(n), left)
		if c.dropped == before {
			break
		}
	}
	return true
}

// dropBelow drops, of the messages owed below the cursor, the oldest n that are
// not in flight, and returns how many it has dropped. It leaves half of what may be
// looked at: if all that is found first is in flight, newer messages must go.
func (c *Channel) dropBelow(n int64, left *int) (dropped int64) {
	if c.counts[again]+c.counts[deferred] == 0 {
		return 0
	}
	reserve := *left / 2
	*left -= reserve
	for p := c.below.next(0, left); p != nil && dropped < n; {
		at := p.end()
		dropped += c.dropIn(p, n-dropped, at)
		if p.live == 0 && at <= c.next {
			c.retire(p)
		}
		p = c.below.next(at, left)
	}
	*left = max(*left, 0) + reserve
	return dropped
}

// dropFresh drops at most n messages from the cursor on and before offset to, and
// moves the cursor behind them.
func (c *Channel) dropFresh(n int64, to uint64, left *int) {
	for ; n > 0 && c.next < to && *left > 0; *left-- {
		end := to
		if p := c.ahead.front(); p != nil && p.first <= c.next {
			n -= c.dropIn(p, n, to)
			c.setNext(p.end())
			continue
		} else if p != nil {
			end = min(end, p.first)
		}
		end = c.nth(n, end)
		k := c.count(end)
		c.dropped += uint64(k)
		n -= k
		c.setNext(end)
	}
}

// dropIn drops at most n messages of a page and before offset to that are not in flight.
func (c *Channel) dropIn(p *page, n int64, to uint64) (dropped int64) {
	for i := range p.slots {
		if dropped == n || p.first+uint64(i) >= to {
			break
		}
		if s := p.slots[i].state; s == again || s == deferred {
			c.move(p, i, finished)
			dropped++
		}
	}
	c.dropped += uint64(dropped)
	return dropped
}

// count returns how many messages there are from the cursor on and before offset
// to, which must not be behind the first page ahead.
func (c *Channel) count(to uint64) int64 { return c.fresh(to, c.topic.log.Count) }

// nth returns the offset behind the first n messages from the cursor on, or to if that comes first.
func (c *Channel) nth(n int64, to uint64) uint64 {
	if c.count(to) <= n {
		return to
	}
	return c.next + uint64(sort.Search(int(to-c.next), func(i int) bool { return c.count(c.next+uint64(i)) >= n }))
}

// shedHeld drops the oldest messages that the topic holds as far as they are too many.
func (t *Topic) shedHeld() {
	var k keep
	k.add(*t.limits.Load())
	if k.depth == 0 && k.bytes == 0 {
		return
	}
	t.mu.Lock()
	from, end := t.hold.Load(), t.log.End()
	if from == flowing || t.exiting {
		t.mu.Unlock()
		return
	}
	n := sort.Search(int(end-from), func(n int) bool {
		at := from + uint64(n)
		return (k.depth == 0 || int64(t.log.Count(at, end)) <= k.depth) && (k.bytes == 0 || t.log.Bytes(at, end) <= k.bytes)
	})
	if n > 0 {
		t.dropped.Add(t.dropHeld(from + uint64(n)))
	}
	t.mu.Unlock()
	if n > 0 {
		t.touch()
	}
}
