package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

// The pace, and how old things may become.
const (
	Every       = 2 * time.Second        // from cycle to cycle
	grace       = 400 * time.Millisecond // that one step of a cycle waits for answers
	staleAfter  = 5 * time.Second        // without an answer
	forgetAfter = 5 * time.Minute        // of silence a node's values leave the totals
	infoEvery   = time.Minute            // between two looks at what a node can do
	lazyFactor  = 4                      // a slow answer is followed by a pause of so many times its length
)

// Cluster is what the collector asks. It is a *cluster.Cluster, or a test's.
type Cluster interface {
	UsesLookupd() bool
	Lookupds() []string
	Nsqds() []string
	Registry(ctx context.Context, address string) (*cluster.Registry, error)
	Report(ctx context.Context, n *cluster.Node, what cluster.Query) (cluster.Report, error)
	Describe(ctx context.Context, address string, what cluster.Query) (cluster.Report, error)
	Info(ctx context.Context, n *cluster.Node) (protocol.Info, error)
}

// Collector watches a cluster. It is safe for concurrent use.
type Collector struct {
	cluster Cluster
	log     *logging.Logger
	polls   sync.WaitGroup
	refresh chan chan struct{}
	latest  atomic.Pointer[Snapshot]
	first   chan struct{} // closed with the first snapshot

	mu       sync.Mutex // guards all below, and what they point at
	nodes    map[string]*node
	lookupds map[string]*lookupd
	history  history
	memory   memory
	changed  chan struct{} // closed with the next snapshot
}

// lookupd is a nsqlookupd that is watched.
type lookupd struct {
	busy  bool
	last  *cluster.Registry // nil before the first answer
	at    time.Time         // of the last answer
	tried time.Time         // of the last question that has ended
	took  time.Duration
	err   error // of the last question
}

// New returns a Collector. It asks nobody before Run.
func New(c Cluster, log *logging.Logger) *Collector {
	return &Collector{
		cluster: c, log: log,
		refresh: make(chan chan struct{}), first: make(chan struct{}), changed: make(chan struct{}),
		nodes: map[string]*node{}, lookupds: map[string]*lookupd{},
		history: newHistory(), memory: newMemory(),
	}
}

// Run watches until ctx ends.
func (c *Collector) Run(ctx context.Context) {
	defer c.polls.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tick := time.NewTicker(Every)
	defer tick.Stop()
	c.cycle(ctx, true)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.cycle(ctx, true)
		case done := <-c.refresh:
			c.cycle(ctx, false)
			close(done)
		}
	}
}

// Refresh asks at once who is not being asked already, and returns when the
// answers are in the snapshot, or ctx ends.
func (c *Collector) Refresh(ctx context.Context) {
	done := make(chan struct{})
	select {
	case c.refresh <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Latest returns the latest snapshot. Before the first it waits, as long as ctx
// allows; then it is empty.
func (c *Collector) Latest(ctx context.Context) *Snapshot {
	select {
	case <-c.first:
	default:
		select {
		case <-c.first:
		case <-ctx.Done():
		}
	}
	if s := c.latest.Load(); s != nil {
		return s
	}
	return &Snapshot{At: time.Now(), Direct: !c.cluster.UsesLookupd()}
}

// Changed returns a channel that is closed when the next snapshot is there.
func (c *Collector) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// cycle asks everybody who is due and publishes what is known then.
func (c *Collector) cycle(ctx context.Context, regular bool) {
	c.wait(c.askLookupds(ctx))
	c.wait(c.askNodes(ctx, regular))
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	c.mu.Lock()
	c.forget(now)
	s := c.snapshot(now)
	if regular {
		c.history.add(s)
	}
	c.judge(s)
	c.latest.Store(s)
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
	select {
	case <-c.first:
	default:
		close(c.first)
	}
}

// wait waits for a step's polls, but not for those that take long.
func (c *Collector) wait(answered *sync.WaitGroup) {
	done := make(chan struct{})
	c.polls.Go(func() {
		answered.Wait()
		close(done)
	})
	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// askLookupds starts a poll of each nsqlookupd that is not being polled.
func (c *Collector) askLookupds(ctx context.Context) *sync.WaitGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered := new(sync.WaitGroup)
	configured := map[string]bool{}
	for _, address := range c.cluster.Lookupds() {
		configured[address] = true
		l := c.lookupds[address]
		if l == nil {
			l = new(lookupd)
			c.lookupds[address] = l
		}
		if l.busy {
			continue
		}
		l.busy = true
		answered.Add(1)
		c.polls.Go(func() {
			defer answered.Done()
			start := time.Now()
			r, err := c.cluster.Registry(ctx, address)
			c.mu.Lock()
			defer c.mu.Unlock()
			l.busy, l.err, l.tried, l.took = false, err, time.Now(), time.Since(start)
			if err == nil {
				l.last, l.at = r, l.tried
			}
		})
	}
	for address := range c.lookupds {
		if !configured[address] {
			delete(c.lookupds, address)
		}
	}
	return answered
}

// askNodes starts a poll of each node that is not being polled and is due.
func (c *Collector) askNodes(ctx context.Context, regular bool) *sync.WaitGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meet(time.Now())
	answered := new(sync.WaitGroup)
	for _, n := range c.nodes {
		if n.busy || regular && time.Now().Before(n.due) {
			continue
		}
		n.busy = true
		answered.Add(1)
		about, needsInfo := n.about, time.Since(n.infoAt) > infoEvery
		c.polls.Go(func() {
			defer answered.Done()
			c.poll(ctx, n, about, needsInfo)
		})
	}
	return answered
}

// meet brings the nodes up to date with what the nsqlookupd say, or the
// configuration.
func (c *Collector) meet(now time.Time) {
	if !c.cluster.UsesLookupd() {
		for _, address := range c.cluster.Nsqds() {
			if c.nodes[address] == nil {
				c.nodes[address] = &node{given: address, born: now}
			}
			c.nodes[address].knownAt = now
		}
		return
	}
	for _, about := range cluster.JoinRegistries(c.registries()) {
		n := c.nodes[about.HTTPAddress()]
		if n == nil {
			n = &node{born: now}
			c.nodes[about.HTTPAddress()] = n
		}
		n.about, n.knownAt = about, now
	}
	for _, n := range c.nodes {
		if !n.knownAt.Equal(now) && len(n.about.RemoteAddresses) > 0 {
			gone := *n.about
			gone.RemoteAddresses, gone.Topics = nil, nil
			n.about = &gone
		}
	}
}

// registries returns the last answers of the nsqlookupd, in the order of the configuration.
func (c *Collector) registries() (all []*cluster.Registry) {
	for _, address := range c.cluster.Lookupds() {
		if l := c.lookupds[address]; l != nil && l.last != nil {
			all = append(all, l.last)
		}
	}
	return all
}

// forget drops the nodes that nobody knows any more and that do not answer, and
// the values of those that have been silent for long.
func (c *Collector) forget(now time.Time) {
	for address, n := range c.nodes {
		silent := now.Sub(n.heard())
		if silent < forgetAfter {
			continue
		}
		n.report, n.rates, n.clients = nil, nil, nil
		if now.Sub(n.knownAt) >= forgetAfter && !n.busy {
			delete(c.nodes, address)
		}
	}
}
