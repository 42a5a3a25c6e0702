package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/protocol"
)

const (
	// ioTimeout bounds the dial, and each single read and write.
	ioTimeout = time.Second
	// pingEvery is how often a nsqlookupd hears from us at least.
	pingEvery = 15 * time.Second
	// minRetry and maxRetry bound the pause before the next attempt to connect.
	minRetry = time.Second
	maxRetry = pingEvery
	// maxQueued is how many changes wait for a peer; with more it is told everything anew.
	maxQueued = 4096
)

var (
	errRefused = errors.New("lookupd returned E_INVALID")
	errNotJSON = errors.New("parsing response")
)

// peer is the connection to one nsqlookupd. Fields without another note belong to its loop.
type peer struct {
	address string
	config  *Config
	stop    context.CancelFunc // guarded by Client.mu

	conn      net.Conn
	connected atomic.Bool
	// info is what the peer told of itself when it last did.
	info atomic.Pointer[protocol.RegistryInfo]

	mu     sync.Mutex
	queue  []Change
	lost   bool // more was queued than fits
	queued chan struct{}
}

func newPeer(address string, c *Config) *peer {
	return &peer{address: address, config: c, queued: make(chan struct{}, 1)}
}

func (p *peer) notify(c Change) {
	p.mu.Lock()
	if len(p.queue) < maxQueued {
		p.queue = append(p.queue, c)
	} else {
		p.lost = true
	}
	p.mu.Unlock()
	select {
	case p.queued <- struct{}{}:
	default:
	}
}

// take returns the changes that wait, and whether some are missing.
func (p *peer) take() ([]Change, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue, lost := p.queue, p.lost
	p.queue, p.lost = nil, false
	return queue, lost
}

// run connects, tells what changes, and pings, until ctx ends.
func (p *peer) run(ctx context.Context) {
	defer p.disconnect()
	retry := minRetry
	for ctx.Err() == nil {
		if err := p.connect(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			p.config.Log.Errorf("LOOKUPD(%s): %s", p.address, err)
			p.disconnect()
			wait(ctx, retry)
			retry = min(2*retry, maxRetry)
			continue
		}
		retry = minRetry
		err := p.serve(ctx)
		p.disconnect()
		if err != nil && ctx.Err() == nil {
			p.config.Log.Errorf("LOOKUPD(%s): %s", p.address, err)
			wait(ctx, minRetry)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (p *peer) disconnect() {
	p.connected.Store(false)
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// connect dials, identifies, and tells everything there is.
func (p *peer) connect(ctx context.Context) error {
	p.config.Log.Infof("LOOKUP connecting to %s", p.address)
	dialer := net.Dialer{Timeout: ioTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	p.conn = conn
	body, err := json.Marshal(p.config.Self())
	if err != nil {
		return err
	}
	hello := append([]byte(protocol.MagicV1), protocol.AppendCommand(nil, "IDENTIFY")...)
	reply, err := p.ask(protocol.AppendBody(hello, body))
	if err != nil {
		return fmt.Errorf("IDENTIFY - %w", err)
	}
	if bytes.Equal(reply, []byte("E_INVALID")) {
		return errRefused
	}
	var info protocol.RegistryInfo
	if err := json.Unmarshal(reply, &info); err != nil {
		return fmt.Errorf("%w - %s", errNotJSON, reply)
	}
	p.config.Log.Infof("LOOKUPD(%s): peer info {TCPPort:%d HTTPPort:%d Version:%s BroadcastAddress:%s}",
		p.address, info.TCPPort, info.HTTPPort, info.Version, info.BroadcastAddress)
	if info.BroadcastAddress == "" {
		p.config.Log.Errorf("LOOKUPD(%s): no broadcast address", p.address)
	}
	p.take() // all that, and more, is told now
	for _, r := range p.config.Registrations() {
		p.config.Log.Infof("LOOKUPD(%s): REGISTER %s %s", p.address, r.Topic, r.Channel)
		if err := p.register("REGISTER", r); err != nil {
			return err
		}
	}
	p.info.Store(&info)
	p.connected.Store(true)
	return nil
}

// serve tells changes as they come, and pings.
func (p *peer) serve(ctx context.Context) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ping.C:
			p.config.Log.Debugf("LOOKUPD(%s): sending heartbeat", p.address)
			if _, err := p.ask(protocol.AppendCommand(nil, "PING")); err != nil {
				return fmt.Errorf("PING - %w", err)
			}
		case <-p.queued:
			changes, lost := p.take()
			if lost {
				return nil // and everything is told anew
			}
			for _, c := range changes {
				if err := p.tell(c); err != nil {
					return err
				}
			}
		}
	}
}

func (p *peer) tell(c Change) error {
	command, kind := "REGISTER", "topic"
	if c.Gone {
		command = "UNREGISTER"
	}
	if c.Channel != "" {
		kind = "channel"
	}
	p.config.Log.Infof("LOOKUPD(%s): %s %s %s %s", p.address, kind, command, c.Topic, c.Channel)
	return p.register(command, c.Registration)
}

// register sends REGISTER or UNREGISTER; what is answered does not matter.
func (p *peer) register(command string, r Registration) error {
	words := []string{command, r.Topic}
	if r.Channel != "" {
		words = append(words, r.Channel)
	}
	if _, err := p.ask(protocol.AppendCommand(nil, words...)); err != nil {
		return fmt.Errorf("%s %s %s - %w", command, r.Topic, r.Channel, err)
	}
	return nil
}

// ask sends a command and returns the answer.
func (p *peer) ask(command []byte) ([]byte, error) {
	if err := p.conn.SetDeadline(time.Now().Add(ioTimeout)); err != nil {
		return nil, err
	}
	if _, err := p.conn.Write(command); err != nil {
		return nil, err
	}
	return protocol.ReadReply(p.conn, p.config.MaxReply)
}
