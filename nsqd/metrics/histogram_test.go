package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// edges returns the upper ends of the native buckets of d that hold something, with how much.
func edges(d *dto.Histogram) map[float64]uint64 {
	found := map[float64]uint64{}
	at, count, k := int32(0), int64(0), 0
	for _, span := range d.PositiveSpan {
		at += span.GetOffset()
		for range span.GetLength() {
			count += d.PositiveDelta[k]
			k++
			found[math.Exp2(float64(at)/perTwo)] = uint64(count)
			at++
		}
	}
	return found
}

// TestHistogram compares both forms with counting.
func TestHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		var h histogram
		values := []int64{0, -1, int64(time.Second), int64(time.Second) + 1, int64(250 * time.Millisecond), math.MaxInt64}[:round%7]
		for range random.IntN(2000) {
			values = append(values, int64(math.Exp2(random.Float64()*55)))
		}
		for _, ns := range values {
			h.observe(ns)
		}
		d := h.proto()
		if d.GetSampleCount() != uint64(len(values)) {
			t.Fatalf("%d values, %d counted", len(values), d.GetSampleCount())
		}
		upTo := func(end float64) (n uint64) {
			for _, ns := range values {
				if float64(ns)*1e-9 <= end {
					n++
				}
			}
			return n
		}
		for _, b := range d.Bucket {
			if want := upTo(b.GetUpperBound()); b.GetCumulativeCount() != want {
				t.Errorf("round %d: %d up to %g s, want %d", round, b.GetCumulativeCount(), b.GetUpperBound(), want)
			}
		}
		sum := d.GetZeroCount()
		if want := upTo(d.GetZeroThreshold()); sum != want {
			t.Errorf("round %d: %d in the zero bucket, want %d", round, sum, want)
		}
		for end, n := range edges(d) {
			sum += n
			want := upTo(end) - upTo(end/roots[1])
			if end == math.Exp2(highest/perTwo) {
				want = uint64(len(values)) - upTo(end/roots[1])
			}
			if n != want || n == 0 {
				t.Errorf("round %d: %d in the bucket up to %g s, want %d", round, n, end, want)
			}
		}
		if sum != uint64(len(values)) {
			t.Errorf("round %d: %d in native buckets, want %d", round, sum, len(values))
		}
	}
}

// BenchmarkFinished is what measuring costs for each message, in runs of 64.
func BenchmarkFinished(b *testing.B) {
	l := NewLatencies(10000)
	ages, held := make([]int64, 64), make([]int64, 64)
	for i := range ages {
		ages[i], held[i] = int64(i)*1_234_567, int64(i)*234_567
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(ages) {
		l.Finished("topic", "channel", ages, held)
	}
}
