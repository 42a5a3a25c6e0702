package httpapi

import (
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
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
}

// NewServer returns a server; name, HTTP or HTTPS, is for the log.
func NewServer(name string, listener net.Listener, h http.Handler, log *logging.Logger) *Server {
	return &Server{
		listener: listener,
		name:     name,
		log:      log,
		server: &http.Server{
			Handler:           h,
			ErrorLog:          stdlog.New(log, "", 0),
			ReadHeaderTimeout: headerTimeout,
			TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
		},
	}
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

// Close closes the listener and all connections.
func (s *Server) Close() {
	s.server.Close() //nolint:errcheck // closing a listener that is closed already
}
