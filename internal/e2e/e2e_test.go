package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func TestMain(m *testing.M) { nsqtest.Main(m) }

const patience = 30 * time.Second

// silent keeps go-nsq from writing to the test's output.
type silent struct{}

func (silent) Output(int, string) error { return nil }

// cluster is some nsqlookupd and nsqd, and a nsqadmin over them.
type cluster struct {
	lookupds, nsqds []*nsqtest.Daemon
	admin           *nsqtest.Daemon
}

func startCluster(t *testing.T, lookupds, nsqds int, args ...string) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
	c := &cluster{}
	adminArgs := []string{}
	nsqdArgs := append([]string{"--broadcast-address=127.0.0.1"}, args...)
	for range lookupds {
		l := nsqtest.Start(t, "nsqlookupd", "--broadcast-address=127.0.0.1")
		c.lookupds = append(c.lookupds, l)
		nsqdArgs = append(nsqdArgs, "--lookupd-tcp-address="+l.TCP)
		adminArgs = append(adminArgs, "--lookupd-http-address="+l.HTTP)
	}
	for range nsqds {
		c.nsqds = append(c.nsqds, nsqtest.Start(t, "nsqd", append(nsqdArgs, "--data-path="+t.TempDir())...))
	}
	for _, n := range c.nsqds {
		nsqtest.Eventually(t, patience, "nsqd is connected to every nsqlookupd", func() bool {
			return strings.Count(n.Log(), "peer info") >= lookupds
		})
	}
	if lookupds > 0 {
		c.admin = nsqtest.Start(t, "nsqadmin", adminArgs...)
	}
	return c
}

func (c *cluster) lookupAddresses() []string {
	var list []string
	for _, l := range c.lookupds {
		list = append(list, l.HTTP)
	}
	return list
}

// channel returns the statistics of a channel, or nil.
func channel(t *testing.T, n *nsqtest.Daemon, topic, name string) *protocol.ChannelStats {
	t.Helper()
	var s protocol.Stats
	text := nsqtest.Get(t, "http://"+n.HTTP+"/stats?format=json&topic="+topic+"&channel="+name)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Topics) == 0 || len(s.Topics[0].Channels) == 0 {
		return nil
	}
	return &s.Topics[0].Channels[0]
}

func create(t *testing.T, n *nsqtest.Daemon, topic string, channels ...string) {
	t.Helper()
	post(t, n, "/topic/create?topic="+topic, "")
	for _, c := range channels {
		post(t, n, "/channel/create?topic="+topic+"&channel="+c, "")
	}
}

func post(t *testing.T, n *nsqtest.Daemon, path, body string) {
	t.Helper()
	if answer, status := nsqtest.Do(t, "POST", "http://"+n.HTTP+path, body); status != 200 {
		t.Fatalf("POST %s: status %d, %s", path, status, answer)
	}
}

// ledger counts how often each message came.
type ledger struct {
	mu    sync.Mutex
	count map[string]int
	total int
}

func (l *ledger) HandleMessage(m *nsq.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[string(m.Body)]++
	l.total++
	return nil
}

func (l *ledger) distinct() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.count)
}

func consume(t *testing.T, l nsq.Handler, topic, channel string, connect func(*nsq.Consumer) error) *nsq.Consumer {
	t.Helper()
	config := nsq.NewConfig()
	config.LookupdPollInterval = 200 * time.Millisecond
	config.LookupdPollJitter = 0
	config.MaxInFlight = 1000
	config.DefaultRequeueDelay = 0
	config.BackoffMultiplier = 0
	k, err := nsq.NewConsumer(topic, channel, config)
	if err != nil {
		t.Fatal(err)
	}
	k.SetLogger(silent{}, nsq.LogLevelError)
	k.AddConcurrentHandlers(l, 4)
	if err := connect(k); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Stop()
		<-k.StopChan
	})
	return k
}

func producer(t *testing.T, n *nsqtest.Daemon) *nsq.Producer {
	t.Helper()
	p, err := nsq.NewProducer(n.TCP, nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	p.SetLogger(silent{}, nsq.LogLevelError)
	t.Cleanup(p.Stop)
	return p
}

// program builds one of the programs below this folder.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", path, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, out)
	}
	return path
}

