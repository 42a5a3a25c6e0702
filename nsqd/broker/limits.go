package broker

import (
	"errors"
	"fmt"
	"time"

	"nsqsuite/protocol"
)

// ErrFull says that a topic, or one of its channels, may not have more messages.
var ErrFull = errors.New("full")

// refusalEvery is how often at most the log tells that a topic refuses messages.
const refusalEvery = time.Minute

// keep is what a channel may keep, by the limits of its own and of its topic; 0: anything.
type keep struct {
	age          time.Duration
	depth, bytes int64 // beyond which the oldest messages are dropped
}

// tightest returns the smaller of two limits, of which 0 is none.
func tightest[T ~int64](a, b T) T {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (k *keep) add(l protocol.QueueLimits) {
	k.age = tightest(k.age, time.Duration(l.MaxAge))
	if l.Overflow == protocol.DropOldest {
		k.depth, k.bytes = tightest(k.depth, l.MaxDepth), tightest(k.bytes, l.MaxBytes)
	}
}

// Limits returns the topic's limits, and those of them that are set for it alone.
func (t *Topic) Limits() protocol.Limited {
	t.mu.Lock()
	defer t.mu.Unlock()
	return protocol.Limited{QueueLimits: *t.limits.Load(), Own: t.own}
}

// SetLimits changes what is set for the topic alone to what change makes of it.
// It holds from the next publish on, and for what is there soon.
func (t *Topic) SetLimits(change func(*protocol.OwnLimits)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.own)
	t.setOwn(t.own)
	for _, c := range t.channels {
		c.mu.Lock()
		c.setOwn(c.own)
		c.mu.Unlock()
	}
	t.noteLimits()
}

// setOwn makes own the topic's own limits. The caller holds mu, or is the only one to know t.
func (t *Topic) setOwn(own protocol.OwnLimits) {
	t.own = own
	l := own.Over(t.broker.config.TopicLimits)
	t.limits.Store(&l)
}

// Limits returns the channel's limits, and those of them that are set for it
// alone. Those of its topic hold for it too.
func (c *Channel) Limits() protocol.Limited {
	c.mu.Lock()
	defer c.mu.Unlock()
	return protocol.Limited{QueueLimits: c.limits, Own: c.own}
}

// SetLimits is Topic.SetLimits for the channel.
func (c *Channel) SetLimits(change func(*protocol.OwnLimits)) {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.mu.Lock()
	change(&c.own)
	c.setOwn(c.own)
	c.mu.Unlock()
	c.topic.noteLimits()
}

// setOwn makes own the channel's own limits. The caller holds mu, or is the only one to know c.
func (c *Channel) setOwn(own protocol.OwnLimits) {
	c.own, c.limits, c.keep = own, own.Over(c.topic.broker.config.ChannelLimits), keep{}
	c.keep.add(c.limits)
	c.keep.add(*c.topic.limits.Load())
}

// noteLimits notes what publishers and tend must know of all limits without the
// locks. The caller holds mu, under which alone the limits of channels change.
func (t *Topic) noteLimits() {
	l := *t.limits.Load()
	rejects := l.Sized() && l.Overflow == protocol.Reject
	var k keep
	k.add(l)
	for _, c := range t.channels {
		rejects = rejects || c.limits.Sized() && c.limits.Overflow == protocol.Reject
		k.add(c.limits)
	}
	t.rejects.Store(rejects)
	t.drops.Store(k != keep{})
}

// admission returns what a publish must ask, or nil.
func (t *Topic) admission() func([]Message) error {
	if t.rejects.Load() {
		return t.admit
	}
	return nil
}

// amount is a number of messages, and of the bytes of their frames.
type amount struct{ depth, bytes int64 }

