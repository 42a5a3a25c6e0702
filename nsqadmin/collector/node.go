package collector

import (
	"context"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/protocol"
)

// node is an nsqd that is watched.
type node struct {
	given   string        // its address if it was given, in nsqd mode
	about   *cluster.Node // nil in nsqd mode before the first answer
	born    time.Time     // when we first heard of it
	knownAt time.Time     // when somebody last knew it

	busy     bool
	due      time.Time // not to be asked before
	at       time.Time // of the last answer
	tried    time.Time // of the last question that has ended
	took     time.Duration
	err      error // of the last question
	info     protocol.Info
	infoAt   time.Time
	report   *cluster.Report
	rates    map[subject]Rates
	clients  map[connection]*progress
	restarts int // seen so far
}

// heard returns when the node last answered, or when we first heard of it.
func (n *node) heard() time.Time {
	if n.at.IsZero() {
		return n.born
	}
	return n.at
}

// stale tells whether the node's values are old.
func (n *node) stale(now time.Time) bool {
	return n.err != nil || now.Sub(n.heard()) > staleAfter
}

// subject is a topic of a node, or one of its channels.
type subject struct{ topic, channel string }

// connection is a consumer's connection to a node.
type connection struct {
	subject
	remote string
	since  int64
}

// progress is what a connection has got done.
type progress struct {
	finished uint64
	changed  time.Time // when finished last grew, as far as we have seen
	seen     bool      // it has grown since we watch
	rate     float64   // finished a second
}

// Rates are how fast counters grow, a second.
type Rates struct {
	Known    bool // there are two reports to compare
	In       float64
	Out      float64 // finished by consumers
	Requeued float64
	TimedOut float64
	Lost     float64 // to limits: refused, dropped or too old
}

func (r *Rates) add(o Rates) {
	r.Known = r.Known || o.Known
	r.In += o.In
	r.Out += o.Out
	r.Requeued += o.Requeued
	r.TimedOut += o.TimedOut
	r.Lost += o.Lost
}

// poll asks a node once and takes in the answer.
func (c *Collector) poll(ctx context.Context, n *node, about *cluster.Node, needsInfo bool) {
	start := time.Now()
	var report cluster.Report
	var info protocol.Info
	var err error
	what := cluster.Query{Clients: true}
	if about == nil || n.given != "" {
		report, err = c.cluster.Describe(ctx, n.given, what)
	} else {
		report, err = c.cluster.Report(ctx, about, what)
	}
	if err == nil && needsInfo {
		// A node that does not say what it can do can do what all can.
		info, _ = c.cluster.Info(ctx, report.Node)
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n.busy, n.err, n.tried, n.took = false, err, now, now.Sub(start)
	if n.took > Every/2 {
		n.due = now.Add(lazyFactor * n.took)
	}
	if err != nil {
		return
	}
	if needsInfo {
		n.info, n.infoAt = info, now
	}
	n.take(&report, now)
}

// take makes a report the node's last one.
func (n *node) take(r *cluster.Report, now time.Time) {
	if n.given != "" {
		n.about = r.Node
	}
	if n.report != nil && r.Stats.StartTime != n.report.Stats.StartTime {
		n.infoAt = time.Time{}
		n.restarts++
	}
	n.clients = follow(n.clients, r, now, now.Sub(n.at))
	n.rates = compare(n.report, r, now.Sub(n.at))
	for i := range r.Stats.Topics {
		t := &r.Stats.Topics[i]
		for j := range t.Channels {
			ch := &t.Channels[j]
			of := subject{t.TopicName, ch.ChannelName}
			rates, out := n.rates[of], 0.0
			for k := range ch.Clients {
				out += n.clients[connectionOf(of, &ch.Clients[k])].rate
			}
			if rates.Known {
				rates.Out = out
				n.rates[of] = rates
			}
		}
	}
	n.report, n.at = r, now
}

func connectionOf(of subject, c *protocol.ClientStats) connection {
	return connection{subject: of, remote: c.RemoteAddress + c.ClientID, since: c.ConnectTS}
}

// follow returns what each connection of a report has got done.
func follow(before map[connection]*progress, r *cluster.Report, now time.Time, passed time.Duration) map[connection]*progress {
	after := map[connection]*progress{}
	for i := range r.Stats.Topics {
		t := &r.Stats.Topics[i]
		for j := range t.Channels {
			of := subject{t.TopicName, t.Channels[j].ChannelName}
			for k := range t.Channels[j].Clients {
				c := &t.Channels[j].Clients[k]
				key := connectionOf(of, c)
				p := &progress{finished: c.FinishCount, changed: now}
				if old := before[key]; old != nil {
					p.rate = grown(old.finished, c.FinishCount, passed)
					p.seen = old.seen || c.FinishCount != old.finished
					if c.FinishCount == old.finished {
						p.changed = old.changed
					}
				} else if before != nil {
					p.rate = grown(0, c.FinishCount, passed) // it has come since the last report
				}
				after[key] = p
			}
		}
	}
	return after
}

// grown returns how fast a counter grows. One that has shrunk began anew.
func grown(before, after uint64, passed time.Duration) float64 {
	if after < before {
		before = 0
	}
	return float64(after-before) / passed.Seconds()
}

// compare returns how fast everything grows between two reports of a node.
func compare(before, after *cluster.Report, passed time.Duration) map[subject]Rates {
	rates := map[subject]Rates{}
	if before == nil || passed <= 0 {
		return rates
	}
	type counts struct{ messages, requeued, timedOut, lost uint64 }
	was := map[subject]counts{}
	for i := range before.Stats.Topics {
		t := &before.Stats.Topics[i]
		was[subject{t.TopicName, ""}] = counts{messages: t.MessageCount, lost: lost(t.Limits)}
		for j := range t.Channels {
			ch := &t.Channels[j]
			was[subject{t.TopicName, ch.ChannelName}] = counts{ch.MessageCount, ch.RequeueCount, ch.TimeoutCount, lost(ch.Limits)}
		}
	}
	for i := range after.Stats.Topics {
		t := &after.Stats.Topics[i]
		of := subject{t.TopicName, ""}
		rates[of] = Rates{Known: true, In: grown(was[of].messages, t.MessageCount, passed), Lost: grown(was[of].lost, lost(t.Limits), passed)}
		for j := range t.Channels {
			ch := &t.Channels[j]
			of := subject{t.TopicName, ch.ChannelName}
			w := was[of]
			rates[of] = Rates{
				Known: true, In: grown(w.messages, ch.MessageCount, passed),
				Requeued: grown(w.requeued, ch.RequeueCount, passed), TimedOut: grown(w.timedOut, ch.TimeoutCount, passed),
				Lost: grown(w.lost, lost(ch.Limits), passed),
			}
		}
	}
	return rates
}
