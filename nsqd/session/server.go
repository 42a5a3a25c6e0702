package session

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/auth"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// Config is what sessions need to know.
type Config struct {
	Broker *broker.Broker
	Log    *logging.Logger
	Limits protocol.Limits

	Version       string
	MaxRdyCount   int64
	MaxMsgSize    int64 // bytes of a message's body
	MaxBodySize   int64 // bytes of the bodies of MPUB and IDENTIFY
	MaxReqTimeout time.Duration
	// TLS, Deflate and Snappy are what clients may ask for; a nil TLS is none.
	TLS         *tls.Config
	TLSRequired bool
	Deflate     bool
	Snappy      bool
	// MaxDeflateLevel, 1 to 9, bounds the level that a client may ask for.
	MaxDeflateLevel int
	// Auth is asked what clients may do; nil: everything.
	Auth *auth.Client
	// MaxChannelConsumers is for the text of the error; the broker checks it.
	MaxChannelConsumers int
	TopologyRegion      string
	TopologyZone        string
	// TopologyAware lets the channels know which consumers are near.
	TopologyAware bool
}

// Server has the sessions of an nsqd.
type Server struct {
	Config

	tick   time.Duration   // tickEvery, but in tests
	open   context.Context // ends with Close
	cancel func()

	mu       sync.Mutex
	sessions map[*Session]struct{}
}

// NewServer returns a server without sessions.
func NewServer(c Config) *Server {
	v := &Server{Config: c, tick: tickEvery, sessions: map[*Session]struct{}{}}
	v.open, v.cancel = context.WithCancel(context.Background())
	return v
}

// Close makes sessions wait no longer for authorisation servers. Their
// connections are for their owner to close.
func (v *Server) Close() { v.cancel() }

// Open begins the session of a connection, which Session.Handle serves. It ends
// when somebody closes the connection.
func (v *Server) Open(conn net.Conn) *Session {
	s := newSession(v, conn)
	v.mu.Lock()
	v.sessions[s] = struct{}{}
	v.mu.Unlock()
	s.log("TCP: new client(%s)", s.remote)
	return s
}

// ended forgets a session.
func (v *Server) ended(s *Session) {
	v.mu.Lock()
	delete(v.sessions, s)
	v.mu.Unlock()
}

// Client is a connection as /stats shows it.
type Client struct {
	protocol.ClientStats
	// Topic and Channel are what the client has subscribed to, or empty.
	Topic, Channel string
	// Published tells whether the client has published anything.
	Published bool
}

// Count returns how many connections there are.
func (v *Server) Count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.sessions)
}

// Clients returns all connections.
func (v *Server) Clients() []Client {
	v.mu.Lock()
	all := make([]*Session, 0, len(v.sessions))
	for s := range v.sessions {
		all = append(all, s)
	}
	v.mu.Unlock()
	clients := make([]Client, len(all))
	for i, s := range all {
		clients[i] = s.stats()
	}
	return clients
}
