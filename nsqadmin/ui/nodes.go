package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/collector"
)

// nodeRow is a node as a line of a table.
type nodeRow struct {
	*collector.Node
	Missing []string // nsqlookupd that do not know it
}

func (u *UI) nodes(r *request) view {
	s, span := r.snapshot, spanOf(r)
	data := struct {
		Rows    []nodeRow
		Charts  []*chart
		Total   collector.Sum
		Several bool // versions
	}{Total: s.Total}
	busiest := slices.Clone(s.Nodes)
	for _, n := range s.Nodes {
		data.Rows = append(data.Rows, nodeRow{n, s.MissingAt(n)})
	}
	slices.SortStableFunc(busiest, func(a, b *collector.Node) int { return cmp.Compare(b.In, a.In) })
	if len(s.Nodes) > 0 {
		all := u.collector.History(collector.Key{}, span.time)
		flow, depth := newChart("Published by node", "/s", span, all), newChart("Depth by node", "", span, all)
		for i, n := range busiest[:min(len(busiest), linesMost)] {
			h := u.collector.History(collector.Key{Node: n.Address}, span.time)
			flow.add(n.Name, i+1, h, inOf)
			depth.add(n.Name, i+1, h, depthOf)
		}
		if rest := len(busiest) - linesMost; rest > 0 {
			flow.Note = fmt.Sprintf("The busiest %d of %d nodes.", linesMost, len(busiest))
		}
		data.Charts = []*chart{flow.drawn(), depth.drawn()}
	}
	return view{page: "nodes", title: "Nodes", data: data}
}

// linesMost is how many lines a chart has.
const linesMost = 4

// nodeTopic is a topic, or one of its channels, on one node.
type nodeTopic struct {
	Topic   string
	Channel string // "" for the topic itself
	State   collector.State
	Depth   int64
	OnDisk  int64
	Channels, InFlight, Deferred,
	Requeued, TimedOut, Consumers int64
	Messages uint64
}

// nodeClient is a consumer's connection to one node.
type nodeClient struct {
	*cluster.Client
	Topic, Channel string
}

func (u *UI) node(r *request) view {
	s, span, address := r.snapshot, spanOf(r), r.params.ByName("node")
	n := s.Node(address)
	if n == nil {
		return missing("There is no node "+address+". No nsqlookupd knows it.", "", "")
	}
	data := struct {
		nodeRow
		pager
		Rows    []nodeTopic
		Query   string
		Shown   int // topics that match
		Clients []nodeClient
		Hidden  int
		Charts  []*chart
		Graphs  []graph
	}{nodeRow: nodeRow{n, s.MissingAt(n)}, Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	if n.Report != nil {
		topics, clients := onNode(n, data.Query)
		data.Shown, data.Clients = len(topics), clients
		data.pager = u.pager(r, len(topics), nodeTopicsPage)
		for _, leaf := range topics[data.From:data.To] {
			row := nodeTopic{Topic: leaf.TopicName, Depth: leaf.Depth, OnDisk: leaf.BackendDepth, Channels: int64(len(leaf.Channels)), Messages: leaf.MessageCount}
			if leaf.Paused {
				row.State = collector.State{Kind: "hold", Word: "Paused"}
			}
			data.Rows = append(data.Rows, row)
			for _, c := range leaf.Channels {
				data.Rows = append(data.Rows, channelOnNode(c))
			}
		}
	}
	if most := min(len(data.Clients), clientsMost); most < len(data.Clients) {
		data.Hidden, data.Clients = len(data.Clients)-most, data.Clients[:most]
	}
	h := u.collector.History(collector.Key{Node: n.Address}, span.time)
	data.Charts = []*chart{
		newChart("Published and finished", "/s", span, h).add("Finished", 2, h, outOf).add("Published", 1, h, inOf).drawn(),
		newChart("Depth and in flight", "", span, h).add("Depth", 1, h, depthOf).add("In flight", 3, h, inFlightOf).drawn(),
	}
	data.Graphs = u.config.Graphite.node(n.HTTPAddress())
	return view{page: "node", title: n.Name, data: data}
}

// nodeTopicsPage is how many topics of a node a page lists, each with its channels.
const nodeTopicsPage = 100

// onNode returns the topics of a node whose name, or a channel's, has all words
// of the text in it, and the consumers of their channels.
func onNode(n *collector.Node, text string) (topics []*cluster.Topic, clients []nodeClient) {
	for _, t := range cluster.MergeTopics([]cluster.Report{*n.Report}) {
		leaf := t.Nodes[0]
		names := leaf.TopicName
		for _, c := range leaf.Channels {
			names += " " + c.ChannelName
		}
		if !matches(names, strings.ToLower(text)) {
			continue
		}
		topics = append(topics, leaf)
		for _, c := range leaf.Channels {
			for _, client := range c.Clients {
				clients = append(clients, nodeClient{client, leaf.TopicName, c.ChannelName})
			}
		}
	}
	return topics, clients
}

func channelOnNode(c *cluster.Channel) nodeTopic {
	row := nodeTopic{
		Topic: c.TopicName, Channel: c.ChannelName, Depth: c.Depth, OnDisk: c.BackendDepth, InFlight: c.InFlightCount, Deferred: c.DeferredCount,
		Requeued: int64(c.RequeueCount), TimedOut: int64(c.TimeoutCount), Consumers: int64(c.ClientCount), Messages: c.MessageCount,
	}
	switch {
	case c.Paused:
		row.State = collector.State{Kind: "hold", Word: "Paused"}
	case c.ClientCount == 0 && c.Depth > 0:
		row.State = collector.State{Kind: "crit", Word: "No consumers"}
	}
	return row
}

func (u *UI) counter(r *request) view {
	data := struct {
		Messages uint64 // once for each channel
		Topics   []*collector.Topic
		Chart    *chart
		Graphs   []graph
	}{Graphs: u.config.Graphite.counter()}
	for _, t := range r.snapshot.Topics {
		for _, c := range t.Channels {
			data.Messages += c.Messages
		}
	}
	span := spanOf(r)
	h := u.collector.History(collector.Key{}, span.time)
	data.Chart = newChart("Published and finished", "/s", span, h).add("Finished", 2, h, outOf).add("Published", 1, h, inOf).drawn()
	return view{page: "counter", title: "Counter", data: data}
}

// idleTopic stands for a topic that no node has.
func idleTopic(name string, channels []string) *collector.Topic {
	t := &collector.Topic{Topic: &cluster.Topic{TopicName: name}}
	for _, c := range channels {
		t.Channels = append(t.Channels, &collector.Channel{Channel: &cluster.Channel{TopicName: name, ChannelName: c}})
	}
	return t
}
