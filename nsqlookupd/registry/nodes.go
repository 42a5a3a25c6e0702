package registry

import (
	"cmp"
	"slices"
	"time"

	"nsqsuite/protocol"
)

// EachNode calls f for all producers that are active now, with their topics, sorted by
// address and name, until f fails. All nodes with all topics can be millions of
// names, so there is one node at a time, which f must not keep, and the lock is held
// only to copy numbers: what changes meanwhile is in some nodes and not in others.
func (r *Registry) EachNode(now time.Time, f func(*protocol.Node) error) error {
	r.mu.RLock()
	var found []*Peer
	r.peers.all(func(p *Peer) {
		if r.active(p, now) {
			found = append(found, p)
		}
	})
	names := r.order()
	r.mu.RUnlock()
	slices.SortFunc(found, byAddress)
	names.sort()
	node := protocol.Node{Topics: []string{}, Tombstones: []bool{}}
	var own []shown
	for _, p := range found {
		var connected bool
		if own, connected = r.topicsOf(p, now, own[:0]); !connected {
			continue
		}
		slices.SortFunc(own, names.compare)
		node.Producer, node.Topics, node.Tombstones = p.info, node.Topics[:0], node.Tombstones[:0]
		for _, t := range own {
			node.Topics = append(node.Topics, t.name)
			node.Tombstones = append(node.Tombstones, t.entombed)
		}
		if err := f(&node); err != nil {
			return err
		}
	}
	return nil
}

// shown is a topic of a node.
type shown struct {
	*topic   // only what never changes
	entombed bool
}

// topicsOf adds a producer's topics to list. It tells whether the producer is there.
func (r *Registry) topicsOf(p *Peer, now time.Time, list []shown) ([]shown, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.peers.at(p.number) != p {
		return list, false
	}
	for _, n := range p.topics {
		t := r.topics.at(n)
		list = append(list, shown{t, r.entombed(t, p, now)})
	}
	return list, true
}

// order compares topics by name. Those that there were when it was made, which are as
// good as all, it has sorted once.
type order struct {
	topics []*topic // by number, then by name
	rank   []uint32 // by number: where the topic is in topics
}

func (r *Registry) order() *order { return &order{topics: slices.Clone(r.topics.things)} }

func (o *order) sort() {
	o.rank = make([]uint32, len(o.topics))
	o.topics = slices.DeleteFunc(o.topics, func(t *topic) bool { return t == nil })
	slices.SortFunc(o.topics, func(a, b *topic) int { return cmp.Compare(a.name, b.name) })
	for i, t := range o.topics {
		o.rank[t.number] = uint32(i)
	}
}

func (o *order) compare(a, b shown) int {
	i, known := o.find(a.topic)
	j, both := o.find(b.topic)
	if known && both {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(a.name, b.name)
}

// find returns the rank of a topic. Its number may have been another's.
func (o *order) find(t *topic) (rank uint32, known bool) {
	if int(t.number) >= len(o.rank) {
		return 0, false
	}
	rank = o.rank[t.number]
	return rank, int(rank) < len(o.topics) && o.topics[rank] == t
}
