package collector

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/protocol"
)

// Snapshot is the cluster as it is known at one moment. Nobody changes it.
type Snapshot struct {
	At        time.Time
	Direct    bool // there is no nsqlookupd: the nsqd were given
	Nodes     []*Node
	Lookupds  []*Lookupd
	Topics    []*Topic // by name
	Total     Sum
	Silent    int                 // nodes whose values are old
	Idle      map[string][]string // topics without a node, known to a nsqlookupd, with their channels
	Attention []Item              // worst first
}

// Sum is what adds up over nodes, topics and channels.
type Sum struct {
	Rates
	TopicCount, ChannelCount int
	Depth, OnDisk            int64 // in channels, and in topics that have none
	InFlight, Deferred       int64
	Messages                 uint64 // published so far
	Requeues, Timeouts       uint64
	Consumers                int // connections
	Ready                    int64
	PausedCount              int     // topics and channels
	Slope                    float64 // of the depth, a second
	Worst                    float64 // highest percentile of the slowest node, ns
}

// Node is an nsqd with what it holds.
type Node struct {
	*cluster.Node
	Name      string // its hostname, or what tells it apart from others of it
	Address   string // host:port of its HTTP API
	Heard     time.Time
	Took      time.Duration // of the last answer
	Err       error         // of the last question
	Stale     bool          // its values are old
	Forgotten bool          // and so old that they do not count
	Started   time.Time     // zero if it does not say
	Health    string
	Memory    uint64 // bytes of heap in use
	Producers int    // connections
	Features  []string
	Disk      *protocol.Disk // of its data path; nil if it does not say
	Sum
	Report *cluster.Report // nil if there is none
}

// Can tells whether a node has a feature.
func (n *Node) Can(feature string) bool { return slices.Contains(n.Features, feature) }

// LowDisk tells whether the node's disk has hardly any room left.
func (n *Node) LowDisk() bool {
	return n.Disk != nil && n.Disk.FreeBytes < n.Disk.TotalBytes/lowDisk
}

// Lookupd is a nsqlookupd with what it knows.
type Lookupd struct {
	Address string
	Heard   time.Time
	Took    time.Duration
	Err     error
	Known   *cluster.Registry // its last answer; nil if there is none
}

// Topic is a topic of the cluster.
type Topic struct {
	*cluster.Topic
	Sum
	State    State
	Channels []*Channel // by name
	On       []*TopicOn // by hostname
}

// TopicOn is a topic on one node.
type TopicOn struct {
	*cluster.Topic
	Rates
	On *Node
}

// Channel is a channel of the cluster.
type Channel struct {
	*cluster.Channel
	Sum
	State     State
	On        []*ChannelOn // by hostname
	Clients   []*Client    // those that look stuck first
	Consuming []*Consumer  // whose they are, in the same order
	Processes int          // that consume it, each perhaps with connections to many nodes
	Stuck     int          // clients that look so
}

// ChannelOn is a channel on one node.
type ChannelOn struct {
	*cluster.Channel
	Rates
	On *Node
}

// Client is a consumer's connection.
type Client struct {
	*cluster.Client
	Finished float64       // a second
	Idle     time.Duration // since the last finish, or since we watch
	Seen     bool          // it has finished something since we watch
	Stuck    bool          // it looks so
	On       *Node
}

// State is what is the matter with a topic or channel: nothing if Kind is "".
type State struct {
	Kind string // crit, warn, hold or ""
	Word string
}

// stuckAfter is how long a consumer may hold messages and finish none.
const stuckAfter = time.Minute

func (s *Sum) point() Point {
	p := Point{
		Depth: float32(s.Depth), InFlight: float32(s.InFlight), Deferred: float32(s.Deferred),
		In: nan, Out: nan, Requeued: nan, TimedOut: nan, Worst: float32(s.Worst),
	}
	if s.Rates.Known {
		p.In, p.Out, p.Requeued, p.TimedOut = float32(s.In), float32(s.Out), float32(s.Rates.Requeued), float32(s.Rates.TimedOut)
	}
	return p
}

// Answering returns how many nodes are not silent.
func (s *Snapshot) Answering() int { return len(s.Nodes) - s.Silent }

// Topic returns a topic; nil if no node has it.
func (s *Snapshot) Topic(name string) *Topic {
	i, found := slices.BinarySearchFunc(s.Topics, name, func(t *Topic, name string) int { return cmp.Compare(t.TopicName, name) })
	if !found {
		return nil
	}
	return s.Topics[i]
}

// Channel returns a channel; nil if the topic has none of this name.
func (t *Topic) Channel(name string) *Channel {
	i, found := slices.BinarySearchFunc(t.Channels, name, func(c *Channel, name string) int { return cmp.Compare(c.ChannelName, name) })
	if !found {
		return nil
	}
	return t.Channels[i]
}

