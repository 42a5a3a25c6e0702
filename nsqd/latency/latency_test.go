package latency

import (
	"math"
	"reflect"
	"testing"
	"time"

	"nsqsuite/protocol"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const ms = int64(time.Millisecond)

// expect checks count and values, which may be off by a percent or a µs.
func expect(t *testing.T, what string, got *protocol.E2eLatency, count int, values ...int64) {
	t.Helper()
	if got.Count != count || len(got.Percentiles) != len(values) {
		t.Fatalf("%s: got %+v, want %d samples, values %v", what, got, count, values)
	}
	for i, want := range values {
		if math.Abs(got.Percentiles[i].Value-float64(want)) > 0.011*float64(want)+1e3 {
			t.Errorf("%s: got %+v, want values %v", what, got, values)
		}
	}
}

func TestPercentiles(t *testing.T) {
	r := New([]float64{1, 0.95, 0.5}, 10*time.Minute)
	var ages []int64
	for i := range int64(1000) {
		ages = append(ages, (i+1)*ms)
	}
	r.Finished("t", "c", ages, start)
	expect(t, "channel", r.Of("t", start, "c"), 1000, 1000*ms, 950*ms, 500*ms)
	expect(t, "no samples", r.Of("t", start, "d"), 0, 0, 0, 0)
	r.Finished("t", "d", []int64{5000 * ms}, start)
	expect(t, "one sample", r.Of("t", start, "d"), 1, 5000*ms, 5000*ms, 5000*ms)
	expect(t, "topic", r.Of("t", start, "c", "d", "none"), 1001, 5000*ms, 951*ms, 501*ms)
	expect(t, "another topic", r.Of("u", start, "c"), 0, 0, 0, 0)
	r.Finished("t", "odd", []int64{-5, math.MaxInt64, 0}, start)
	expect(t, "out of range", r.Of("t", start, "odd"), 3, highest, highest, 0)
	r.Forget("t", "c")
	expect(t, "forgotten", r.Of("t", start, "c"), 0, 0, 0, 0)
	if got, want := r.Of("t", start), (&protocol.E2eLatency{}); !reflect.DeepEqual(got, want) {
		t.Errorf("a topic without channels: %+v", got)
	}
}

func TestOff(t *testing.T) {
	r := New(nil, time.Minute)
	if r != nil {
		t.Fatal("a recorder of nothing")
	}
	r.Finished("t", "c", []int64{1}, start)
	r.Forget("t", "c")
	if got, want := r.Of("t", start, "c"), (&protocol.E2eLatency{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestWindow(t *testing.T) {
	const half = time.Minute
	r := New([]float64{1}, 2*half)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	r.Finished("t", "c", []int64{1 * ms}, at(0))
	r.Finished("t", "c", []int64{2 * ms}, at(half-1))
	expect(t, "first half", r.Of("t", at(half-1), "c"), 2, 2*ms)
	expect(t, "they are kept for another half", r.Of("t", at(2*half-1), "c"), 2, 2*ms)
	r.Finished("t", "c", []int64{1 * ms}, at(2*half-1))
	expect(t, "both halves", r.Of("t", at(2*half-1), "c"), 3, 2*ms)
	expect(t, "the older half is gone", r.Of("t", at(2*half), "c"), 1, 1*ms)
	expect(t, "all are gone", r.Of("t", at(9*half), "c"), 0, 0)
	r.Finished("t", "c", []int64{3 * ms}, at(9*half))
	expect(t, "it begins anew", r.Of("t", at(10*half-1), "c"), 1, 3*ms)
	if len(r.channels) != 1 {
		t.Errorf("%d windows", len(r.channels))
	}
	r.Finished("t", "d", []int64{1}, at(20*half))
	if len(r.channels) != 1 {
		t.Errorf("%d windows: one without samples is kept", len(r.channels))
	}
}

func BenchmarkFinished(b *testing.B) {
	r := New([]float64{0.99}, time.Minute)
	ages := []int64{1 * ms, 2 * ms, 3 * ms, 4 * ms, 5 * ms, 6 * ms, 7 * ms, 8 * ms}
	for range b.N {
		r.Finished("t", "c", ages, start)
	}
}
