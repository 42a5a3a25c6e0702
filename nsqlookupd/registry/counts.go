package registry

import "time"

// Counts is how much the registry knows.
type Counts struct {
	Topics, Channels int
	Active, Inactive int // producers
	// TopicProducers and ChannelProducers are pairs of a producer and what it has.
	TopicProducers, ChannelProducers int
	Tombstones                       int // in force
}

// Counts counts everything.
func (r *Registry) Counts(now time.Time) Counts {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var n Counts
	r.peers.all(func(p *Peer) {
		if r.active(p, now) {
			n.Active++
		} else {
			n.Inactive++
		}
	})
	r.topics.all(func(t *topic) {
		if t.registered {
			n.Topics++
		}
		n.Channels += len(t.channels)
		n.TopicProducers += len(t.producers)
		for _, set := range t.tombstones {
			if now.Sub(set) < r.config.TombstoneLifetime {
				n.Tombstones++
			}
		}
	})
	r.channels.all(func(c *channel) { n.ChannelProducers += len(c.producers) })
	return n
}
