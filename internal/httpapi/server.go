package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"time"

	"nsqsuite/internal/httplane"
	"nsqsuite/internal/logging"
)

// headerTimeout is how long a client may take to send a request's header.
const headerTimeout = 30 * time.Second

// Server serves HTTP/1 on a listener.
type Server struct {
	listener net.Listener
	server   *http.Server
	log      *logging.Logger
	name     string
	cancel   func() // ends the context of all requests

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup // handlers
}

// NewServer returns a server; name, HTTP or HTTPS, is for the log.
func NewServer(name string, listener net.Listener, h http.Handler, log *logging.Logger) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{listener: listener, name: name, log: log, cancel: cancel}
	s.server = &http.Server{
		Handler:           s.counted(h),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          stdlog.New(log, "", 0),
		ReadHeaderTimeout: headerTimeout,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	return s
}

// Serving is what the servers of an API need.
type Serving struct {
	Plain  net.Listener // nil: none in clear
	Secure net.Listener // nil: none over TLS
	TLS    *tls.Config
	// TLSDemanded makes the server in clear say only where the other one is.
	TLSDemanded bool
	Handler     http.Handler
	// Lane, if not nil, is a short way that the server in clear has.
	Lane *httplane.Lane
	Log  *logging.Logger
}

// Servers returns the servers of an API: one over TLS if there is a listener for
// it, and one in clear if there is one for that.
func Servers(s Serving) []*Server {
	var list []*Server
	port := 0
	if s.Secure != nil {
		list = append(list, NewServer("HTTPS", tls.NewListener(s.Secure, s.TLS), s.Handler, s.Log))
		port = s.Secure.Addr().(*net.TCPAddr).Port
	}
	if s.Plain == nil {
		return list
	}
	if s.TLSDemanded {
		return append(list, NewServer("HTTP", s.Plain, TLSRequired(port), s.Log))
	}
	plain := NewServer("HTTP", s.Plain, s.Handler, s.Log)
	if s.Lane != nil {
		plain.take(s.Lane)
	}
	return append(list, plain)
}

// take makes connections take a lane.
func (s *Server) take(lane *httplane.Lane) {
	s.listener = lane.Listen(s.listener, httplane.Server{
		HeaderTimeout: headerTimeout,
		Enter:         s.enter,
		Leave:         s.busy.Done,
	})
	s.server.ConnState = httplane.ConnState
}

// enter lets a request in, whose end Close waits for: that of s.busy.Done. It
// returns false once the server is being closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.busy.Add(1)
	return true
}

// counted returns a handler of which Close can wait for the end. What comes later
// gets no answer: it has not been carried out.
func (s *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.busy.Done()
		h.ServeHTTP(w, r)
	})
}

// Addr returns the address the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve serves until Close. The error is what ended it otherwise.
func (s *Server) Serve() error {
	s.log.Infof("%s: listening on %s", s.name, s.listener.Addr())
	err := s.server.Serve(s.listener)
	s.log.Infof("%s: closing %s", s.name, s.listener.Addr())
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("http.Serve() error - %w", err)
}

// Close closes the listener and all connections, ends the context of their
// requests, and returns when all handlers have.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.server.Close() //nolint:errcheck // closing a listener that is closed already
	s.busy.Wait()
}
