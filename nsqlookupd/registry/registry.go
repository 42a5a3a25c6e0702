// Package registry is what a nsqlookupd knows: which nsqd serve which topics and
// channels (nsqlookupd.md part 3). It is a table in memory that knows no socket
// and no clock: whoever calls says what time it is.
//
// Peers, topics and channels have numbers. A topic and a channel have the set of
// their producers' numbers, a peer the sets of its topics' and channels'. So no
// question, change or disconnect looks at more than what it is about, and a
// registration costs two numbers. One without producers stays until it is deleted.
package registry

import (
	"strings"
	"sync"
	"time"

	"nsqsuite/protocol"
)

// Registration is a topic, or a channel of a topic.
type Registration struct {
	Topic   string
	Channel string // empty: the topic itself
}

// Config is how long things are remembered.
type Config struct {
	// InactiveTimeout is how long after its last sign of life a producer is shown.
	InactiveTimeout time.Duration
	// TombstoneLifetime is how long a tombstone hides a producer from a topic.
	TombstoneLifetime time.Duration
}

// Registry is the table. It is safe for concurrent use.
type Registry struct {
	config Config

	mu       sync.RWMutex
	byName   map[string]*topic
	topics   numbers[topic]
	channels numbers[channel]
	peers    numbers[Peer]
}

// Peer is a connected nsqd: a producer. It is of no use after Disconnect.
type Peer struct {
	number     uint32
	info       protocol.Producer
	lastUpdate time.Time
	topics     set
	channels   set
}

// topic is a topic and its channels. registered tells whether the topic itself
// is: a channel alone does not make it so.
type topic struct {
	number     uint32
	name       string
	registered bool
	producers  set
	tombstones map[uint32]time.Time // when they were set, by producer
	channels   map[string]*channel
}

type channel struct {
	number    uint32
	topic     *topic
	name      string
	producers set
}

// New returns an empty table.
func New(c Config) *Registry {
	return &Registry{config: c, byName: map[string]*topic{}}
}

// Identify adds a producer.
func (r *Registry) Identify(info protocol.Producer, now time.Time) *Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &Peer{info: info, lastUpdate: now}
	p.number = r.peers.add(p)
	return p
}

// Ping notes that a producer is alive, and returns when it was last heard of before.
func (r *Registry) Ping(p *Peer, now time.Time) (before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, p.lastUpdate = p.lastUpdate, now
	return before
}

// topicFor returns the topic of this name, and makes it if need be. The caller holds mu.
func (r *Registry) topicFor(name string) *topic {
	t := r.byName[name]
	if t == nil {
		name = strings.Clone(name) // it may be part of something long
		t = &topic{name: name, channels: map[string]*channel{}}
		t.number = r.topics.add(t)
		r.byName[name] = t
	}
	return t
}

// channelFor is topicFor for a channel.
func (r *Registry) channelFor(t *topic, name string) *channel {
	c := t.channels[name]
	if c == nil {
		name = strings.Clone(name)
		c = &channel{topic: t, name: name}
		c.number = r.channels.add(c)
		t.channels[name] = c
	}
	return c
}

// dropIfUnused removes a topic of which nothing is registered any more.
func (r *Registry) dropIfUnused(t *topic) {
	if !t.registered && len(t.channels) == 0 {
		delete(r.byName, t.name)
		r.topics.remove(t.number)
	}
}

// dropChannel removes a channel from its topic and its producers.
func (r *Registry) dropChannel(c *channel) {
	for _, n := range c.producers {
		r.peers.at(n).channels.remove(c.number)
	}
	delete(c.topic.channels, c.name)
	r.channels.remove(c.number)
}

// Create makes registrations without producers: a topic, or a channel and its topic.
func (r *Registry) Create(reg Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topicFor(reg.Topic)
	t.registered = true
	if reg.Channel != "" {
		r.channelFor(t, reg.Channel)
	}
}

// Register makes a producer one of a topic, or of a channel and its topic. It
// returns what was really added.
func (r *Registry) Register(p *Peer, reg Registration) (added []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topicFor(reg.Topic)
	t.registered = true
	if reg.Channel != "" {
		c := r.channelFor(t, reg.Channel)
		if c.producers.add(p.number) {
			p.channels.add(c.number)
			added = append(added, Registration{Topic: t.name, Channel: c.name})
		}
	}
	if t.producers.add(p.number) {
		p.topics.add(t.number)
		added = append(added, Registration{Topic: t.name})
	}
	return added
}

// Unregister takes a producer off a channel, or off a topic and all of its
// channels. An ephemeral channel or topic that has no producer left goes. It
// returns what was really removed.
func (r *Registry) Unregister(p *Peer, reg Registration) (removed []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byName[reg.Topic]
	if t == nil {
		return nil
	}
	if reg.Channel != "" {
		c := t.channels[reg.Channel]
		if c == nil {
			return nil
		}
		if p.leaveChannel(c) {
			removed = append(removed, reg)
		}
		if len(c.producers) == 0 && protocol.IsEphemeral(c.name) {
			r.dropChannel(c)
			r.dropIfUnused(t)
		}
		return removed
	}
	for _, c := range t.channels {
		if p.leaveChannel(c) {
			removed = append(removed, Registration{Topic: t.name, Channel: c.name})
		}
	}
	if p.leaveTopic(t) {
		removed = append(removed, reg)
	}
	if len(t.producers) == 0 && protocol.IsEphemeral(t.name) {
		t.registered = false
		r.dropIfUnused(t)
	}
	return removed
}

func (p *Peer) leaveChannel(c *channel) bool {
	p.channels.remove(c.number)
	return c.producers.remove(p.number)
}

func (p *Peer) leaveTopic(t *topic) bool {
	p.topics.remove(t.number)
	delete(t.tombstones, p.number)
	return t.producers.remove(p.number)
}

// Disconnect removes a producer from everything, and returns from what. The
// registrations stay, even ephemeral ones.
func (r *Registry) Disconnect(p *Peer) (removed []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range p.channels {
		c := r.channels.at(n)
		c.producers.remove(p.number)
		removed = append(removed, Registration{Topic: c.topic.name, Channel: c.name})
	}
	for _, n := range p.topics {
		t := r.topics.at(n)
		t.producers.remove(p.number)
		delete(t.tombstones, p.number)
		removed = append(removed, Registration{Topic: t.name})
	}
	r.peers.remove(p.number)
	return removed
}

// DeleteTopic removes a topic and its channels. The producers are not told.
func (r *Registry) DeleteTopic(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byName[name]
	if t == nil {
		return
	}
	for _, c := range t.channels {
		r.dropChannel(c)
	}
	for _, n := range t.producers {
		r.peers.at(n).topics.remove(t.number)
	}
	t.registered = false
	r.dropIfUnused(t)
}

// DeleteChannel removes a channel, and tells whether there was one.
func (r *Registry) DeleteChannel(reg Registration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byName[reg.Topic]
	if t == nil || t.channels[reg.Channel] == nil {
		return false
	}
	r.dropChannel(t.channels[reg.Channel])
	r.dropIfUnused(t)
	return true
}

// Tombstone hides those producers from a topic that match says yes to.
func (r *Registry) Tombstone(name string, match func(*protocol.Producer) bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byName[name]
	if t == nil {
		return
	}
	for _, n := range t.producers {
		if match(&r.peers.at(n).info) {
			if t.tombstones == nil {
				t.tombstones = map[uint32]time.Time{}
			}
			t.tombstones[n] = now
		}
	}
}
