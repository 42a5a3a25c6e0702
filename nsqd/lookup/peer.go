package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/protocol"
)

const (
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
	errBehind  = errors.New("too many changes at once, telling everything anew")
)

// peer is one nsqlookupd.
type peer struct {
	address string
	config  *Config
	stop    context.CancelFunc // guarded by Client.mu

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
	retry := minRetry
	for ctx.Err() == nil {
		joined, err := p.session(ctx)
		if ctx.Err() != nil {
			return
		}
		p.config.Log.Errorf("LOOKUPD(%s): %s", p.address, err)
		if joined {
			retry = minRetry
		}
		wait(ctx, retry)
		retry = min(2*retry, maxRetry)
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

// session keeps a connection until it breaks, and returns why, and whether the
// peer had been told everything before.
func (p *peer) session(ctx context.Context) (joined bool, err error) {
	p.config.Log.Infof("LOOKUP connecting to %s", p.address)
	l, err := dial(ctx, p.config, p.address)
	if err != nil {
		return false, err
	}
	defer l.close()
	if err := p.identify(l); err != nil {
		return false, err
	}
	p.take() // all that, and more, is told now
	all := p.config.Registrations()
	changes := make([]Change, len(all))
	for i := range all {
		changes[i].Registration = all[i]
		p.config.Log.Infof("LOOKUPD(%s): %s", p.address, strings.Join(changes[i].words(), " "))
	}
	if err := p.tell(l, changes); err != nil {
		return false, err
	}
	p.connected.Store(true)
	defer p.connected.Store(false)
	return true, p.serve(ctx, l)
}

// identify says who we are and learns who the peer is.
func (p *peer) identify(l *link) error {
	body, err := json.Marshal(p.config.Self(p.address))
	if err != nil {
		return err
	}
	hello := append([]byte(protocol.MagicV1), protocol.AppendCommand(nil, "IDENTIFY")...)
	reply, err := l.ask(protocol.AppendBody(hello, body), 1)
	if err != nil {
		return fmt.Errorf("IDENTIFY - %w", err)
	}
	if string(reply) == "E_INVALID" {
		return errRefused
	}
	var info protocol.RegistryInfo
	if err := json.Unmarshal(reply, &info); err != nil {
		return fmt.Errorf("%w - %s", errNotJSON, protocol.Echo(reply))
	}
	p.config.Log.Infof("LOOKUPD(%s): peer info {TCPPort:%d HTTPPort:%d Version:%s BroadcastAddress:%s}",
		p.address, info.TCPPort, info.HTTPPort, info.Version, info.BroadcastAddress)
	if info.BroadcastAddress == "" {
		p.config.Log.Errorf("LOOKUPD(%s): no broadcast address", p.address)
	}
	p.info.Store(&info)
	return nil
}

// serve tells changes as they come, and pings.
func (p *peer) serve(ctx context.Context, l *link) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case a := <-l.answers:
			if a.err == nil {
				a.err = errUnasked
			}
			return a.err
		case <-ping.C:
			p.config.Log.Debugf("LOOKUPD(%s): sending heartbeat", p.address)
			if _, err := l.ask(protocol.AppendCommand(nil, "PING"), 1); err != nil {
				return fmt.Errorf("PING - %w", err)
			}
		case <-p.queued:
			changes, lost := p.take()
			if lost {
				return errBehind
			}
			for i := range changes {
				kind := "topic"
				if changes[i].Channel != "" {
					kind = "channel"
				}
				p.config.Log.Infof("LOOKUPD(%s): %s %s", p.address, kind, strings.Join(changes[i].words(), " "))
			}
			if err := p.tell(l, changes); err != nil {
				return err
			}
		}
	}
}

// tell sends a REGISTER or UNREGISTER for each change; what is answered does not matter.
func (p *peer) tell(l *link, changes []Change) error {
	for len(changes) > 0 {
		batch := changes[:min(len(changes), maxBatch)]
		changes = changes[len(batch):]
		var commands []byte
		for i := range batch {
			commands = append(commands, protocol.AppendCommand(nil, batch[i].words()...)...)
		}
		if _, err := l.ask(commands, len(batch)); err != nil {
			return fmt.Errorf("%s - %w", strings.Join(batch[0].words(), " "), err)
		}
	}
	return nil
}

// words returns the command that tells of a change.
func (c *Change) words() []string {
	words := []string{"REGISTER", c.Topic, c.Channel}
	if c.Gone {
		words[0] = "UNREGISTER"
	}
	if c.Channel == "" {
		return words[:2]
	}
	return words
}
