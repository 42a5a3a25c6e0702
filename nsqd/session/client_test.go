package session

import (
	"compress/flate"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/golang/snappy"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// transport is a way to reach a session.
type transport struct {
	name    string
	network string // tcp, unix or pipe
	tls     bool
	squeeze string // snappy, deflate or none
}

var transports = []transport{
	{name: "tcp", network: "tcp"},
	{name: "unix", network: "unix"},
	{name: "tls", network: "tcp", tls: true},
	{name: "snappy", network: "tcp", squeeze: "snappy"},
	{name: "deflate", network: "unix", squeeze: "deflate"},
	{name: "tls+snappy", network: "unix", tls: true, squeeze: "snappy"},
	{name: "tls+deflate", network: "tcp", tls: true, squeeze: "deflate"},
}

var pipe = transport{name: "pipe", network: "pipe"}

// client is the other end of a session. Its layers are those of libraries, not ours.
type client struct {
	conn   net.Conn
	r      io.Reader
	w      io.Writer
	flush  func() error // of a compression; may be nil
	frames chan frame
	ended  chan struct{}
}

// maxFrames is how many frames a client takes before anybody looks at them.
const maxFrames = 10000

// client returns a client whose frames come through a channel.
func (l *live) client(over transport, raw bool) *client {
	l.t.Helper()
	c := l.connectClient(over, raw)
	c.frames, c.ended = make(chan frame, maxFrames), make(chan struct{})
	go c.read()
	return c
}

// connectClient connects, sends the magic unless raw, and negotiates what the transport asks for.
func (l *live) connectClient(over transport, raw bool) *client {
	l.t.Helper()
	conn := l.connect(over.network)
	c := &client{conn: conn, r: conn, w: conn}
	if !raw {
		c.write([]byte(protocol.MagicV2))
	}
	if over.tls || over.squeeze != "" {
		if err := c.negotiate(over); err != nil {
			l.t.Fatal(err)
		}
	}
	return c
}

func (c *client) negotiate(over transport) error {
	c.write(protocol.AppendBody([]byte("IDENTIFY\n"), fmt.Appendf(nil, `{"feature_negotiation":true,"tls_v1":%t,"snappy":%t,"deflate":%t}`,
		over.tls, over.squeeze == "snappy", over.squeeze == "deflate")))
	_, data, err := protocol.ReadFrame(c.r, 1<<16)
	if err != nil {
		return err
	}
	var reply protocol.IdentifyReply
	if err := json.Unmarshal(data, &reply); err != nil {
		return err
	}
	if reply.TLSv1 != over.tls || reply.Snappy != (over.squeeze == "snappy") || reply.Deflate != (over.squeeze == "deflate") {
		return fmt.Errorf("negotiated %s", data)
	}
	if over.tls {
		secure := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true})
		c.r, c.w = secure, secure
		if err := c.readOK(); err != nil {
			return err
		}
	}
	switch over.squeeze {
	case "snappy":
		w := snappy.NewBufferedWriter(c.w)
		c.r, c.w, c.flush = snappy.NewReader(c.r), w, w.Flush
		return c.readOK()
	case "deflate":
		w, err := flate.NewWriter(c.w, 6)
		if err != nil {
			return err
		}
		c.r, c.w, c.flush = flate.NewReader(c.r), w, w.Flush
		return c.readOK()
	}
	return nil
}

func (c *client) readOK() error {
	if _, data, err := protocol.ReadFrame(c.r, 100); err != nil || string(data) != protocol.OK {
		return fmt.Errorf("%q, %w, instead of OK", data, err)
	}
	return nil
}

func (c *client) read() {
	defer close(c.ended)
	for {
		kind, data, err := protocol.ReadFrame(c.r, 1<<24)
		c.frames <- frame{kind, string(data), err}
		if err != nil {
			return
		}
	}
}

// write sends p, or as much as the session takes: tests look at what comes back.
func (c *client) write(p []byte) {
	c.w.Write(p)
	if c.flush != nil {
		c.flush()
	}
}

func (c *client) close() {
	c.conn.Close()
	<-c.ended
}

// change is a setting that a test's server differs in.
type change = func(*Config, *broker.Config)

// overAll runs each transcript over every transport against a server of its own.
// In short runs each layer has its turn only once.
func overAll(t *testing.T, scripts map[string]string, changes ...change) {
	for _, over := range transports {
		if testing.Short() && (over.name == "tls" || over.name == "deflate" || over.name == "tls+snappy") {
			continue // what makes them up is in the others
		}
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
