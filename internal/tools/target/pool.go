package target

import (
	"math/rand/v2"
	"sync"
	"time"
)

// How long an address that failed is left alone: the first time, and at most.
const (
	firstPause = 30 * time.Second
	maxPause   = 15 * time.Minute
)

// How often the mode epsilon-greedy tries an address for no reason: at first, how
// that shrinks with each time, and where it ends.
const (
	firstEpsilon = 0.3
	decay        = 0.9
	leastEpsilon = 0.01
)

// Pool picks addresses, by their number. It is safe for concurrent use.
type Pool struct {
	mode Mode

	mu      sync.Mutex
	hosts   []host
	last    int // the one that was picked in turn
	epsilon float64
}

// host is an address.
type host struct {
	dead  bool
	again time.Time     // when a dead one gets a try
	pause time.Duration // before the next try after that
	speed means
}

// NewPool returns a pool of so many addresses, at least one. Its mode is not All.
func NewPool(addresses int, mode Mode) *Pool {
	p := &Pool{mode: mode, hosts: make([]host, addresses), epsilon: firstEpsilon}
	if mode != RoundRobin {
		p.last = addresses - 1 // plain turns have always begun with the second address
	}
	return p
}

// Pick returns the address to use next.
func (p *Pool) Pick() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.mode {
	case RoundRobin:
		p.last = (p.last + 1) % len(p.hosts)
		return p.last
	case EpsilonGreedy:
		if i, ok := p.quick(); ok {
			return i
		}
	}
	return p.alive()
}

// alive returns the next address that is not dead, or whose time for a try has
// come. If there is none all are taken to be alive. The caller holds mu.
func (p *Pool) alive() int {
	now := time.Now()
	for range p.hosts {
		p.last = (p.last + 1) % len(p.hosts)
		h := &p.hosts[p.last]
		if !h.dead {
			return p.last
		}
		if !now.Before(h.again) {
			h.retry(now)
			return p.last
		}
	}
	for i := range p.hosts {
		p.hosts[i].dead = false
	}
	p.last = 0
	return 0
}

// retry gives a dead host a try, and until it has succeeded no other for a while.
func (h *host) retry(now time.Time) {
	h.pause = min(2*h.pause, maxPause)
	h.again = now.Add(h.pause)
}

// quick returns a random address, the likelier the quicker; ok is false if it is
// another's turn, or if nothing is known of one that may be used. The caller holds mu.
func (p *Pool) quick() (i int, ok bool) {
	if rand.Float64() < p.epsilon {
		p.epsilon = max(p.epsilon*decay, leastEpsilon)
		return 0, false
	}
	now := time.Now()
	weights := make([]float64, len(p.hosts))
	sum := 0.0
	for i := range p.hosts {
		h := &p.hosts[i]
		if h.dead && now.Before(h.again) {
			continue
		}
		mean := h.speed.mean(now)
		if mean == 0 {
			return 0, false
		}
		weights[i] = 1 / mean.Seconds()
		sum += weights[i]
	}
	at := rand.Float64() * sum
	for i, w := range weights {
		if at -= w; w > 0 && at <= 0 {
			if h := &p.hosts[i]; h.dead {
				h.retry(now)
			}
			return i, true
		}
	}
	return 0, false
}

// Done says what came of the use of a picked address.
func (p *Pool) Done(i int, took time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.hosts[i]
	now := time.Now()
	switch {
	case err == nil:
		h.dead = false
		h.speed.add(now, took)
	case !h.dead:
		h.dead, h.pause = true, firstPause
		h.again = now.Add(firstPause)
	}
}
