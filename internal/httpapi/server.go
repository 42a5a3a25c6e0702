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

// Servers returns the servers of an API: one over TLS if there is a listener for
// it, and one in clear if there is one for that. If TLS is demanded, the latter
// only says where the former is.
func Servers(plain, secure net.Listener, config *tls.Config, demanded bool, h http.Handler, log *logging.Logger) []*Server {
	var list []*Server
	port := 0
	if secure != nil {
		list = append(list, NewServer("HTTPS", tls.NewListener(secure, config), h, log))
		port = secure.Addr().(*net.TCPAddr).Port
	}
	if plain != nil {
		if demanded {
			h = TLSRequired(port)
		}
		list = append(list, NewServer("HTTP", plain, h, log))
	}
	return list
}

// counted returns a handler of which Close can wait for the end. What comes later
// gets no answer: it has not been carried out.
func (s *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		s.busy.Add(1)
		s.mu.Unlock()
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
