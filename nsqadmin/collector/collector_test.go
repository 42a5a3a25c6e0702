package collector

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

// model is a cluster of two nodes, a and b, at two nsqlookupd, that a test changes.
type model struct {
	mu       sync.Mutex
	stats    map[string]*protocol.Stats // by the node's address
	frozen   map[string]bool
	dead     map[string]bool
	unknown  map[string]bool // to the nsqlookupd l2
	asked    map[string]int
	hangTime time.Duration
}

var errDead = errors.New("connection refused")

func newModel() *model {
	m := &model{stats: map[string]*protocol.Stats{}, frozen: map[string]bool{}, dead: map[string]bool{}, unknown: map[string]bool{}, asked: map[string]int{}, hangTime: time.Hour}
	for _, address := range []string{"a:1", "b:1"} {
		m.stats[address] = &protocol.Stats{Health: "OK", StartTime: 1, Topics: []protocol.TopicStats{{TopicName: "t", Channels: []protocol.ChannelStats{{ChannelName: "c"}}}}}
	}
	return m
}

func (m *model) UsesLookupd() bool  { return true }
func (m *model) Lookupds() []string { return []string{"l1", "l2"} }
func (m *model) Nsqds() []string    { return nil }

func (m *model) reach(ctx context.Context, address string) error {
	m.mu.Lock()
	m.asked[address]++
	frozen, dead, hang := m.frozen[address], m.dead[address], m.hangTime
	m.mu.Unlock()
	if dead {
		return errDead
	}
	if frozen {
		select {
		case <-time.After(hang):
			return context.DeadlineExceeded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *model) Registry(ctx context.Context, address string) (*cluster.Registry, error) {
	if err := m.reach(ctx, address); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &cluster.Registry{Address: address, Topics: []string{"t", "idle"}, Idle: map[string][]string{"idle": {"x"}}}
	for _, host := range []string{"a", "b"} {
		if address == "l2" && m.unknown[host] {
			continue
		}
		r.Nodes = append(r.Nodes, &cluster.Node{Hostname: host, BroadcastAddress: host, HTTPPort: 1, Version: "1.3.0", RemoteAddress: "r", Topics: []cluster.NodeTopic{{Topic: "t"}}})
	}
	return r, nil
}

func (m *model) Report(ctx context.Context, n *cluster.Node, _ cluster.Query) (cluster.Report, error) {
	r := cluster.Report{Node: n}
	if err := m.reach(ctx, n.HTTPAddress()); err != nil {
		return r, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Stats = *m.stats[n.HTTPAddress()]
	r.Stats.Topics = slices.Clone(r.Stats.Topics)
	for i := range r.Stats.Topics {
		t := &r.Stats.Topics[i]
		t.Channels = slices.Clone(t.Channels)
		for j := range t.Channels {
			t.Channels[j].Clients = slices.Clone(t.Channels[j].Clients)
		}
	}
	return r, nil
}

func (m *model) Describe(context.Context, string, cluster.Query) (cluster.Report, error) {
	return cluster.Report{}, errDead
}

func (m *model) Info(context.Context, *cluster.Node) (protocol.Info, error) {
	return protocol.Info{Features: []string{"peek"}}, nil
}

// channel changes the channel of a node.
func (m *model) channel(address string, change func(t *protocol.TopicStats, c *protocol.ChannelStats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &m.stats[address].Topics[0]
	change(t, &t.Channels[0])
}

// watch runs a collector in a bubble of its own time.
func watch(t *testing.T, test func(t *testing.T, m *model, c *Collector)) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		c := New(m, logging.Discard())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			c.Run(ctx)
			close(done)
		}()
		test(t, m, c)
		cancel()
		<-done
	})
}

// cycles waits for so many snapshots more and returns the last.
func cycles(c *Collector, n int) *Snapshot {
	for range n {
		<-c.Changed()
	}
	return c.Latest(context.Background())
}

