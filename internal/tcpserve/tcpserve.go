// Package tcpserve accepts connections, over TCP or a Unix socket, and keeps
// track of every one from its first moment, so that a server can be closed
// whatever its clients do.
package tcpserve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"nsqsuite/internal/logging"
)

// Bounds of the pause after a failed accept.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// Listen listens on host:port, or on a Unix socket if address is not of that
// form (protocol.md 1.1). A socket file that nobody listens on any more is
// replaced. The error reads `listen (address) failed - …`.
func Listen(address string) (net.Listener, error) {
	network := "tcp"
	if _, _, err := net.SplitHostPort(address); err != nil {
		network = "unix"
	}
	ln, err := net.Listen(network, address)
	if err != nil && network == "unix" && errors.Is(err, syscall.EADDRINUSE) && stale(address) {
		if err = os.Remove(address); err == nil {
			ln, err = net.Listen(network, address)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen (%s) failed - %w", address, err)
	}
	return ln, nil
}

// stale tells whether path is a socket that nobody listens on.
func stale(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Server accepts connections until it is closed.
type Server struct {
	listener net.Listener
	handle   func(net.Conn)
	log      *logging.Logger

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	busy   sync.WaitGroup
}

// New returns a server that gives each connection to handle, in a goroutine of
// its own, and closes it when handle returns.
func New(listener net.Listener, log *logging.Logger, handle func(net.Conn)) *Server {
	return &Server{listener: listener, handle: handle, log: log, conns: map[net.Conn]struct{}{}}
}

// Serve accepts connections. It returns nil after Close, else the error that
// ended it. A failure that may pass, such as a lack of descriptors, does not.
func (s *Server) Serve() error {
	pause := minPause
	for {
		conn, err := s.listener.Accept()
		if err == nil {
			pause = minPause
			s.serve(conn)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if !passing(err) {
			return fmt.Errorf("listener.Accept() error - %w", err)
		}
		s.log.Warnf("temporary Accept() failure - %s", err)
		<-time.After(pause)
		pause = min(2*pause, maxPause)
	}
}

func passing(err error) bool {
	for _, no := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR, syscall.EAGAIN} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

func (s *Server) serve(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return
	}
	s.conns[conn] = struct{}{}
	s.busy.Go(func() {
		defer func() {
			conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		}()
		s.handle(conn)
	})
}

// Close stops accepting, closes all connections, and returns when all handlers have.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.busy.Wait()
}
