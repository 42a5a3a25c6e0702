package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"nsqsuite/internal/metrics"
)

// latencySeries is how many series the latencies of one channel are.
const latencySeries = 2 * histogramSeries

var (
	deliveryDesc = prometheus.NewDesc("nsqd_channel_delivery_latency_seconds",
		"Time from the publish of finished messages to their last delivery, delays that were asked for included.",
		[]string{"topic", "channel"}, nil)
	processingDesc = prometheus.NewDesc("nsqd_channel_processing_latency_seconds",
		"Time from the last delivery of finished messages to their finish.",
		[]string{"topic", "channel"}, nil)
)

type name struct{ topic, channel string }

// Latencies gathers how long messages wait and are worked on. A nil *Latencies
// is one that is switched off. It is safe for concurrent use.
type Latencies struct {
	most int // channels with histograms of their own

	mu       sync.RWMutex
	channels map[name]*latency
	other    *latency // of all other channels; nil: there are none
}

// latency is a channel's.
type latency struct {
	mu                   sync.Mutex
	delivery, processing histogram
}

// NewLatencies returns Latencies that show at most maxSeries series.
func NewLatencies(maxSeries int) *Latencies {
	return &Latencies{most: maxSeries / latencySeries, channels: map[name]*latency{}}
}

// Finished is for broker.Config.Finished.
func (l *Latencies) Finished(topic, channel string, ages, held []int64) {
	c := l.of(name{topic, channel})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ages {
		c.delivery.observe(ages[i] - held[i])
		c.processing.observe(held[i])
	}
}

// of returns where the latencies of a channel are gathered.
func (l *Latencies) of(n name) *latency {
	l.mu.RLock()
	c := l.channels[n]
	if c == nil && len(l.channels) >= l.most {
		c = l.other
	}
	l.mu.RUnlock()
	if c != nil {
		return c
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.channels[n] != nil:
	case len(l.channels) < l.most:
		l.channels[n] = new(latency)
	default:
		if l.other == nil {
			l.other = new(latency)
		}
		return l.other
	}
	return l.channels[n]
}

// Forget drops the latencies of a channel that is gone.
func (l *Latencies) Forget(topic, channel string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.channels, name{topic, channel})
}

// Describe is prometheus.Collector.
func (l *Latencies) Describe(to chan<- *prometheus.Desc) {
	to <- deliveryDesc
	to <- processingDesc
}

// Collect is prometheus.Collector.
func (l *Latencies) Collect(to chan<- prometheus.Metric) {
	l.mu.RLock()
	all := make(map[name]*latency, len(l.channels)+1)
	for n, c := range l.channels {
		all[n] = c
	}
	if l.other != nil {
		all[name{metrics.Other, metrics.Other}] = l.other
	}
	l.mu.RUnlock()
	for n, c := range all {
		c.mu.Lock()
		delivery, processing := c.delivery.proto(), c.processing.proto()
		c.mu.Unlock()
		to <- shown{deliveryDesc, delivery, n.topic, n.channel}
		to <- shown{processingDesc, processing, n.topic, n.channel}
	}
}