func about(a, b float64) bool { return math.Abs(a-b) < 1e-6*math.Max(1, math.Abs(b)) }

func TestRates(t *testing.T) {
	watch(t, func(t *testing.T, m *model, c *Collector) {
		s := c.Latest(t.Context())
		if s.Total.Rates.Known || s.Total.TopicCount != 1 || s.Topics[0].ChannelCount != 1 || len(s.Nodes) != 2 || !s.Nodes[0].Can("peek") {
			t.Fatalf("the first snapshot is %+v", s.Total)
		}
		client := protocol.ClientStats{RemoteAddress: "x", FinishCount: 1000, ReadyCount: 9}
		m.channel("a:1", func(topic *protocol.TopicStats, ch *protocol.ChannelStats) {
			topic.MessageCount, ch.MessageCount = 100, 100
			ch.RequeueCount, ch.TimeoutCount, ch.Depth, ch.InFlightCount = 20, 10, 40, 3
			ch.Clients, ch.ClientCount = []protocol.ClientStats{client}, 1
		})
		m.channel("b:1", func(topic *protocol.TopicStats, ch *protocol.ChannelStats) { topic.MessageCount, topic.Depth = 50, 7 })
		s = cycles(c, 1)
		ch := s.Topic("t").Channel("c")
		if r := s.Total.Rates; !about(r.In, 75) || !about(r.Requeued, 10) || !about(r.TimedOut, 5) || !about(r.Out, 500) || s.Total.Depth != 47 {
			t.Errorf("the rates are %+v", r)
		}
		if !about(ch.In, 50) || ch.Ready != 9 || len(ch.Clients) != 1 || !about(ch.Clients[0].Finished, 500) {
			t.Errorf("the channel is %+v", ch.Sum)
		}
		// A counter that shrinks began anew: what it shows has come since.
		m.channel("a:1", func(topic *protocol.TopicStats, ch *protocol.ChannelStats) {
			topic.MessageCount, ch.RequeueCount, ch.TimeoutCount = 30, 0, 11
			ch.Clients[0].FinishCount = 1010
		})
		s = cycles(c, 1)
		if r := s.Topic("t").Rates; !about(r.In, 15) || r.Requeued != 0 || !about(r.TimedOut, 0.5) || !about(r.Out, 5) {
			t.Errorf("after a reset the rates are %+v", r)
		}
		h := c.History(Key{Topic: "t"}, time.Minute)
		if len(h.Points) != 3 || h.Points[0].In == h.Points[0].In || h.Points[1].In != 75 || h.Points[2].Depth != 47 {
			t.Errorf("the history is %+v", h.Points)
		}
	})
}

// TestFrozenNode shows that a node that hangs delays nothing, keeps its values
// and is asked only once at a time.
func TestFrozenNode(t *testing.T) {
	watch(t, func(t *testing.T, m *model, c *Collector) {
		m.channel("b:1", func(topic *protocol.TopicStats, ch *protocol.ChannelStats) { ch.Depth, topic.MessageCount = 9, 10 })
		cycles(c, 2)
		m.mu.Lock()
		m.frozen["b:1"] = true
		m.mu.Unlock()
		asked := m.asked["b:1"]
		start := time.Now()
		s := cycles(c, 5)
		if passed := time.Since(start); passed != 5*Every+grace && passed != 5*Every {
			t.Errorf("5 cycles took %s", passed)
		}
		b := s.Nodes[1]
		if !b.Stale || s.Silent != 1 || s.Nodes[0].Stale || s.Topic("t").Depth != 9 || m.asked["b:1"] != asked+1 {
			t.Errorf("the frozen node is %+v, asked %d times more", b, m.asked["b:1"]-asked)
		}
		if len(s.Attention) == 0 || !slices.ContainsFunc(s.Attention, func(i Item) bool { return i.What == Silent && i.Node == b }) {
			t.Errorf("attention is %+v", s.Attention)
		}
		// Its values are forgotten in the end; being registered, it stays.
		s = cycles(c, int(forgetAfter/Every))
		if b := s.Nodes[1]; !b.Forgotten || s.Topic("t").Depth != 0 || len(s.Nodes) != 2 {
			t.Errorf("after long the frozen node is %+v", b)
		}
	})
}

