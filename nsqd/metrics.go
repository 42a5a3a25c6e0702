package nsqd

import (
	"nsqsuite/internal/metrics"
	"nsqsuite/internal/vfs"
	series "nsqsuite/nsqd/metrics"
)

// wireMetrics makes what /metrics shows.
func (n *NSQD) wireMetrics() {
	n.series = series.New(series.Config{
		Broker:      n.broker,
		MaxSeries:   n.options.MetricsMaxSeries,
		Latencies:   n.times,
		Redriven:    n.redriver.Moved,
		Connections: func() int { return n.sessions.Count() }, // there are none yet
		Lookupds:    n.lookup.States,
		FreeBytes:   func() (int64, error) { return vfs.OS.Free(n.options.DataPath) },
		Warnf:       n.log.Warnf,
	})
	n.figures = metrics.New("nsqd")
	n.figures.MustRegister(n.series)
}
