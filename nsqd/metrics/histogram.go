package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The buckets: bucket i ends at 2^(i/4) s and begins where the one before ends,
// which is Prometheus's schema 2, so that the native histogram is these buckets
// as they are. Ends of classic buckets are powers of four.
const (
	schema  = 2
	perTwo  = 1 << schema
	lowest  = -20 * perTwo // everything up to 2^-20 s, a µs, is in the zero bucket
	highest = 20 * perTwo  // everything above 2^20 s, 12 days, is in the last one

	firstLE = -14 // the classic buckets end at 2^-14 s …
	lastLE  = 12  // … to 2^12 s, …
	stepLE  = 2   // … each four times the one before
	// histogramSeries is how many series a classic histogram has: its buckets, +Inf, sum and count.
	histogramSeries = (lastLE-firstLE)/stepLE + 1 + 3
)

// histogram counts durations. client_golang's takes some 100 ns to observe one,
// as much as everything else that becomes of a message; this one takes a few, as
// it leaves the locking to who has many to observe.
type histogram struct {
	count   uint64
	sum     float64 // s
	zero    uint64
	buckets [highest - lowest]uint64 // [i] is bucket lowest+1+i
}

var roots = [...]float64{1, math.Pow(2, .25), math.Pow(2, .5), math.Pow(2, .75)}

// bucket returns the bucket of a positive number of s.
func bucket(s float64) int {
	bits := math.Float64bits(s)
	i := (int(bits>>52) - 1023) * perTwo
	mantissa := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	for _, r := range roots {
		if mantissa > r {
			i++
		}
	}
	return i
}

// observe counts a duration in ns.
func (h *histogram) observe(ns int64) {
	s := float64(ns) * 1e-9
	h.count++
	h.sum += s
	if ns <= 0 {
		h.zero++
		return
	}
	if i := bucket(s); i > lowest {
		h.buckets[min(i, highest)-lowest-1]++
	} else {
		h.zero++
	}
}

// proto returns the histogram, native and classic, as Prometheus takes it.
func (h *histogram) proto() *dto.Histogram {
	d := &dto.Histogram{
		SampleCount:   new(h.count),
		SampleSum:     new(h.sum),
		Schema:        new(int32(schema)),
		ZeroThreshold: new(math.Exp2(lowest / perTwo)),
		ZeroCount:     new(h.zero),
	}
	sum, at := h.zero, 0
	for e := firstLE; e <= lastLE; e += stepLE {
		for ; at < e*perTwo-lowest; at++ {
			sum += h.buckets[at]
		}
		d.Bucket = append(d.Bucket, &dto.Bucket{UpperBound: new(math.Exp2(float64(e))), CumulativeCount: new(sum)})
	}
	before, next := int64(0), 0 // count of the last bucket, index of the one behind it
	for i, n := range h.buckets {
		if n == 0 {
			continue
		}
		k := len(d.PositiveSpan)
		if k == 0 {
			d.PositiveSpan = append(d.PositiveSpan, &dto.BucketSpan{Offset: new(int32(lowest + 1 + i)), Length: new(uint32(0))})
			k++
		} else if i > next {
			d.PositiveSpan = append(d.PositiveSpan, &dto.BucketSpan{Offset: new(int32(i - next)), Length: new(uint32(0))})
			k++
		}
		*d.PositiveSpan[k-1].Length++
		d.PositiveDelta = append(d.PositiveDelta, int64(n)-before)
		before, next = int64(n), i+1
	}
	if h.count == h.zero { // what marks an empty histogram as native
		d.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}}
	}
	return d
}

// shown is a histogram at a scrape, with the values of its labels.
type shown struct {
	desc           *prometheus.Desc
	histogram      *dto.Histogram
	topic, channel string
}

// Desc is prometheus.Metric.
func (s shown) Desc() *prometheus.Desc { return s.desc }

// Write is prometheus.Metric.
func (s shown) Write(m *dto.Metric) error {
	m.Histogram = s.histogram
	m.Label = []*dto.LabelPair{{Name: new("channel"), Value: &s.channel}, {Name: new("topic"), Value: &s.topic}}
	return nil
}
