package nsqd

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// drainLook is how often a drain looks how far it is, and drainTell how often the log is told.
	drainLook = 200 * time.Millisecond
	drainTell = 10 * time.Second
	// maxRemaining is how many channels a report names.
	maxRemaining = 100
)

// drain is how a node is taken out: publishes are refused, nsqlookupd forgets
// the node, consumers finish what is there, and then the daemon ends.
type drain struct {
	mu    sync.Mutex
	since time.Time     // zero: there is none
	until time.Time     // zero: without limit
	begun chan struct{} // closed when it begins
	ended chan struct{} // closed when nothing is left, or the time is over
}

func newDrain() drain { return drain{begun: make(chan struct{}), ended: make(chan struct{})} }

// drained is the answer of GET and PUT /config/drain: how far the drain is.
type drained struct {
	Draining  bool  `json:"draining"`
	Since     int64 `json:"since,omitempty"` // Unix s
	Until     int64 `json:"until,omitempty"` // Unix s; 0: without limit
	Waiting   int64 `json:"waiting"`
	InFlight  int64 `json:"in_flight"`
	Deferred  int64 `json:"deferred"`
	Consumers int   `json:"consumers"`
	// Remaining has the channels and topics that still have messages, at most maxRemaining.
	Remaining []remaining `json:"remaining"`
}

// remaining is a channel, or a topic that holds messages because it is paused or
// has no channel.
type remaining struct {
	Topic     string `json:"topic"`
	Channel   string `json:"channel,omitempty"`
	Messages  int64  `json:"messages"`
	Consumers int    `json:"consumers"`
	Paused    bool   `json:"paused,omitempty"`
}

// Drain begins a drain, or gives one that goes on another limit; 0 is none. From
// now on publishes are refused.
func (n *NSQD) Drain(limit time.Duration) {
	n.broker.Drain()
	d := &n.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.until = time.Time{}
	if limit > 0 {
		d.until = now.Add(limit)
	}
	if d.since.IsZero() {
		d.since = now
		close(d.begun)
	}
}

// RunUntil is Run for a process: the first signal begins a drain if
// --drain-on-sigterm says so, and otherwise ends it, as the second does in any case.
func (n *NSQD) RunUntil(first, second context.Context) error {
	limit := n.options.DrainOnSigterm
	if limit == 0 {
		return n.Run(first)
	}
	defer context.AfterFunc(first, func() { n.Drain(limit) })()
	return n.Run(second)
}

// drainWhenTold waits for a drain to begin and follows it to its end, or until ctx
// ends; leave has nsqlookupd forget the node.
func (n *NSQD) drainWhenTold(ctx context.Context, leave func()) {
	select {
	case <-ctx.Done():
		return
	case <-n.drain.begun:
	}
	n.log.Infof("DRAIN: publishes are refused, waiting for consumers")
	leave()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	tell := time.NewTicker(drainTell)
	defer tell.Stop()
	for {
		p := n.drained()
		switch {
		case p.Waiting+p.InFlight+p.Deferred == 0:
			n.log.Infof("DRAIN: nothing is left, exiting")
			close(n.drain.ended)
			return
		case n.drainOverdue():
			n.log.Warnf("DRAIN: the time is over, exiting with %s", p.words())
			close(n.drain.ended)
			return
		}
		select {
		case <-ctx.Done():
			n.log.Warnf("DRAIN: cut short with %s", p.words())
			return
		case <-tell.C:
			n.log.Infof("DRAIN: %s", p.words())
		case <-look.C:
		}
	}
}

func (n *NSQD) drainOverdue() bool {
	n.drain.mu.Lock()
	defer n.drain.mu.Unlock()
	return !n.drain.until.IsZero() && !time.Now().Before(n.drain.until)
}

// drained returns how far the drain is, or would be.
func (n *NSQD) drained() drained {
	d := &n.drain
	d.mu.Lock()
	p := drained{Draining: !d.since.IsZero(), Remaining: []remaining{}}
	if p.Draining {
		p.Since = d.since.Unix()
	}
	if !d.until.IsZero() {
		p.Until = d.until.Unix()
	}
	d.mu.Unlock()
	add := func(r remaining) {
		if r.Messages > 0 && len(p.Remaining) < maxRemaining {
			p.Remaining = append(p.Remaining, r)
		}
	}
	for _, t := range n.broker.Topics() {
		held := t.Stats()
		p.Waiting += held.Depth
		add(remaining{Topic: held.Name, Messages: held.Depth, Paused: held.Paused})
		for _, c := range t.Channels() {
			s := c.Stats()
			p.Waiting += s.Depth
			p.InFlight += s.InFlight
			p.Deferred += s.Deferred
			p.Consumers += s.Consumers
			add(remaining{t.Name(), s.Name, s.Depth + s.InFlight + s.Deferred, s.Consumers, s.Paused})
		}
	}
	return p
}

// words words it for the log.
func (p *drained) words() string {
	text := fmt.Sprintf("%d messages waiting, %d in flight, %d deferred, %d consumers", p.Waiting, p.InFlight, p.Deferred, p.Consumers)
	var stuck []string
	for _, r := range p.Remaining {
		if r.Consumers == 0 {
			stuck = append(stuck, strings.TrimSuffix(r.Topic+"/"+r.Channel, "/"))
		}
	}
	if len(stuck) > 0 {
		text += "; without consumers: " + strings.Join(stuck, ", ")
	}
	return text
}
