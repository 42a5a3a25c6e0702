package registry

import (
	"cmp"
	"slices"
	"time"

	"nsqsuite/protocol"
)

// active tells whether a producer has been heard of lately.
func (r *Registry) active(p *Peer, now time.Time) bool {
	return now.Sub(p.lastUpdate) <= r.config.InactiveTimeout
}

// entombed tells whether a tombstone hides a producer from a topic.
func (r *Registry) entombed(t *topic, p *Peer, now time.Time) bool {
	set, ok := t.tombstones[p.number]
	return ok && now.Sub(set) < r.config.TombstoneLifetime
}

// Topics returns the names of all topics, sorted.
func (r *Registry) Topics() []string {
	r.mu.RLock()
	names := make([]string, 0, len(r.byName))
	for name, t := range r.byName {
		if t.registered {
			names = append(names, name)
		}
	}
	r.mu.RUnlock()
	slices.Sort(names)
	return names
}

// Channels returns the names of a topic's channels, sorted.
func (r *Registry) Channels(topic string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.byName[topic]; t != nil {
		return t.channelNames()
	}
	return []string{}
}

func (t *topic) channelNames() []string {
	names := make([]string, 0, len(t.channels))
	for name := range t.channels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lookup returns the channels of a topic, and those of its producers that are
// active and have no tombstone in force, sorted by address; ok tells whether the
// topic is registered.
func (r *Registry) Lookup(name string, now time.Time) (answer protocol.Lookup, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.byName[name]
	if t == nil || !t.registered {
		return answer, false
	}
	found := make([]*Peer, 0, len(t.producers))
	for _, n := range t.producers {
		if p := r.peers.at(n); r.active(p, now) && !r.entombed(t, p, now) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, byAddress)
	answer.Channels = t.channelNames()
	answer.Producers = make([]protocol.Producer, len(found))
	for i, p := range found {
		answer.Producers[i] = p.info
	}
	return answer, true
}

func byAddress(a, b *Peer) int {
	return cmp.Or(
		cmp.Compare(a.info.BroadcastAddress, b.info.BroadcastAddress),
		cmp.Compare(a.info.RemoteAddress, b.info.RemoteAddress))
}

// Entry is a producer in a registration, as it is in the table.
type Entry struct {
	Info       protocol.Producer
	LastUpdate time.Time
	// Tombstoned is when a tombstone was set, in force or not; zero: never.
	Tombstoned time.Time
}

// All calls f for every registration with producers, under the lock; the clients
// themselves have neither topic nor channel. It is for GET /debug.
func (r *Registry) All(f func(reg Registration, producers []Entry)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	entries := func(reg Registration, s set, tombstones map[uint32]time.Time) {
		if len(s) == 0 {
			return
		}
		peers := make([]*Peer, len(s))
		for i, n := range s {
			peers[i] = r.peers.at(n)
		}
		slices.SortFunc(peers, byAddress)
		list := make([]Entry, len(peers))
		for i, p := range peers {
			list[i] = Entry{Info: p.info, LastUpdate: p.lastUpdate, Tombstoned: tombstones[p.number]}
		}
		f(reg, list)
	}
	var clients set
	r.peers.all(func(p *Peer) { clients = append(clients, p.number) })
	entries(Registration{}, clients, nil)
	r.topics.all(func(t *topic) { entries(Registration{Topic: t.name}, t.producers, t.tombstones) })
	r.channels.all(func(c *channel) { entries(Registration{Topic: c.topic.name, Channel: c.name}, c.producers, nil) })
}
