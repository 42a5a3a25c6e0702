package metrics

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/metrics"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
)

// newCollector returns a collector over a broker with topics t00, t01 and so on,
// each with a channel c and two messages.
func newCollector(t testing.TB, topics, maxSeries int, l *Latencies) (*Collector, *broker.Broker) {
	t.Helper()
	b := broker.New(broker.Config{Store: diskqueue.NewStore(vfs.NewMem(), ".", 0), MemQueueSize: 1000})
	t.Cleanup(func() { b.Close() }) //nolint:errcheck // a disk in memory
	for i := range topics {
		addTopic(t, b, fmt.Sprintf("t%02d", i))
	}
	return New(Config{
		Broker: b, MaxSeries: maxSeries, Latencies: l,
		Redriven:    func() uint64 { return 5 },
		Connections: func() int { return 3 },
		Lookupds:    func() map[string]bool { return map[string]bool{"a:1": true, "b:1": false} },
		FreeBytes:   func() (int64, error) { return 42, nil },
		Warnf:       func(format string, args ...any) { t.Errorf(format, args...) },
	}), b
}

func addTopic(t testing.TB, b *broker.Broker, name string) {
	t.Helper()
	topic, err := b.Topic(name)
	if err == nil {
		_, err = topic.Channel("c")
	}
	if err == nil {
		err = topic.Publish([]broker.Message{{Body: []byte("a")}, {Body: []byte("b")}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// values returns the values of a metric by its labels, and how many series topics and channels have.
func values(t testing.TB, c prometheus.Collector, metric string) (values map[string]float64, series int) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values = map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			if f.GetName() == metric {
				values[strings.Join(labels, ",")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
			if strings.HasPrefix(f.GetName(), "nsqd_topic_") || strings.HasPrefix(f.GetName(), "nsqd_channel_") {
				if h := m.GetHistogram(); h != nil {
					series += len(h.Bucket) + 3
				} else {
					series++
				}
			}
		}
	}
	return values, series
}

func TestCollector(t *testing.T) {
	l := NewLatencies(500)
	l.Finished("t00", "c", []int64{int64(3 * time.Second)}, []int64{int64(time.Second)})
	c, _ := newCollector(t, 1, 1000, l)
	c.Synced(time.Millisecond)
	want := `
# HELP nsqd_channel_depth_messages Messages that wait for a consumer.
# TYPE nsqd_channel_depth_messages gauge
nsqd_channel_depth_messages{channel="c",topic="t00"} 2
# HELP nsqd_topic_message_bytes_total Bytes of the bodies of messages published.
# TYPE nsqd_topic_message_bytes_total counter
nsqd_topic_message_bytes_total{topic="t00"} 2
# HELP nsqd_redriven_messages_total Messages that were moved from a channel to another topic.
# TYPE nsqd_redriven_messages_total counter
nsqd_redriven_messages_total 5
# HELP nsqd_lookupd_connected Whether the connection to a nsqlookupd stands.
# TYPE nsqd_lookupd_connected gauge
nsqd_lookupd_connected{address="a:1"} 1
nsqd_lookupd_connected{address="b:1"} 0
# HELP nsqd_data_path_free_bytes Room left on the file system of the data path.
# TYPE nsqd_data_path_free_bytes gauge
nsqd_data_path_free_bytes 42
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want),
		"nsqd_channel_depth_messages", "nsqd_topic_message_bytes_total", "nsqd_lookupd_connected", "nsqd_redriven_messages_total", "nsqd_data_path_free_bytes"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Errorf("names: %v, %v", problems, err)
	}
	var warned string
	c.config.Warnf = func(format string, args ...any) { warned = fmt.Sprintf(format, args...) }
	c.config.FreeBytes = func() (int64, error) { return 0, errors.New("no such disk") }
	if free, _ := values(t, c, "nsqd_data_path_free_bytes"); len(free) > 0 || !strings.HasSuffix(warned, "no such disk") {
		t.Errorf("%v, %q", free, warned)
	}
}

// TestSeriesAreBounded has topics come and go beyond the bound: none of the
// labels is taken from who has them, and no sum falls.
func TestSeriesAreBounded(t *testing.T) {
	const bound, published = 200, "nsqd_topic_messages_total"
	c, b := newCollector(t, 30, bound, nil)
	first, series := values(t, c, published)
	if series > bound || len(first) < 4 {
		t.Fatalf("%d series, %v", series, first)
	}
	rest := first[metrics.Other]
	if want := float64(2 * (30 - (len(first) - 1))); rest != want {
		t.Errorf("the rest has %v messages, want %v", rest, want)
	}
	if depth, _ := values(t, c, "nsqd_channel_depth_messages"); depth[metrics.Other+","+metrics.Other] != float64(2*(30-(len(depth)-1))) {
		t.Errorf("depths: %v", depth)
	}
	for round := range 30 {
		if err := b.DeleteTopic(fmt.Sprintf("t%02d", 29-round)); err != nil {
			t.Fatal(err)
		}
		if round%3 == 0 {
			addTopic(t, b, fmt.Sprintf("new%d", round))
		}
		now, series := values(t, c, published)
		if series > bound {
			t.Fatalf("round %d: %d series", round, series)
		}
		if now[metrics.Other] < rest {
			t.Fatalf("round %d: the rest falls from %v to %v", round, rest, now[metrics.Other])
		}
		rest = now[metrics.Other]
		for name := range first {
			if _, there := now[name]; !there && name != metrics.Other {
				if _, exists := b.FindTopic(name); exists {
					t.Fatalf("round %d: %s has lost its labels", round, name)
				}
			}
		}
	}
	if now, _ := values(t, c, published); len(now) != len(first) { // new ones have the free places
		t.Errorf("at the end: %v", now)
	}
}

func TestLatenciesAreBounded(t *testing.T) {
	const bound = 5*latencySeries + 400
	l := NewLatencies(bound / 2)
	c, _ := newCollector(t, 20, bound, l)
	for i := range 10 {
		l.Finished("t", fmt.Sprint(i), []int64{5}, []int64{1})
	}
	if found, series := values(t, c, "nsqd_channel_delivery_latency_seconds"); series > bound+latencySeries || len(found) != l.most+1 {
		t.Errorf("%d series, %v", series, found)
	}
	l.Forget("t", "0")
	l.Finished("t", "new", []int64{5}, []int64{1})
	if found, _ := values(t, c, "nsqd_channel_delivery_latency_seconds"); len(found) != l.most+1 {
		t.Errorf("%v", found)
	} else if _, ok := found["new,t"]; !ok {
		t.Errorf("a new channel gets no free place: %v", found)
	}
	(*Latencies)(nil).Forget("t", "0")
}

// BenchmarkScrape is a scrape of 2,000 topics with a channel each.
func BenchmarkScrape(b *testing.B) {
	c, _ := newCollector(b, 2000, 100000, nil)
	for b.Loop() {
		to := make(chan prometheus.Metric, 1000)
		go func() {
			c.Collect(to)
			close(to)
		}()
		for range to {
		}
	}
}
