package nsqlookupd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/version"
	"nsqsuite/protocol"
)

const patience = 10 * time.Second

// daemon is a nsqlookupd in this process.
type daemon struct {
	*NSQLookupd
	log  nsqtest.Output
	stop func() error // ends it and returns what Run did
}

func start(t testing.TB) *daemon {
	t.Helper()
	o := NewOptions()
	o.TCPAddress, o.HTTPAddress, o.BroadcastAddress = "127.0.0.1:0", "127.0.0.1:0", "lk1"
	d := &daemon{}
	var err error
	if d.NSQLookupd, err = New(o, logging.New(&d.log, "", logging.Info)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { d.stop() }) //nolint:errcheck // for the tests that do not look at it
	return d
}

// client is an nsqd as far as nsqlookupd sees it.
type client struct {
	t testing.TB
	net.Conn
}

func (d *daemon) dial(t testing.TB) *client {
	t.Helper()
	conn := nsqtest.Dial(t, d.TCPAddr().String())
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t, conn}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads answers.
func (c *client) expect(answers ...string) {
	c.t.Helper()
	for _, want := range answers {
		got, err := protocol.ReadReply(c, 1<<20)
		if err != nil || string(got) != want {
			c.t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

func (c *client) expectEOF() {
	c.t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %q, %v, want the end", rest, err)
	}
}

// identify returns the command for an nsqd at this address.
func identify(broadcast string, tcp, http int) string {
	return command(fmt.Sprintf(`{"broadcast_address":%q,"hostname":"h","tcp_port":%d,"http_port":%d,"version":"1.3.0","topology_zone":"z","topology_region":"r"}`,
		broadcast, tcp, http))
}

func command(body string) string {
	return string(protocol.AppendBody([]byte("IDENTIFY\n"), []byte(body)))
}

// join connects an nsqd that has registered something.
func (d *daemon) join(t testing.TB, broadcast string, http int, registrations ...string) *client {
	t.Helper()
	c := d.dial(t)
	c.send("  V1" + identify(broadcast, 4150, http))
	c.expect(d.hello())
	for _, r := range registrations {
		c.send("REGISTER " + r + "\n")
		c.expect("OK")
	}
	return c
}

// hello is the answer to IDENTIFY.
func (d *daemon) hello() string {
	host, _ := os.Hostname()
	text, _ := json.Marshal(host)
	return fmt.Sprintf(`{"broadcast_address":"lk1","hostname":%s,"http_port":%d,"tcp_port":%d,"version":%q}`,
		text, d.HTTPAddr().(*net.TCPAddr).Port, d.TCPAddr().(*net.TCPAddr).Port, version.Number)
}

func (d *daemon) get(t testing.TB, path string) string {
	t.Helper()
	return nsqtest.Get(t, "http://"+d.HTTPAddr().String()+path)
}

// gone waits until the daemon has noticed that a client left.
func (d *daemon) gone(t testing.TB, c *client) {
	t.Helper()
	line := fmt.Sprintf("PROTOCOL(V1): [%s] exiting ioloop", c.LocalAddr())
	nsqtest.Eventually(t, patience, line, func() bool { return strings.Contains(d.log.String(), line) })
}

func TestStopDoesNotWait(t *testing.T) {
	d := start(t)
	d.dial(t) // silent
	d.dial(t).send("  V")
	d.dial(t).send("  V1IDENTIFY\n\x00\x00\x00\x09{")
	d.join(t, "a", 1, "t")
	web := nsqtest.Dial(t, d.HTTPAddr().String())
	io.WriteString(web, "POST /topic/create?topic=t HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
	nsqtest.Eventually(t, patience, "all have been accepted", func() bool { return strings.Count(d.log.String(), "TCP: new client") == 4 })
	began := time.Now()
	if err := d.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("stopping took %s", took)
	}
	for _, line := range []string{"TCP: closing 127.0.0.1:", "HTTP: closing 127.0.0.1:"} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	if _, err := net.Dial("tcp", d.TCPAddr().String()); err == nil {
		t.Error("it still listens")
	}
}

func TestListenFailure(t *testing.T) {
	d := start(t)
	for _, occupied := range []struct{ tcp, http string }{
		{d.TCPAddr().String(), "127.0.0.1:0"},
		{"127.0.0.1:0", d.TCPAddr().String()},
	} {
		o := NewOptions()
		o.TCPAddress, o.HTTPAddress = occupied.tcp, occupied.http
		_, err := New(o, logging.Discard())
		want := fmt.Sprintf("failed to instantiate nsqlookupd - listen (%s) failed - listen tcp", d.TCPAddr())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestAcceptFailure closes the listener behind the daemon's back.
func TestAcceptFailure(t *testing.T) {
	d := start(t)
	nsqtest.Eventually(t, patience, "it listens", func() bool { return strings.Contains(d.log.String(), "HTTP: listening") })
	d.httpListener.Close()
	nsqtest.Eventually(t, patience, "it ends", func() bool { return strings.Contains(d.log.String(), "TCP: closing") })
	if err := d.stop(); err == nil || !strings.HasPrefix(err.Error(), "http.Serve() error - ") {
		t.Errorf("Run: %v", err)
	}
}

// TestLog checks the lines of nsqlookupd.md part 5 for one life of a client.
func TestLog(t *testing.T) {
	d := start(t)
	c := d.join(t, "a", 1, "t c", "u c")
	c.send("PING\nUNREGISTER t\nUNREGISTER u c\n")
	c.expect("OK", "OK", "OK")
	c.Close()
	d.gone(t, c)
	bad := d.dial(t)
	bad.send("ABCD")
	bad.expect("E_BAD_PROTOCOL")
	worse := d.dial(t)
	worse.send("  V1" + command("{"))
	worse.expect("E_BAD_BODY IDENTIFY failed to decode JSON body")
	d.gone(t, worse)
	short := d.dial(t)
	short.Close()
	base := "http://" + d.HTTPAddr().String()
	for _, request := range []string{
		"POST /channel/create?topic=h&channel=k", "POST /channel/delete?topic=h&channel=k",
		"POST /topic/create?topic=h", "POST /topic/delete?topic=h",
		"POST /topic/tombstone?topic=h&node=a:1", "GET /none", "PUT /ping",
	} {
		method, path, _ := strings.Cut(request, " ")
		nsqtest.Do(t, method, base+path, "")
	}
	nsqtest.Eventually(t, patience, "all has been logged", func() bool {
		return strings.Contains(d.log.String(), "PUT /ping") && strings.Contains(d.log.String(), "protocol version")
	})
	log := d.log.String()
	for _, want := range strings.Split(strings.NewReplacer("ADDR", c.LocalAddr().String(), "WORSE", worse.LocalAddr().String(), "OTHER", bad.LocalAddr().String()).Replace(
		`INFO: nsqlookupd v1\.\d+\.\d+ \(built w/go.*\)
INFO: TCP: listening on 127.0.0.1:\d+
INFO: HTTP: listening on 127.0.0.1:\d+
INFO: TCP: new client\(ADDR\)
INFO: CLIENT\(ADDR\): desired protocol magic '  V1'
INFO: CLIENT\(ADDR\): IDENTIFY Address:a TCP:4150 HTTP:1 Version:1.3.0
INFO: DB: client\(ADDR\) REGISTER category:client key: subkey:
INFO: DB: client\(ADDR\) REGISTER category:channel key:t subkey:c
INFO: DB: client\(ADDR\) REGISTER category:topic key:t subkey:
INFO: CLIENT\(ADDR\): pinged \(last ping .*s\)
WARNING: client\(ADDR\) unexpected UNREGISTER category:channel key:t subkey:c
INFO: DB: client\(ADDR\) UNREGISTER category:channel key:t subkey:c
INFO: DB: client\(ADDR\) UNREGISTER category:topic key:t subkey:
INFO: DB: client\(ADDR\) UNREGISTER category:channel key:u subkey:c
INFO: DB: client\(ADDR\) UNREGISTER category:topic key:u subkey:
INFO: DB: client\(ADDR\) UNREGISTER category:client key: subkey:
ERROR: client\(ADDR\) - EOF
INFO: PROTOCOL\(V1\): \[ADDR\] exiting ioloop
ERROR: client\(OTHER\) bad protocol magic 'ABCD'
ERROR: \[WORSE\] - E_BAD_BODY IDENTIFY failed to decode JSON body - unexpected end of JSON input
ERROR: client\(WORSE\) - E_BAD_BODY IDENTIFY failed to decode JSON body
ERROR: failed to read protocol version - EOF
INFO: DB: adding channel\(k\) in topic\(h\)
INFO: DB: adding topic\(h\)
INFO: DB: removing channel\(k\) from topic\(h\)
INFO: DB: removing topic\(h\)
INFO: DB: setting tombstone for producer@a:1 of topic\(h\)
INFO: 404 GET /none \(127.0.0.1:\d+\) .*s
INFO: 405 PUT /ping \(127.0.0.1:\d+\) .*s
INFO: 200 POST /channel/create\?topic=h&channel=k \(127.0.0.1:\d+\) .*s`), "\n") {
		if !regexp.MustCompile(`(?m)^\S+ \S+ ` + want + `$`).MatchString(log) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}
