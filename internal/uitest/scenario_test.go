package uitest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func TestMain(m *testing.M) { nsqtest.Main(m) }

const patience = 30 * time.Second

// scenario is a cluster on a bad day.
type scenario struct {
	t        *testing.T
	lookupds []*nsqtest.Daemon
	nsqds    []*nsqtest.Daemon
	admin    *nsqtest.Daemon
	stop     chan struct{}
	busy     sync.WaitGroup
	topics   atomic.Int64
}

// begin starts two nsqlookupd, three nsqd, an nsqadmin, and traffic.
func begin(t *testing.T, adminArgs ...string) *scenario {
	t.Helper()
	s := &scenario{t: t, stop: make(chan struct{})}
	var lookupTCP, lookupHTTP []string
	for range 2 {
		l := nsqtest.Start(t, "nsqlookupd", "--broadcast-address=127.0.0.1")
		s.lookupds = append(s.lookupds, l)
		lookupTCP = append(lookupTCP, "--lookupd-tcp-address="+l.TCP)
		lookupHTTP = append(lookupHTTP, "--lookupd-http-address="+l.HTTP)
	}
	for i := range 3 {
		to := lookupTCP
		if i == 2 {
			to = lookupTCP[:1] // it is not known everywhere
		}
		args := append([]string{"--broadcast-address=127.0.0.1", "--data-path=" + t.TempDir(), "--topology-region=eu-west", "--topology-zone=" + string(rune(97+i))}, to...)
		s.nsqds = append(s.nsqds, nsqtest.Start(t, "nsqd", args...))
	}
	s.admin = nsqtest.Start(t, "nsqadmin", append(lookupHTTP, adminArgs...)...)
	t.Cleanup(s.end)
	s.traffic()
	nsqtest.Eventually(t, patience, "nsqadmin sees all topics", func() bool {
		return strings.Count(nsqtest.Get(t, s.url("/api/v2/topics")), `"topic":`) == 7
	})
	return s
}

func (s *scenario) end() {
	for _, n := range s.nsqds {
		syscall.Kill(n.Pid(), syscall.SIGCONT) //nolint:errcheck // it may have ended
	}
	close(s.stop)
	s.busy.Wait()
}

func (s *scenario) url(path string) string { return "http://" + s.admin.HTTP + path }

// publish publishes so many messages at a time, every 50 ms, to a topic on all
// nodes; orders is the only one that the third node has.
func (s *scenario) publish(topic string, perTick int) {
	body := strings.TrimSuffix(strings.Repeat(`{"order":48213,"customer":"c-7781","total":19.90}`+"\n", perTick), "\n")
	client := &http.Client{Timeout: time.Second}
	for i, n := range s.nsqds {
		if i == 2 && topic != "orders" {
			continue
		}
		s.busy.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-s.stop:
					return
				case <-tick.C:
				}
				resp, err := client.Post("http://"+n.HTTP+"/mpub?topic="+topic, "", strings.NewReader(body))
				if err == nil { // a frozen node is part of the scenario
					resp.Body.Close()
				}
			}
		})
	}
}

// consumer says how a consumer behaves.
type consumer struct {
	id       string
	ready    int
	each     time.Duration // that a message takes
	requeues int           // every so many messages are given back; 0: none
	hangs    bool          // it finishes nothing
}

// consume connects a consumer to a channel of all nodes that have it.
func (s *scenario) consume(topic, channel string, how consumer) {
	for i, n := range s.nsqds {
		if i == 2 && topic != "orders" {
			continue
		}
		conn := nsqtest.Dial(s.t, n.TCP)
		identity := fmt.Sprintf(`{"client_id":%q,"hostname":"shop-1.example","user_agent":"shop/2.1","heartbeat_interval":5000}`, how.id)
		hello := append([]byte(protocol.MagicV2), protocol.AppendBody(protocol.AppendCommand(nil, "IDENTIFY"), []byte(identity))...)
		hello = protocol.AppendCommand(hello, "SUB", topic, channel)
		hello = protocol.AppendCommand(hello, "RDY", fmt.Sprint(how.ready))
		if _, err := conn.Write(hello); err != nil {
			s.t.Fatal(err)
		}
		s.busy.Go(func() { s.handle(conn, how) })
		s.busy.Go(func() {
			<-s.stop
			conn.Close()
		})
	}
}

