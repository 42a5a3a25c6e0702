package httpapi

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"nsqsuite/internal/logging"
)

// TestClose: a handler is told to end, even one that does not read its request's
// body, and has ended when Close returns.
func TestClose(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	var ended atomic.Bool
	s := NewServer("HTTP", listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		ended.Store(true)
	}), logging.Discard())
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n") //nolint:errcheck // the handler tells
	<-began
	s.Close()
	if !ended.Load() {
		t.Error("a handler goes on after Close")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("a request after Close gets an answer, as if it had been carried out")
		}
	}()
	s.counted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a handler begins after Close") })).ServeHTTP(nil, nil)
}