func TestDeadNodeAndRefresh(t *testing.T) {
	watch(t, func(t *testing.T, m *model, c *Collector) {
		cycles(c, 1)
		m.mu.Lock()
		m.dead["a:1"], m.dead["l2"] = true, true
		m.mu.Unlock()
		before := len(c.History(Key{}, time.Minute).Points)
		start := time.Now()
		c.Refresh(t.Context())
		s := c.Latest(t.Context())
		if time.Since(start) != 0 || !s.Nodes[0].Stale || !errors.Is(s.Nodes[0].Err, errDead) || s.Lookupds[1].Err == nil || s.Lookupds[1].Known == nil {
			t.Errorf("after a refresh of %s the nodes are %+v", time.Since(start), s.Nodes[0])
		}
		if points := len(c.History(Key{}, time.Minute).Points); points != before {
			t.Errorf("the refresh made a point of history: %d", points)
		}
		m.mu.Lock()
		m.dead["a:1"] = false
		m.mu.Unlock()
		if s := cycles(c, 1); s.Nodes[0].Stale {
			t.Error("the node is still stale")
		}
		if s.Idle["idle"] == nil || len(s.Idle) != 1 {
			t.Errorf("idle topics are %v", s.Idle)
		}
	})
}

func TestAttention(t *testing.T) {
	type channel = *protocol.ChannelStats
	consumer := func(ready, inFlight int64) []protocol.ClientStats {
		return []protocol.ClientStats{{RemoteAddress: "x", ReadyCount: ready, InFlightCount: inFlight}}
	}
	for _, test := range []struct {
		want   What
		kind   string
		cycles int
		change func(m *model, topic *protocol.TopicStats, c channel, n int)
	}{
		{NoConsumers, "crit", 1, func(_ *model, _ *protocol.TopicStats, c channel, _ int) { c.Depth = 5 }},
		{NoneReady, "crit", 1, func(_ *model, _ *protocol.TopicStats, c channel, _ int) {
			c.Depth, c.ClientCount, c.Clients = 5, 1, consumer(0, 0)
		}},
		{Stuck, "crit", 31, func(_ *model, _ *protocol.TopicStats, c channel, _ int) {
			c.Depth, c.ClientCount, c.Clients = 5, 1, consumer(3, 3)
		}},
		{Growing, "crit", 20, func(_ *model, _ *protocol.TopicStats, c channel, n int) {
			c.Depth, c.ClientCount, c.Clients = int64(100*n), 1, consumer(3, 0)
		}},
		{OnDisk, "warn", 1, func(_ *model, _ *protocol.TopicStats, c channel, _ int) {
			c.Depth, c.BackendDepth, c.ClientCount, c.Clients = 15000, 14000, 1, consumer(3, 0)
		}},
		{Requeues, "warn", 40, func(_ *model, _ *protocol.TopicStats, c channel, n int) {
			if n > 25 {
				c.RequeueCount += 10
			}
		}},
		{Timeouts, "warn", 40, func(_ *model, _ *protocol.TopicStats, c channel, n int) {
			if n > 25 {
				c.TimeoutCount += 10
			}
		}},
		{Limited, "warn", 1, func(_ *model, _ *protocol.TopicStats, c channel, _ int) {
			c.Limits = &protocol.LimitStats{QueueLimits: protocol.QueueLimits{MaxBytes: 100}, Bytes: 90}
		}},
		{Limited, "warn", 3, func(_ *model, topic *protocol.TopicStats, _ channel, n int) {
			topic.Limits = &protocol.LimitStats{QueueLimits: protocol.QueueLimits{MaxDepth: 100}, Depth: 10, RejectedCount: uint64(n)}
		}},
		{NoChannel, "warn", 1, func(_ *model, topic *protocol.TopicStats, _ channel, _ int) { topic.Depth, topic.Channels = 5, nil }},
		{Paused, "hold", 1, func(_ *model, _ *protocol.TopicStats, c channel, _ int) { c.Depth, c.Paused = 5, true }},
		{Unhealthy, "crit", 1, func(m *model, _ *protocol.TopicStats, _ channel, _ int) { m.stats["a:1"].Health = "NOK - disk" }},
		{NotEverywhere, "warn", 1, func(m *model, _ *protocol.TopicStats, _ channel, _ int) { m.unknown["a"] = true }},
		{LookupdDown, "stale", 1, func(m *model, _ *protocol.TopicStats, _ channel, _ int) { m.dead["l1"] = true }},
	} {
		t.Run(string(test.want), func(t *testing.T) {
			watch(t, func(t *testing.T, m *model, c *Collector) {
				m.channel("b:1", func(topic *protocol.TopicStats, _ channel) { topic.Channels = nil })
				if s := cycles(c, 1); len(s.Attention) != 0 {
					t.Fatalf("on a good day attention is %+v", s.Attention)
				}
				var s *Snapshot
				for n := range test.cycles {
					m.mu.Lock()
					topic := &m.stats["a:1"].Topics[0]
					var ch protocol.ChannelStats
					if len(topic.Channels) > 0 {
						ch = topic.Channels[0]
					}
					topic.Channels = []protocol.ChannelStats{ch}
					topic.Channels[0].ChannelName = "c"
					test.change(m, topic, &topic.Channels[0], n)
					m.mu.Unlock()
					s = cycles(c, 1)
				}
				if len(s.Attention) != 1 || s.Attention[0].What != test.want || s.Attention[0].Kind != test.kind || s.Attention[0].Urgent() != (test.kind == "crit") {
					t.Fatalf("attention is %+v", s.Attention)
				}
			})
		})
	}
}

