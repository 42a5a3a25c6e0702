package collector

import "nsqsuite/protocol"

// nearLimit is the share of a limit from which on it is worth attention.
const nearLimit = 0.9

// Limit is the limits of a topic or channel on the node where it is nearest to one.
type Limit struct {
	*protocol.LimitStats
	On    *Node
	Share float64
}

// nearer returns which of two is nearer to its limit.
func (l Limit) nearer(s *protocol.LimitStats, on *Node) Limit {
	if s == nil || on.Stale {
		return l
	}
	if share := s.Share(); l.LimitStats == nil || share > l.Share {
		return Limit{s, on, share}
	}
	return l
}

// Limit returns the topic's, of its own limits; its LimitStats are nil if there are none.
func (t *Topic) Limit() (l Limit) {
	for _, on := range t.On {
		l = l.nearer(on.Limits, on.On)
	}
	return l
}

// Limit returns the channel's, likewise.
func (c *Channel) Limit() (l Limit) {
	for _, on := range c.On {
		l = l.nearer(on.Limits, on.On)
	}
	return l
}

// lost returns how many messages were refused, dropped or too old.
func lost(l *protocol.LimitStats) uint64 {
	if l == nil {
		return 0
	}
	return l.RejectedCount + l.DroppedCount + l.ExpiredCount
}

// limited says whether a topic or channel has reached its limits, or nearly.
func limited(l Limit, r Rates) (word string, ok bool) {
	switch {
	case l.LimitStats == nil:
		return "", false
	case r.Lost > 0:
		return "Over its limit", true
	case l.Share >= nearLimit:
		return "Nearly full", true
	}
	return "", false
}
