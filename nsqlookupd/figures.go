package nsqlookupd

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nsqsuite/internal/metrics"
	"nsqsuite/nsqlookupd/registry"
)

// figures is what /metrics shows.
type figures struct {
	*metrics.Registry
	registry    *registry.Registry
	lookups     *prometheus.CounterVec
	commands    map[string]prometheus.Counter // by name, see commandWords; looked up for each PING
	connections prometheus.Gauge
}

var (
	topicsDesc     = prometheus.NewDesc("nsqlookupd_topics", "Topics that are registered.", nil, nil)
	channelsDesc   = prometheus.NewDesc("nsqlookupd_channels", "Channels that are registered, over all topics.", nil, nil)
	producersDesc  = prometheus.NewDesc("nsqlookupd_producers", "Connected nsqd; an inactive one has not pinged for --inactive-producer-timeout.", []string{"state"}, nil)
	registersDesc  = prometheus.NewDesc("nsqlookupd_registrations", "Registrations: pairs of a producer and a topic or channel.", []string{"kind"}, nil)
	tombstonesDesc = prometheus.NewDesc("nsqlookupd_tombstones", "Tombstones that hide a producer from a topic.", nil, nil)
)

// The commands that are counted by name, and all others.
var commandWords = []string{"IDENTIFY", "REGISTER", "UNREGISTER", "PING", metrics.Other}

func newFigures(r *registry.Registry) *figures {
	f := &figures{
		Registry: metrics.New("nsqlookupd"),
		registry: r,
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsqlookupd_lookups_total", Help: "Questions for the producers of a topic, by whether it was known.",
		}, []string{"result"}),
		commands: map[string]prometheus.Counter{},
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nsqlookupd_connections", Help: "Connections of nsqd.",
		}),
	}
	for _, result := range []string{"found", "unknown"} {
		f.lookups.WithLabelValues(result)
	}
	commands := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nsqlookupd_commands_total", Help: "Commands that nsqd have sent.",
	}, []string{"command"})
	for _, word := range commandWords {
		f.commands[word] = commands.WithLabelValues(word)
	}
	f.MustRegister(f, f.lookups, commands, f.connections)
	return f
}

// looked counts a lookup.
func (f *figures) looked(found bool) {
	result := "unknown"
	if found {
		result = "found"
	}
	f.lookups.WithLabelValues(result).Inc()
}

// command counts a command.
func (f *figures) command(word string) {
	counter, known := f.commands[word]
	if !known {
		counter = f.commands[metrics.Other]
	}
	counter.Inc()
}

// Describe is prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{topicsDesc, channelsDesc, producersDesc, registersDesc, tombstonesDesc} {
		to <- d
	}
}

// Collect is prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	n := f.registry.Counts(time.Now())
	show := func(d *prometheus.Desc, v int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	show(topicsDesc, n.Topics)
	show(channelsDesc, n.Channels)
	show(producersDesc, n.Active, "active")
	show(producersDesc, n.Inactive, "inactive")
	show(registersDesc, n.TopicProducers, "topic")
	show(registersDesc, n.ChannelProducers, "channel")
	show(tombstonesDesc, n.Tombstones)
}
