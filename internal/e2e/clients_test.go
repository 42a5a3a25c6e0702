package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

// startNode starts one nsqd with a certificate, and returns what clients need to trust it.
func startNode(t *testing.T, args ...string) (*nsqtest.Daemon, *tls.Config) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
	authority := certstest.NewAuthority(t)
	cert, key, _ := authority.WriteFiles(t.TempDir(), "nsqd")
	args = append([]string{"--data-path=" + t.TempDir(), "--tls-cert=" + cert, "--tls-key=" + key}, args...)
	return nsqtest.Start(t, "nsqd", args...), &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1"}
}

func producerWith(t *testing.T, n *nsqtest.Daemon, config *nsq.Config) *nsq.Producer {
	t.Helper()
	p, err := nsq.NewProducer(n.TCP, config)
	if err != nil {
		t.Fatal(err)
	}
	p.SetLogger(silent{}, nsq.LogLevelError)
	t.Cleanup(p.Stop)
	return p
}

// consumerWith returns a consumer that is connected.
func consumerWith(t *testing.T, n *nsqtest.Daemon, topic string, config *nsq.Config, h nsq.HandlerFunc) *nsq.Consumer {
	t.Helper()
	k, err := nsq.NewConsumer(topic, "c", config)
	if err != nil {
		t.Fatal(err)
	}
	k.SetLogger(silent{}, nsq.LogLevelError)
	k.AddHandler(h)
	if err := k.ConnectToNSQD(n.TCP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Stop()
		<-k.StopChan
	})
	return k
}

// TestClientsOverLayers has go-nsq publish in every way and consume, over every transport.
func TestClientsOverLayers(t *testing.T) {
	n, trust := startNode(t)
	for i, layers := range []string{"", "tls", "snappy", "deflate", "tls snappy", "tls deflate"} {
		t.Run(layers, func(t *testing.T) {
			config := nsq.NewConfig()
			config.TlsV1, config.TlsConfig = strings.Contains(layers, "tls"), trust
			config.Snappy, config.Deflate = strings.Contains(layers, "snappy"), strings.Contains(layers, "deflate")
			config.MaxInFlight = 200
			topic := fmt.Sprintf("layers%d", i)
			var l ledger
			consumerWith(t, n, topic, config, l.HandleMessage)
			p := producerWith(t, n, config)
			const async, batches, each = 1000, 10, 50
			done := make(chan *nsq.ProducerTransaction, async)
			for i := range async {
				if err := p.PublishAsync(topic, fmt.Appendf(nil, "async-%d", i), done); err != nil {
					t.Fatal(err)
				}
			}
			for i := range batches {
				var bodies [][]byte
				for j := range each {
					bodies = append(bodies, fmt.Appendf(nil, "batch-%d-%d", i, j))
				}
				if err := p.MultiPublish(topic, bodies); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Publish(topic, make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			if err := p.DeferredPublish(topic, 50*time.Millisecond, []byte("deferred")); err != nil {
				t.Fatal(err)
			}
			for range async {
				if tr := <-done; tr.Error != nil {
					t.Fatal(tr.Error)
				}
			}
			const total = async + batches*each + 2
			nsqtest.Eventually(t, patience, "every message has come", func() bool { return l.distinct() == total })
			nsqtest.Eventually(t, patience, "every message is finished", func() bool {
				s := channel(t, n, topic, "c")
				return s.Depth == 0 && s.InFlightCount == 0
			})
			if l.total != total {
				t.Errorf("%d deliveries of %d messages", l.total, total)
			}
			s := channel(t, n, topic, "c").Clients[0]
			if s.TLS != config.TlsV1 || s.Snappy != config.Snappy || s.Deflate != config.Deflate {
				t.Errorf("/stats shows %+v", s)
			}
		})
	}
}

func TestClientsWithAuth(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("secret") != "hush" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.WriteString(w, `{"ttl":3600,"identity":"me","authorizations":[{"topic":"^mine$","channels":[".*"],"permissions":["subscribe","publish"]}]}`) //nolint:errcheck // the client tells
	}))
	defer s.Close()
	n, _ := startNode(t, "--auth-http-address="+strings.TrimPrefix(s.URL, "http://"))
	config := nsq.NewConfig()
	if err := producerWith(t, n, config).Publish("mine", []byte("x")); err == nil {
		t.Error("published without a secret")
	}
	config.AuthSecret = "wrong"
	if err := producerWith(t, n, config).Publish("mine", []byte("x")); err == nil {
		t.Error("published with a wrong secret")
	}
	config.AuthSecret = "hush"
	var l ledger
	consumerWith(t, n, "mine", config, l.HandleMessage)
	p := producerWith(t, n, config)
	if err := p.Publish("other", []byte("x")); err == nil || !strings.Contains(err.Error(), "E_UNAUTHORIZED") {
		t.Errorf("published to a topic that is not allowed: %v", err)
	}
	// That has cost the connection, as it does for every client; go-nsq makes another one.
	nsqtest.Eventually(t, patience, "the producer publishes", func() bool { return p.Publish("mine", []byte("x")) == nil })
	nsqtest.Eventually(t, patience, "the message has come", func() bool { return l.distinct() == 1 })
	if c := channel(t, n, "mine", "c").Clients[0]; !c.Authed || c.AuthIdentity != "me" {
		t.Errorf("/stats shows %+v", c)
	}
}

