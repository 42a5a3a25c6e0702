package nsqlookupd

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"nsqsuite/internal/certs"
	"nsqsuite/protocol"
)

const (
	// tlsHandshake is the first byte of a client that speaks TLS. The magic of one
	// that does not begins with another, so one port serves both.
	tlsHandshake = 0x16
	// handshakeTimeout is how long a handshake may take.
	handshakeTimeout = 10 * time.Second
)

// secure lets a client begin TLS, if there is a certificate, or refuses one that
// does not but must.
func (s *session) secure() bool {
	if s.l.tls == nil {
		return true
	}
	s.conn.SetReadDeadline(time.Now().Add(magicTimeout)) //nolint:errcheck // the read will tell
	first, err := s.in.Peek(1)
	switch {
	case err != nil:
		s.l.log.Errorf("failed to read protocol version - %s", err)
		return false
	case first[0] == tlsHandshake:
		return s.shakeHands()
	case s.l.options.TLSRequired != certs.Optional:
		s.l.log.Errorf("client(%s) does not speak TLS, which is required", s.remote)
		s.answer(protocol.Invalid.Errorf("TLS is required").Error()) //nolint:errcheck // the connection is closed in any case
		s.drain()
		return false
	}
	return true
}

func (s *session) shakeHands() bool {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	conn := tls.Server(unread{s.conn, s.in}, s.l.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		s.l.log.Errorf("client(%s) TLS - %s", s.remote, err)
		return false
	}
	s.conn, s.in = conn, bufio.NewReaderSize(conn, maxLine)
	return true
}

// unread is a connection of which some bytes have been read ahead.
type unread struct {
	net.Conn
	ahead io.Reader
}

// Read reads what is ahead first.
func (c unread) Read(p []byte) (int, error) { return c.ahead.Read(p) }
