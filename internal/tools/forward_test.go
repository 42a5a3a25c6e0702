package tools

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nsqsuite/internal/nsqtest"
)

// impatient makes what failed come again at once.
var impatient = []string{"--consumer-opt=default_requeue_delay,0s", "--consumer-opt=max_backoff_duration,0s",
	"--consumer-opt=backoff_multiplier,0s", "--consumer-opt=max-attempts,0"}

func run(t *testing.T, args ...string) *nsqtest.Tool {
	t.Helper()
	return nsqtest.Run(t, args[0], args[1:]...)
}

func endBy(t *testing.T, tool *nsqtest.Tool, s syscall.Signal) {
	t.Helper()
	tool.Signal(s)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("%s: exit %d", s, exit)
	}
}

// TestHTTPServerThatFails has nsq_to_http send to a server that takes a message
// only at the third time.
func TestHTTPServerThatFails(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "nsq_to_http")
	var mu sync.Mutex
	tries := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		tries[string(body)]++
		if tries[string(body)] < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	bodies := numbered("m", 300)
	publish(t, n, "t", bodies...)
	tool := run(t, append([]string{"nsq_to_http", "--nsqd-tcp-address=" + n.TCP, "--topic=t", "--post=" + s.URL, "--status-every=100"}, impatient...)...)
	awaitDrained(t, n, "t", "nsq_to_http", len(bodies))
	endBy(t, tool, syscall.SIGTERM)
	mu.Lock()
	defer mu.Unlock()
	for _, b := range bodies {
		if tries[b] != 3 {
			t.Errorf("%s was sent %d times", b, tries[b])
		}
	}
	if log := tool.Stderr.String(); !strings.Contains(log, "got status code 500") || !strings.Contains(log, "[aggregate]: finished 100 - 99th: ") {
		t.Errorf("the log lacks a line")
	}
}

// TestRelaySurvivesItsDestination publishes to two nsqd, of which one is stopped
// for a while.
func TestRelaySurvivesItsDestination(t *testing.T) {
	l := startLookupd(t)
	from := startNsqd(t, knows(l))
	to := []*nsqtest.Daemon{startNsqd(t), startNsqd(t)}
	create(t, from, "t", "nsq_to_nsq")
	create(t, from, "u", "nsq_to_nsq")
	for _, n := range to {
		create(t, n, "v", "c")
	}
	nsqtest.Eventually(t, patience, "nsqlookupd knows the topics", func() bool {
		return strings.Contains(nsqtest.Get(t, "http://"+l.HTTP+"/topics"), `"t","u"`)
	})
	tool := run(t, append([]string{"nsq_to_nsq", "--lookupd-http-address=" + l.HTTP, "--topic=t", "--topic=u", "--destination-topic=v", "--mode=round-robin",
		"--destination-nsqd-tcp-address=" + to[0].TCP, "--destination-nsqd-tcp-address=" + to[1].TCP}, impatient...)...)
	first, second, third := numbered("first", 500), numbered("second", 500), numbered("third", 500)
	publish(t, from, "t", first...)
	awaitDrained(t, from, "t", "nsq_to_nsq", 500)
	to[1].Stop()
	publish(t, from, "u", second...)
	awaitDrained(t, from, "u", "nsq_to_nsq", 500)
	to[1].Restart()
	publish(t, from, "t", third...)
	awaitDrained(t, from, "t", "nsq_to_nsq", 1000)
	nsqtest.Eventually(t, patience, "both get messages again", func() bool {
		publish(t, from, "u", "more")
		return channel(t, to[1], "v", "c").MessageCount > 250
	})
	endBy(t, tool, syscall.SIGINT)
	lines := map[string]int{}
	for _, n := range to {
		sum := channel(t, n, "v", "c").Depth
		reader := run(t, "nsq_tail", "--nsqd-tcp-address="+n.TCP, "--topic=v", "--channel=c")
		nsqtest.Eventually(t, patience, "all is read", func() bool { return int64(strings.Count(reader.Stdout.String(), "\n")) == sum })
		endBy(t, reader, syscall.SIGTERM)
		for line := range strings.Lines(reader.Stdout.String()) {
			lines[strings.TrimSpace(line)]++
		}
	}
	wantEach(t, lines, append(append(first, second...), third...), 2)
}
