package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nsqsuite/internal/metrics"
	"nsqsuite/nsqd/broker"
)

// Config is what the figures are made from.
type Config struct {
	Broker *broker.Broker
	// MaxSeries bounds the series of topics and channels.
	MaxSeries int
	// Latencies are shown too, within the bound; nil: they are not measured.
	Latencies *Latencies
	// Redriven returns how many messages redrives have moved.
	Redriven func() uint64
	// Connections returns how many clients are connected.
	Connections func() int
	// Lookupds tells of each nsqlookupd, by address, whether a connection stands.
	Lookupds func() map[string]bool
	// FreeBytes returns the room that the file system of the data path has.
	FreeBytes func() (int64, error)
	// Warnf writes to the log.
	Warnf func(format string, args ...any)
}

// Collector shows all of it. It is a prometheus.Collector.
type Collector struct {
	config Config
	syncs  prometheus.Histogram

	mu       sync.Mutex // one scrape at a time
	topics   *table[topic]
	channels *table[channel]
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("nsqd_"+name, help, labels, nil)
}

var (
	topicsDesc      = gauge("topics", "Topics there are.")
	channelsDesc    = gauge("channels", "Channels there are, over all topics.")
	connectionsDesc = gauge("connections", "Clients that are connected over TCP.")
	healthyDesc     = gauge("healthy", "Whether the last write to disk went well.")
	drainingDesc    = gauge("draining", "Whether the node refuses publishes because it is being drained.")
	memoryDesc      = gauge("message_memory_bytes", "Bytes of messages in memory, see --memory-limit.")
	freeDesc        = gauge("data_path_free_bytes", "Room left on the file system of the data path.")
	redrivenDesc    = gauge("redriven_messages_total", "Messages that were moved from a channel to another topic.")
	lookupdDesc     = gauge("lookupd_connected", "Whether the connection to a nsqlookupd stands.", "address")
)

// New returns the collector.
func New(c Config) *Collector {
	return &Collector{
		config:   c,
		syncs:    prometheus.NewHistogram(metrics.Duration("nsqd_fsync_duration_seconds", "How long syncs of log files took.")),
		topics:   newTable(topicColumns),
		channels: newTable(channelColumns),
	}
}

// Synced is told how long a sync took.
func (c *Collector) Synced(took time.Duration) { c.syncs.Observe(took.Seconds()) }

// Describe is prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{topicsDesc, channelsDesc, connectionsDesc, healthyDesc, drainingDesc, memoryDesc, freeDesc, redrivenDesc, lookupdDesc} {
		to <- d
	}
	for _, column := range topicColumns {
		to <- column.desc
	}
	for _, column := range channelColumns {
		to <- column.desc
	}
	c.syncs.Describe(to)
	if c.config.Latencies != nil {
		c.config.Latencies.Describe(to)
	}
}

// Collect is prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	topics, channels := c.collectTopics(to)
	b := c.config.Broker
	show := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	show(topicsDesc, float64(topics))
	show(channelsDesc, float64(channels))
	show(connectionsDesc, float64(c.config.Connections()))
	show(healthyDesc, flag(b.Health() == nil))
	show(drainingDesc, flag(b.Draining()))
	show(memoryDesc, float64(b.MemoryUsed()))
	if free, err := c.config.FreeBytes(); err != nil {
		c.config.Warnf("failed to ask how much room the data path has - %s", err)
	} else {
		show(freeDesc, float64(free))
	}
	to <- prometheus.MustNewConstMetric(redrivenDesc, prometheus.CounterValue, float64(c.config.Redriven()))
	for address, connected := range c.config.Lookupds() {
		show(lookupdDesc, flag(connected), address)
	}
	c.syncs.Collect(to)
	if c.config.Latencies != nil {
		c.config.Latencies.Collect(to)
	}
}

// collectTopics shows topics and channels, and returns how many there are. The
// topics take at most a quarter of the room, so that it goes to channels too.
func (c *Collector) collectTopics(to chan<- prometheus.Metric) (topics, channels int) {
	c.topics.begin()
	c.channels.begin()
	now := time.Now()
	for _, t := range c.config.Broker.Topics() {
		topics++
		c.topics.add(name{topic: t.Name()}, []string{t.Name()}, topic{t.Stats(), t.Storage()}, to)
		for _, ch := range t.Channels() {
			channels++
			figures := channel{ChannelStats: ch.Stats()}
			at, ok, err := ch.Oldest()
			if err != nil {
				c.config.Warnf("failed to look at the oldest message of %s/%s - %s", t.Name(), ch.Name(), err)
			} else if ok {
				figures.oldest = max(now.Sub(at), 0)
			}
			c.channels.add(name{t.Name(), ch.Name()}, []string{t.Name(), ch.Name()}, figures, to)
		}
	}
	room := c.config.MaxSeries
	if c.config.Latencies != nil {
		room -= c.config.Latencies.most * latencySeries
	}
	room -= len(topicColumns) + len(channelColumns) // for the sums
	left := c.topics.end(room/4, func(n name) []string { return []string{n.topic} }, to)
	c.channels.end(room-room/4+left, func(n name) []string { return []string{n.topic, n.channel} }, to)
	return topics, channels
}
