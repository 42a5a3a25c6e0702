package api

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/httplane"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// script is a connection to a client that sends chunks, as fast as they are read,
// and then no more.
type script struct {
	net.Conn
	chunks []string
	out    strings.Builder
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; s.chunks[0] == "" {
		s.chunks = s.chunks[1:]
	}
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) CloseWrite() error                { return nil }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

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

// way is a broker with an API that is served with or without a lane.
type way struct {
	*fixture
	scale    int64 // by which messages and bodies may be larger
	observed []string
	short    int // requests that took the lane
}

// newWay returns one; in it, topic full takes one message.
func newWay(t *testing.T, scale int64) *way {
	w := &way{fixture: unserved(t), scale: scale}
	full, err := w.broker.Topic("full")
	if err != nil {
		t.Fatal(err)
	}
	one := int64(1)
	full.SetLimits(func(l *protocol.OwnLimits) { l.MaxDepth = &one })
	return w
}

// run returns what a client gets that sends chunks: each when all is quiet, or at once.
func (w *way) run(laned, calm bool, chunks []string) string {
	config := w.config()
	config.MaxMsgSize, config.MaxBodySize = maxMsg*w.scale, maxBody*w.scale
	a := New(config)
	a.Observe = func(method, route string, status int, _ time.Duration) {
		w.observed = append(w.observed, fmt.Sprintf("%s %s %d", method, route, status))
	}
	listener := make(hand)
	s := httpapi.Serving{Plain: listener, Handler: a, Log: a.Log}
	if laned {
		s.Lane = &httplane.Lane{Open: w.counting(a.Lane)}
	}
	server := httpapi.Servers(s)[0]
	go server.Serve() //nolint:errcheck // it ends with the listener
	defer server.Close()
	defer close(listener)
	if !calm {
		conn := &script{chunks: slices.Clone(chunks)}
		listener <- conn
		synctest.Wait()
		return conn.out.String()
	}
	client, conn := net.Pipe()
	listener <- conn
	var out strings.Builder
	go io.Copy(&out, client) //nolint:errcheck // it ends with the pipe
	for _, chunk := range chunks {
		io.WriteString(client, chunk) //nolint:errcheck // the server may have had enough
		synctest.Wait()
	}
	client.Close()
	synctest.Wait()
	return out.String()
}

// counting returns open, whose actions are counted.
func (w *way) counting(open func(string) httplane.Action) func(string) httplane.Action {
	return func(target string) httplane.Action {
		action := open(target)
		if action == nil {
			return nil
		}
		return func(body []byte, begun time.Time) bool {
			ok := action(body, begun)
			if ok {
				w.short++
			}
			return ok
		}
	}
}

// effects returns what has come of it.
func (w *way) effects() string {
	var b strings.Builder
	fmt.Fprintln(&b, w.observed)
	for _, t := range w.broker.Topics() {
		s := t.Stats()
		fmt.Fprintln(&b, t.Name(), s.Messages, s.Bytes, s.Rejected, w.messages(t.Name()), deferred(t))
	}
	return b.String()
}

func deferred(t *broker.Topic) int64 {
	c, _ := t.FindChannel("reader")
	return c.Stats().Deferred
}

// compare runs chunks both ways, and returns how many requests took the lane.
func compare(t *testing.T, scale int64, calm bool, chunks []string) (short int) {
	synctest.Test(t, func(t *testing.T) {
		with, without := newWay(t, scale), newWay(t, scale)
		got, want := with.run(true, calm, chunks), without.run(false, calm, chunks)
		if got != want {
			t.Errorf("%.2000q\n with the lane %.2000q\n without       %.2000q", chunks, got, want)
		}
		if got, want := with.effects(), without.effects(); got != want {
			t.Errorf("%.2000q: what has come of it\n with the lane %.2000s\n without       %.2000s", chunks, got, want)
		}
		if log := with.log.String() + without.log.String(); strings.Contains(log, "panic") {
			t.Errorf("%.2000q: %s", chunks, log)
		}
		short = with.short
		<-time.After(time.Second) // net/http takes its time to close a connection that it has not read
	})
	return short
}

