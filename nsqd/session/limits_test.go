package session

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// TestErrorIsReadableWhileSending sends far more than is allowed: the error must
// not be lost to a reset.
func TestErrorIsReadableWhileSending(t *testing.T) {
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			c := l.client(over, false)
			c.write(protocol.AppendPub(nil, "t", 0, make([]byte, 2<<20)))
			want := "! E_BAD_MESSAGE PUB message too big 2097152 > 1000"
			if got := (<-c.frames).text(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestErrorIsTheLastFrame has a consumer in the midst of many messages do
// something fatal, and go on sending.
func TestErrorIsTheLastFrame(t *testing.T) {
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			topic, err := l.broker.Topic("t")
			if err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			l.busy.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						topic.Publish([]broker.Message{{Body: make([]byte, 900)}}) //nolint:errcheck // what comes counts
					}
				}
			})
			defer close(stop)
			c := l.client(over, false)
			c.write([]byte("SUB t c\nRDY 2500\n"))
			<-c.frames // OK
			<-c.frames // they flow
			c.write(protocol.AppendPub(nil, "t", 0, make([]byte, 4<<20)))
			last := frame{}
			for f := range c.frames {
				if f.err != nil {
					break
				}
				last = f
			}
			if want := "! E_BAD_MESSAGE PUB message too big 4194304 > 1000"; last.text() != want {
				t.Errorf("the last frame is %.100q, want %q", last.text(), want)
			}
		})
	}
}

// TestSlowReaderIsClosed has a consumer that reads nothing, whose socket is
// full: it is closed after a heartbeat interval, and its messages go to others.
func TestSlowReaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.close()
		conn := l.connect("pipe")
		conn.Write([]byte(protocol.MagicV2 + "IDENTIFY\n\x00\x00\x00\x29" + `{"heartbeat_interval":1000,"ignored":123}`)) //nolint:errcheck // the answer tells
		if _, data, err := protocol.ReadFrame(conn, 100); err != nil || string(data) != protocol.OK {
			t.Fatalf("%q, %v", data, err)
		}
		conn.Write([]byte("SUB t c\n")) //nolint:errcheck // likewise
		if _, data, err := protocol.ReadFrame(conn, 100); err != nil || string(data) != protocol.OK {
			t.Fatalf("%q, %v", data, err)
		}
		conn.Write([]byte("RDY 10\n")) //nolint:errcheck // likewise
		publisher := &transcript{t: t, live: l, over: pipe, bubble: true}
		publisher.run("> PUB t [x]\n< OK\n= 999ms")
		if n := l.channel("t", "c").Stats().Consumers; n != 1 {
			t.Fatalf("%d consumers before the time is over", n)
		}
		publisher.run("= 1ms")
		if n := l.channel("t", "c").Stats().Consumers; n != 0 {
			t.Errorf("%d consumers that do not read", n)
		}
		publisher.run("> SUB t c\n< OK\n> RDY 1\n= 30s\n< _heartbeat_\n= 28s\n< nothing\n= 1s\n< m2 x")
	})
}

// TestSteadyReaderIsServed has a client that needs many heartbeat intervals for
// what is written at once, but reads a little in each, and then nothing.
func TestSteadyReaderIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		l := newLive(t)
		defer l.close()
		s := newSession(l.sessions, theirs)
		s.settings.Store(&protocol.Settings{Heartbeat: time.Second})
		done := make(chan error)
		go func() { done <- s.writeBuffers(&net.Buffers{make([]byte, 500), make([]byte, 600)}) }()
		for range 10 {
			<-time.After(900 * time.Millisecond)
			if _, err := io.ReadFull(ours, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a client that reads no more: %v", err)
		}
	})
}

// TestSlowReaderOfHeartbeats is the same without messages.
func TestSlowReaderOfHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.close()
		conn := l.connect("pipe")
		conn.Write([]byte(protocol.MagicV2)) //nolint:errcheck // the session is counted
		for range 4 {
			<-time.After(14 * time.Second)
			conn.Write([]byte("NOP\n")) //nolint:errcheck // likewise
		}
		synctest.Wait()
		if n := len(l.sessions.Clients()); n != 1 {
			t.Fatalf("%d sessions before the time is over", n)
		}
		<-time.After(5 * time.Second)
		synctest.Wait()
		if n := len(l.sessions.Clients()); n != 0 {
			t.Errorf("%d sessions whose client does not read", n)
		}
	})
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDeclaredSizesCostNothing has each command claim the largest body that is
// allowed, here 1 GiB, and send none of it.
func TestDeclaredSizesCostNothing(t *testing.T) {
	l := newLive(t, func(c *Config, _ *broker.Config) { c.MaxMsgSize, c.MaxBodySize = 1<<30, 1<<30 })
	defer l.close()
	size := "\x3f\xff\xff\x00"
	for _, text := range []string{"PUB t\n", "DPUB t 1\n", "IDENTIFY\n", "AUTH\n", "MPUB t\n" + size + "\x00\x00\x00\x01", "MPUB t\n" + size + "\x0c\x00\x00\x00\x00\x00\x00\x01a"} {
		n := allocated(func() {
			conn := l.connect("tcp")
			io.WriteString(conn, protocol.MagicV2+text+size) //nolint:errcheck // the answer tells
			conn.(*net.TCPConn).CloseWrite()                 //nolint:errcheck // likewise
			if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "failed to read") {
				t.Errorf("%q: %q, %v", text, answer, err)
			}
		})
		if n > 256<<10 {
			t.Errorf("%q: %d bytes were allocated", text, n)
		}
	}
}

// TestManyConnections opens and drops connections, in all the ways there are:
// nothing is left of them.
func TestManyConnections(t *testing.T) {
	l := newLive(t)
	defer l.close()
	l.channel("t", "c")
	goroutines := runtime.NumGoroutine()
	for i := range 1000 {
		conn := l.connect("tcp")
		text := []string{"", "  ", "  V2", "  V2NOP\n", "  V2SUB t c\nRDY 1\n", "  V2PUB t\n\x00\x00\x00\x05he", "  V2BOGUS\n"}[i%7]
		if _, err := io.WriteString(conn, text); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, os.ErrClosed) {
			t.Fatal(err)
		}
		if i%2 == 0 {
			conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a reset instead of an end
		}
		conn.Close()
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(l.sessions.Clients()) > 0 || runtime.NumGoroutine() > goroutines+2 {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%d sessions and %d goroutines are left", len(l.sessions.Clients()), runtime.NumGoroutine()-goroutines)
		}
	}
	if s := l.channel("t", "c").Stats(); s.Consumers != 0 {
		t.Errorf("%d consumers are left", s.Consumers)
	}
}