func TestProgramsOfUsers(t *testing.T) {
	c := startCluster(t, 1, 1)
	create(t, c.nsqds[0], "test", "kk")
	var out nsqtest.Output
	consumer := exec.Command(program(t, "consumer"), c.lookupds[0].HTTP)
	consumer.Stdout = &out
	if err := consumer.Start(); err != nil {
		t.Fatal(err)
	}
	defer consumer.Process.Kill() //nolint:errcheck // it may have ended
	publisher := exec.Command(program(t, "producer"), c.nsqds[0].TCP)
	publisher.Stdin = strings.NewReader("one\ntwo\nthree\n")
	if text, err := publisher.CombinedOutput(); err != nil {
		t.Fatalf("producer: %v\n%s", err, text)
	}
	nsqtest.Eventually(t, patience, "the consumer prints the lines", func() bool {
		return strings.Count(out.String(), "\n") >= 3
	})
	for _, line := range []string{"one", "two", "three"} {
		if strings.Count(out.String(), line+"\n") != 1 {
			t.Errorf("the consumer printed %q", out.String())
		}
	}
	nsqtest.Eventually(t, patience, "the messages are finished", func() bool {
		s := channel(t, c.nsqds[0], "test", "test-channel")
		return s != nil && s.Depth == 0 && s.InFlightCount == 0
	})
	if s := channel(t, c.nsqds[0], "test", "kk"); s == nil || s.Depth != 3 {
		t.Errorf("channel kk: %+v, want all three messages", s)
	}
	nsqtest.Get(t, "http://"+c.admin.HTTP+"/topics/test") // there at once
	nsqtest.Eventually(t, patience, "the topic's page shows both channels", func() bool {
		page := nsqtest.Get(t, "http://"+c.admin.HTTP+"/topics/test")
		return strings.Contains(page, ">kk<") && strings.Contains(page, ">test-channel<")
	})
	if err := consumer.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Wait(); err != nil {
		t.Errorf("consumer: %v", err)
	}
}

// TestClusterUnderRestarts publishes over TCP and HTTP to three nsqd while one
// of them, and one nsqlookupd, is restarted.
func TestClusterUnderRestarts(t *testing.T) {
	const overTCP, overHTTP, batch = 100_000, 10_000, 500
	c := startCluster(t, 2, 3)
	for _, n := range c.nsqds {
		create(t, n, "load", "shared", "alone")
	}
	discover := func(k *nsq.Consumer) error { return k.ConnectToNSQLookupds(c.lookupAddresses()) }
	var shared, alone ledger
	consume(t, &shared, "load", "shared", discover)
	consume(t, &shared, "load", "shared", discover)
	consume(t, &alone, "load", "alone", discover)
	var busy sync.WaitGroup
	half := make(chan struct{})
	busy.Go(func() {
		for i := 0; i < overTCP/batch; i++ {
			if i == overTCP/batch/2 {
				close(half)
			}
			var bodies [][]byte
			for j := range batch {
				bodies = append(bodies, fmt.Appendf(nil, "tcp-%d", i*batch+j))
			}
			// The node that is restarted is published to until then.
			n := i % 2
			if i%10 == 9 && i < overTCP/batch/2 {
				n = 2
			}
			publishAll(t, c.nsqds[n], bodies)
		}
	})
	busy.Go(func() {
		for i := range overHTTP / 10 {
			var lines []string
			for j := range 10 {
				lines = append(lines, fmt.Sprintf("http-%d", i*10+j))
			}
			post(t, c.nsqds[i%2], "/mpub?topic=load", strings.Join(lines, "\n"))
		}
	})
	<-half
	c.nsqds[2].Stop()
	c.lookupds[0].Stop()
	c.nsqds[2].Restart()
	c.lookupds[0].Restart()
	busy.Wait()
	for name, l := range map[string]*ledger{"shared": &shared, "alone": &alone} {
		nsqtest.Eventually(t, 60*time.Second, "every message has come on channel "+name, func() bool {
			return l.distinct() == overTCP+overHTTP
		})
		l.mu.Lock()
		again := l.total - len(l.count)
		l.mu.Unlock()
		// What the restarted node had in flight comes again; nothing else may.
		if again > 4000 {
			t.Errorf("channel %s: %d messages came more than once", name, again)
		}
		t.Logf("channel %s: %d messages, %d of them again", name, overTCP+overHTTP, again)
	}
}