// TestLane has rows of requests, which | ends; ~ stands for CRLF.
func TestLane(t *testing.T) {
	const host = " HTTP/1.1~Host: x~"
	const one = host + "Content-Length: 1~~x|"
	const plain = "POST /pub?topic=t" + one
	for _, c := range []struct {
		requests string
		short    int
	}{
		{plain, 1},
		{plain + plain + plain, 3},
		{"POST /pub?topic=t" + host + "Content-Length: 20~~01234567890123456789|", 1},
		{"POST /pub?topic=t" + host + "Content-Length: 21~~012345678901234567890|" + plain, 1},
		{"POST /pub?topic=t" + host + "Content-Length: 0~~|" + plain, 1},
		{"POST /pub?topic=t" + host + "~|" + plain, 1},
		{"POST /pub?topic=t&defer=5000" + one + "POST /pub?defer=0&topic=t" + one, 2},
		{"POST /pub?topic=t&defer=" + one, 0},
		{"POST /pub?topic=t&defer=3600001" + one, 0},
		{"POST /pub?topic=t&defer=%2B5" + one, 1},
		{"POST /pub?topic=e%23ephemeral" + one + "POST /pub?topic=e#ephemeral" + one, 2},
		{"POST /pub?topic=t&topic=u" + one, 0},
		{"POST /pub?topic=t&x=y" + one, 0},
		{"POST /pub?topic=t;x" + one, 0},
		{"POST /pub?topic=t&%zz" + one, 0},
		{"POST /pub?topic=" + one, 0},
		{"POST /pub?topic=t!" + one, 0},
		{"POST /pub" + one, 0},
		{"POST /pub/?topic=t" + one, 0},
		{"POST //pub?topic=t" + one, 0},
		{"POST /p%75b?topic=t" + one, 0},
		{"POST /PUB?topic=t" + one, 0},
		{"GET /pub?topic=t" + one, 0},
		{"POST /topic/create?topic=t" + one + plain, 1},
		{plain + "GET /ping" + host + "~|" + plain, 2},
		{plain + "GET /none" + host + "~|" + plain, 2},
		{"POST /pub?topic=full" + one + "POST /pub?topic=full" + one + plain, 2},
		{"POST /mpub?topic=t" + host + "Content-Length: 6~~a\nb\r\nc|" + plain, 2},
		{"POST /mpub?topic=t&binary=false" + host + "Content-Length: 3~~a\nb|", 1},
		{"POST /mpub?topic=t" + host + "Content-Length: 0~~|", 0},
		{"POST /mpub?topic=t" + host + "Content-Length: 2~~\n\n|", 0},
		{"POST /mpub?topic=t" + host + "Content-Length: 22~~012345678901234567890\n|", 0},
		{"POST /mpub?topic=t" + host + "Content-Length: 65~~" + strings.Repeat("a\n", 32) + "a|", 0},
		{"POST /mpub?topic=t&binary=true" + host + "Content-Length: 9~~\x00\x00\x00\x01\x00\x00\x00\x01a|", 1},
		{"POST /mpub?topic=t&binary=yes" + host + "Content-Length: 9~~\x00\x00\x00\x01\x00\x00\x00\x01a|", 0},
		{"POST /mpub?topic=t&binary=1" + host + "Content-Length: 9~~\x00\x00\x00\x01\x00\x00\x00\x02a|", 0},
		{"POST /mpub?topic=t&defer=1" + host + "Content-Length: 1~~a|", 0},
		{plain + "~~" + plain, 2},
		{"~~" + plain, 0},
		{plain + "~~~" + plain, 1},
		{plain + "GARBAGE", 1},
		{"GET /ping" + host + "~|X" + plain, 0}, // net/http may read the X by itself
		{plain + "POST /pub?topic=t HTTP/1.0~Host: x~Content-Length: 1~~x|", 1},
		{plain + "POST /pub?topic=t" + host + "Transfer-Encoding: chunked~~1~x~0~~|" + plain, 1},
		{plain + "POST /pub?topic=t" + host + "Content-Length: 4~Transfer-Encoding: chunked~~0~~" + plain, 1},
		{plain + "POST /pub?topic=t" + host + "Content-Length: 1~Content-Length: 1~~x|" + plain, 1},
		{plain + "POST /pub?topic=t" + host + "Content-Length: 1~Connection: close~~x|" + plain, 1},
		{plain + "POST /pub?topic=t" + host + "Content-Length: 1~Expect: 100-continue~~x|" + plain, 1},
		{plain + "POST /pub?topic=t HTTP/1.1~Content-Length: 1~~x|", 1},
		{"POST /pub?topic=t" + host + "Content-Length: 10~~short", 0},
		{"POST /pub?topic=t" + host + "Content-Length: 999999999~~short", 0},
		{"POST /pub?topic=t" + host + "X-Long: " + strings.Repeat("x", 5000) + "~Content-Length: 1~~x|" + plain, 0},
		{"POST /pub?topic=t" + host + "Content-Le", 0},
		{"", 0},
	} {
		var chunks []string // of a request each
		for request := range strings.SplitAfterSeq(c.requests, "|") {
			chunks = append(chunks, strings.ReplaceAll(strings.TrimSuffix(request, "|"), "~", "\r\n"))
		}
		if short := compare(t, 1, true, chunks); short != c.short {
			t.Errorf("%q: %d requests took the lane, want %d", c.requests, short, c.short)
		}
		whole := strings.Join(chunks, "")
		compare(t, 1, false, chunks)
		compare(t, 1, false, []string{whole})
		compare(t, 1, false, strings.Split(whole, ""))
	}
}

// TestLargeOnLane has bodies for which net/http's buffer has no room, in pieces.
func TestLargeOnLane(t *testing.T) {
	request := func(target string, declared, size int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, declared, strings.Repeat("0123456\n", size/8))
	}
	const small, large, huge = 16, 8000, 80_000
	for _, c := range []struct {
		requests []string
		short    int
	}{
		{[]string{request("/pub?topic=t", large, large), request("/mpub?topic=t", large, large)}, 2},
		{[]string{request("/pub?topic=t", large, large) + request("/pub?topic=t", small, small)}, 2},
		{[]string{request("/pub?topic=full", large, large), request("/pub?topic=full", large, large), request("/pub?topic=t", small, small)}, 2},
		{[]string{request("/pub?topic=t", small, small), request("/pub?topic=t", huge, huge), request("/pub?topic=t", small, small)}, 2},
		{[]string{request("/pub?topic=t", large, small)}, 0},
		{[]string{request("/pub?topic=t", huge, large)}, 0},
	} {
		if short := compare(t, 5000, true, c.requests); short != c.short {
			t.Errorf("%.300q: %d requests took the lane, want %d", c.requests, short, c.short)
		}
		whole := strings.Join(c.requests, "")
		var chunks []string
		for piece := range slices.Chunk([]byte(whole), 1000) {
			chunks = append(chunks, string(piece))
		}
		compare(t, 5000, true, chunks)
		compare(t, 5000, false, chunks)
		compare(t, 5000, false, []string{whole})
	}
}
