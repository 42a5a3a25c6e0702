package cluster

import (
	"context"
	"net/url"
	"slices"

	"golang.org/x/mod/semver"

	"nsqsuite/protocol"
)

// named is an answer together with whose it is.
type named[T any] struct {
	from string
	data T
}

func askLookupds[T any](ctx context.Context, c *Cluster, path string, q url.Values) ([]named[T], Warnings, error) {
	return ask(lookupd, c.Lookupds(), func(address string) (named[T], error) {
		a := named[T]{from: address}
		err := c.client.get(ctx, lookupd, address, path, q, &a.data)
		return a, err
	})
}

func askNsqds[T any](ctx context.Context, c *Cluster, path string, q url.Values) ([]named[T], Warnings, error) {
	return ask(nsqd, c.nsqds, func(address string) (named[T], error) {
		a := named[T]{from: address}
		err := c.client.get(ctx, nsqd, address, path, q, &a.data)
		return a, err
	})
}

// Nodes returns all nodes that are known, by hostname.
func (c *Cluster) Nodes(ctx context.Context) ([]*Node, Warnings, error) {
	var nodes []*Node
	var warnings Warnings
	var err error
	if c.UsesLookupd() {
		nodes, warnings, err = c.registeredNodes(ctx)
	} else {
		nodes, warnings, err = c.givenNodes(ctx, "")
	}
	slices.SortFunc(nodes, func(a, b *Node) int { return byHost(a.Hostname, b.Hostname, a.HTTPAddress(), b.HTTPAddress()) })
	return nodes, warnings, err
}

// registeredNodes asks the nsqlookupd. Of a node that several know the first
// answer counts; the others add where they know it from.
func (c *Cluster) registeredNodes(ctx context.Context) ([]*Node, Warnings, error) {
	answers, warnings, err := askLookupds[protocol.Nodes](ctx, c, "/nodes", nil)
	if err != nil {
		return nil, nil, err
	}
	nodes := []*Node{}
	known := map[string]*Node{}
	for _, a := range answers {
		for i := range a.data.Producers {
			p := &a.data.Producers[i]
			n := newNode(&p.Producer)
			if have := known[n.tcpAddress()]; have != nil {
				n = have
			} else {
				n.Topics = tombstones(p)
				known[n.tcpAddress()] = n
				nodes = append(nodes, n)
			}
			n.RemoteAddresses = append(n.RemoteAddresses, a.from+"/"+p.RemoteAddress)
		}
	}
	markOutOfDate(nodes)
	return nodes, warnings, nil
}

func newNode(p *protocol.Producer) *Node {
	return &Node{
		RemoteAddress: p.RemoteAddress, Hostname: p.Hostname, BroadcastAddress: p.BroadcastAddress, TCPPort: p.TCPPort, HTTPPort: p.HTTPPort,
		Version: p.Version, TopologyZone: p.TopologyZone, TopologyRegion: p.TopologyRegion,
	}
}

// tombstones returns a node's topics, by name. A nsqlookupd may send fewer tombstones than topics.
func tombstones(p *protocol.Node) []NodeTopic {
	var topics []NodeTopic
	for i, t := range p.Topics {
		topics = append(topics, NodeTopic{Topic: t, Tombstoned: i < len(p.Tombstones) && p.Tombstones[i]})
	}
	slices.SortFunc(topics, func(a, b NodeTopic) int { return byHost(a.Topic, b.Topic, "", "") })
	return topics
}

// markOutOfDate marks what runs below the highest version (nsqadmin.md 7.4).
func markOutOfDate(nodes []*Node) {
	highest := ""
	for _, n := range nodes {
		if v := semantic(n.Version); semver.Compare(v, highest) > 0 {
			highest = v
		}
	}
	for _, n := range nodes {
		n.OutOfDate = semver.Compare(semantic(n.Version), highest) < 0
	}
}

func semantic(version string) string {
	if v := "v" + version; semver.IsValid(v) {
		return v
	}
	return "v0.0.0"
}

// givenNodes asks the nsqd whose addresses were given, in nsqd mode. With a
// topic only those count that have it.
func (c *Cluster) givenNodes(ctx context.Context, topic string) ([]*Node, Warnings, error) {
	q := url.Values{"format": {"json"}, "include_clients": {"false"}}
	if topic != "" {
		q.Set("topic", topic)
	}
	return ask(nsqd, c.nsqds, func(address string) (*Node, error) {
		var stats protocol.Stats
		if err := c.client.get(ctx, nsqd, address, "/stats", q, &stats); err != nil {
			return nil, err
		}
		var info protocol.Info
		if err := c.client.get(ctx, nsqd, address, "/info", nil, &info); err != nil {
			return nil, err
		}
		n := &Node{
			Hostname: info.Hostname, BroadcastAddress: info.BroadcastAddress, TCPPort: info.TCPPort, HTTPPort: info.HTTPPort,
			Version: info.Version, TopologyZone: info.TopologyZone, TopologyRegion: info.TopologyRegion,
		}
		for i := range stats.Topics {
			n.Topics = append(n.Topics, NodeTopic{Topic: stats.Topics[i].TopicName})
		}
		return n, nil
	})
}

// TopicNodes returns the nodes that a topic's consumers are sent to.
func (c *Cluster) TopicNodes(ctx context.Context, topic string) ([]*Node, Warnings, error) {
	if !c.UsesLookupd() {
		all, warnings, err := c.givenNodes(ctx, topic)
		return slices.DeleteFunc(all, func(n *Node) bool { return len(n.Topics) == 0 }), warnings, err
	}
	answers, warnings, err := askLookupds[protocol.Lookup](ctx, c, "/lookup", url.Values{"topic": {topic}})
	if err != nil {
		return nil, nil, err
	}
	nodes := []*Node{}
	known := map[string]bool{}
	for _, a := range answers {
		for i := range a.data.Producers {
			if n := newNode(&a.data.Producers[i]); !known[n.HTTPAddress()] {
				known[n.HTTPAddress()] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes, warnings, nil
}

// Query says which part of a node's statistics is wanted.
type Query struct {
	Topic, Channel string // empty: all
	Clients        bool   // with the consumers' connections
}

// Reports asks nodes for their statistics.
func (c *Cluster) Reports(ctx context.Context, nodes []*Node, what Query) ([]Report, Warnings, error) {
	q := url.Values{"format": {"json"}}
	if what.Topic != "" {
		q.Set("topic", what.Topic)
	}
	if what.Channel != "" {
		q.Set("channel", what.Channel)
	}
	if !what.Clients {
		q.Set("include_clients", "false")
	}
	return ask(nsqd, nodes, func(n *Node) (Report, error) {
		r := Report{Node: n}
		err := c.client.get(ctx, nsqd, n.HTTPAddress(), "/stats", q, &r.Stats)
		return r, err
	})
}
