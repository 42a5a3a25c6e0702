package broker

import "nsqsuite/protocol"

// ChannelStats is what /stats shows of a channel.
type ChannelStats struct {
	Name         string
	Depth        int64 // messages waiting
	BackendDepth int64 // of those, not in memory
	InFlight     int64
	Deferred     int64
	Messages     uint64 // entered the channel since the start
	Requeues     uint64
	Timeouts     uint64
	Delivered    [localities]uint64 // handed out, first and later attempts, by the consumer's Locality
	Dropped      uint64             // lost because of the limits, or an ephemeral channel lagged too far behind
	Expired      uint64             // lost because they were too old
	Limits       *protocol.LimitStats
	Consumers    int
	Paused       bool
}

// Stats returns the channel's figures.
func (c *Channel) Stats() ChannelStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	depth, limit := c.depth(), c.limit()
	s := ChannelStats{
		Name:      c.name,
		Depth:     depth,
		InFlight:  c.counts[inFlight],
		Deferred:  c.counts[deferred],
		Requeues:  c.requeues,
		Timeouts:  c.timeouts,
		Delivered: c.delivered,
		Dropped:   c.dropped,
		Expired:   c.expired,
		Limits:    c.limitStats(),
		Consumers: c.consumers(),
		Paused:    c.paused,
	}
	if !c.volatile {
		s.BackendDepth = min(c.fresh(limit, c.topic.log.CountBackend), depth)
	}
	if limit > c.countFrom {
		s.Messages = limit - c.countFrom - min(c.discarded, limit-c.countFrom)
	}
	return s
}

// Paused tells whether the channel is paused.
func (c *Channel) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// oldest returns the smallest offset that the channel owes, or its cursor.
func (c *Channel) oldest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.below.front(); p != nil {
		return p.first
	}
	return c.next
}

// noteHeld defers, among the messages in memory that a hold kept from the
// channel, those that are not due. Others the cursor finds.
func (c *Channel) noteHeld() {
	now := c.topic.broker.now()
	c.mu.Lock()
	from, end := c.next, c.limit()
	c.mu.Unlock()
	for from < end {
		v, _ := c.topic.log.Resident(from)
		if !v.Valid() {
			return
		}
		if v.HasDue() {
			c.mu.Lock()
			for i := range v.Len() {
				offset := v.First + uint64(i)
				if due := c.topic.dueAt(offset, v.Due(i)); v.Due(i) != 0 && due > now {
					c.deferAt(offset, due)
				}
			}
			c.mu.Unlock()
		}
		from = v.End()
		v.Release()
	}
}
