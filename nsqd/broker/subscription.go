package broker

import (
	"math"
	"time"
)

// Locality is how near a consumer is to this nsqd (protocol.md 20).
type Locality uint8

// The localities, nearest last.
const (
	Global Locality = iota
	RegionLocal
	ZoneLocal
	localities
)

// Consumer is what a subscription needs to know of its client.
type Consumer struct {
	// MsgTimeout is how long a message may be in flight.
	MsgTimeout time.Duration
	// SampleRate, 1 to 99, passes about so many percent of the messages and
	// drops the others for the whole channel; 0 passes all.
	SampleRate int
	// Locality decides who of several that wait is woken first.
	Locality Locality
	// Mover makes the subscription one of the daemon itself, which takes away what
	// waits: it gets nothing that is published after Subscribe, a pause does not
	// stop it, and nothing counts it, or what it finishes, as a consumer's. It is
	// never woken, for what it does not find it will never get.
	Mover bool
	// Wake is called once after each Receive that returned false, when it may be
	// worth another. It is called from any goroutine, without locks, and must not block.
	Wake func()
	// Close is called when the channel is gone, likewise.
	Close func()
}

// Subscription is a consumer's place in a channel. Receive must not be called
// by two goroutines at once; all else is safe for concurrent use.
type Subscription struct {
	channel  *Channel
	consumer Consumer
	id       uint32
	until    uint64 // messages that nobody has had from here on are not for it

	// guarded by Channel.mu
	ready     int64
	inFlight  int64
	idle      bool // the last Receive found nothing: a wake is due
	parked    bool // in Channel.parked
	closed    bool
	delivered uint64
	finished  uint64
	requeued  uint64
}

// wakes are the subscriptions to wake once the channel's lock is released.
type wakes []*Subscription

func (w wakes) now() {
	for _, s := range w {
		s.consumer.Wake()
	}
}

// Subscribe adds a consumer with a ready count of 0. The errors are ErrExiting
// and ErrTooManyConsumers.
func (c *Channel) Subscribe(consumer Consumer) (*Subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exiting {
		return nil, ErrExiting
	}
	if most := c.topic.broker.config.MaxChannelConsumers; most > 0 && !consumer.Mover && c.consumers() >= most {
		return nil, ErrTooManyConsumers
	}
	c.lastSub++
	s := &Subscription{channel: c, consumer: consumer, id: c.lastSub, until: math.MaxUint64, idle: true}
	if consumer.Mover {
		s.until = c.limit()
		c.movers++
	}
	c.subs[s.id] = s
	return s, nil
}

// Channel returns the channel that the subscription is of.
func (s *Subscription) Channel() *Channel { return s.channel }

// SetReady sets how many messages may be in flight at once on the subscription.
func (s *Subscription) SetReady(n int) {
	c := s.channel
	c.mu.Lock()
	s.ready = int64(n)
	wake := c.rouse(s, nil)
	c.mu.Unlock()
	wake.now()
}

// SetMsgTimeout sets how long messages handed out from now on may be in flight.
func (s *Subscription) SetMsgTimeout(d time.Duration) {
	s.channel.mu.Lock()
	s.consumer.MsgTimeout = d
	s.channel.mu.Unlock()
}

// Counters returns what /stats shows of a client: the messages in flight and the
// ready count, and how many messages were delivered, finished and requeued.
func (s *Subscription) Counters() (inFlight, ready int64, delivered, finished, requeued uint64) {
	s.channel.mu.Lock()
	defer s.channel.mu.Unlock()
	return s.inFlight, s.ready, s.delivered, s.finished, s.requeued
}

// Unsubscribe ends the subscription. Messages in flight on it stay so until they
// time out. With its last consumer an ephemeral channel is deleted.
func (s *Subscription) Unsubscribe() {
	c := s.channel
	c.mu.Lock()
	if s.closed {
		c.mu.Unlock()
		return
	}
	s.closed = true
	delete(c.subs, s.id)
	if s.consumer.Mover {
		c.movers--
	}
	var wake wakes
	if !s.idle || s.parked {
		c.unpark(s)
		wake = c.passOn(nil) // it may have been woken for what it will not take
	}
	last := !s.consumer.Mover && c.consumers() == 0 && c.Ephemeral() && !c.exiting
	c.mu.Unlock()
	wake.now()
	if last {
		c.topic.deleteIdle(c)
	}
}

// consumers returns how many subscriptions are consumers'.
func (c *Channel) consumers() int { return len(c.subs) - c.movers }

// room returns how many messages the subscription may take now.
func (s *Subscription) room() int64 {
	if s.closed || s.channel.paused && !s.consumer.Mover || s.channel.exiting {
		return 0
	}
	return s.ready - s.inFlight
}

// available tells whether the channel has a message to hand out.
func (c *Channel) available() bool {
	return c.counts[again] > 0 || c.next < c.limit()
}

// rouse sees to it that s, if it is idle and could take something, is woken: now
// if there is something, else when there is.
func (c *Channel) rouse(s *Subscription, w wakes) wakes {
	if !s.idle || s.consumer.Mover || s.room() <= 0 {
		return w
	}
	if c.available() {
		c.unpark(s)
		s.idle = false
		return append(w, s)
	}
	c.park(s)
	if c.available() { // published between the look and the parking
		return c.passOn(w)
	}
	return w
}

// rouseAll is rouse for every subscription of the channel.
func (c *Channel) rouseAll() wakes {
	var w wakes
	for _, s := range c.subs {
		w = c.rouse(s, w)
	}
	return w
}

func (c *Channel) park(s *Subscription) {
	if s.parked || s.consumer.Mover {
		return
	}
	s.parked = true
	c.parked = append(c.parked, s)
	c.willing.Store(int32(len(c.parked)))
}

func (c *Channel) unpark(s *Subscription) {
	if !s.parked {
		return
	}
	s.parked = false
	for i, p := range c.parked {
		if p == s {
			c.parked = append(c.parked[:i], c.parked[i+1:]...)
			break
		}
	}
	c.willing.Store(int32(len(c.parked)))
}

// passOn adds the subscription to wake that has been parked longest among the
// nearest, if there is something for it.
func (c *Channel) passOn(w wakes) wakes {
	for len(c.parked) > 0 && c.available() {
		s := c.parked[0]
		for _, other := range c.parked[1:] {
			if other.consumer.Locality > s.consumer.Locality {
				s = other
			}
		}
		c.unpark(s)
		if s.room() > 0 {
			s.idle = false
			return append(w, s)
		}
	}
	return w
}

// published wakes a consumer, if one is parked, after messages have become visible.
func (c *Channel) published() {
	if c.willing.Load() == 0 {
		return
	}
	c.mu.Lock()
	wake := c.passOn(nil)
	c.mu.Unlock()
	wake.now()
}