// TestRequeueTouchAndBackoff has a handler fail, so that go-nsq requeues and backs
// off, and touch a message for longer than its timeout.
func TestRequeueTouchAndBackoff(t *testing.T) {
	n, _ := startNode(t)
	config := nsq.NewConfig()
	config.DefaultRequeueDelay = 100 * time.Millisecond
	config.BackoffMultiplier = 100 * time.Millisecond
	config.MsgTimeout = time.Second
	p := producerWith(t, n, config)
	var failures, touches, finished atomic.Int32
	var again atomic.Int64 // when the failed message came again
	consumerWith(t, n, "retry", config, func(m *nsq.Message) error {
		switch string(m.Body) {
		case "fail":
			if failures.Add(1) < 3 {
				return io.ErrUnexpectedEOF
			}
			again.Store(int64(m.Attempts))
		case "slow":
			for range 5 {
				<-time.After(300 * time.Millisecond)
				m.Touch()
				touches.Add(1)
			}
		}
		finished.Add(1)
		return nil
	})
	for _, body := range []string{"fail", "slow", "plain"} {
		if err := p.Publish("retry", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	nsqtest.Eventually(t, patience, "all three are finished", func() bool {
		s := channel(t, n, "retry", "c")
		return s != nil && finished.Load() == 3 && s.InFlightCount == 0 && s.DeferredCount == 0
	})
	s := channel(t, n, "retry", "c")
	if s.RequeueCount != 2 || s.TimeoutCount != 0 || again.Load() != 3 || touches.Load() != 5 {
		t.Errorf("%d attempts, %d touches, %+v", again.Load(), touches.Load(), s)
	}
}

// TestGracefulStop has a consumer stop in the midst of work: what it holds is
// finished, and nothing comes twice.
func TestGracefulStop(t *testing.T) {
	n, _ := startNode(t)
	p := producer(t, n)
	const messages = 500
	for i := range messages {
		if err := p.Publish("stop", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	var l ledger
	config := nsq.NewConfig()
	config.MaxInFlight = 50
	k := consumerWith(t, n, "stop", config, l.HandleMessage)
	nsqtest.Eventually(t, patience, "some have come", func() bool { return l.distinct() > 20 })
	k.Stop()
	<-k.StopChan
	nsqtest.Eventually(t, patience, "the connection is gone", func() bool { return channel(t, n, "stop", "c").ClientCount == 0 })
	if s := channel(t, n, "stop", "c"); s.InFlightCount != 0 || int(s.Depth)+l.distinct() != messages {
		t.Errorf("%d have come, %+v", l.distinct(), s)
	}
	consumerWith(t, n, "stop", config, l.HandleMessage)
	nsqtest.Eventually(t, patience, "all have come", func() bool { return l.distinct() == messages })
	if l.total != messages {
		t.Errorf("%d deliveries of %d messages", l.total, messages)
	}
}

// TestReconnect restarts nsqd under a producer and a consumer: both go on.
func TestReconnect(t *testing.T) {
	n, _ := startNode(t)
	config := nsq.NewConfig()
	config.LookupdPollInterval = 100 * time.Millisecond
	p := producerWith(t, n, config)
	var l ledger
	consumerWith(t, n, "again", config, l.HandleMessage)
	for round := range 2 {
		body := fmt.Appendf(nil, "%d", round)
		nsqtest.Eventually(t, patience, "the producer publishes", func() bool { return p.Publish("again", body) == nil })
		nsqtest.Eventually(t, patience, "the message has come", func() bool { return l.distinct() == round+1 })
		if round == 0 {
			n.Stop()
			n.Restart()
		}
	}
}

// TestConnectionsComeAndGo opens and drops a thousand connections, and leaves some
// half open: nothing grows, and nothing keeps nsqd from its end.
func TestConnectionsComeAndGo(t *testing.T) {
	n, _ := startNode(t)
	create(t, n, "t", "c")
	files := func() int {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.Pid()))
		if err != nil {
			t.Skip("no /proc here: ", err)
		}
		return len(list)
	}
	storm := func() {
		for i := range 1000 {
			conn, err := net.Dial("tcp", n.TCP)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, []string{"", "  V", "  V2SUB t c\nRDY 9\n", "  V2PUB t\n\x00\x00\x10\x00he"}[i%4]) //nolint:errcheck // it is about to be dropped
			if i%2 == 0 {
				conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset instead of an end
			}
			conn.Close()
		}
	}
	before := files()
	storm()
	nsqtest.Eventually(t, patience, "every connection is gone", func() bool { return files() <= before+2 })
	size := rss(t, n)
	storm()
	nsqtest.Eventually(t, patience, "every connection is gone", func() bool { return files() <= before+2 })
	if after := rss(t, n); after > size+16<<20 {
		t.Errorf("nsqd grew from %d to %d bytes", size, after)
	}
	for i := range 20 {
		conn := nsqtest.Dial(t, n.TCP).(*net.TCPConn)
		io.WriteString(conn, protocol.MagicV2[:i%5]) //nolint:errcheck // what comes back tells
		if i%2 == 0 {
			conn.CloseWrite() //nolint:errcheck // likewise
			conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Errorf("a half-closed connection: %v", err)
			}
		}
	}
	n.Stop()
}
