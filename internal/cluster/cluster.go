package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync/atomic"

	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

// What is asked, as errors and the log call it.
const (
	lookupd = "nsqlookupd"
	nsqd    = "nsqd"
)

// What a question can be about that is not there.
var (
	ErrNoNode    = errors.New("NODE_NOT_FOUND")
	ErrNoChannel = errors.New("CHANNEL_NOT_FOUND")
	ErrNoRedrive = errors.New("REDRIVE_NOT_FOUND")
)

// Cluster answers questions about a cluster. It is safe for concurrent use.
type Cluster struct {
	client   *client
	lookupds *atomic.Pointer[[]string]
	nsqds    []string
}

// New returns a Cluster. It asks nobody yet.
func New(config Config, log *logging.Logger) *Cluster {
	c := &Cluster{client: newClient(config, log), nsqds: config.Nsqds, lookupds: new(atomic.Pointer[[]string])}
	c.SetLookupds(config.Lookupds)
	return c
}

// Quietly returns the same cluster for one who asks all the time: its requests
// are logged at level Debug.
func (c *Cluster) Quietly(log *logging.Logger) *Cluster {
	quiet, client := *c, *c.client
	client.logf = log.Debugf
	quiet.client = &client
	return &quiet
}

// Lookupds returns the addresses of the nsqlookupd.
func (c *Cluster) Lookupds() []string { return *c.lookupds.Load() }

// SetLookupds changes them.
func (c *Cluster) SetLookupds(addresses []string) {
	addresses = slices.Clone(addresses)
	c.lookupds.Store(&addresses)
}

// UsesLookupd tells whether the nodes are found through nsqlookupd, as they are
// unless nsqd were given.
func (c *Cluster) UsesLookupd() bool { return len(c.nsqds) == 0 }

// Nsqds returns the addresses of the nsqd that were given, in nsqd mode.
func (c *Cluster) Nsqds() []string { return c.nsqds }

// Topics returns the names of all topics, sorted; nil if there are none.
func (c *Cluster) Topics(ctx context.Context) ([]string, Warnings, error) {
	var names []string
	var warnings Warnings
	if c.UsesLookupd() {
		answers, w, err := askLookupds[protocol.TopicList](ctx, c, "/topics", nil)
		if err != nil {
			return nil, nil, err
		}
		for _, a := range answers {
			names = append(names, a.data.Topics...)
		}
		warnings = w
	} else {
		answers, w, err := askNsqds[protocol.Stats](ctx, c, "/stats", Query{}.values())
		if err != nil {
			return nil, nil, err
		}
		for _, a := range answers {
			for i := range a.data.Topics {
				names = append(names, a.data.Topics[i].TopicName)
			}
		}
		warnings = w
	}
	slices.Sort(names)
	return slices.Compact(names), warnings, nil
}

// Inactive returns the topics that the nsqlookupd know but send no consumer
// anywhere for, with their channels. Where nobody can be asked there are none.
func (c *Cluster) Inactive(ctx context.Context) (map[string][]string, Warnings, error) {
	inactive := map[string][]string{}
	if !c.UsesLookupd() {
		return inactive, nil, nil
	}
	topics, warnings, err := c.Topics(ctx)
	if err != nil {
		return nil, nil, err
	}
	type found struct {
		topic    string
		channels []string
		active   bool
	}
	all, _, _ := ask(lookupd, topics, func(topic string) (found, error) {
		answers, _, err := askLookupds[protocol.Lookup](ctx, c, "/lookup", url.Values{"topic": {topic}})
		f := found{topic: topic}
		for _, a := range answers {
			f.active = f.active || len(a.data.Producers) > 0
			f.channels = append(f.channels, a.data.Channels...)
		}
		slices.Sort(f.channels)
		f.channels = slices.Compact(f.channels)
		return f, err
	})
	for _, f := range all {
		if !f.active {
			inactive[f.topic] = f.channels
		}
	}
	return inactive, warnings, nil
}

// Topic returns a topic's numbers. Without a node that has it there are none,
// which is no error; one that no nsqlookupd knows is an *UnreachableError.
func (c *Cluster) Topic(ctx context.Context, name string) (*Topic, Warnings, error) {
	nodes, warnings, err := c.TopicNodes(ctx, name)
	if err != nil || len(nodes) == 0 {
		return newTopic(name), warnings, err
	}
	reports, more, err := c.Reports(ctx, nodes, Query{Topic: name})
	warnings = append(warnings, more...)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range MergeTopics(reports) {
		if t.TopicName == name {
			return t, warnings, nil
		}
	}
	return newTopic(name), warnings, nil
}

// Channel returns a channel's numbers and clients. The error is ErrNoChannel if
// no node of the topic has it.
func (c *Cluster) Channel(ctx context.Context, topic, name string) (*Channel, Warnings, error) {
	nodes, warnings, err := c.TopicNodes(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	if len(nodes) == 0 {
		return nil, warnings, ErrNoChannel
	}
	reports, more, err := c.Reports(ctx, nodes, Query{Topic: topic, Channel: name, Clients: true})
	warnings = append(warnings, more...)
	if err != nil {
		return nil, nil, err
	}
	total := newChannel(topic, name)
	for i := range reports {
		r := &reports[i]
		for j := range r.Stats.Topics {
			for k := range r.Stats.Topics[j].Channels {
				if s := &r.Stats.Topics[j].Channels[k]; r.Stats.Topics[j].TopicName == topic && s.ChannelName == name {
					total.take(r.channelOn(topic, s))
				}
			}
		}
	}
	if len(total.Nodes) == 0 {
		return nil, warnings, ErrNoChannel
	}
	return total, warnings, nil
}

// Node returns a node by the address of its HTTP API, and its topics with their
// channels and clients. The error is ErrNoNode if nobody knows it.
func (c *Cluster) Node(ctx context.Context, address string) (*Node, []*Topic, Warnings, error) {
	nodes, warnings, err := c.Nodes(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	i := slices.IndexFunc(nodes, func(n *Node) bool { return n.HTTPAddress() == address })
	if i < 0 {
		return nil, nil, warnings, ErrNoNode
	}
	reports, more, err := c.Reports(ctx, nodes[i:i+1], Query{Clients: true})
	warnings = append(warnings, more...)
	if err != nil {
		return nodes[i], nil, nil, err
	}
	r := &reports[0]
	topics := make([]*Topic, len(r.Stats.Topics))
	for j := range r.Stats.Topics {
		topics[j] = r.topicOn(&r.Stats.Topics[j])
	}
	return nodes[i], topics, warnings, nil
}

// Counters returns how many messages each channel of each node has got, by
// topic:channel:node.
func (c *Cluster) Counters(ctx context.Context) (map[string]Count, Warnings, error) {
	nodes, warnings, err := c.Nodes(ctx)
	if err != nil {
		return nil, nil, err
	}
	reports, more, err := c.Reports(ctx, nodes, Query{})
	if err != nil {
		return nil, nil, err
	}
	counts := map[string]Count{}
	for i := range reports {
		node := reports[i].Node.HTTPAddress()
		for _, t := range reports[i].Stats.Topics {
			for _, ch := range t.Channels {
				key := fmt.Sprintf("%s:%s:%s", t.TopicName, ch.ChannelName, node)
				counts[key] = Count{Node: node, TopicName: t.TopicName, ChannelName: ch.ChannelName, MessageCount: ch.MessageCount}
			}
		}
	}
	return counts, append(warnings, more...), nil
}
