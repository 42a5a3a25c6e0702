package broker

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// Channel is a cursor in its topic's log and the messages it owes. All methods
// are safe for concurrent use.
type Channel struct {
	topic *Topic
	name  string
	// volatile: the channel may lag Config.MemQueueSize behind, and no journal knows it.
	volatile bool
	// found is the end of what its topic held when a volatile channel became its
	// first; 0 for any other.
	found uint64

	// willing is the number of parked subscriptions, for publishers to look at
	// without the lock.
	willing atomic.Int32
	// position is next, for the topic to look at without the lock.
	position atomic.Uint64

	mu     sync.Mutex
	next   uint64
	view   diskqueue.View // of messages from next on, or empty
	below  pages          // what is owed below next
	ahead  pages          // what is owed at and above next
	last   *page          // found last
	free   []*page
	counts [states]int64 // of owed messages, by state
	above  int64         // messages that pages at and above next cover
	// skips are ranges of messages behind next that are another channel's alone. next is in none.
	skips diskqueue.Gaps
	// againPages has every page with messages that are ready again, oldest first.
	againPages []*page
	newFirst   bool // the next run begins with new messages, not with ready-again ones
	dues       dueHeap
	timer      *time.Timer
	armed      int64 // when the timer fires; 0: it does not

	own    protocol.OwnLimits   // set for the channel alone
	limits protocol.QueueLimits // changed under Topic.mu too
	keep   keep

	paused  bool
	exiting bool
	subs    map[uint32]*Subscription
	movers  int // of subs, those with Consumer.Mover
	lastSub uint32
	parked  []*Subscription

	countFrom uint64 // messages entered the channel from here on
	discarded uint64 // of those, never entered
	requeues  uint64
	timeouts  uint64
	delivered [localities]uint64
	dropped   uint64 // because there were too many
	expired   uint64 // because they were too old
	// oldestSeen is what Oldest found last, so that it need not be read again.
	oldestSeen struct {
		offset uint64
		at     int64 // Unix ns; 0: nothing
	}

	journalID uint64
	dirty     bool     // the journal does not know all
	goneSaved []uint64 // pages that the journal knows and that are gone
}

func newChannel(t *Topic, name string, start uint64) *Channel {
	c := &Channel{
		topic:     t,
		name:      name,
		volatile:  t.ephemeral || protocol.IsEphemeral(name),
		next:      start,
		countFrom: start,
		subs:      map[uint32]*Subscription{},
		dirty:     true,
	}
	c.position.Store(start)
	c.setOwn(protocol.OwnLimits{})
	return c
}

// Name returns the channel's name.
func (c *Channel) Name() string { return c.name }

// Topic returns the topic that the channel is of.
func (c *Channel) Topic() *Topic { return c.topic }

// Ephemeral tells whether the channel goes with its last consumer.
func (c *Channel) Ephemeral() bool { return protocol.IsEphemeral(c.name) }

// limit returns the offset that the cursor may not pass.
func (c *Channel) limit() uint64 { return min(c.topic.log.End(), c.topic.hold.Load()) }

// move puts slot i of p into a state. It is the only code that does.
func (c *Channel) move(p *page, i int, to state) {
	s := &p.slots[i]
	from := s.state
	if from == to {
		return
	}
	c.counts[from]--
	c.counts[to]++
	s.state = to
	if from == finished {
		p.live++
	} else if to == finished {
		p.live--
	}
	switch {
	case from == deferred:
		p.deferred--
	case to == deferred:
		p.deferred++
	}
	if from == again {
		p.again--
	} else if to == again {
		p.again++
		if !p.queued {
			p.queued = true
			c.againPages = append(c.againPages, p)
		}
	}
	p.dirty, c.dirty = true, true
}

// newPage returns an empty page for n messages from first on, all finished. A
// small one has no more memory than that: what comes of a consumer with a small
// ready count may be put off by the million.
func (c *Channel) newPage(first uint64, n int) *page {
	if n < smallPage {
		return &page{first: first, slots: make([]slot, n), place: -1}
	}
	if k := len(c.free); k > 0 {
		p := c.free[k-1]
		c.free = c.free[:k-1]
		p.first, p.slots = first, p.slots[:n]
		clear(p.slots)
		return p
	}
	return &page{first: first, slots: make([]slot, n, pageSize), place: -1}
}

// takeIn takes in p, which is the last page below the cursor from now on, and
// returns it. A small one goes into the page before it if it follows on: what is
// put off by ones and twos shall not take a page each. Its bytes are then with the
// log, as those of what waits are.
func (c *Channel) takeIn(p *page) *page {
	q := c.below.last()
	if len(p.slots) >= smallPage || q == nil || q.end() != p.first || len(q.slots)+len(p.slots) > pageSize || p.queued || !c.topic.rereads() {
		c.below.push(p)
		return p
	}
	if p.place >= 0 {
		heap.Remove(&c.dues, p.place)
		c.schedule(q, p.earliest)
	}
	if p.saved {
		c.goneSaved = append(c.goneSaved, p.first)
	}
	if c.last == p {
		c.last = nil
	}
	p.view.Release()
	q.slots = append(q.slots, p.slots...)
	q.live += p.live
	q.deferred += p.deferred
	q.dirty, c.dirty = true, true
	return q
}

