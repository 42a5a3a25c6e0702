package ui

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// channelRow is a channel as a line of a table.
type channelRow struct {
	*collector.Channel
	Spark template.HTML
	Drain template.HTML
	Worst nodeLatency
}

// nodeLatency is the slowest node's highest percentile.
type nodeLatency struct {
	NS   float64
	Host string
}

func (u *UI) topic(r *request) view {
	s, span, name := r.snapshot, spanOf(r), r.params.ByName("topic")
	t := s.Topic(name)
	data := struct {
		*collector.Topic
		Items     []item
		Charts    []*chart
		Rows      []channelRow
		Nodes     []*collector.TopicOn
		Idle      bool // a nsqlookupd knows it, but no node has it
		Behind    int64
		Consumed  int // channels that have consumers
		Processes int
		Graphs    []graph
		Timed     bool // there are latencies
		Publish   bool // it is offered
		Limits    limitPanel
	}{}
	if t == nil {
		channels, idle := s.Idle[name]
		if !idle {
			return u.noTopic(s, name)
		}
		data.Topic, data.Idle = idleTopic(name, channels), true
		return view{page: "topic", title: name, data: data}
	}
	data.Topic, data.Items = t, u.about(s, name, "")
	for _, c := range t.Channels {
		if c.Consumers > 0 {
			data.Consumed++
		}
		data.Processes += c.Processes
		data.Items = append(data.Items, u.about(s, name, c.ChannelName)...)
		key := collector.Key{Topic: name, Channel: c.ChannelName}
		data.Rows = append(data.Rows, channelRow{c, spark(u.collector.Depths(key), c.State.Kind), drain(c), slowest(c)})
		data.Behind = max(data.Behind, c.Depth)
		data.Timed = data.Timed || slowest(c).NS > 0
	}
	slices.SortStableFunc(data.Rows, func(a, b channelRow) int {
		return cmp.Or(cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.ChannelName, b.ChannelName))
	})
	data.Limits = u.topicLimits(t)
	data.Nodes, data.Publish = t.On, u.mayTouchMessages(r.visitor)
	h := u.collector.History(collector.Key{Topic: name}, span.time)
	var parts []part
	for _, row := range data.Rows[:min(len(data.Rows), stackedMost)] {
		if row.Depth == 0 {
			break
		}
		parts = append(parts, part{row.ChannelName, collector.Key{Topic: name, Channel: row.ChannelName}})
	}
	rest := "all else"
	if len(data.Rows) == len(parts) {
		rest = "at the topic"
	}
	data.Charts = []*chart{
		newChart("Published and finished", "/s", span, h).add("Published", 1, h, inOf).add("Finished", 2, h, outOf).drawn(),
		u.stackedDepth("Depth by channel", span, h, parts, rest),
	}
	data.Graphs = u.config.Graphite.topic(name)
	return view{page: "topic", title: name, data: data}
}

// noTopic is the page of a topic that nobody knows, with the nearest name.
func (u *UI) noTopic(s *collector.Snapshot, name string) view {
	near, best := "", len(name)/2+1
	for _, t := range s.Topics {
		if d := distance(strings.ToLower(name), strings.ToLower(t.TopicName)); d < best {
			near, best = t.TopicName, d
		}
	}
	return missing("There is no topic "+name+". No node and no nsqlookupd knows it.", near, u.link("topics", near))
}

// distance is how many letters must be changed to make one name the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

func slowest(c *collector.Channel) (l nodeLatency) {
	for _, on := range c.On {
		for _, q := range on.E2eProcessingLatency.Percentiles {
			if q.Quantile >= highestQuantile(c) && q.Max > l.NS {
				l = nodeLatency{q.Max, on.On.Name}
			}
		}
	}
	return l
}

func highestQuantile(c *collector.Channel) (highest float64) {
	for _, q := range c.E2eProcessingLatency.Percentiles {
		highest = max(highest, q.Quantile)
	}
	return highest
}

func (u *UI) channel(r *request) view {
	s, span := r.snapshot, spanOf(r)
	topic, name := r.params.ByName("topic"), r.params.ByName("channel")
	t := s.Topic(topic)
	if t == nil {
		return u.noTopic(s, topic)
	}
	c := t.Channel(name)
	if c == nil {
		return missing("There is no channel "+name+" of "+topic+". It may have been deleted, or the node that had it does not answer.", topic, u.link("topics", topic))
	}
	data := struct {
		*collector.Channel
		Items     []item
		Charts    []*chart
		Rows      []*collector.Consumer
		Hidden    int // consumers that are not listed
		Drain     template.HTML
		Slow      nodeLatency
		Peek      bool
		Redrive   bool
		Delivery  bool
		Graphs    []graph
		Ephemeral bool
		Limits    limitPanel
	}{Limits: u.channelLimits(t, c), Channel: c, Items: u.about(s, topic, name), Drain: drain(c), Slow: slowest(c), Ephemeral: protocol.IsEphemeral(name)}
	data.Rows = c.Consuming[:min(len(c.Consuming), clientsMost)]
	data.Hidden = len(c.Consuming) - len(data.Rows)
	for _, on := range c.On {
		data.Peek = data.Peek || on.On.Can(protocol.FeaturePeek) && u.mayTouchMessages(r.visitor)
		data.Redrive = data.Redrive || on.On.Can(protocol.FeatureRedrive) && u.mayTouchMessages(r.visitor)
		data.Delivery = data.Delivery || on.DeliveryMsgCount > 0
	}
	h := u.collector.History(collector.Key{Topic: topic, Channel: name}, span.time)
	draw := func(title, unit string) *chart {
		c := newChart(title, unit, span, h)
		c.Small = true
		return c
	}
	data.Charts = []*chart{
		draw("Depth", "").add("Waiting", 1, h, depthOf).drawn(),
		draw("Coming in and finished", "/s").add("Coming in", 1, h, inOf).add("Finished", 2, h, outOf).drawn(),
		draw("In flight and deferred", "").add("In flight", 1, h, inFlightOf).add("Deferred", 3, h, deferredOf).drawn(),
		draw("Requeued and timed out", "/s").add("Requeued", 1, h, requeuedOf).add("Timed out", 4, h, timedOutOf).drawn(),
	}
	if q := highestQuantile(c); q > 0 {
		data.Charts = append(data.Charts, draw("Publish to finish, slowest node", "ns").add(percentile(q), 2, h, worstOf).drawn())
	}
	data.Graphs = u.config.Graphite.channel(topic, name)
	return view{page: "channel", title: topic + " / " + name, data: data}
}

// clientsMost is how many clients a page lists.
const clientsMost = 200
