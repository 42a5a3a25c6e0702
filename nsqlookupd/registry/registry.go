// Package registry is what a nsqlookupd knows: which nsqd serve which topics and
// channels (nsqlookupd.md part 3). It is a table in memory that knows no socket
// and no clock: whoever calls says what time it is.
//
// Registrations are indexed by topic, and by producer, so that no question and
// no disconnect has to look at more than what it is about. A registration
// without producers stays until it is deleted.
package registry

import (
	"sort"
	"strings"
	"sync"
	"time"

	"nsqsuite/protocol"
)

// ID names a producer: the address of its connection.
type ID string

// Registration is a topic, or a channel of a topic.
type Registration struct {
	Topic   string
	Channel string // empty: the topic itself
}

// Producer is an nsqd, as a question finds it.
type Producer struct {
	ID   ID
	Info protocol.Producer
	// LastUpdate is when it was last heard of.
	LastUpdate time.Time
	// Tombstoned is when it was told off the topic in question; zero: never.
	Tombstoned time.Time
}

// Registry is the table. It is safe for concurrent use.
type Registry struct {
	mu     sync.RWMutex
	peers  map[ID]*peer
	topics map[string]*topic
}

// peer is a connected nsqd.
type peer struct {
	id         ID
	info       protocol.Producer
	lastUpdate time.Time
	topics     map[*topic]*entry
	channels   map[*channel]struct{}
}

// topic is a topic and its channels. registered tells whether the topic itself
// is: a channel alone does not make it so.
type topic struct {
	name       string
	registered bool
	producers  map[*peer]*entry
	channels   map[string]*channel
}

type channel struct {
	topic     *topic
	name      string
	producers map[*peer]struct{}
}

// entry is a producer of a topic.
type entry struct{ tombstoned time.Time }

// New returns an empty table.
func New() *Registry {
	return &Registry{peers: map[ID]*peer{}, topics: map[string]*topic{}}
}

// Identify adds a producer.
func (r *Registry) Identify(id ID, info protocol.Producer, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peers[id] = &peer{id: id, info: info, lastUpdate: now, topics: map[*topic]*entry{}, channels: map[*channel]struct{}{}}
}

// Ping notes that a producer is alive, and returns when it was last heard of before.
func (r *Registry) Ping(id ID, now time.Time) (before time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[id]
	if p == nil {
		return time.Time{}, false
	}
	before, p.lastUpdate = p.lastUpdate, now
	return before, true
}

// topicFor returns the topic of this name, and makes it if need be. The caller holds mu.
func (r *Registry) topicFor(name string) *topic {
	t := r.topics[name]
	if t == nil {
		t = &topic{name: name, producers: map[*peer]*entry{}, channels: map[string]*channel{}}
		r.topics[name] = t
	}
	return t
}

func (t *topic) channelFor(name string) *channel {
	c := t.channels[name]
	if c == nil {
		c = &channel{topic: t, name: name, producers: map[*peer]struct{}{}}
		t.channels[name] = c
	}
	return c
}

// dropIfUnused removes a topic of which nothing is registered any more.
func (r *Registry) dropIfUnused(t *topic) {
	if !t.registered && len(t.channels) == 0 {
		delete(r.topics, t.name)
	}
}

// Create makes registrations without producers: a topic, or a channel and its topic.
func (r *Registry) Create(reg Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topicFor(reg.Topic)
	t.registered = true
	if reg.Channel != "" {
		t.channelFor(reg.Channel)
	}
}

// Register makes a producer one of a topic, or of a channel and its topic. It
// returns what was really added. A producer that is not known adds nothing.
func (r *Registry) Register(id ID, reg Registration) (added []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[id]
	if p == nil {
		return nil
	}
	t := r.topicFor(reg.Topic)
	t.registered = true
	if reg.Channel != "" {
		c := t.channelFor(reg.Channel)
		if _, ok := c.producers[p]; !ok {
			c.producers[p] = struct{}{}
			p.channels[c] = struct{}{}
			added = append(added, reg)
		}
	}
	if t.producers[p] == nil {
		e := &entry{}
		t.producers[p] = e
		p.topics[t] = e
		added = append(added, Registration{Topic: reg.Topic})
	}
	return added
}

