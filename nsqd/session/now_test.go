package session

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// TestServedNow fills the socket of a consumer that does not read, one message
// after the other from the publisher's goroutine: the publisher never waits, and
// when the consumer reads it gets every message, whole and in order.
func TestServedNow(t *testing.T) {
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			const messages, size = 2000, 3900
			l := newLive(t)
			defer l.close()
			c := l.connectClient(over, false)
			c.write([]byte("SUB t#ephemeral c\nRDY 2500\n"))
			if err := c.readOK(); err != nil {
				t.Fatal(err)
			}
			topic, err := l.broker.Topic("t#ephemeral")
			if err != nil {
				t.Fatal(err)
			}
			for i := range messages {
				body := fmt.Appendf(make([]byte, 0, size), "%d ", i)
				if err := topic.Publish([]broker.Message{{Body: body[:size]}}); err != nil {
					t.Fatal(err)
				}
				if i < 100 {
					<-time.After(2 * calmFor) // a Unix socket is full by then
				}
			}
			for i := range messages {
				_, data, err := protocol.ReadFrame(c.r, size+protocol.MessageHeaderSize)
				if err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				m, err := protocol.DecodeMessage(data)
				n := -1
				fmt.Sscanf(string(m.Body[:10]), "%d", &n) //nolint:errcheck // then n is wrong
				if err != nil || n != i || len(m.Body) != size {
					t.Fatalf("message %d: got number %d of %d bytes, %v", i, n, len(m.Body), err)
				}
			}
		})
	}
}

// TestWriteMoreThanFits writes more than a socket takes at once: the rest follows as
// the client reads, and if it does not the write ends.
func TestWriteMoreThanFits(t *testing.T) {
	const interval = 100 * time.Millisecond
	l := newLive(t)
	defer l.close()
	ours, theirs := l.dial("unix")
	defer ours.Close()
	defer theirs.Close()
	s := newSession(l.sessions, theirs)
	text := make([]byte, 8<<20)
	for i := range text {
		text[i] = byte(i / 7)
	}
	read := make(chan []byte)
	go func() {
		p := make([]byte, len(text))
		io.ReadFull(ours, p) //nolint:errcheck // the comparison tells
		read <- p
	}()
	if err := s.write(text); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(<-read, text) {
		t.Error("the client has read something else")
	}
	s.settings.Store(&protocol.Settings{Heartbeat: interval})
	if err := s.write(text); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody reads: %v", err)
	}
}
