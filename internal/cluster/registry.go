package cluster

import (
	"context"
	"net/url"
	"slices"

	"nsqsuite/protocol"
)

// Registry is what one nsqlookupd knows.
type Registry struct {
	Address string // host:port
	Nodes   []*Node
	Topics  []string
	// Idle are the topics that it sends no consumer anywhere for, with their
	// channels: at most MaxIdle of them.
	Idle map[string][]string
}

// MaxIdle is how many idle topics of a Registry have their channels asked for.
const MaxIdle = 200

// Registry asks one nsqlookupd for everything it knows.
func (c *Cluster) Registry(ctx context.Context, address string) (*Registry, error) {
	at := given(address)
	r := &Registry{Address: at.name, Idle: map[string][]string{}}
	var nodes protocol.Nodes
	if err := c.client.get(ctx, lookupd, at, "/nodes", nil, &nodes); err != nil {
		return nil, err
	}
	var topics protocol.TopicList
	if err := c.client.get(ctx, lookupd, at, "/topics", nil, &topics); err != nil {
		return nil, err
	}
	r.Topics = topics.Topics
	active := map[string]bool{}
	r.Nodes = registered(at, nodes.Producers)
	for _, n := range r.Nodes {
		for _, t := range n.Topics {
			active[t.Topic] = active[t.Topic] || !t.Tombstoned
		}
	}
	for _, t := range topics.Topics {
		if active[t] || len(r.Idle) == MaxIdle {
			continue
		}
		var channels protocol.ChannelList
		if err := c.client.get(ctx, lookupd, at, "/channels", url.Values{"topic": {t}}, &channels); err != nil {
			return nil, err
		}
		slices.Sort(channels.Channels)
		r.Idle[t] = channels.Channels
	}
	return r, nil
}

// Info asks a node about itself.
func (c *Cluster) Info(ctx context.Context, n *Node) (protocol.Info, error) {
	var info protocol.Info
	err := c.client.get(ctx, nsqd, n.target(), "/info", nil, &info)
	return info, err
}

// Describe asks an nsqd of which only the address is known who it is and what it holds.
func (c *Cluster) Describe(ctx context.Context, address string, what Query) (Report, error) {
	return c.describe(ctx, given(address), what.values())
}

// JoinRegistries returns the nodes that several nsqlookupd know, by hostname,
// each once: the first that knows a node says which topics it has.
func JoinRegistries(registries []*Registry) []*Node {
	nodes := []*Node{}
	known := map[string]*Node{}
	for _, r := range registries {
		for _, n := range r.Nodes {
			have := known[n.tcpAddress()]
			if have == nil {
				have = new(Node)
				*have = *n
				known[n.tcpAddress()] = have
				nodes = append(nodes, have)
			}
			have.secureLike(n)
			have.RemoteAddresses = append(have.RemoteAddresses, r.Address+"/"+n.RemoteAddress)
		}
	}
	markOutOfDate(nodes)
	sortNodes(nodes)
	return nodes
}
