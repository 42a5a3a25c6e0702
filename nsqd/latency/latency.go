// Package latency tells how long messages take from their publish to their
// finish: percentiles over a sliding window, by channel and by topic
// (nsqd-http-and-config.md 1.6 and 2.4).
//
// A channel has two histograms that take turns: every half window the older one
// is dropped, and both together answer, so an answer covers between half a
// window and a whole one. An idle channel has none.
package latency

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"nsqsuite/protocol"
)

// The histograms' range, in ns, and how many digits of a value are right.
const (
	lowest  = int64(time.Microsecond)
	highest = int64(10 * 24 * time.Hour)
	digits  = 2
)

// Recorder gathers the samples of all channels. A nil *Recorder is one that is
// switched off. It is safe for concurrent use.
type Recorder struct {
	quantiles []float64
	half      time.Duration

	mu       sync.RWMutex
	channels map[name]*window
}

type name struct{ topic, channel string }

// window is a channel's samples.
type window struct {
	mu     sync.Mutex
	since  time.Time                  // when the current half began
	halves [2]*hdrhistogram.Histogram // the current one first; nil: no samples
}

// New returns a Recorder for these quantiles, each more than 0 and at most 1, or
// nil if there are none.
func New(quantiles []float64, over time.Duration) *Recorder {
	if len(quantiles) == 0 {
		return nil
	}
	return &Recorder{quantiles: quantiles, half: over / 2, channels: map[name]*window{}}
}

// Finished takes the ages, in ns, of messages that a channel's consumers have finished.
func (r *Recorder) Finished(topic, channel string, ages []int64, now time.Time) {
	if r == nil {
		return
	}
	w := r.window(name{topic, channel}, now)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now, r.half)
	if w.halves[0] == nil {
		w.halves[0] = newHistogram()
	}
	for _, age := range ages {
		w.halves[0].RecordValue(min(max(age, 0), highest)) //nolint:errcheck // it is within the range
	}
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(lowest, highest, digits) }

// window returns the samples of a channel. When it makes room for a new one, it
// throws away those without samples.
func (r *Recorder) window(n name, now time.Time) *window {
	r.mu.RLock()
	w := r.channels[n]
	r.mu.RUnlock()
	if w != nil {
		return w
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.channels[n]; w != nil {
		return w
	}
	for other, w := range r.channels {
		w.mu.Lock()
		w.turn(now, r.half)
		if w.halves[0] == nil && w.halves[1] == nil {
			delete(r.channels, other)
		}
		w.mu.Unlock()
	}
	w = &window{since: now}
	r.channels[n] = w
	return w
}

// turn drops what is too old. The caller holds mu.
func (w *window) turn(now time.Time, half time.Duration) {
	switch passed := now.Sub(w.since); {
	case passed < half:
		return
	case passed < 2*half:
		w.halves = [2]*hdrhistogram.Histogram{nil, w.halves[0]}
		w.since = w.since.Add(half)
	default:
		w.halves = [2]*hdrhistogram.Histogram{}
		w.since = now
	}
}

// Forget drops the samples of a channel that is gone.
func (r *Recorder) Forget(topic, channel string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.channels, name{topic, channel})
}

// Of returns the percentiles over these channels of a topic together.
func (r *Recorder) Of(topic string, now time.Time, channels ...string) *protocol.E2eLatency {
	if r == nil || len(channels) == 0 {
		return &protocol.E2eLatency{}
	}
	var sum *hdrhistogram.Histogram
	for _, c := range channels {
		r.mu.RLock()
		w := r.channels[name{topic, c}]
		r.mu.RUnlock()
		if w != nil {
			sum = w.addTo(sum, now, r.half)
		}
	}
	e := &protocol.E2eLatency{Percentiles: make([]protocol.Percentile, len(r.quantiles))}
	for i, q := range r.quantiles {
		e.Percentiles[i].Quantile = q
		if sum != nil {
			e.Percentiles[i].Value = float64(sum.ValueAtQuantile(q * 100))
		}
	}
	if sum != nil {
		e.Count = int(sum.TotalCount())
	}
	return e
}

// addTo adds the samples to sum, which may be nil, and returns it.
func (w *window) addTo(sum *hdrhistogram.Histogram, now time.Time, half time.Duration) *hdrhistogram.Histogram {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now, half)
	for _, h := range w.halves {
		if h == nil {
			continue
		}
		if sum == nil {
			sum = newHistogram()
		}
		sum.Merge(h)
	}
	return sum
}
