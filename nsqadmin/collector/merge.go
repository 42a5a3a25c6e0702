package collector

import (
	"cmp"
	"slices"
	"time"

	"nsqsuite/internal/cluster"
)

// rates adds those of a topic, or of a channel, of which what comes in has been counted with the topic.
func (s *Sum) rates(r Rates, topic, stale bool) {
	if stale {
		return
	}
	if !topic {
		r.In = 0
	}
	s.Rates.add(r)
}

// Add adds a topic, or what several come to.
func (s *Sum) Add(t *Sum) {
	s.Rates.add(t.Rates)
	s.TopicCount += t.TopicCount
	s.ChannelCount += t.ChannelCount
	s.Depth += t.Depth
	s.OnDisk += t.OnDisk
	s.InFlight += t.InFlight
	s.Deferred += t.Deferred
	s.Messages += t.Messages
	s.Requeues += t.Requeues
	s.Timeouts += t.Timeouts
	s.Consumers += t.Consumers
	s.Ready += t.Ready
	s.PausedCount += t.PausedCount
	s.Worst = max(s.Worst, t.Worst)
}

// newTopic returns a topic of the cluster with the rates of those nodes that answer.
func newTopic(t *cluster.Topic, watched map[string]*node, at map[string]*Node, now time.Time) *Topic {
	topic := &Topic{Topic: t, Sum: Sum{TopicCount: 1, Depth: t.Depth, OnDisk: t.BackendDepth, Messages: t.MessageCount, Worst: worst(t.E2eProcessingLatency)}}
	if t.Paused {
		topic.PausedCount++
	}
	for _, leaf := range t.Nodes {
		on := &TopicOn{Topic: leaf, On: at[leaf.Node], Rates: watched[leaf.Node].rates[subject{t.TopicName, ""}]}
		topic.On = append(topic.On, on)
		if !on.On.Stale {
			topic.Rates.add(on.Rates)
		}
	}
	for _, c := range t.Channels {
		channel := newChannel(c, watched, at, now)
		topic.Channels = append(topic.Channels, channel)
		topic.ChannelCount++
		topic.Depth += channel.Depth
		topic.OnDisk += channel.OnDisk
		topic.InFlight += channel.InFlight
		topic.Deferred += channel.Deferred
		topic.Requeues += channel.Requeues
		topic.Timeouts += channel.Timeouts
		topic.Consumers += channel.Consumers
		topic.Ready += channel.Ready
		topic.PausedCount += channel.PausedCount
		topic.Worst = max(topic.Worst, channel.Worst)
		topic.rates(channel.Rates, false, false)
	}
	return topic
}

func newChannel(c *cluster.Channel, watched map[string]*node, at map[string]*Node, now time.Time) *Channel {
	channel := &Channel{Channel: c, Sum: Sum{
		ChannelCount: 1, Depth: c.Depth, OnDisk: c.BackendDepth, InFlight: c.InFlightCount, Deferred: c.DeferredCount,
		Messages: c.MessageCount, Requeues: c.RequeueCount, Timeouts: c.TimeoutCount, Consumers: c.ClientCount,
		Worst: worst(c.E2eProcessingLatency),
	}}
	if c.Paused {
		channel.PausedCount++
	}
	for _, leaf := range c.Nodes {
		of := subject{c.TopicName, c.ChannelName}
		n := watched[leaf.Node]
		on := &ChannelOn{Channel: leaf, On: at[leaf.Node], Rates: n.rates[of]}
		channel.On = append(channel.On, on)
		if !on.On.Stale {
			channel.Rates.add(on.Rates)
		}
		for _, client := range leaf.Clients {
			shown := &Client{Client: client, On: on.On}
			key := connection{subject: of, remote: client.RemoteAddress + client.ClientID, since: client.ConnectTS}
			if p := n.clients[key]; p != nil {
				shown.Finished, shown.Idle, shown.Seen = p.rate, now.Sub(p.changed), p.seen
			}
			shown.Stuck = !on.On.Stale && client.InFlightCount > 0 && shown.Idle >= stuckAfter
			if shown.Stuck {
				channel.Stuck++
			}
			channel.Ready += client.ReadyCount
			channel.Clients = append(channel.Clients, shown)
		}
	}
	slices.SortStableFunc(channel.Clients, func(a, b *Client) int {
		if a.Stuck != b.Stuck {
			if a.Stuck {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.RemoteAddress, b.RemoteAddress), cmp.Compare(a.Node, b.Node))
	})
	channel.consumers()
	return channel
}

// worst returns the highest percentile of the slowest node.
func worst(l *cluster.Latency) float64 {
	var highest cluster.Quantile
	for _, q := range l.Percentiles {
		if q.Quantile >= highest.Quantile {
			highest = q
		}
	}
	return highest.Max
}
