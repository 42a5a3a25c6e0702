package ui

import (
	"context"
	"errors"

	"nsqsuite/internal/cluster"
)

// whole is everything that the nodes say at one moment, without clients.
type whole struct {
	Nodes    []nodeRow
	Topics   []topicRow
	Total    totals
	Lookupds int // how many nsqlookupd there are to register at
	warnings cluster.Warnings
}

// totals are sums over topics or channels.
type totals struct {
	Waiting, OnDisk    int64 // in channels, and in topics that have none
	InFlight, Deferred int64
	Messages           uint64 // published so far
	Requeued, TimedOut uint64 // so far
	ChannelCount       int
	ClientCount        int // connections of consumers
	Unconsumed         int // channels that hold messages for consumers that are not there
	Silent             int // nodes
}

// topicRow is a topic as a line of a table.
type topicRow struct {
	*cluster.Topic
	totals
}

// nodeRow is a node as a line of a table.
type nodeRow struct {
	*cluster.Node
	Silent bool // it gave no answer
	Topics int
	totals
}

// Lacking returns how many nsqlookupd do not know the node.
func (n *nodeRow) Lacking(of int) int { return max(0, of-len(n.RemoteAddresses)) }

// addChannel counts a channel in.
func (t *totals) addChannel(c *cluster.Channel) {
	t.ChannelCount++
	t.Waiting += c.Depth
	t.OnDisk += c.BackendDepth
	t.InFlight += c.InFlightCount
	t.Deferred += c.DeferredCount
	t.Requeued += c.RequeueCount
	t.TimedOut += c.TimeoutCount
	t.ClientCount += c.ClientCount
	if unconsumed(c) {
		t.Unconsumed++
	}
}

// unconsumed tells whether nobody takes what waits in a channel.
func unconsumed(c *cluster.Channel) bool { return c.ClientCount == 0 && c.Depth > 0 && !c.Paused }

// addTopic counts a topic in with its channels.
func (t *totals) addTopic(topic *cluster.Topic) {
	t.Messages += topic.MessageCount
	t.Waiting += topic.Depth
	t.OnDisk += topic.BackendDepth
	for _, c := range topic.Channels {
		t.addChannel(c)
	}
}

func rowOf(topic *cluster.Topic) topicRow {
	r := topicRow{Topic: topic}
	r.addTopic(topic)
	return r
}

// ask asks all nodes for everything. Nodes that do not answer are part of the picture.
func (u *UI) ask(ctx context.Context) (*whole, error) {
	nodes, warnings, err := u.cluster.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	w := &whole{Lookupds: len(u.cluster.Lookupds()), warnings: warnings}
	reports, more, err := u.cluster.Reports(ctx, nodes, cluster.Query{})
	var silence *cluster.UnreachableError
	if errors.As(err, &silence) && silence.Err != nil {
		more = cluster.Warnings{silence.Err.Error()}
	}
	w.warnings = append(w.warnings, more...)
	answered := map[*cluster.Node]*cluster.Report{}
	for i := range reports {
		answered[reports[i].Node] = &reports[i]
	}
	for _, n := range nodes {
		row := nodeRow{Node: n, Silent: answered[n] == nil}
		if row.Silent {
			w.Total.Silent++
		} else {
			for _, t := range cluster.MergeTopics([]cluster.Report{*answered[n]}) {
				row.Topics++
				row.addTopic(t)
			}
		}
		w.Nodes = append(w.Nodes, row)
	}
	for _, t := range cluster.MergeTopics(reports) {
		w.Topics = append(w.Topics, rowOf(t))
		w.Total.addTopic(t)
	}
	return w, nil
}