// Unregister takes a producer off a channel, or off a topic and all of its
// channels. An ephemeral channel or topic that has no producer left goes. It
// returns what was really removed.
func (r *Registry) Unregister(id ID, reg Registration) (removed []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, t := r.peers[id], r.topics[reg.Topic]
	if p == nil || t == nil {
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
			delete(t.channels, c.name)
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

func (p *peer) leaveChannel(c *channel) bool {
	_, was := c.producers[p]
	delete(c.producers, p)
	delete(p.channels, c)
	return was
}

func (p *peer) leaveTopic(t *topic) bool {
	_, was := t.producers[p]
	delete(t.producers, p)
	delete(p.topics, t)
	return was
}

// Disconnect removes a producer from everything, and returns from what. The
// registrations stay, even ephemeral ones.
func (r *Registry) Disconnect(id ID) (removed []Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[id]
	if p == nil {
		return nil
	}
	for c := range p.channels {
		delete(c.producers, p)
		removed = append(removed, Registration{Topic: c.topic.name, Channel: c.name})
	}
	for t := range p.topics {
		delete(t.producers, p)
		removed = append(removed, Registration{Topic: t.name})
	}
	delete(r.peers, id)
	return removed
}

// DeleteTopic removes a topic and its channels. The producers are not told.
func (r *Registry) DeleteTopic(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topics[name]
	if t == nil {
		return
	}
	for _, c := range t.channels {
		r.dropChannel(c)
	}
	for p := range t.producers {
		delete(p.topics, t)
	}
	delete(r.topics, name)
}

// DeleteChannel removes a channel, and tells whether there was one.
func (r *Registry) DeleteChannel(reg Registration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topics[reg.Topic]
	if t == nil || t.channels[reg.Channel] == nil {
		return false
	}
	r.dropChannel(t.channels[reg.Channel])
	r.dropIfUnused(t)
	return true
}

func (r *Registry) dropChannel(c *channel) {
	for p := range c.producers {
		delete(p.channels, c)
	}
	delete(c.topic.channels, c.name)
}

// Tombstone tells those producers off a topic that match says yes to.
func (r *Registry) Tombstone(name string, match func(protocol.Producer) bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topics[name]
	if t == nil {
		return
	}
	for p, e := range t.producers {
		if match(p.info) {
			e.tombstoned = now
		}
	}
}

// Topics returns the names of all topics, sorted.
func (r *Registry) Topics() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.topics))
	for name, t := range r.topics {
		if t.registered {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Channels returns the names of a topic's channels, sorted.
func (r *Registry) Channels(topic string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := []string{}
	if t := r.topics[topic]; t != nil {
		for name := range t.channels {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Lookup returns the producers of a topic, sorted by address; ok tells whether
// the topic is registered.
func (r *Registry) Lookup(name string) (producers []Producer, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.topics[name]
	if t == nil || !t.registered {
		return nil, false
	}
	for p, e := range t.producers {
		producers = append(producers, p.snapshot(e.tombstoned))
	}
	sortProducers(producers)
	return producers, true
}

func (p *peer) snapshot(tombstoned time.Time) Producer {
	return Producer{ID: p.id, Info: p.info, LastUpdate: p.lastUpdate, Tombstoned: tombstoned}
}

func sortProducers(list []Producer) {
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if c := strings.Compare(a.Info.BroadcastAddress, b.Info.BroadcastAddress); c != 0 {
			return c < 0
		}
		return a.ID < b.ID
	})
}

// Node is a producer and the topics it serves.
type Node struct {
	Producer
	Topics     []string    // sorted
	Tombstoned []time.Time // parallel to Topics
}

// Nodes returns all producers, sorted by address.
func (r *Registry) Nodes() []Node {
	r.mu.RLock()
	defer r.mu.RUnlock()
	producers := make([]Producer, 0, len(r.peers))
	for _, p := range r.peers {
		producers = append(producers, p.snapshot(time.Time{}))
	}
	sortProducers(producers)
	nodes := make([]Node, len(producers))
	for i := range producers {
		n := &nodes[i]
		n.Producer = producers[i]
		p := r.peers[n.ID]
		n.Topics = make([]string, 0, len(p.topics))
		for t := range p.topics {
			n.Topics = append(n.Topics, t.name)
		}
		sort.Strings(n.Topics)
		for _, name := range n.Topics {
			n.Tombstoned = append(n.Tombstoned, p.topics[r.topics[name]].tombstoned)
		}
	}
	return nodes
}

// All calls f for every registration with producers: clients have neither topic
// nor channel. It is for GET /debug.
func (r *Registry) All(f func(reg Registration, producers []Producer)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []Producer
	for _, p := range r.peers {
		all = append(all, p.snapshot(time.Time{}))
	}
	sortProducers(all)
	f(Registration{}, all)
	for _, t := range r.topics {
		var producers []Producer
		for p, e := range t.producers {
			producers = append(producers, p.snapshot(e.tombstoned))
		}
		sortProducers(producers)
		f(Registration{Topic: t.name}, producers)
		for _, c := range t.channels {
			var producers []Producer
			for p := range c.producers {
				producers = append(producers, p.snapshot(time.Time{}))
			}
			sortProducers(producers)
			f(Registration{Topic: t.name, Channel: c.name}, producers)
		}
	}
}
