package cluster

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/mod/semver"

	"nsqsuite/protocol"
)

// named is an answer together with whose it is.
type named[T any] struct {
	from target
	data T
}

func askLookupds[T any](ctx context.Context, c *Cluster, path string, q url.Values) ([]named[T], Warnings, error) {
	return ask(lookupd, allGiven(c.Lookupds()), func(t target) (named[T], error) {
		a := named[T]{from: t}
		err := c.client.get(ctx, lookupd, t, path, q, &a.data)
		return a, err
	})
}

func askNsqds[T any](ctx context.Context, c *Cluster, path string, q url.Values) ([]named[T], Warnings, error) {
	return ask(nsqd, allGiven(c.nsqds), func(t target) (named[T], error) {
		a := named[T]{from: t}
		err := c.client.get(ctx, nsqd, t, path, q, &a.data)
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
	sortNodes(nodes)
	return nodes, warnings, err
}

func sortNodes(nodes []*Node) {
	slices.SortFunc(nodes, func(a, b *Node) int { return byHost(a.Hostname, b.Hostname, a.HTTPAddress(), b.HTTPAddress()) })
}

// registeredNodes asks the nsqlookupd.
func (c *Cluster) registeredNodes(ctx context.Context) ([]*Node, Warnings, error) {
	answers, warnings, err := askLookupds[protocol.Nodes](ctx, c, "/nodes", nil)
	if err != nil {
		return nil, nil, err
	}
	registries := make([]*Registry, len(answers))
	for i, a := range answers {
		registries[i] = &Registry{Address: a.from.name, Nodes: registered(a.from, a.data.Producers)}
	}
	return JoinRegistries(registries), warnings, nil
}

func registered(by target, producers []protocol.Node) []*Node {
	nodes := make([]*Node, len(producers))
	for i := range producers {
		nodes[i] = newNode(by, &producers[i].Producer)
		nodes[i].Topics = tombstones(&producers[i])
	}
	return nodes
}

// newNode returns an nsqd as a nsqlookupd names it. It is asked over TLS if it has told
// no other port, or if the nsqlookupd is asked over TLS too. Else its HTTPS may well be
// there for others: a certificate of another name is no reason to lose sight of it.
func newNode(by target, p *protocol.Producer) *Node {
	n := &Node{
		RemoteAddress: p.RemoteAddress, Hostname: p.Hostname, BroadcastAddress: p.BroadcastAddress, TCPPort: p.TCPPort, HTTPPort: p.HTTPPort, HTTPSPort: p.HTTPSPort,
		Version: p.Version, TopologyZone: p.TopologyZone, TopologyRegion: p.TopologyRegion, discreet: by.discreet,
	}
	if p.HTTPSPort > 0 && (by.discreet || p.HTTPPort == 0) {
		n.https = secure + net.JoinHostPort(p.BroadcastAddress, strconv.Itoa(p.HTTPSPort))
	}
	return n
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
	q := Query{Topic: topic}.values()
	return ask(nsqd, allGiven(c.nsqds), func(t target) (*Node, error) {
		r, err := c.describe(ctx, t, q)
		if err != nil {
			return nil, err
		}
		for i := range r.Stats.Topics {
			r.Node.Topics = append(r.Node.Topics, NodeTopic{Topic: r.Stats.Topics[i].TopicName})
		}
		return r.Node, nil
	})
}

// describe asks an nsqd of which only the address is known who it is and what it holds.
func (c *Cluster) describe(ctx context.Context, t target, q url.Values) (Report, error) {
	var r Report
	if err := c.client.get(ctx, nsqd, t, "/stats", q, &r.Stats); err != nil {
		return r, err
	}
	var info protocol.Info
	if err := c.client.get(ctx, nsqd, t, "/info", nil, &info); err != nil {
		return r, err
	}
	r.Node = &Node{
		Hostname: info.Hostname, BroadcastAddress: info.BroadcastAddress, TCPPort: info.TCPPort, HTTPPort: info.HTTPPort,
		Version: info.Version, TopologyZone: info.TopologyZone, TopologyRegion: info.TopologyRegion,
	}
	r.Node.answersAt(t)
	return r, nil
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
	known := map[string]*Node{}
	for _, a := range answers {
		for i := range a.data.Producers {
			n := newNode(a.from, &a.data.Producers[i])
			if have := known[n.HTTPAddress()]; have != nil {
				have.secureLike(n)
				continue
			}
			known[n.HTTPAddress()] = n
			nodes = append(nodes, n)
		}
	}
	return nodes, warnings, nil
}

// Query says which part of a node's statistics is wanted.
type Query struct {
	Topic, Channel string // empty: all
	Clients        bool   // with the consumers' connections
}

func (q Query) values() url.Values {
	v := url.Values{"format": {"json"}}
	if q.Topic != "" {
		v.Set("topic", q.Topic)
	}
	if q.Channel != "" {
		v.Set("channel", q.Channel)
	}
	if !q.Clients {
		v.Set("include_clients", "false")
	}
	return v
}

// Reports asks nodes for their statistics.
func (c *Cluster) Reports(ctx context.Context, nodes []*Node, what Query) ([]Report, Warnings, error) {
	return ask(nsqd, nodes, func(n *Node) (Report, error) { return c.Report(ctx, n, what) })
}

// Report asks one node for its statistics.
func (c *Cluster) Report(ctx context.Context, n *Node, what Query) (Report, error) {
	r := Report{Node: n}
	err := c.client.get(ctx, nsqd, n.target(), "/stats", what.values(), &r.Stats)
	return r, err
}