var (
	producersMu sync.Mutex
	producers   = map[string]*nsq.Producer{}
)

func publishAll(t *testing.T, n *nsqtest.Daemon, bodies [][]byte) {
	producersMu.Lock()
	p := producers[n.TCP]
	if p == nil {
		p = producer(t, n)
		producers[n.TCP] = p
	}
	producersMu.Unlock()
	if err := p.MultiPublish("load", bodies); err != nil {
		t.Errorf("publishing: %v", err)
	}
}

func TestNothingTwiceWithoutFailure(t *testing.T) {
	const messages = 20_000
	c := startCluster(t, 1, 1)
	create(t, c.nsqds[0], "calm", "c")
	var l ledger
	direct := func(k *nsq.Consumer) error { return k.ConnectToNSQD(c.nsqds[0].TCP) }
	consume(t, &l, "calm", "c", direct)
	consume(t, &l, "calm", "c", direct)
	p := producer(t, c.nsqds[0])
	done := make(chan *nsq.ProducerTransaction, messages)
	for i := range messages {
		if err := p.PublishAsync("calm", fmt.Appendf(nil, "%d", i), done); err != nil {
			t.Fatal(err)
		}
	}
	for range messages {
		if tr := <-done; tr.Error != nil {
			t.Fatal(tr.Error)
		}
	}
	nsqtest.Eventually(t, patience, "every message has come", func() bool { return l.distinct() == messages })
	if l.total != messages {
		t.Errorf("%d deliveries of %d messages", l.total, messages)
	}
}

// hold takes messages and neither finishes nor requeues them.
type hold struct{ got chan *nsq.Message }

func (h hold) HandleMessage(m *nsq.Message) error {
	m.DisableAutoResponse()
	h.got <- m
	return nil
}

