package session

import (
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/certs/certstest"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// live is a broker with sessions on it, for tests to talk to.
type live struct {
	t        testing.TB
	broker   *broker.Broker
	sessions *Server
	closing  sync.Once

	mu        sync.Mutex
	listeners map[string]net.Listener // by network
	busy      sync.WaitGroup
	conns     []net.Conn
}

// small are limits that tests can reach; nothing else differs from the defaults.
const (
	smallMsg  = 1000
	smallBody = 5000
)

func newLive(t testing.TB, changes ...change) *live {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/data"); err != nil {
		t.Fatal(err)
	}
	b := broker.Config{
		Store:         diskqueue.NewStore(fs, "/data", 0),
		MemQueueSize:  10000,
		MaxMsgTimeout: 15 * time.Minute,
		Durability:    diskqueue.Write,
	}
	c := Config{
		Log:             logging.Discard(),
		Version:         "1.3.0",
		MaxRdyCount:     2500,
		MaxMsgSize:      smallMsg,
		MaxBodySize:     smallBody,
		MaxReqTimeout:   time.Hour,
		TLS:             &tls.Config{Certificates: []tls.Certificate{certificate}},
		Deflate:         true,
		Snappy:          true,
		MaxDeflateLevel: 6,
		Limits: protocol.Limits{
			MaxHeartbeat:           time.Minute,
			MaxOutputBuffer:        65536,
			OutputBufferTimeout:    250 * time.Millisecond,
			MinOutputBufferTimeout: 25 * time.Millisecond,
			MaxOutputBufferTimeout: 30 * time.Second,
			MsgTimeout:             time.Minute,
			MaxMsgTimeout:          15 * time.Minute,
		},
	}
	for _, change := range changes {
		change(&c, &b)
	}
	l := &live{t: t, broker: broker.New(b), listeners: map[string]net.Listener{}}
	if err := l.broker.Restore(nil); err != nil {
		t.Fatal(err)
	}
	c.Broker, c.MaxChannelConsumers = l.broker, b.MaxChannelConsumers
	l.sessions = NewServer(c)
	return l
}

// close ends everything; what does not end hangs the test.
func (l *live) close() {
	for _, c := range l.conns {
		c.Close()
	}
	for _, ln := range l.listeners {
		ln.Close()
	}
	l.busy.Wait()
	l.closeBroker()
	if n := len(l.sessions.Clients()); n != 0 {
		l.t.Errorf("%d sessions are left", n)
	}
}

func (l *live) closeBroker() {
	l.closing.Do(func() {
		if err := l.broker.Close(); err != nil {
			l.t.Error(err)
		}
	})
}

// connect returns the client's end of a connection that a session serves.
func (l *live) connect(network string) net.Conn {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var ours, theirs net.Conn
	if network == "pipe" {
		ours, theirs = net.Pipe()
	} else {
		ours, theirs = l.dial(network)
	}
	l.conns = append(l.conns, ours, theirs)
	l.busy.Add(1)
	go l.serve(l.sessions.Open(theirs), theirs)
	return ours
}

// serve does what tcpserve does.
func (l *live) serve(s *Session, conn net.Conn) {
	if s.Handle() {
		go l.serve(s, conn)
		return
	}
	conn.Close()
	l.busy.Done()
}

func (l *live) dial(network string) (ours, theirs net.Conn) {
	ln := l.listeners[network]
	var err error
	if ln == nil {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(l.t.TempDir(), "nsqd.sock")
		}
		if ln, err = net.Listen(network, address); err != nil {
			l.t.Fatal(err)
		}
		l.listeners[network] = ln
	}
	if ours, err = net.Dial(network, ln.Addr().String()); err != nil {
		l.t.Fatal(err)
	}
	if theirs, err = ln.Accept(); err != nil {
		l.t.Fatal(err)
	}
	return ours, theirs
}

func (l *live) channel(topic, name string) *broker.Channel {
	l.t.Helper()
	t, err := l.broker.Topic(topic)
	if err != nil {
		l.t.Fatal(err)
	}
	c, err := t.Channel(name)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// authority has signed all certificates of these tests. It is made before any
// test can fake the time.
var (
	authority   = certstest.NewAuthority(fatal{})
	certificate = authority.Certificate("nsqd")
)

// fatal ends the test process where there is no test to blame.
type fatal struct{ testing.TB }

func (fatal) Helper()           {}
func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
