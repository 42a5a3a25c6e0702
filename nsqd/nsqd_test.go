package nsqd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/version"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// testOptions are the defaults, on free ports and in a folder of the test.
func testOptions(t *testing.T) *Options {
	t.Helper()
	o := NewOptions()
	o.TCPAddress, o.HTTPAddress, o.BroadcastAddress, o.DataPath = "127.0.0.1:0", "127.0.0.1:0", "b.example", t.TempDir()
	return o
}

// daemon is an nsqd in this process.
type daemon struct {
	*NSQD
	log  *nsqtest.Output
	stop func() error // ends it and returns what Run did
}

func startNSQD(t *testing.T, o *Options) *daemon {
	t.Helper()
	d := &daemon{log: new(nsqtest.Output)}
	var err error
	if d.NSQD, err = New(o, logging.New(d.log, "", logging.Info)); err != nil {
		t.Fatal(err)
	}
	d.run(t)
	return d
}

// run runs the daemon until stop or the end of the test.
func (d *daemon) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { d.stop() }) //nolint:errcheck // for the tests that do not look at it
}

func (d *daemon) url(path string) string { return "http://" + d.HTTPAddr().String() + path }

// refusal returns what New says to options that it does not take.
func refusal(t *testing.T, o *Options) string {
	t.Helper()
	n, err := New(o, logging.Discard())
	if err == nil {
		n.release()
		return ""
	}
	return err.Error()
}

func TestDataPath(t *testing.T) {
	o := testOptions(t)
	dir := o.DataPath
	missing := filepath.Join(dir, "none")
	o.DataPath = missing
	if got, want := refusal(t, o), fmt.Sprintf("failed to instantiate nsqd - failed to lock data-path: open %s: no such file or directory", missing); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.DataPath = dir
	d := startNSQD(t, o)
	second := testOptions(t)
	second.DataPath = dir
	second.MaxDeflateLevel = 0 // the lock comes first
	if got, want := refusal(t, second), fmt.Sprintf("failed to instantiate nsqd - failed to lock data-path: cannot flock directory %s - resource temporarily unavailable (possibly in use by another instance of nsqd)", dir); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	second.MaxDeflateLevel = 6
	if got := refusal(t, second); got != "" {
		t.Errorf("the lock outlives the daemon: %s", got)
	}
}

// TestMetadataLife follows nsqd.dat through a life of the daemon.
func TestMetadataLife(t *testing.T) {
	o := testOptions(t)
	path := filepath.Join(o.DataPath, "nsqd.dat")
	file := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	suffix := `,"version":"` + version.Number + `"}`
	d := startNSQD(t, o)
	if got, want := file(), `{"topics":null`+suffix; got != want {
		t.Errorf("at the start: %s, want %s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of nsqd.dat: %v, %v", info.Mode(), err)
	}
	post := func(path string) {
		t.Helper()
		if body, status := nsqtest.Do(t, "POST", d.url(path), ""); status != 200 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{
		"/topic/create?topic=t", "/channel/create?topic=t&channel=c", "/channel/create?topic=t&channel=e%23ephemeral",
		"/topic/create?topic=e%23ephemeral", "/topic/create?topic=u", "/topic/pause?topic=u", "/channel/pause?topic=t&channel=c",
	} {
		post(path)
	}
	// The pause has written everything before it was answered.
	want := `{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":true}]},{"name":"u","paused":true,"channels":null}]` + suffix
	if got := file(); got != want {
		t.Errorf("after the pause: %s, want %s", got, want)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d = startNSQD(t, o)
	if got := file(); got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}
	stats := nsqtest.Get(t, d.url("/stats?include_mem=0"))
	for _, line := range []string{"   [t   ", "*P [u   ", "   *P [c   "} {
		if !strings.Contains(stats, line) {
			t.Errorf("/stats lacks %q:\n%s", line, stats)
		}
	}
	post("/topic/delete?topic=t")
	nsqtest.Eventually(t, patience, "the deletion is in nsqd.dat", func() bool { return !strings.Contains(file(), `"t"`) })
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}

	for text, complaint := range map[string]string{
		"":   "failed to load metadata - failed to parse metadata in " + path + " - unexpected end of JSON input",
		"[]": "failed to load metadata - failed to parse metadata in " + path + " - json: cannot unmarshal array",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := refusal(t, o); !strings.HasPrefix(got, complaint) {
			t.Errorf("%q: got %s, want %s", text, got, complaint)
		}
	}
	if err := os.WriteFile(path, []byte(`{"topics":[{"name":"no good"},{"name":"good","channels":[{"name":"+"}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d = startNSQD(t, o)
	for _, line := range []string{"WARNING: skipping creation of invalid topic no good", "WARNING: skipping creation of invalid channel +", "TOPIC(good): created"} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
}

// TestChangesThatComeTogether are written together.
func TestChangesThatComeTogether(t *testing.T) {
	m := metaOn(newMem(t), broker.TopicMeta{Name: "t"})
	var log nsqtest.Output
	m.log = logging.New(&log, "", logging.Info)
	for range 100 {
		m.changed()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		m.run(ctx)
		close(ended)
	}()
	nsqtest.Eventually(t, patience, "the file is written", func() bool { return strings.Contains(log.String(), "persisting") })
	cancel()
	<-ended
	if n := bytes.Count([]byte(log.String()), []byte("persisting")); n != 1 {
		t.Errorf("written %d times", n)
	}
}

// TestLatency finishes a message and finds its age in the statistics.
func TestLatency(t *testing.T) {
	o := testOptions(t)
	o.E2EProcessingLatencyPercentiles = []float64{1}
	d := startNSQD(t, o)
	nsqtest.Do(t, "POST", d.url("/pub?topic=t"), "body")
	finishOne(t, d)
	var topic protocol.TopicStats
	nsqtest.Eventually(t, patience, "the age is in the statistics", func() bool {
		var s protocol.Stats
		if err := json.Unmarshal([]byte(nsqtest.Get(t, d.url("/stats?format=json"))), &s); err != nil {
			t.Fatal(err)
		}
		topic = s.Topics[0]
		return topic.E2eProcessingLatency.Count == 1
	})
	value := topic.E2eProcessingLatency.Percentiles[0].Value
	if channel := topic.Channels[0].E2eProcessingLatency; channel.Count != 1 || channel.Percentiles[0].Value != value || value <= 0 || value > float64(patience) {
		t.Errorf("topic: %+v, channel: %+v", topic.E2eProcessingLatency, channel)
	}
	if got := nsqtest.Get(t, d.url("/stats")); regexp.MustCompile(`(?m)e2e%: \d+\.\d(us|ms|s)$`).FindString(got) == "" {
		t.Errorf("/stats:\n%s", got)
	}
}