// retire gives a page back all of whose messages are finished and behind the cursor.
func (c *Channel) retire(p *page) {
	if p.place >= 0 {
		heap.Remove(&c.dues, p.place)
	}
	if p.saved {
		c.goneSaved = append(c.goneSaved, p.first)
	}
	if c.last == p {
		c.last = nil
	}
	c.below.remove(p.first)
	p.view.Release()
	if !p.queued && cap(p.slots) == pageSize && len(c.free) < maxFreePages {
		*p = page{slots: p.slots[:0], place: -1}
		c.free = append(c.free, p)
	}
}

// find returns the page and slot of the message at offset, or nil if the channel does not owe it.
func (c *Channel) find(offset uint64) (*page, int) {
	p := c.last
	if p == nil || !p.holds(offset) {
		if offset < c.next {
			p = c.below.find(offset)
		} else {
			p = c.ahead.find(offset)
		}
		if p == nil {
			return nil, 0
		}
		c.last = p
	}
	return p, int(offset - p.first)
}

// setNext moves the cursor; ahead pages that it passes are below from now on.
func (c *Channel) setNext(next uint64) {
	next = c.skip(next)
	c.next = next
	c.dirty = true
	for p := c.ahead.front(); p != nil && p.first < next; p = c.ahead.front() {
		if p.end() > next {
			next = c.skip(p.end()) // all of a page is touched, so the cursor has nothing to do in it
			c.next = next
		}
		c.ahead.popFront()
		c.above -= int64(len(p.slots) - p.missing)
		if p = c.takeIn(p); p.live == 0 {
			c.retire(p)
		}
	}
	c.position.Store(c.next)
}

// skip returns next, or the end of the range to skip that it lies in.
func (c *Channel) skip(next uint64) uint64 {
	if len(c.skips) > 0 {
		next = c.skips.Skip(next)
		c.skips.Forget(next)
	}
	return next
}

// fresh returns, of the messages that count counts, those from next on up to limit that are not skipped.
func (c *Channel) fresh(limit uint64, count func(from, to uint64) uint64) int64 {
	n := count(c.next, limit)
	for _, s := range c.skips {
		n -= count(s.From, min(s.To, limit))
	}
	return int64(n)
}

// depth returns the number of messages that wait: new ones and ready-again ones.
func (c *Channel) depth() int64 {
	c.shed()
	waiting := c.fresh(c.limit(), c.topic.log.Count) - c.above
	return max(waiting, 0) + c.counts[again]
}

// onlooks tells whether the channel is still looking at what its topic had held,
// which is not its own to drop.
func (c *Channel) onlooks() bool { return c.next < c.found }

// dropLag moves the cursor of a volatile channel on that lags too far behind.
func (c *Channel) dropLag() {
	if !c.volatile || c.onlooks() {
		return
	}
	limit := c.limit()
	most := uint64(max(c.topic.broker.config.MemQueueSize, 1))
	if limit-min(c.next, limit) <= most {
		return
	}
	c.dropped += c.topic.published(c.next, limit-most)
	c.view.Release()
	c.setNext(limit - most)
}

// Pause stops deliveries; what is in flight can be finished, and times out.
func (c *Channel) Pause() {
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
}

// Unpause resumes deliveries under the ready counts the consumers have.
func (c *Channel) Unpause() {
	c.mu.Lock()
	c.paused = false
	wake := c.rouseAll()
	c.mu.Unlock()
	wake.now()
}

// Empty drops all waiting, in-flight and deferred messages. They do not come
// back, even if the process is killed next.
func (c *Channel) Empty() error {
	c.mu.Lock()
	if c.exiting {
		c.mu.Unlock()
		return ErrExiting
	}
	c.forgetOwed()
	c.view.Release()
	c.setNext(c.limit())
	for _, s := range c.subs {
		s.inFlight = 0
	}
	wake := c.rouseAll()
	c.mu.Unlock()
	c.topic.checkpoint()
	c.topic.forget()
	wake.now()
	return nil
}

// forgetOwed finishes everything the channel owes.
func (c *Channel) forgetOwed() {
	for _, l := range []*pages{&c.below, &c.ahead} {
		l.all(func(p *page) {
			p.view.Release()
			if p.saved {
				c.goneSaved = append(c.goneSaved, p.first)
			}
		})
		*l = pages{}
	}
	c.counts, c.above, c.last = [states]int64{}, 0, nil
	c.againPages, c.dues = nil, nil
	c.dirty = true
}

// unshown returns where the topic goes on when its only channel, a volatile one,
// has gone before it finished all that was there before it. Messages behind that
// may have been finished already, and come again.
func (c *Channel) unshown() (from uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from = c.owedFrom()
	return from, from < c.found
}

// owedFrom returns the offset before which the channel has finished everything.
// The caller holds mu.
func (c *Channel) owedFrom() (from uint64) {
	from = c.next
	if p := c.below.front(); p != nil {
		for from = p.first; from < p.end()-1 && p.slots[from-p.first].state == finished; from++ {
		}
	}
	return from
}

// close ends the channel: its consumers are told, nothing can be taken from it.
// It returns the consumers' Close functions, to be called without locks.
func (c *Channel) close() []func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exiting = true
	if c.timer != nil {
		c.timer.Stop()
	}
	var closers []func()
	for _, s := range c.subs {
		closers = append(closers, s.consumer.Close)
	}
	return closers
}

// discard releases what a closed channel holds.
func (c *Channel) discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetOwed()
	c.view.Release()
}

// owes tells whether the channel may still need any message with first ≤ offset < end.
func (c *Channel) owes(first, end uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := max(first, c.next)
	return from < end && c.skips.In(from, end) < end-from || c.below.overlaps(first, end)
}
