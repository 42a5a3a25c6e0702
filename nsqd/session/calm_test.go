package session

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

// awaitCalm returns when n sessions of the test process wait with a small stack.
func awaitCalm(t testing.TB, n int) {
	t.Helper()
	stacks := make([]byte, 16<<20)
	nsqtest.Eventually(t, patience, "the sessions are not calm", func() bool {
		size := runtime.Stack(stacks, true)
		return strings.Count(string(stacks[:size]), ".(*input).doze(") == n
	})
}

// soonCalm is a tick with which sessions are calm soon.
const soonCalm = 20 * time.Millisecond

// TestCalm has clients that say nothing until their session is calm, and then go on
// in all the ways there are.
func TestCalm(t *testing.T) {
	for name, text := range map[string]string{
		"a command":           "> PUB t [x]\n< OK",
		"a long command":      "> PUB t [900*x]\n< OK",
		"commands":            "> NOP\n> PUB t [x]\n> NOP\n< OK\n> NOP\n> PUB t [x]\n< OK",
		"several at a time":   ">. NOP\\nPUB t\\n[x]NOP\\nPUB t\\n[y]\n< OK\n< OK",
		"a command in pieces": ">. P\n>. UB t\\n\n>. \\x00\\x00\\x00\n>. \\x01xNOP\\n\n> PUB t [x]\n< OK\n< OK",
		"heartbeats":          "> NOP\n! calm\n> NOP\n! calm\n> NOP\n> PUB t [x]\n< OK",
		"a message":           "> SUB t c\n< OK\n> RDY 1\n! calm\nb> PUB t [x]\nb< OK\n< m1 x\n> FIN $1\nb> PUB t [y]\nb< OK\n< m1 y",
		"IDENTIFY":            "> IDENTIFY [{}]\n< OK\n! calm\n> SUB t c\n< OK",
		"an upgrade":          `> IDENTIFY [{"snappy":true,"feature_negotiation":true}]` + "\n< {…",
		"what is wrong":       "> BOGUS\n< ! E_INVALID invalid command BOGUS\n< eof",
	} {
		for _, over := range transports[:2] {
			t.Run(name+"/"+over.name, func(t *testing.T) {
				l := newLive(t)
				l.sessions.tick = soonCalm
				defer l.close()
				s := &transcript{t: t, live: l, over: over}
				s.run("! calm\n" + text)
			})
		}
	}
}

// TestCalmEnds has a client of a calm session go, one way or another: the log knows which.
func TestCalmEnds(t *testing.T) {
	const interval = 50 * time.Millisecond
	for name, c := range map[string]struct {
		end func(*client)
		log string
	}{
		"it closes":  {func(c *client) { c.conn.Close() }, "closed the connection"},
		"it resets":  {func(c *client) { c.conn.(*net.TCPConn).SetLinger(0); c.conn.Close() }, "connection reset"},
		"no answers": {func(c *client) { c.write([]byte("NOP\n")) }, "i/o timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			var log nsqtest.Output
			l := newLive(t)
			l.sessions.tick = soonCalm
			l.sessions.Log = logging.New(&log, "", logging.Debug)
			defer l.close()
			client := l.client(transports[0], false)
			awaitCalm(t, 1)
			l.sessions.mu.Lock()
			for s := range l.sessions.sessions {
				s.settings.Store(&protocol.Settings{Heartbeat: interval})
			}
			l.sessions.mu.Unlock()
			began := time.Now()
			c.end(client)
			<-client.ended
			if name == "no answers" && time.Since(began) < 2*interval {
				t.Errorf("it ended after %s", time.Since(began))
			}
			nsqtest.Eventually(t, patience, "the session has not ended", func() bool { return l.sessions.Count() == 0 })
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("the log does not say %q:\n%s", c.log, log.String())
			}
		})
	}
}
