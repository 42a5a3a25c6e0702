package session

import (
	"io"
	"net"
	"testing"
	"testing/synctest"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// transport is a way to reach a session.
type transport struct {
	name    string
	network string // tcp, unix or pipe
}

var transports = []transport{
	{name: "tcp", network: "tcp"},
	{name: "unix", network: "unix"},
}

var pipe = transport{name: "pipe", network: "pipe"}

// client is the other end of a session.
type client struct {
	conn   net.Conn
	w      io.Writer
	frames chan frame
	ended  chan struct{}
}

// maxFrames is how many frames a client takes before anybody looks at them.
const maxFrames = 10000

// client connects, and sends the magic unless raw.
func (l *live) client(over transport, raw bool) *client {
	l.t.Helper()
	conn := l.connect(over.network)
	c := &client{conn: conn, w: conn, frames: make(chan frame, maxFrames), ended: make(chan struct{})}
	if !raw {
		c.write([]byte(protocol.MagicV2))
	}
	go c.read(conn)
	return c
}

func (c *client) read(r io.Reader) {
	defer close(c.ended)
	for {
		kind, data, err := protocol.ReadFrame(r, 1<<24)
		c.frames <- frame{kind, string(data), err}
		if err != nil {
			return
		}
	}
}

// write sends p, or as much as the session takes: tests look at what comes back.
func (c *client) write(p []byte) { c.w.Write(p) }

func (c *client) close() {
	c.conn.Close()
	<-c.ended
}

// change is a setting that a test's server differs in.
type change = func(*Config, *broker.Config)

// overAll runs each transcript over every transport against a server of its own.
func overAll(t *testing.T, scripts map[string]string, changes ...change) {
	for _, over := range transports {
		each(t, transcript{over: over}, scripts, changes)
	}
}

// raw runs transcripts that send the magic themselves, over a plain connection.
func raw(t *testing.T, scripts map[string]string, changes ...change) {
	each(t, transcript{over: transports[0], raw: true}, scripts, changes)
}

// inBubble runs transcripts in which time passes, which it does only where a transcript says so.
func inBubble(t *testing.T, setup transcript, scripts map[string]string, changes ...change) {
	setup.over, setup.bubble = pipe, true
	each(t, setup, scripts, changes)
}

func each(t *testing.T, setup transcript, scripts map[string]string, changes []change) {
	for name, text := range scripts {
		run := func(t *testing.T) {
			s := setup
			s.t, s.live = t, newLive(t, changes...)
			defer s.live.close()
			s.run(text)
		}
		t.Run(name+"/"+setup.over.name, func(t *testing.T) {
			if setup.bubble {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}
