package ui

import (
	"cmp"
	"slices"

	"nsqsuite/nsqadmin/collector"
)

// Points of a history, for charts.
var (
	depthOf    = func(p *collector.Point) float32 { return p.Depth }
	inOf       = func(p *collector.Point) float32 { return p.In }
	outOf      = func(p *collector.Point) float32 { return p.Out }
	inFlightOf = func(p *collector.Point) float32 { return p.InFlight }
	deferredOf = func(p *collector.Point) float32 { return p.Deferred }
	requeuedOf = func(p *collector.Point) float32 { return p.Requeued }
	timedOutOf = func(p *collector.Point) float32 { return p.TimedOut }
	worstOf    = func(p *collector.Point) float32 { return p.Worst }
)

func (u *UI) overview(r *request) view {
	s, span := r.snapshot, spanOf(r)
	data := struct {
		Act, Watch []item
		Consumed   int // channels with consumers
		Charts     []*chart
		First      *collector.Node // one that answers, for an example
	}{}
	data.Act, data.Watch = u.items(s)
	for _, t := range s.Topics {
		for _, c := range t.Channels {
			if c.Consumers > 0 {
				data.Consumed++
			}
		}
	}
	if len(s.Nodes) > 0 {
		data.First = s.Nodes[0]
	}
	all := u.collector.History(collector.Key{}, span.time)
	flow := newChart("Published and finished", "/s", span, all).add("Finished", 2, all, outOf).add("Published", 1, all, inOf)
	flow.Note = "Finished counts a message once per channel."
	data.Charts = []*chart{flow.drawn(), u.depthChart(s, span)}
	return view{page: "overview", title: "Overview", data: data}
}

// stackedMost is how many things a stacked chart shows one by one.
const stackedMost = 3

// depthChart shows which topics the depth is made of.
func (u *UI) depthChart(s *collector.Snapshot, span span) *chart {
	deepest := slices.Clone(s.Topics)
	slices.SortStableFunc(deepest, func(a, b *collector.Topic) int { return cmp.Compare(b.Depth, a.Depth) })
	deepest = slices.DeleteFunc(deepest[:min(len(deepest), stackedMost)], func(t *collector.Topic) bool { return t.Depth == 0 })
	all := u.collector.History(collector.Key{}, span.time)
	keys := make([]part, len(deepest))
	for i, t := range deepest {
		keys[i] = part{t.TopicName, collector.Key{Topic: t.TopicName}}
	}
	return u.stackedDepth("Depth", span, all, keys, plural(len(s.Topics)-len(deepest), "other topic"))
}

// part is one of the things that a stacked chart is made of.
type part struct {
	name string
	key  collector.Key
}

// stackedDepth draws the depth of a whole as that of its parts and the rest.
func (u *UI) stackedDepth(title string, span span, whole collector.History, parts []part, rest string) *chart {
	c := newChart(title, "", span, whole)
	if len(parts) == 0 {
		c.Small = false
		return c.add("In all", 5, whole, depthOf).drawn()
	}
	c.Stacked = true
	left := slices.Clone(whole.Points)
	for i, p := range parts {
		h := u.collector.History(p.key, span.time)
		c.add(p.name, i+1, h, depthOf)
		for j := range h.Points {
			if at := len(left) - len(h.Points) + j; at >= 0 && h.Points[j].Depth == h.Points[j].Depth {
				left[at].Depth = max(0, left[at].Depth-h.Points[j].Depth)
			}
		}
	}
	c.add(rest, 5, collector.History{Points: left, End: whole.End, Step: whole.Step}, depthOf)
	return c.drawn()
}
