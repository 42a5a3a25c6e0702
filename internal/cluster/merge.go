package cluster

import (
	"cmp"
	"slices"
	"time"

	"nsqsuite/protocol"
)

// Report is what one node says of itself.
type Report struct {
	Node  *Node
	Stats protocol.Stats
}

// topicOn returns a topic as one node reports it.
func (r *Report) topicOn(s *protocol.TopicStats) *Topic {
	t := &Topic{
		Node: r.Node.HTTPAddress(), Hostname: r.Node.Hostname, TopicName: s.TopicName,
		Counts: Counts{
			Depth: s.Depth, MemoryDepth: s.Depth - s.BackendDepth, BackendDepth: s.BackendDepth, MessageCount: s.MessageCount,
		},
		Paused:               s.Paused,
		E2eProcessingLatency: leafLatency(s.E2eProcessingLatency),
		Limits:               s.Limits,
	}
	for i := range s.Channels {
		c := r.channelOn(s.TopicName, &s.Channels[i])
		t.Channels = append(t.Channels, c)
		t.addDeliveries(&c.Counts)
	}
	t.DeliveryMsgCount = t.deliveries()
	return t
}

// channelOn returns a channel as one node reports it.
func (r *Report) channelOn(topic string, s *protocol.ChannelStats) *Channel {
	c := &Channel{
		Node: r.Node.HTTPAddress(), Hostname: r.Node.Hostname, TopicName: topic, ChannelName: s.ChannelName,
		Counts: Counts{
			Depth: s.Depth, MemoryDepth: s.Depth - s.BackendDepth, BackendDepth: s.BackendDepth, MessageCount: s.MessageCount,
			ZoneLocalMsgs: s.ZoneLocalMsgCount, RegionMsgs: s.RegionLocalMsgCount, GlobalMsgs: s.GlobalMsgCount,
		},
		InFlightCount: s.InFlightCount, DeferredCount: s.DeferredCount, RequeueCount: s.RequeueCount, TimeoutCount: s.TimeoutCount,
		ClientCount:          s.ClientCount,
		Paused:               s.Paused,
		E2eProcessingLatency: leafLatency(s.E2eProcessingLatency),
		Limits:               s.Limits,
	}
	c.DeliveryMsgCount = c.deliveries()
	now := time.Now()
	for i := range s.Clients {
		c.Clients = append(c.Clients, r.client(&s.Clients[i], now))
	}
	slices.SortStableFunc(c.Clients, func(a, b *Client) int { return cmp.Compare(a.closeness(), b.closeness()) })
	return c
}

func (r *Report) client(s *protocol.ClientStats, now time.Time) *Client {
	return &Client{
		Node: r.Node.HTTPAddress(), RemoteAddress: s.RemoteAddress, Version: s.Version, ClientID: s.ClientID, Hostname: s.Hostname,
		UserAgent: s.UserAgent, ConnectTS: s.ConnectTS, Connected: int64(now.Truncate(time.Second).Sub(time.Unix(s.ConnectTS, 0))),
		InFlightCount: s.InFlightCount, ReadyCount: s.ReadyCount, FinishCount: s.FinishCount, RequeueCount: s.RequeueCount,
		MessageCount: s.MessageCount, SampleRate: s.SampleRate, Deflate: s.Deflate, Snappy: s.Snappy,
		Authed: s.Authed, AuthIdentity: s.AuthIdentity, AuthIdentityURL: s.AuthIdentityURL,
		NodeTopologyRegion: r.Node.TopologyRegion, NodeTopologyZone: r.Node.TopologyZone,
		TopologyRegion: s.TopologyRegion, TopologyZone: s.TopologyZone,
		TLS: s.TLS, TLSCipherSuite: s.TLSCipherSuite, TLSVersion: s.TLSVersion,
		TLSNegotiatedProtocol: s.TLSNegotiatedProtocol, TLSNegotiatedProtocolIsMutual: s.TLSNegotiatedProtocolIsMutual,
	}
}

// MergeTopics returns the topics of all reports, by name, each with its nodes.
func MergeTopics(reports []Report) []*Topic {
	totals := map[string]*Topic{}
	for i := range reports {
		r := &reports[i]
		for j := range r.Stats.Topics {
			leaf := r.topicOn(&r.Stats.Topics[j])
			total := totals[leaf.TopicName]
			if total == nil {
				total = newTopic(leaf.TopicName)
				totals[leaf.TopicName] = total
			}
			total.take(leaf)
		}
	}
	return sorted(totals, func(t *Topic) string { return t.TopicName })
}

// newTopic returns the total of a topic that no node has been seen to hold.
func newTopic(name string) *Topic {
	return &Topic{Node: Total, TopicName: name, E2eProcessingLatency: &Latency{Topic: name, Host: Total}}
}

// take adds a node's topic to the total. The node's own entry keeps its
// channels but not their clients, and the total gets channels of its own.
func (t *Topic) take(leaf *Topic) {
	t.add(&leaf.Counts)
	t.DeliveryMsgCount = t.deliveries()
	t.Paused = t.Paused || leaf.Paused
	t.E2eProcessingLatency.add(leaf.E2eProcessingLatency)
	t.Nodes = append(t.Nodes, leaf)
	slices.SortFunc(t.Nodes, func(a, b *Topic) int { return byHost(a.Hostname, b.Hostname, a.Node, b.Node) })
	for _, c := range leaf.Channels {
		i, found := slices.BinarySearchFunc(t.Channels, c.ChannelName, func(have *Channel, name string) int {
			return cmp.Compare(have.ChannelName, name)
		})
		if !found {
			t.Channels = slices.Insert(t.Channels, i, newChannel(c.TopicName, c.ChannelName))
		}
		t.Channels[i].take(c)
		t.Channels[i].Clients = nil
	}
}

func newChannel(topic, name string) *Channel {
	return &Channel{
		Node: Total, TopicName: topic, ChannelName: name,
		E2eProcessingLatency: &Latency{Topic: topic, Channel: name, Host: Total},
	}
}

// take adds a node's channel to the total.
func (c *Channel) take(leaf *Channel) {
	c.add(&leaf.Counts)
	c.DeliveryMsgCount = c.deliveries()
	c.InFlightCount += leaf.InFlightCount
	c.DeferredCount += leaf.DeferredCount
	c.RequeueCount += leaf.RequeueCount
	c.TimeoutCount += leaf.TimeoutCount
	c.ClientCount += leaf.ClientCount
	c.Paused = c.Paused || leaf.Paused
	c.E2eProcessingLatency.add(leaf.E2eProcessingLatency)
	c.Nodes = append(c.Nodes, leaf)
	slices.SortFunc(c.Nodes, func(a, b *Channel) int { return byHost(a.Hostname, b.Hostname, a.Node, b.Node) })
	c.Clients = append(c.Clients, leaf.Clients...)
	slices.SortStableFunc(c.Clients, func(a, b *Client) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.closeness(), b.closeness()))
	})
}

// byHost orders by hostname, nodes of one host by address.
func byHost(host, otherHost, address, otherAddress string) int {
	return cmp.Or(cmp.Compare(host, otherHost), cmp.Compare(address, otherAddress))
}

func sorted[T any](m map[string]T, name func(T) string) []T {
	all := make([]T, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
	return all
}
