package main

import (
	"testing"

	"nsqsuite/internal/nsqtest"
)

func TestMain(m *testing.M) { nsqtest.Main(m) }

func newBench(t *testing.T) *bench {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	return &bench{nsqd: nsqtest.Path(t, "nsqd"), lookupd: nsqtest.Path(t, "nsqlookupd"), dir: t.TempDir()}
}

// TestDeferred is `make bench BENCH="--only=deferred"` in short: what is deferred
// takes little memory, and outlives a kill and a stop with its times.
func TestDeferred(t *testing.T) {
	for i, n := range []int{200_000, 20_000, 200_000, 10_000} {
		t.Run(ways[i].name, func(t *testing.T) {
			if err := newBench(t).deferBy(n, ways[i]); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStream holds that a load ends when all has come through all channels.
func TestStream(t *testing.T) {
	b := newBench(t)
	for _, l := range []load{
		{topics: 1, channels: 1, publishers: 1, consumers: 1, body: 1, messages: 1},
		{topics: 3, channels: 2, publishers: 2, consumers: 2, body: 100, batch: 10, messages: 3000},
		{topics: 1, channels: 1, publishers: 1, consumers: 3, body: 500_000, messages: 40},
	} {
		cpu, took, err := b.stream(l)
		if err != nil || cpu <= 0 || took <= 0 {
			t.Errorf("%+v: %s, %s, %v", l, cpu, took, err)
		}
	}
}

// TestWrongBody holds that a body that is not as it was published is noticed.
func TestWrongBody(t *testing.T) {
	b := newBench(t)
	d, err := b.start()
	if err != nil {
		t.Fatal(err)
	}
	defer d.end()
	l := load{topics: 1, channels: 1, publishers: 1, consumers: 1, body: 10, messages: 10}
	if err := l.create(d); err != nil {
		t.Fatal(err)
	}
	c, err := l.attach(d)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	other := load{topics: 1, publishers: 1, body: 20, messages: 1}
	if err := other.publish(d); err != nil {
		t.Fatal(err)
	}
	if err := c.wait(); err == nil {
		t.Error("a body that is not as it was goes unnoticed")
	}
}
