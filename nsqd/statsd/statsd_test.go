package statsd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		template, host string
		port           int
		want           string
	}{
		{"nsq.%s", "a.b.example", 9999, "nsq.a_b_example_9999."},
		{"nsq.%s.", "web1", 4151, "nsq.web1_4151."},
		{"%s/%s", "::1", 4151, "[__1]_4151/[__1]_4151."},
		{"plain", "x", 0, "plain."},
		{"100%", "x", 0, "100%."},
		{"nsq.%s", "x", 0, "nsq.x_0."},
		{"", "x", 1, ""},
	} {
		if got := Prefix(c.template, c.host, c.port); got != c.want {
			t.Errorf("%q: %q, want %q", c.template, got, c.want)
		}
	}
}

// figures returns statistics of which every number is different.
func figures() *protocol.Stats {
	latency := &protocol.E2eLatency{Percentiles: []protocol.Percentile{{Quantile: 1, Value: 9.9}, {Quantile: 0.999, Value: 8}, {Quantile: 0.95, Value: 7.5}}}
	return &protocol.Stats{
		Topics: []protocol.TopicStats{
			{TopicName: "e#ephemeral", E2eProcessingLatency: &protocol.E2eLatency{}, Channels: []protocol.ChannelStats{{ChannelName: "c"}}},
			{TopicName: "t", MessageCount: 11, MessageBytes: 12, Depth: 13, BackendDepth: 14, E2eProcessingLatency: latency, Channels: []protocol.ChannelStats{
				{ChannelName: "c", MessageCount: 21, Depth: 22, BackendDepth: 23, InFlightCount: 24, DeferredCount: 25, RequeueCount: 26, TimeoutCount: 27, ClientCount: 28, E2eProcessingLatency: latency},
				{ChannelName: "d#ephemeral"},
			}},
		},
		Memory: &protocol.MemoryStats{HeapObjects: 1, HeapIdleBytes: 2, HeapInUseBytes: 3, HeapReleasedBytes: 4, GCPauseUsec100: 5, GCPauseUsec99: 6, GCPauseUsec95: 7, NextGCBytes: 8, GCTotalRuns: 9},
	}
}

func text(lines [][]byte) string {
	var b strings.Builder
	for _, l := range lines {
		b.Write(l)
	}
	return b.String()
}

const full = `p.topic.t.message_count:11|c
p.topic.t.message_bytes:12|c
p.topic.t.depth:13|g
p.topic.t.backend_depth:14|g
p.topic.t.e2e_processing_latency_100:9|g
p.topic.t.e2e_processing_latency_100:8|g
p.topic.t.e2e_processing_latency_95:7|g
p.topic.t.channel.c.message_count:21|c
p.topic.t.channel.c.depth:22|g
p.topic.t.channel.c.backend_depth:23|g
p.topic.t.channel.c.in_flight_count:24|g
p.topic.t.channel.c.deferred_count:25|g
p.topic.t.channel.c.requeue_count:26|c
p.topic.t.channel.c.timeout_count:27|c
p.topic.t.channel.c.clients:28|g
p.topic.t.channel.c.e2e_processing_latency_100:9|g
p.topic.t.channel.c.e2e_processing_latency_100:8|g
p.topic.t.channel.c.e2e_processing_latency_95:7|g
p.mem.heap_objects:1|g
p.mem.heap_idle_bytes:2|g
p.mem.heap_in_use_bytes:3|g
p.mem.heap_released_bytes:4|g
p.mem.gc_pause_usec_100:5|g
p.mem.gc_pause_usec_99:6|g
p.mem.gc_pause_usec_95:7|g
p.mem.next_gc_bytes:8|g
p.mem.gc_runs:9|c
`

func TestReport(t *testing.T) {
	c := &Config{Prefix: "p.", ExcludeEphemeral: true}
	if got := text(c.report(figures(), nil)); got != full {
		t.Errorf("got\n%s\nwant\n%s", got, full)
	}
	c.ExcludeEphemeral = false
	got := text(c.report(figures(), nil))
	if !strings.HasPrefix(got, "p.topic.e#ephemeral.message_count:0|c\n") || !strings.Contains(got, "\np.topic.t.channel.d#ephemeral.depth:0|g\n") {
		t.Errorf("ephemeral ones are missing:\n%s", got)
	}
}

