package httplane

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const patience = 30 * time.Second

// hand is a listener whose connections are handed to it.
type hand chan net.Conn

func (l hand) Accept() (net.Conn, error) {
	if conn, ok := <-l; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (l hand) Addr() net.Addr { return &net.TCPAddr{} }
func (l hand) Close() error   { return nil }

// client is one of a server with a lane for /a, which everybody else may use than x.
type client struct {
	net.Conn
	out    strings.Builder
	ended  atomic.Bool // the server has closed the connection
	bodies []string
	closed bool // the server takes no more requests
	inside int
}

// dial returns a client in a bubble of synctest.
func dial(t *testing.T) *client {
	c := &client{}
	lane := &Lane{
		Open: func(target string) Action {
			if target != "/a" {
				return nil
			}
			return func(body []byte, _ time.Time) bool {
				if c.inside != 1 || len(body) == 0 {
					return false
				}
				c.bodies = append(c.bodies, string(body))
				return true
			}
		},
		Allowed: func(authorization string) bool { return authorization != "x" },
	}
	sockets := make(hand)
	server := &http.Server{
		ReadHeaderTimeout: patience,
		ConnState:         ConnState,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)                   //nolint:errcheck // the body is of no interest
			io.WriteString(w, r.Method+" of "+r.URL.Path) //nolint:errcheck // the client is there
		}),
	}
	go server.Serve(lane.Listen(sockets, Server{ //nolint:errcheck // it ends with the listener
		HeaderTimeout: patience,
		Enter:         func() bool { c.inside++; return !c.closed },
		Leave:         func() { c.inside-- },
	}))
	var socket net.Conn
	c.Conn, socket = net.Pipe()
	sockets <- socket
	go func() {
		io.Copy(&c.out, c.Conn) //nolint:errcheck // it ends with the connection
		c.ended.Store(true)
	}()
	t.Cleanup(func() {
		c.Close()
		close(sockets)
		server.Close()
	})
	return c
}

// send sends what the server takes, and returns what it has sent since.
func (c *client) send(text string) string {
	c.out.Reset()
	io.WriteString(c, strings.ReplaceAll(text, "|", "\r\n")) //nolint:errcheck // the server may have had enough
	synctest.Wait()
	return c.out.String()
}

const (
	start = "POST /a HTTP/1.1|Host: x|Content-Length: 4||"
	ping  = "GET /ping HTTP/1.1|Host: x||"
)

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestDeadline: the head has its time, from when it begins; bodies and clients that
// have nothing to say have all the time.
func TestDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		before []string
		last   string
		ends   bool
	}{
		"nothing":                    {nil, "", true},
		"part of a head":             {nil, start[:20], true},
		"a request":                  {nil, start + "body", false},
		"part of a body":             {nil, start + "bo", false},
		"part of the next head":      {[]string{start + "body"}, start[:20], true},
		"part of the next body":      {[]string{start + "body"}, start + "bo", false},
		"a passed request":           {[]string{start + "body"}, ping, false},
		"part of a passed body":      {[]string{start + "body"}, "POST /b HTTP/1.1|Host: x|Content-Length: 4||bo", false},
		"part of a head after that":  {[]string{start + "body", ping}, start[:20], true},
		"part of a long head":        {[]string{start + "body"}, start[:20] + strings.Repeat("x", 5000), true},
		"part of a doubtful head":    {[]string{start + "body"}, "POST /a HTTP/1.1|Expect: ", true},
		"a doubtful request":         {[]string{start + "body"}, "PUT /b HTTP/1.1|Host: x||", false},
		"a request in pieces":        {[]string{start[:20], start[20:40]}, start[40:] + "body", false},
		"a large request":            {nil, "POST /a HTTP/1.1|Host: x|Content-Length: 9000||" + strings.Repeat("x", 9000), false},
		"a large body that is short": {nil, "POST /a HTTP/1.1|Host: x|Content-Length: 9000||" + strings.Repeat("x", 8000), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := dial(t)
			for _, text := range c.before {
				client.send(text)
				if strings.HasSuffix(text, "body") || text == ping {
					pass(time.Hour)
				}
			}
			client.send(c.last)
			pass(patience - time.Second)
			if client.ended.Load() {
				t.Errorf("%s: the server closes the connection too early", name)
			}
			pass(2 * time.Second)
			if client.ended.Load() != c.ends {
				t.Errorf("%s: the server has closed the connection: %v, want %v", name, client.ended.Load(), c.ends)
			}
			pass(time.Hour)
			if client.ended.Load() != c.ends {
				t.Errorf("%s: the server has closed the connection in the end: %v, want %v", name, client.ended.Load(), c.ends)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t)
		for authorization, ours := range map[string]bool{"x": false, "y": true} {
			got := c.send("POST /a HTTP/1.1|Host: x|Authorization: " + authorization + "|Content-Length: 4||" + authorization + "ody")
			if strings.HasSuffix(got, "OK") != ours || strings.HasSuffix(got, "POST of /a") == ours {
				t.Errorf("with %s: %q", authorization, got)
			}
		}
		if len(c.bodies) != 1 || c.bodies[0] != "yody" {
			t.Errorf("%q", c.bodies)
		}
	})
}

// TestDate has the date of an answer in the second it is sent.
func TestDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t)
		for range 3 {
			if want := "Date: " + time.Now().UTC().Format(http.TimeFormat); !strings.Contains(c.send(start+"body"), want) {
				t.Errorf("%q lacks %q", c.out.String(), want)
			}
			pass(700 * time.Millisecond)
		}
	})
}

// TestClosing: what comes when the server is being closed is not carried out, and gets no answer.
func TestClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t)
		c.send(start + "body")
		c.closed = true
		if got := c.send(start + "more"); got != "" || !c.ended.Load() || len(c.bodies) != 1 {
			t.Errorf("answer %q, ended %v, carried out: %q", got, c.ended.Load(), c.bodies)
		}
	})
}

// TestGone: a client that is gone before its answer ends the connection, nothing else.
func TestGone(t *testing.T) {
	for _, text := range []string{start + "body", start + "bo", start[:20], "POST /a HTTP/1.1|Host: x|Content-Length: 9000||x"} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t)
			c.Conn.SetReadDeadline(time.Now()) //nolint:errcheck // so that nobody reads
			synctest.Wait()
			io.WriteString(c, strings.ReplaceAll(text, "|", "\r\n")) //nolint:errcheck // the server takes it
			c.Close()
			synctest.Wait()
			if c.inside != 0 {
				t.Errorf("%q: an action goes on", text)
			}
		})
	}
}

// TestIdle: a connection that waits holds no memory of the lane's.
func TestIdle(t *testing.T) {
	request := []byte("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("x", 9000))
	near, far := net.Pipe()
	l := &laneListener{
		lane:   &Lane{Open: func(string) Action { return func([]byte, time.Time) bool { return true } }},
		server: Server{Enter: func() bool { return true }, Leave: func() {}},
	}
	c := &conn{listener: l}
	c.Attach(far)
	ended := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 4096))
		ended <- err
	}()
	near.Write(request)                                      //nolint:errcheck // Read tells
	if _, err := near.Read(make([]byte, 1000)); err != nil { // the answer
		t.Fatal(err)
	}
	near.Close()
	<-ended
	if c.buffer != nil || c.held != nil {
		t.Error("a buffer is kept")
	}
}
