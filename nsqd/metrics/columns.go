package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nsqsuite/nsqd/broker"
)

// column is one figure that every topic, or every channel, has.
type column[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
	// worst: of several, the largest counts, not the sum.
	worst bool
}

// topic is what the figures of a topic are made from.
type topic struct {
	broker.TopicStats
	broker.Storage
}

// channel is what the figures of a channel are made from.
type channel struct {
	broker.ChannelStats
	oldest time.Duration // the age of the oldest message
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func topicColumn(name, help string, kind prometheus.ValueType, value func(topic) float64) column[topic] {
	return column[topic]{desc: prometheus.NewDesc("nsqd_topic_"+name, help, []string{"topic"}, nil), kind: kind, value: value}
}

var topicColumns = []column[topic]{
	topicColumn("depth_messages", "Messages that the topic holds for a channel to come, or because it is paused.",
		prometheus.GaugeValue, func(t topic) float64 { return float64(t.Depth) }),
	topicColumn("backend_depth_messages", "Messages that the topic holds and that are on disk only.",
		prometheus.GaugeValue, func(t topic) float64 { return float64(t.BackendDepth) }),
	topicColumn("messages_total", "Messages published.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.Messages) }),
	topicColumn("message_bytes_total", "Bytes of the bodies of messages published.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.TopicStats.Bytes) }),
	topicColumn("paused", "Whether the topic is paused.",
		prometheus.GaugeValue, func(t topic) float64 { return flag(t.Paused) }),
	topicColumn("log_bytes", "Bytes in use in the topic's log on disk.",
		prometheus.GaugeValue, func(t topic) float64 { return float64(t.Storage.Bytes) }),
	topicColumn("log_segments", "Files of the topic's log.",
		prometheus.GaugeValue, func(t topic) float64 { return float64(t.Segments) }),
	topicColumn("journal_bytes", "Bytes of the journal that tells where the topic's channels are.",
		prometheus.GaugeValue, func(t topic) float64 { return float64(t.Journal) }),
	topicColumn("rejected_total", "Messages refused because the topic or one of its channels was full, or the disk low.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.Rejected) }),
	topicColumn("dropped_total", "Messages that the topic held and that were dropped because they were too many.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.Dropped) }),
	topicColumn("expired_total", "Messages that the topic held and that were dropped because they were too old.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.Expired) }),
	topicColumn("damaged_messages_total", "Messages found unreadable on disk.",
		prometheus.CounterValue, func(t topic) float64 { return float64(t.Damaged) }),
}

func channelColumn(name, help string, kind prometheus.ValueType, value func(channel) float64) column[channel] {
	return column[channel]{desc: prometheus.NewDesc("nsqd_channel_"+name, help, []string{"topic", "channel"}, nil), kind: kind, value: value}
}

var channelColumns = []column[channel]{
	channelColumn("depth_messages", "Messages that wait for a consumer.",
		prometheus.GaugeValue, func(c channel) float64 { return float64(c.Depth) }),
	channelColumn("backend_depth_messages", "Messages that wait and are on disk only.",
		prometheus.GaugeValue, func(c channel) float64 { return float64(c.BackendDepth) }),
	channelColumn("in_flight_messages", "Messages delivered and not yet finished.",
		prometheus.GaugeValue, func(c channel) float64 { return float64(c.InFlight) }),
	channelColumn("deferred_messages", "Messages that wait for a time to come.",
		prometheus.GaugeValue, func(c channel) float64 { return float64(c.Deferred) }),
	channelColumn("messages_total", "Messages that entered the channel.",
		prometheus.CounterValue, func(c channel) float64 { return float64(c.Messages) }),
	channelColumn("delivered_total", "Deliveries, first and later attempts.",
		prometheus.CounterValue, func(c channel) float64 {
			return float64(c.Delivered[broker.Global] + c.Delivered[broker.RegionLocal] + c.Delivered[broker.ZoneLocal])
		}),
	channelColumn("requeued_total", "Messages that consumers gave back.",
		prometheus.CounterValue, func(c channel) float64 { return float64(c.Requeues) }),
	channelColumn("timed_out_total", "Messages that consumers did not finish in time.",
		prometheus.CounterValue, func(c channel) float64 { return float64(c.Timeouts) }),
	channelColumn("dropped_total", "Messages dropped because the channel's limits, or those of an ephemeral channel, left no room for them.",
		prometheus.CounterValue, func(c channel) float64 { return float64(c.Dropped) }),
	channelColumn("expired_total", "Messages dropped because they were older than the channel's limits allow.",
		prometheus.CounterValue, func(c channel) float64 { return float64(c.Expired) }),
	channelColumn("consumers", "Consumers that have subscribed.",
		prometheus.GaugeValue, func(c channel) float64 { return float64(c.Consumers) }),
	channelColumn("paused", "Whether the channel is paused.",
		prometheus.GaugeValue, func(c channel) float64 { return flag(c.Paused) }),
	oldestColumn,
}

var oldestColumn = func() column[channel] {
	c := channelColumn("oldest_message_age_seconds", "Age of the oldest message that waits or is in flight, since its publish; 0: there is none.",
		prometheus.GaugeValue, func(c channel) float64 { return c.oldest.Seconds() })
	c.worst = true
	return c
}()
