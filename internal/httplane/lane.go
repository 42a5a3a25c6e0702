package httplane

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Action carries out a request that has this body; begun is when its head was
// there. It keeps nothing of the body. False: nothing has happened, and net/http
// has to find out why.
type Action func(body []byte, begun time.Time) bool

// Lane is the short way to some actions.
type Lane struct {
	// Open returns what carries out POSTs to a target, such as /pub?topic=t; nil:
	// they are none of the lane's. A connection asks once for targets in a row that
	// are the same.
	Open func(target string) Action
	// Allowed tells whether a client may use these actions that sends this as
	// Authorization, which is empty if it sends none.
	Allowed func(authorization string) bool
}

// Server is what a lane needs to know of the http.Server it belongs to.
type Server struct {
	// HeaderTimeout is the server's ReadHeaderTimeout.
	HeaderTimeout time.Duration
	// Enter is called before an action, and Leave after it. False: the server is
	// being closed, and there shall be no more.
	Enter func() bool
	Leave func()
}

// Listen returns a listener whose connections take the lane. The http.Server that
// serves it must have ConnState, and no other time-out than ReadHeaderTimeout.
func (l *Lane) Listen(listener net.Listener, s Server) net.Listener {
	return &laneListener{Listener: listener, lane: l, server: s}
}

type laneListener struct {
	net.Listener
	lane   *Lane
	server Server
	last   atomic.Pointer[answer]
}

// Accept waits for a connection.
func (l *laneListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{listener: l, limited: true}
	c.Attach(accepted)
	return c, nil
}

// ConnState is http.Server.ConnState: a connection that waits for a request may
// take the lane again.
func ConnState(c net.Conn, state http.ConnState) {
	if c, ok := c.(*conn); ok && state == http.StateIdle {
		c.idle()
	}
}

// answer is what every action is answered with, in the second of its date.
type answer struct {
	second int64
	text   []byte
}

// answer returns the very bytes by which net/http and httpapi's V1 style say OK.
func (l *laneListener) answer() []byte {
	now := time.Now()
	if a := l.last.Load(); a != nil && a.second == now.Unix() {
		return a.text
	}
	text := []byte("HTTP/1.1 200 OK\r\nX-Nsq-Content-Type: nsq; version=1.0\r\nDate: ")
	text = now.UTC().AppendFormat(text, http.TimeFormat)
	text = append(text, "\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOK"...)
	l.last.Store(&answer{now.Unix(), text})
	return text
}