func TestRestartKeepsEverything(t *testing.T) {
	c := startCluster(t, 0, 1)
	n := c.nsqds[0]
	create(t, n, "keep", "c")
	p := producer(t, n)
	for i := range 20 {
		if err := p.Publish("keep", fmt.Appendf(nil, "m%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	const delay = 3 * time.Second
	if err := p.DeferredPublish("keep", delay, []byte("deferred")); err != nil {
		t.Fatal(err)
	}
	h := hold{make(chan *nsq.Message, 100)}
	config := nsq.NewConfig()
	config.MaxInFlight = 5
	k, err := nsq.NewConsumer("keep", "c", config)
	if err != nil {
		t.Fatal(err)
	}
	k.SetLogger(silent{}, nsq.LogLevelError)
	k.AddHandler(h)
	if err := k.ConnectToNSQD(n.TCP); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		<-h.got
	}
	if s := channel(t, n, "keep", "c"); s.InFlightCount != 5 || s.DeferredCount != 1 || s.Depth != 15 {
		t.Errorf("before the restart: %+v", s)
	}
	n.Stop()
	k.Stop()
	n.Restart()
	if s := channel(t, n, "keep", "c"); s.DeferredCount != 1 || s.Depth != 20 {
		t.Errorf("after the restart: %+v", s)
	}
	var l ledger
	consume(t, &l, "keep", "c", func(k *nsq.Consumer) error { return k.ConnectToNSQD(n.TCP) })
	nsqtest.Eventually(t, patience, "every message comes back", func() bool { return l.distinct() == 21 })
	if since := time.Since(start); since < delay {
		t.Errorf("the deferred message came %s after its publish, %s too early", since, delay-since)
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	c := startCluster(t, 0, 1)
	n := c.nsqds[0]
	create(t, n, "kill", "c")
	const rounds = 3
	acknowledged := 0
	for round := range rounds {
		p := producer(t, n)
		results := make(chan *nsq.ProducerTransaction, 1000)
		stop := make(chan struct{})
		sent := make(chan int)
		go func() {
			i := 0
			for ; ; i++ {
				select {
				case <-stop:
					sent <- i
					return
				default:
				}
				if p.PublishAsync("kill", fmt.Appendf(nil, "%d-%d", round, i), results, i) != nil {
					sent <- i
					return
				}
			}
		}()
		oks := 0
		for oks < 5000 {
			if tr := <-results; tr.Error == nil {
				oks++
			}
		}
		n.Kill()
		close(stop)
		total := -1
		for answered := oks; total < 0 || answered < total; {
			select {
			case total = <-sent:
			case tr := <-results:
				answered++
				if tr.Error == nil {
					oks++
				}
			}
		}
		acknowledged += oks
		n.Restart()
	}
	if s := channel(t, n, "kill", "c"); s == nil || s.Depth < int64(acknowledged) {
		t.Fatalf("%d messages were acknowledged, the channel has %+v", acknowledged, s)
	}
	var l ledger
	consume(t, &l, "kill", "c", func(k *nsq.Consumer) error { return k.ConnectToNSQD(n.TCP) })
	nsqtest.Eventually(t, patience, "every acknowledged message comes", func() bool { return l.distinct() >= acknowledged })
	t.Logf("%d messages acknowledged, %d came", acknowledged, l.distinct())
}

// TestGarbage throws nonsense at every port: each answers or closes, and lives on.
func TestGarbage(t *testing.T) {
	c := startCluster(t, 1, 1)
	n, l := c.nsqds[0], c.lookupds[0]
	huge := "\x7f\xff\xff\xff"
	junk := []string{
		"", "\n", "\x00\x00\x00\x00", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("A", 100_000), "  V3",
		"  V2\n", "  V2PUB\n", "  V2PUB t\n" + huge, "  V2MPUB t\n" + huge, "  V2MPUB t\n\x00\x50\x00\x00\x00\x0f\xff\xff",
		"  V2IDENTIFY\n" + huge, "  V2IDENTIFY\n\x00\x00\x00\x02{]", "  V2SUB t c\nRDY 99999999999999999999\n",
		"  V2SUB ../../x c\n", "  V2FIN aaaaaaaaaaaaaaaa\n", "  V2" + strings.Repeat("x", 20_000), "  V2SUB t c\nFIN 0123456789abcdef\nREQ x\n",
		"  V1\n", "  V1IDENTIFY\n" + huge, "  V1IDENTIFY\n\xff\xff\xff\xff", "  V1REGISTER t c\n", "  V1IDENTIFY\n\x00\x00\x00\x04null",
		"  V1" + strings.Repeat("y", 100_000),
		"POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "GET /stats?%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	before := rss(t, n)
	for _, address := range []string{n.TCP, n.HTTP, l.TCP, l.HTTP, c.admin.HTTP} {
		for _, text := range junk {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatalf("%s does not listen any more: %v", address, err)
			}
			conn.Write([]byte(text)) //nolint:errcheck // it may be closed early
			conn.(*net.TCPConn).CloseWrite()
			conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s, %.40q: %v", address, text, err)
			}
			conn.Close()
		}
	}
	for _, d := range []*nsqtest.Daemon{n, l, c.admin} {
		if strings.Contains(d.Log(), "panic") || strings.Contains(d.Log(), "goroutine ") {
			t.Errorf("a log tells of a panic:\n%s", d.Log())
		}
		if got := nsqtest.Get(t, "http://"+d.HTTP+"/ping"); got != "OK" {
			t.Errorf("/ping: %q", got)
		}
	}
	if after := rss(t, n); after > before+64<<20 {
		t.Errorf("nsqd grew from %d to %d bytes", before, after)
	}
}

// rss returns the resident memory of a process in bytes.
func rss(t *testing.T, d *nsqtest.Daemon) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Pid()))
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