// TestDeltas: a counter is the difference to the push before, never negative.
func TestDeltas(t *testing.T) {
	c := &Config{ExcludeEphemeral: true}
	last, now := figures(), figures()
	for _, line := range strings.Split(text(c.report(now, last)), "\n") {
		if strings.HasSuffix(line, "|c") && !strings.HasSuffix(line, ":0|c") {
			t.Errorf("nothing has changed, yet %s", line)
		}
	}
	now.Topics[1].MessageCount = 15
	now.Topics[1].MessageBytes = 5 // made anew
	now.Topics[1].Channels[0].RequeueCount = 2
	now.Memory.GCTotalRuns = 10
	got := text(c.report(now, last))
	for _, line := range []string{"topic.t.message_count:4|c", "topic.t.message_bytes:5|c", "topic.t.channel.c.requeue_count:2|c", "mem.gc_runs:1|c", "topic.t.depth:13|g"} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("lacks %s:\n%s", line, got)
		}
	}
	now.Memory = nil
	if got := text(c.report(now, last)); strings.Contains(got, "mem.") {
		t.Errorf("memory is reported:\n%s", got)
	}
}

func TestPackets(t *testing.T) {
	lines := func(words ...string) (list [][]byte) {
		for _, w := range words {
			list = append(list, []byte(w+"\n"))
		}
		return list
	}
	for _, c := range []struct {
		size int
		in   []string
		want []string
	}{
		{10, nil, nil},
		{10, []string{"1234", "5678", "9"}, []string{"1234\n5678\n", "9\n"}},
		{9, []string{"1234", "5678", "9"}, []string{"1234\n", "5678\n9\n"}},
		{4, []string{"long line", "x", "y", "long line"}, []string{"long line\n", "x\ny\n", "long line\n"}},
		{1, []string{"a", "b"}, []string{"a\n", "b\n"}},
	} {
		var got []string
		for _, p := range (&Config{PacketSize: c.size}).packets(lines(c.in...)) {
			got = append(got, string(p))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d, %q: %q, want %q", c.size, c.in, got, c.want)
		}
	}
}

// world is what a push meets: the figures, and the statsd daemon.
type world struct {
	mu       sync.Mutex
	began    time.Time
	messages uint64
	lost     bool // the daemon's name cannot be resolved
	broken   bool // writes fail
	got      []string
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) stats() *protocol.Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &protocol.Stats{Topics: []protocol.TopicStats{{TopicName: "t", MessageCount: w.messages}}}
}

func (w *world) dial(context.Context, string) (io.WriteCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		return nil, errors.New("no such host")
	}
	return w, nil
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, fmt.Sprintf("%g: %s", time.Since(w.began).Seconds(), p))
	if w.broken {
		return 0, errors.New("connection refused")
	}
	return len(p), nil
}

func (w *world) Close() error { return nil }

// TestPace follows some pushes on a clock of the test's own.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{began: time.Now(), messages: 5}
		var log nsqtest.Output
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Run(ctx, Config{Address: "statsd:8125", Interval: 9 * time.Second, PacketSize: 1, Log: logging.New(&log, "", logging.Info), Dial: w.dial, Stats: w.stats})
		}()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if !reflect.DeepEqual(w.got, want) {
				t.Errorf("got %q, want %q", w.got, want)
			}
			w.got = nil
		}
		<-time.After(16 * time.Second)
		expect("9: topic.t.message_count:5|c\n", "11: topic.t.message_bytes:0|c\n", "13: topic.t.depth:0|g\n", "15: topic.t.backend_depth:0|g\n")
		w.set(func() { w.messages, w.broken = 8, true })
		<-time.After(9 * time.Second)
		expect("18: topic.t.message_count:3|c\n", "20: topic.t.message_bytes:0|c\n", "22: topic.t.depth:0|g\n", "24: topic.t.backend_depth:0|g\n")
		w.set(func() { w.messages, w.broken, w.lost = 15, false, true })
		<-time.After(9 * time.Second)
		expect()
		w.set(func() { w.messages, w.lost = 115, false })
		<-time.After(3 * time.Second)
		expect("36: topic.t.message_count:107|c\n")
		cancel() // the rest goes at once
		<-ended
		expect("37: topic.t.message_bytes:0|c\n", "37: topic.t.depth:0|g\n", "37: topic.t.backend_depth:0|g\n")
		for _, line := range []string{"INFO: STATSD: pushing stats to statsd:8125", "ERROR: failed to create UDP socket to statsd(statsd:8125) - no such host",
			"ERROR: failed to send 4 of 4 packets to statsd(statsd:8125), the last - connection refused", "INFO: STATSD: closing"} {
			if !strings.Contains(log.String(), line+"\n") {
				t.Errorf("the log lacks %q:\n%s", line, log.String())
			}
		}
	})
}

// TestUDP sends to a real socket.
func TestUDP(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Run(ctx, Config{Address: server.LocalAddr().String(), Interval: 10 * time.Millisecond, PacketSize: -1, Prefix: "p.", ExcludeEphemeral: true,
			Log: logging.Discard(), Stats: figures})
	}()
	packet := make([]byte, 65536)
	server.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := server.ReadFrom(packet)
	if err != nil || string(packet[:n]) != full {
		t.Errorf("got %q, %v", packet[:n], err)
	}
	cancel()
	<-ended
}