// TestUnusualRequeues compares with what was usual in the last two hours.
func TestUnusualRequeues(t *testing.T) {
	watch(t, func(t *testing.T, m *model, c *Collector) {
		requeue := func(minutes, perCycle int) *Item {
			for range minutes * 30 {
				m.channel("a:1", func(_ *protocol.TopicStats, c *protocol.ChannelStats) { c.RequeueCount += uint64(perCycle) })
				cycles(c, 1)
			}
			for _, i := range c.Latest(t.Context()).Attention {
				if i.What == Requeues {
					return &i
				}
			}
			return nil
		}
		if i := requeue(30, 2); i != nil {
			t.Errorf("a steady rate: %+v", i)
		}
		if i := requeue(2, 8); i != nil {
			t.Errorf("four times the usual: %+v", i)
		}
		if i := requeue(10, 24); i == nil || math.Abs(i.Rate-12) > 0.1 || math.Abs(i.Usual-1) > 0.1 || i.Kind != "warn" {
			t.Errorf("twelve times the usual, for longer than the fine history reaches: %+v", i)
		}
		if i := requeue(2, 2); i != nil {
			t.Errorf("over again: %+v", i)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory()
	for range 2 * longPoints * longStep {
		h.add(&Snapshot{Total: Sum{Depth: 4}})
	}
	s := h.series[Key{}]
	if len(s.short.points) != shortPoints || len(s.long.points) != longPoints || s.long.all()[0].Depth != 4 {
		t.Errorf("%d and %d points", len(s.short.points), len(s.long.points))
	}
	for i := range 2 * MaxSeries {
		h.put(Key{Topic: string(rune(i))}, Point{})
	}
	if len(h.series) != MaxSeries {
		t.Errorf("%d series", len(h.series))
	}
}
