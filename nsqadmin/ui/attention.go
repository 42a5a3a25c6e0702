package ui

import (
	"cmp"
	"fmt"
	"slices"
)

// item is an entry of “Needs attention”.
type item struct {
	Kind   string // crit, warn, hold or stale
	Name   string
	Link   []string // path of its page
	What   string   // behind the name: what is the matter
	Why    string   // what it means, and what to do
	Figure string
	Unit   string
	size   int64 // larger comes first
}

// attention returns what an operator should look at: what to act on now, and
// what to watch, the worst first.
func attention(w *whole) (act, watch []item) {
	for i := range w.Topics {
		found := topicItems(&w.Topics[i])
		for _, it := range found {
			if it.Kind == "crit" {
				act = append(act, it)
			} else {
				watch = append(watch, it)
			}
		}
	}
	for i := range w.Nodes {
		watch = append(watch, nodeItems(&w.Nodes[i], w)...)
	}
	worst := func(a, b item) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.Name, b.Name)) }
	slices.SortStableFunc(act, worst)
	slices.SortStableFunc(watch, worst)
	return act, watch
}

func topicItems(t *topicRow) (found []item) {
	link := []string{"topics", t.TopicName}
	waiting := func(it item, n int64) item {
		it.Figure, it.Unit, it.size = number(n), "waiting", n
		return it
	}
	if t.Paused {
		found = append(found, waiting(item{
			Kind: "hold", Name: t.TopicName, Link: link, What: "is paused",
			Why: "Its channels get nothing of what is published.",
		}, t.Depth))
	}
	if len(t.Topic.Channels) == 0 && t.Depth > 0 && !t.Paused {
		found = append(found, waiting(item{
			Kind: "warn", Name: t.TopicName, Link: link, What: "has messages but no channel",
			Why: "They wait at the topic. The first channel that is created gets them all.",
		}, t.Depth))
	}
	for _, c := range t.Topic.Channels {
		it := item{Name: t.TopicName + " / " + c.ChannelName, Link: append(link[:2:2], c.ChannelName)}
		switch {
		case c.Paused:
			it.Kind, it.What = "hold", "is paused"
			it.Why = fmt.Sprintf("Its %s get nothing until it is unpaused.", plural(c.ClientCount, "consumer"))
		case unconsumed(c):
			it.Kind, it.What = "crit", "has no consumers"
			it.Why = "Nobody takes what waits. Start a consumer, or delete the channel if it is not needed any more."
		default:
			continue
		}
		found = append(found, waiting(it, c.Depth))
	}
	return found
}

func nodeItems(n *nodeRow, w *whole) (found []item) {
	it := item{Name: n.Hostname, Link: []string{"nodes", n.HTTPAddress()}}
	if n.Silent {
		it.Kind, it.What = "stale", "does not answer"
		it.Why = "What it holds is missing in every number. Check that nsqd runs at " + n.HTTPAddress() + "."
		found = append(found, it)
	}
	if n.OutOfDate {
		it.Kind, it.What = "warn", "runs an older version"
		it.Why = "It runs " + n.Version + "; another node runs a higher one."
		found = append(found, it)
	}
	if lacking := n.Lacking(w.Lookupds); lacking > 0 && w.Lookupds > 0 {
		it.Kind, it.What = "warn", "is not known everywhere"
		it.Why = "Consumers that ask the others do not find its topics."
		it.Figure, it.Unit = fmt.Sprintf("%d of %d", len(n.RemoteAddresses), w.Lookupds), "nsqlookupd"
		found = append(found, it)
	}
	return found
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return number(n) + " " + word
}
