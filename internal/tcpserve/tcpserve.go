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

// Handler serves one connection.
type Handler interface {
	// Handle serves for a while. It returns true if it is to be called again, which
	// is done in a new goroutine. A new one has a small stack: it is the place to wait
	// in for long, if no deep call was made before.
	Handle() (again bool)
}

// Server accepts connections until it is closed.
type Server struct {
	listener net.Listener
	open     func(net.Conn) Handler
	log      *logging.Logger

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	busy   sync.WaitGroup // connections
}

// New returns a server that has each connection served by the handler that open
// makes for it, and closes it when that has done. Open is called in the
// connection's own goroutine.
func New(listener net.Listener, log *logging.Logger, open func(net.Conn) Handler) *Server {
	return &Server{listener: listener, open: open, log: log, conns: map[net.Conn]struct{}{}}
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
	s.busy.Add(1)
	go func() { s.handle(conn, s.open(conn)) }()
}

// handle is the connection's goroutine: there is one at a time.
func (s *Server) handle(conn net.Conn, h Handler) {
	if h.Handle() {
		go s.handle(conn, h)
		return
	}
	conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	s.busy.Done()
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
