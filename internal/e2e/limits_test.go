package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/nsqtest"
)

// TestFullChannel has go-nsq's producer meet a full channel: it is told and goes on
// over the same connection, and when a consumer has drained it publishing works
// again. What was set at run time outlives a kill.
func TestFullChannel(t *testing.T) {
	c := startCluster(t, 0, 1, "--channel-max-depth=50", "--sync-timeout=100ms")
	n := c.nsqds[0]
	create(t, n, "full", "c")
	post(t, n, "/topic/limits?topic=full&max_age=1h", "")
	post(t, n, "/channel/limits?topic=full&channel=c&max_depth=10", "")
	p := producer(t, n)
	for i := range 10 {
		if err := p.Publish("full", fmt.Appendf(nil, "m%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	full := func(command string, err error) {
		t.Helper()
		var e nsq.ErrProtocol
		if !errors.As(err, &e) || !strings.HasPrefix(e.Reason, command+" failed channel c is full: 10 of 10 messages") {
			t.Fatalf("got %v", err)
		}
	}
	full("E_PUB_FAILED PUB", p.Publish("full", []byte("x")))
	full("E_MPUB_FAILED MPUB", p.MultiPublish("full", [][]byte{[]byte("x"), []byte("y")}))
	full("E_DPUB_FAILED DPUB", p.DeferredPublish("full", time.Second, []byte("x")))
	if err := p.Publish("other", []byte("x")); err != nil {
		t.Fatalf("the connection is of no use any more: %v", err)
	}
	n.Kill()
	n.Restart()
	p = producer(t, n)
	full("E_PUB_FAILED PUB", p.Publish("full", []byte("x")))
	if s := channel(t, n, "full", "c"); s.Limits == nil || s.Limits.MaxDepth != 10 || s.Limits.Depth != 10 || s.Depth != 10 {
		t.Errorf("%+v", s)
	}
	var l ledger
	consume(t, &l, "full", "c", func(k *nsq.Consumer) error { return k.ConnectToNSQD(n.TCP) })
	nsqtest.Eventually(t, patience, "the channel is drained", func() bool { return l.distinct() == 10 && channel(t, n, "full", "c").Limits.Depth == 0 })
	if err := p.Publish("full", []byte("again")); err != nil {
		t.Fatal(err)
	}
	nsqtest.Eventually(t, patience, "the next message comes", func() bool { return l.distinct() == 11 })
}

// TestDropOldest lets a channel without consumers drop, and the files go.
func TestDropOldest(t *testing.T) {
	c := startCluster(t, 0, 1, "--topic-max-bytes=1000000", "--topic-overflow=drop-oldest", "--sync-timeout=50ms", "--max-bytes-per-file=1000000")
	n := c.nsqds[0]
	create(t, n, "lossy", "c")
	p := producer(t, n)
	for i := range 200 {
		if err := p.Publish("lossy", fmt.Appendf(nil, "%d%s", i, strings.Repeat(" ", 100_000))); err != nil {
			t.Fatal(err)
		}
	}
	s := channel(t, n, "lossy", "c")
	if s.Depth < 5 || s.Depth > 9 {
		t.Errorf("%d messages are left", s.Depth)
	}
	nsqtest.Eventually(t, patience, "files have gone", func() bool {
		return metric(t, n, `nsqd_topic_log_bytes{topic="lossy"}`) < 4e6
	})
	if got := metric(t, n, `nsqd_channel_dropped_total{channel="c",topic="lossy"}`); got != float64(200-s.Depth) {
		t.Errorf("%f are counted, %d left", got, s.Depth)
	}
	var l ledger
	consume(t, &l, "lossy", "c", func(k *nsq.Consumer) error { return k.ConnectToNSQD(n.TCP) })
	nsqtest.Eventually(t, patience, "what is left comes", func() bool { return int64(l.distinct()) == s.Depth })
}

// metric returns a figure of /metrics, by its name with labels.
func metric(t *testing.T, n *nsqtest.Daemon, name string) (v float64) {
	t.Helper()
	for line := range strings.Lines(nsqtest.Get(t, "http://"+n.HTTP+"/metrics")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(value, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
