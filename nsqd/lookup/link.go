package lookup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/protocol"
)

const (
	// ioTimeout bounds the dial, each write, and the wait for each answer.
	ioTimeout = time.Second
	// maxBatch is how many commands are sent before their answers are waited for.
	maxBatch = 100
)

var errUnasked = errors.New("an answer to nothing")

// link is a connection to a nsqlookupd, on which commands go out and answers
// come back in order. Something always reads, so that its end is noticed at once.
type link struct {
	conn    net.Conn
	answers chan answer   // closed when the reading has ended
	closed  chan struct{} // nobody wants answers any more
}

type answer struct {
	text []byte
	err  error
}

// dial connects. When ctx ends, so does all that goes on on the link.
func dial(ctx context.Context, c *Config, address string) (*link, error) {
	timed, cancel := context.WithTimeout(ctx, ioTimeout)
	defer cancel()
	socket, err := c.Dial(timed, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := socket
	if c.TLS != nil {
		if conn, err = overTLS(timed, c, address, socket); err != nil {
			return nil, err
		}
	}
	l := &link{conn: conn, answers: make(chan answer, maxBatch), closed: make(chan struct{})}
	unhook := context.AfterFunc(ctx, func() { socket.Close() }) // TLS would want to say goodbye
	go func() {
		defer close(l.answers)
		defer unhook()
		l.read(c.MaxReply)
	}()
	return l, nil
}

// overTLS shakes hands on a connection, which it closes if that fails.
func overTLS(ctx context.Context, c *Config, address string, conn net.Conn) (net.Conn, error) {
	secure, err := certs.Shake(ctx, conn, address, c.TLS())
	var odd tls.RecordHeaderError
	switch {
	case errors.As(err, &odd):
		return nil, fmt.Errorf("TLS - it does not answer in TLS, has it a --tls-cert? %w", err)
	case err != nil:
		return nil, fmt.Errorf("TLS - %w", err)
	}
	return secure, nil
}

func (l *link) read(limit int64) {
	for {
		text, err := protocol.ReadReply(l.conn, limit)
		select {
		case l.answers <- answer{text, err}:
		case <-l.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// close closes the connection and waits for the reading to end.
func (l *link) close() {
	close(l.closed)
	l.conn.Close()
	for range l.answers {
	}
}

// ask sends n commands, at most maxBatch, and returns the last answer.
func (l *link) ask(commands []byte, n int) (last []byte, err error) {
	if err := l.conn.SetWriteDeadline(time.Now().Add(ioTimeout)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(commands); err != nil {
		return nil, err
	}
	late := time.NewTimer(ioTimeout)
	defer late.Stop()
	for range n {
		select {
		case a := <-l.answers:
			if last, err = a.text, a.err; err != nil {
				return nil, err
			}
		case <-late.C:
			return nil, os.ErrDeadlineExceeded
		}
		late.Reset(ioTimeout)
	}
	return last, nil
}