// admit tells whether messages fit into the topic and all of its channels. It is
// called with the log's writing lock held.
func (t *Topic) admit(messages []Message) error {
	more := amount{depth: int64(len(messages))}
	for i := range messages {
		more.bytes += int64(protocol.MessageFrameHeaderSize + len(messages[i].Body))
	}
	limits := *t.limits.Load()
	if t.hold.Load() != flowing {
		return fits(limits, t.heldAmount(), more, "topic", t.name)
	}
	for _, c := range *t.readers.Load() {
		c.mu.Lock()
		c.shed()
		has := c.amount()
		err := fits(limits, has, more, "topic", t.name)
		if err == nil {
			err = fits(c.limits, has, more, "channel", c.name)
		}
		if c.exiting {
			err = nil
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// fits says why more messages do not fit where there are some already, if so.
func fits(l protocol.QueueLimits, has, more amount, what, name string) error {
	switch {
	case l.Overflow != protocol.Reject:
	case l.MaxDepth > 0 && has.depth+more.depth > l.MaxDepth:
		return fmt.Errorf("%s %s is %w: %d of %d messages, refused %d more", what, name, ErrFull, has.depth, l.MaxDepth, more.depth)
	case l.MaxBytes > 0 && has.bytes+more.bytes > l.MaxBytes:
		return fmt.Errorf("%s %s is %w: %d of %d bytes, refused %d more", what, name, ErrFull, has.bytes, l.MaxBytes, more.bytes)
	}
	return nil
}

// Refuses tells whether err is a topic's refusal to take messages now: because it
// is full, or the disk is low. Nothing is wrong then with who has sent them.
func Refuses(err error) bool { return errors.Is(err, ErrFull) || errors.Is(err, ErrLowDisk) }

// PublishEach is Publish for commands that do not depend on each other, of so many
// messages each, or of one if counts is empty: if they are refused together each is
// tried alone. refused is nil if all were published, or tells of each command why it
// was refused, if it was. Another error ends that: then refused is of the commands
// before the one that met it.
func (t *Topic) PublishEach(messages []Message, counts []int) (refused []error, err error) {
	err = t.publish(messages)
	if !Refuses(err) {
		return nil, err
	}
	for i := 0; len(messages) > 0; i++ {
		n := 1
		if len(counts) > 0 {
			n = counts[i]
		}
		err := t.Publish(messages[:n])
		if err != nil && !Refuses(err) {
			return refused, err
		}
		refused, messages = append(refused, err), messages[n:]
	}
	return refused, nil
}

// refused takes in that n messages were refused.
func (t *Topic) refused(n int, err error) {
	t.rejected.Add(uint64(n))
	now := t.broker.now()
	if told := t.toldFull.Load(); now-told >= int64(refusalEvery) && t.toldFull.CompareAndSwap(told, now) {
		t.broker.config.Warnf("TOPIC(%s): refuses messages - %s", t.name, err)
	}
}

// heldAmount returns how much the topic holds.
func (t *Topic) heldAmount() amount {
	from := t.hold.Load()
	if from == flowing {
		return amount{}
	}
	end := t.log.End()
	return amount{int64(t.log.Count(from, end)), t.log.Bytes(from, end)}
}

// owed returns how many messages the channel owes: waiting, in flight and deferred.
func (c *Channel) owed() int64 {
	return max(c.fresh(c.limit(), c.topic.log.Count)-c.above, 0) + c.counts[inFlight] + c.counts[again] + c.counts[deferred]
}

// amount returns how much the channel owes.
func (c *Channel) amount() amount {
	fresh, below, size := c.parts()
	return amount{c.owed(), fresh + below*size}
}

// parts returns the bytes from the cursor on, how many messages are owed below it,
// and what is taken for the size of these: the average of all in the log from the
// oldest of them to the cursor.
func (c *Channel) parts() (fresh, below, size int64) {
	log := c.topic.log
	limit := c.limit()
	fresh = log.Bytes(c.next, limit)
	for _, s := range c.skips {
		fresh -= log.Bytes(s.From, min(s.To, limit))
	}
	below = max(c.counts[inFlight]+c.counts[again]+c.counts[deferred]-c.above, 0)
	if p := c.below.front(); p != nil && below > 0 {
		if n := int64(log.Count(p.first, c.next)); n > 0 {
			size = log.Bytes(p.first, c.next) / n
		}
	}
	return fresh, below, size
}

// limitStats returns what the channel shows of its limits, or nil if there are
// none: its own are shown, but its topic's make it lose messages too.
func (c *Channel) limitStats() *protocol.LimitStats {
	if !c.limits.Any() && !c.topic.limits.Load().Any() {
		return nil
	}
	a := c.amount()
	return &protocol.LimitStats{QueueLimits: c.limits, Depth: a.depth, Bytes: a.bytes, DroppedCount: c.dropped, ExpiredCount: c.expired}
}

// limitStats is Channel.limitStats of the topic.
func (t *Topic) limitStats() *protocol.LimitStats {
	l := *t.limits.Load()
	rejected := t.rejected.Load()
	if !l.Any() && !t.rejects.Load() {
		return nil
	}
	most := t.heldAmount()
	for _, c := range *t.readers.Load() {
		c.mu.Lock()
		a := c.amount()
		c.mu.Unlock()
		most.depth, most.bytes = max(most.depth, a.depth), max(most.bytes, a.bytes)
	}
	return &protocol.LimitStats{QueueLimits: l, Depth: most.depth, Bytes: most.bytes,
		RejectedCount: rejected, DroppedCount: t.dropped.Load(), ExpiredCount: t.expired.Load()}
}