// handle answers what a consumer gets, until its connection ends.
func (s *scenario) handle(conn net.Conn, how consumer) {
	in := bufio.NewReader(conn)
	for n := 1; ; n++ {
		kind, data, err := protocol.ReadFrame(in, 1<<20)
		if err != nil {
			return
		}
		if kind == protocol.FrameResponse && string(data) == protocol.Heartbeat {
			conn.Write(protocol.AppendCommand(nil, "NOP")) //nolint:errcheck // then the next read fails
		}
		if kind != protocol.FrameMessage || how.hangs {
			continue
		}
		if how.each > 0 {
			select {
			case <-time.After(how.each):
			case <-s.stop:
			}
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			s.t.Error(err)
			return
		}
		answer := protocol.AppendCommand(nil, "FIN", string(m.ID[:]))
		if how.requeues > 0 && n%how.requeues == 0 {
			answer = protocol.AppendCommand(nil, "REQ", string(m.ID[:]), "0")
		}
		conn.Write(answer) //nolint:errcheck // then the next read fails
	}
}

func (s *scenario) traffic() {
	for _, c := range []string{"orders billing", "orders fulfilment", "orders audit", "payments ledger", "payments fraud-check", "clicks aggregate", "webhooks-out deliver", "emails sender", "search-updates indexer"} {
		topic, channel, _ := strings.Cut(c, " ")
		for i, n := range s.nsqds {
			if i < 2 || topic == "orders" {
				nsqtest.Do(s.t, "POST", "http://"+n.HTTP+"/topic/create?topic="+topic, "")
				nsqtest.Do(s.t, "POST", "http://"+n.HTTP+"/channel/create?topic="+topic+"&channel="+channel, "")
			}
		}
	}
	for topic, perTick := range map[string]int{"orders": 10, "payments": 4, "clicks": 6, "webhooks-out": 2, "emails": 1, "audit-log": 1, "search-updates": 3} {
		s.publish(topic, perTick)
	}
	s.consume("orders", "billing", consumer{id: "billing-1", ready: 50})
	s.consume("orders", "audit", consumer{id: "audit-1", ready: 50})
	s.consume("orders", "fulfilment", consumer{id: "fulfil-1", ready: 12, each: 12 * time.Millisecond})
	s.consume("orders", "fulfilment", consumer{id: "fulfil-2", ready: 12, each: 12 * time.Millisecond})
	s.consume("orders", "fulfilment", consumer{id: "fulfil-3", ready: 6, hangs: true})
	s.consume("payments", "fraud-check", consumer{id: "fraud-1", ready: 20})
	s.consume("clicks", "aggregate", consumer{id: "agg-1", ready: 20})
	s.consume("search-updates", "indexer", consumer{id: "index-1", ready: 20})
	s.consume("webhooks-out", "deliver", consumer{id: "hooks-1", ready: 20, requeues: 3})
	s.consume("emails", "sender", consumer{id: "sender-1", ready: 0})
	nsqtest.Do(s.t, "POST", s.url("/api/topics/clicks/aggregate"), `{"action":"pause"}`)
	nsqtest.Do(s.t, "POST", s.url("/api/topics"), `{"topic":"orders-2024","channel":"archive"}`)
}

// freeze stops a node as a hanging disk does: it takes connections and says nothing.
func (s *scenario) freeze(i int) {
	if err := syscall.Kill(s.nsqds[i].Pid(), syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// thaw lets a frozen node go on.
func (s *scenario) thaw(i int) {
	if err := syscall.Kill(s.nsqds[i].Pid(), syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
	nsqtest.Eventually(s.t, patience, "the node answers again", func() bool {
		return !strings.Contains(nsqtest.Get(s.t, s.url("/nodes")), "Silent ")
	})
}

// manyTopics creates idle topics on the first node.
func (s *scenario) manyTopics(n int) {
	for range n {
		i := s.topics.Add(1)
		nsqtest.Do(s.t, http.MethodPost, fmt.Sprintf("http://%s/topic/create?topic=tenant-%04d", s.nsqds[0].HTTP, i), "")
	}
}

// redrive begins one that takes its time, and defers messages that can be looked at.
func (s *scenario) redrive() {
	for _, n := range s.nsqds[:2] {
		post := func(path, body string) {
			if answer, status := nsqtest.Do(s.t, http.MethodPost, "http://"+n.HTTP+path, body); status != http.StatusOK {
				s.t.Fatalf("%s: %d %s", path, status, answer)
			}
		}
		post("/mpub?topic=payments", strings.Repeat("{}\n", 1000)) // so that it lasts on a slow machine too
		post("/channel/redrive?topic=payments&channel=ledger&to=audit-log&rate=1", "")
		for i := range 3 {
			post(fmt.Sprintf("/pub?topic=search-updates&defer=%d", 600_000+i*60_000), fmt.Sprintf(`{"later":%d}`, i))
		}
	}
}

// pictures is the folder that pictures are left in.
func pictures(t *testing.T) string {
	dir := "../../out/ui"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
