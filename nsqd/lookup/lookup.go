package lookup

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

// Registration is a topic, or a channel of a topic.
type Registration struct {
	Topic   string
	Channel string // empty: the topic itself
}

// Change says that a registration has come or gone.
type Change struct {
	Registration
	Gone bool
}

// Config is what the client needs to know.
type Config struct {
	// Self returns what this nsqd tells of itself to the nsqlookupd at an address.
	Self func(address string) protocol.PeerInfo
	// Registrations returns everything this nsqd has: a channel stands for its
	// topic too.
	Registrations func() []Registration
	Log           *logging.Logger
	// HTTP is how nsqlookupd are asked over HTTP.
	HTTP httpclient.Config
	// MaxReply bounds an answer to a command, in bytes.
	MaxReply int64
	// Dial connects to a nsqlookupd. If nil, a net.Dialer does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS returns how nsqlookupd are spoken to over TLS, over HTTP too. If nil, they
	// are spoken to in clear.
	TLS func() *tls.Config
}

// Client is the connections to all nsqlookupd. It is safe for concurrent use.
type Client struct {
	config Config
	http   *httpclient.Client

	mu      sync.Mutex
	peers   map[string]*peer
	running context.Context // set by Run
	ended   bool            // Run is about to return
	busy    sync.WaitGroup
}

// New returns a client that knows the addresses, host:port, of some nsqlookupd.
func New(c Config, addresses []string) *Client {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.TLS != nil {
		c.HTTP.TLS = c.TLS
	}
	l := &Client{config: c, http: httpclient.New(c.HTTP), peers: map[string]*peer{}}
	l.SetAddresses(addresses)
	return l
}

// Run keeps the connections until ctx ends, and returns when all loops have
// ended. It can be called once.
func (l *Client) Run(ctx context.Context) {
	l.mu.Lock()
	l.running = ctx
	for _, p := range l.peers {
		l.start(p)
	}
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.busy.Wait()
	l.config.Log.Infof("LOOKUP: closing")
}

// start runs the loop of a peer. The caller holds mu.
func (l *Client) start(p *peer) {
	ctx, cancel := context.WithCancel(l.running)
	p.stop = cancel
	l.busy.Go(func() { p.run(ctx) })
}

// SetAddresses replaces the list of nsqlookupd: connections to others are
// closed, new ones are made, the rest is left alone.
func (l *Client) SetAddresses(addresses []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wanted := map[string]bool{}
	for _, a := range addresses {
		wanted[a] = true
		if l.peers[a] != nil {
			continue
		}
		l.config.Log.Infof("LOOKUP(%s): adding peer", a)
		p := newPeer(a, &l.config)
		l.peers[a] = p
		if l.running != nil && !l.ended {
			l.start(p)
		}
	}
	for a, p := range l.peers {
		if !wanted[a] {
			l.config.Log.Infof("LOOKUP(%s): removing peer", a)
			delete(l.peers, a)
			if p.stop != nil {
				p.stop()
			}
		}
	}
}

// Notify tells all nsqlookupd of a change. It does not wait.
func (l *Client) Notify(c Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.peers {
		p.notify(c)
	}
}

// States tells of each nsqlookupd, by address, whether a connection stands.
func (l *Client) States() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	states := make(map[string]bool, len(l.peers))
	for a, p := range l.peers {
		states[a] = p.connected.Load()
	}
	return states
}

// Connected returns the addresses of the nsqlookupd that a connection stands to.
func (l *Client) Connected() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for a, p := range l.peers {
		if p.connected.Load() {
			list = append(list, a)
		}
	}
	return list
}
