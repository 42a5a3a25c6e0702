package nsqd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

// takeOne subscribes to channel c of topic t and returns the next message.
func takeOne(t *testing.T, d *daemon) (net.Conn, protocol.Message) {
	t.Helper()
	conn := nsqtest.Dial(t, d.TCPAddr().String())
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "  V2SUB t c\nRDY 1\n")
	for {
		kind, data, err := protocol.ReadFrame(conn, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if kind == protocol.FrameMessage {
			m, err := protocol.DecodeMessage(data)
			if err != nil {
				t.Fatal(err)
			}
			return conn, m
		}
	}
}

// finishOne takes a message and finishes it; the consumer stays.
func finishOne(t *testing.T, d *daemon) {
	t.Helper()
	conn, m := takeOne(t, d)
	fmt.Fprintf(conn, "FIN %s\n", m.ID[:])
}

// drainState asks how far a drain is.
func (d *daemon) drainState(t *testing.T) (p drained) {
	t.Helper()
	if err := json.Unmarshal([]byte(nsqtest.Get(t, d.url("/config/drain"))), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func put(t *testing.T, d *daemon, body string, status int) {
	t.Helper()
	if text, got := nsqtest.Do(t, "PUT", d.url("/config/drain"), body); got != status {
		t.Errorf("PUT /config/drain %s: %d %s", body, got, text)
	}
}

func (d *daemon) expectEnd(t *testing.T, how string) {
	t.Helper()
	nsqtest.Eventually(t, patience, "it ends: "+how, func() bool { return strings.Contains(d.log.String(), "NSQ: bye") })
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(d.log.String(), "DRAIN: "+how) {
		t.Errorf("the log lacks %q:\n%s", how, d.log)
	}
}

func TestDrain(t *testing.T) {
	lookupd, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lookupd.Close()
	o := testOptions(t)
	o.LookupdTCPAddresses = []string{lookupd.Addr().String()}
	d := startNSQD(t, o)
	peer, err := lookupd.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	nsqtest.Do(t, "POST", d.url("/pub?topic=t"), "one")
	conn, m := takeOne(t, d)
	for _, bad := range []string{"no", "-1s", "0s"} {
		put(t, d, bad, 400)
	}
	if p := d.drainState(t); p.Draining || p.InFlight != 1 || p.Consumers != 1 {
		t.Errorf("before: %+v", p)
	}
	put(t, d, "true", 200)
	for _, request := range []string{"/pub?topic=t", "/mpub?topic=t", "/pub?topic=new", "/topic/create?topic=new"} {
		if body, status := nsqtest.Do(t, "POST", d.url(request), "two"); status != 503 || body != `{"message":"DRAINING"}` {
			t.Errorf("%s: %d %s", request, status, body)
		}
	}
	publisher := nsqtest.Dial(t, d.TCPAddr().String())
	publisher.SetDeadline(time.Now().Add(patience))
	io.WriteString(publisher, "  V2PUB t\n\x00\x00\x00\x03two")
	if kind, data, err := protocol.ReadFrame(publisher, 1<<20); err != nil || kind != protocol.FrameError || string(data) != "E_PUB_FAILED PUB failed draining" {
		t.Errorf("PUB: %d %s, %v", kind, data, err)
	}
	peer.SetDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, peer); err != nil {
		t.Errorf("nsqlookupd is not left: %v", err)
	}
	p := d.drainState(t)
	if !p.Draining || p.InFlight != 1 || p.Until != 0 || len(p.Remaining) != 1 || p.Remaining[0] != (remaining{Topic: "t", Channel: "c", Messages: 1, Consumers: 1}) {
		t.Errorf("meanwhile: %+v", p)
	}
	if status, reason, _ := d.ready(t); status != 503 || reason != "draining: draining" {
		t.Errorf("/readyz: %d %s", status, reason)
	}
	fmt.Fprintf(conn, "FIN %s\n", m.ID[:])
	d.expectEnd(t, "nothing is left")
}

// TestDrainLimit leaves messages for which nobody comes to the next start.
func TestDrainLimit(t *testing.T) {
	o := testOptions(t)
	d := startNSQD(t, o)
	nsqtest.Do(t, "POST", d.url("/pub?topic=t"), "one")
	nsqtest.Do(t, "POST", d.url("/channel/create?topic=u&channel=c"), "")
	put(t, d, "1h", 200)
	if p := d.drainState(t); p.Waiting != 1 || p.Until < p.Since+3600 {
		t.Errorf("%+v", p)
	}
	put(t, d, "1ms", 200)
	d.expectEnd(t, "the time is over, exiting with 1 messages waiting, 0 in flight, 0 deferred, 0 consumers; without consumers: t\n")
	d = startNSQD(t, o)
	if _, m := takeOne(t, d); string(m.Body) != "one" {
		t.Errorf("after the restart: %s", m.Body)
	}
}

// TestDrainOnSigterm: the first signal drains, the second ends that at once.
func TestDrainOnSigterm(t *testing.T) {
	o := testOptions(t)
	o.DrainOnSigterm = time.Hour
	var log nsqtest.Output
	n, err := New(o, logging.New(&log, "", logging.Info))
	if err != nil {
		t.Fatal(err)
	}
	first, one := context.WithCancel(t.Context())
	second, two := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.RunUntil(first, second) }()
	nsqtest.Do(t, "POST", "http://"+n.HTTPAddr().String()+"/pub?topic=t", "one")
	one()
	nsqtest.Eventually(t, patience, "it drains", func() bool { return strings.Contains(log.String(), "DRAIN: publishes are refused") })
	two()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "DRAIN: cut short with 1 messages waiting") || !strings.Contains(log.String(), "NSQ: bye") {
		t.Error(log.String())
	}
}