// Node returns a node by the address of its HTTP API; nil if it is not known.
func (s *Snapshot) Node(address string) *Node {
	for _, n := range s.Nodes {
		if n.Address == address || n.HTTPAddress() == address {
			return n
		}
	}
	return nil
}

// snapshot puts together what all nodes have last said.
func (c *Collector) snapshot(now time.Time) *Snapshot {
	s := &Snapshot{At: now, Direct: !c.cluster.UsesLookupd(), Idle: map[string][]string{}}
	var reports []cluster.Report
	watched := map[string]*node{}
	for address, n := range c.nodes {
		shown := n.shown(address, now)
		s.Nodes = append(s.Nodes, shown)
		if shown.Stale {
			s.Silent++
		}
		if n.report != nil {
			watched[shown.Report.Node.HTTPAddress()] = n
			reports = append(reports, *shown.Report)
		}
	}
	slices.SortFunc(s.Nodes, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Hostname, b.Hostname), cmp.Compare(a.Address, b.Address))
	})
	nameNodes(s.Nodes)
	at := map[string]*Node{}
	for _, n := range s.Nodes {
		if n.Report != nil {
			at[n.Report.Node.HTTPAddress()] = n
		}
	}
	for _, t := range cluster.MergeTopics(reports) {
		topic := newTopic(t, watched, at, now)
		s.Topics = append(s.Topics, topic)
		s.Total.Add(&topic.Sum)
	}
	for _, address := range c.cluster.Lookupds() {
		if l := c.lookupds[address]; l != nil {
			s.Lookupds = append(s.Lookupds, &Lookupd{Address: cluster.Name(address), Heard: l.at, Took: l.took, Err: l.err, Known: l.last})
		}
	}
	s.findIdle()
	return s
}

// nameNodes calls each node by its hostname; several on one host by that and
// their port; and what is still not told apart by its address.
func nameNodes(nodes []*Node) {
	names := map[string]int{}
	name := func(of func(n *Node) string) {
		clear(names)
		for _, n := range nodes {
			names[n.Name]++
		}
		for _, n := range nodes {
			if names[n.Name] > 1 {
				n.Name = of(n)
			}
		}
	}
	for _, n := range nodes {
		n.Name = n.Hostname
	}
	name(func(n *Node) string { return fmt.Sprintf("%s:%d", n.Hostname, cmp.Or(n.HTTPPort, n.HTTPSPort)) })
	name(func(n *Node) string { return n.Address })
}

// findIdle notes the topics that a nsqlookupd knows and no nsqlookupd sends consumers anywhere for.
func (s *Snapshot) findIdle() {
	active := map[string]bool{}
	for _, l := range s.Lookupds {
		if l.Known == nil {
			continue
		}
		for _, t := range l.Known.Topics {
			channels, idle := l.Known.Idle[t]
			active[t] = active[t] || !idle && len(l.Known.Idle) < cluster.MaxIdle
			s.Idle[t] = append(s.Idle[t], channels...)
		}
	}
	for t, channels := range s.Idle {
		if active[t] {
			delete(s.Idle, t)
			continue
		}
		slices.Sort(channels)
		s.Idle[t] = slices.Compact(channels)
	}
}

// shown returns the node as a snapshot shows it.
func (n *node) shown(address string, now time.Time) *Node {
	s := &Node{Node: n.about, Address: cluster.Name(address), Heard: n.heard(), Took: n.took, Err: n.err, Stale: n.stale(now), Features: n.info.Features, Disk: n.info.Disk}
	if s.Node == nil {
		s.Node = cluster.Given(address)
	}
	if n.report == nil {
		s.Forgotten = true
		return s
	}
	report := *n.report
	report.Node = s.Node
	s.Report = &report
	stats := &report.Stats
	s.Health, s.Producers = stats.Health, len(stats.Producers)
	if stats.StartTime > 0 {
		s.Started = time.Unix(stats.StartTime, 0)
	}
	if stats.Memory != nil {
		s.Memory = stats.Memory.HeapInUseBytes
	}
	for i := range stats.Topics {
		t := &stats.Topics[i]
		s.TopicCount++
		s.Depth += t.Depth
		s.OnDisk += t.BackendDepth
		s.Messages += t.MessageCount
		s.rates(n.rates[subject{t.TopicName, ""}], true, s.Stale)
		for j := range t.Channels {
			ch := &t.Channels[j]
			s.ChannelCount++
			s.Depth += ch.Depth
			s.OnDisk += ch.BackendDepth
			s.InFlight += ch.InFlightCount
			s.Deferred += ch.DeferredCount
			s.Requeues += ch.RequeueCount
			s.Timeouts += ch.TimeoutCount
			s.Consumers += ch.ClientCount
			s.rates(n.rates[subject{t.TopicName, ch.ChannelName}], false, s.Stale)
		}
	}
	return s
}
