package ui

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

func (u *UI) limitsLink(topic, channel string) string {
	q := url.Values{"topic": {topic}}
	if channel != "" {
		q.Set("channel", channel)
	}
	return u.link("limits") + "?" + q.Encode()
}

// limiters returns the nodes where a topic, or a channel of it, can have limits, and
// the names of the others.
func limiters(t *collector.Topic, channel string) (able []*collector.Node, unable []string) {
	var all []*collector.Node
	if c := t.Channel(channel); c != nil {
		for _, on := range c.On {
			all = append(all, on.On)
		}
	} else if channel == "" {
		for _, on := range t.On {
			all = append(all, on.On)
		}
	}
	for _, n := range all {
		if n.Can(protocol.FeatureLimits) {
			able = append(able, n)
		} else {
			unable = append(unable, n.Name)
		}
	}
	return able, unable
}

// limitsWait is how long a page waits for nodes to tell their limits.
const limitsWait = time.Second

// limitsOn is what limits one node has.
type limitsOn struct {
	On      *collector.Node
	Limited *protocol.Limited // nil if it does not tell
}

// askLimits asks nodes at the same time for their limits.
func (u *UI) askLimits(ctx context.Context, nodes []*collector.Node, topic, channel string) []limitsOn {
	ctx, cancel := context.WithTimeout(ctx, limitsWait)
	defer cancel()
	rows := make([]limitsOn, len(nodes))
	var busy sync.WaitGroup
	for i, n := range nodes {
		busy.Go(func() {
			rows[i].On = n
			if l, err := u.cluster.Limits(ctx, n.Node, topic, channel); err == nil {
				rows[i].Limited = l
			}
		})
	}
	busy.Wait()
	return rows
}

// limits is the page, or dialog, that sets limits.
func (u *UI) limits(r *request) view { return u.limitsView(r, nil) }

// limitsView shows the form as it is, or filled with what the nodes have.
func (u *UI) limitsView(r *request, form *limitForm) view {
	q := r.URL.Query()
	topic, channel := q.Get("topic"), q.Get("channel")
	t := r.snapshot.Topic(topic)
	if t == nil {
		return u.noTopic(r.snapshot, topic)
	}
	able, unable := limiters(t, channel)
	if len(able) == 0 {
		return missing("No node that has "+cmp.Or(channel, topic)+" can limit it.", topic, u.link("topics", topic))
	}
	data := struct {
		Topic, Channel, Name, Back string
		Form                       limitForm
		Nodes                      []*collector.Node
		Unable                     []string
		Differ                     []string // what each node has, if that is not the same
		Admin                      bool
	}{Topic: topic, Channel: channel, Name: topic, Back: u.link("topics", topic), Nodes: able, Unable: unable, Admin: r.visitor.Admin}
	if channel != "" {
		data.Name, data.Back = channel+" of "+topic, u.link("topics", topic, channel)
	}
	v := view{page: "limits", title: "Limits of " + data.Name}
	if form != nil {
		data.Form, v.status = *form, http.StatusUnprocessableEntity
	} else {
		data.Form, data.Differ = together(u.askLimits(r.Context(), able, topic, channel))
	}
	v.data = data
	return v
}

// together returns the limits of the first node that tells, and what each has if
// they are not the same.
func together(rows []limitsOn) (form limitForm, differ []string) {
	words := map[string]bool{}
	for _, row := range rows {
		said := "does not tell"
		if row.Limited != nil {
			if said = limitsInWords(row.Limited.Own); len(words) == 0 {
				form = filled(row.Limited.Own)
			}
			words[said] = true
		}
		differ = append(differ, row.On.Name+": "+said)
	}
	if len(words) < 2 && !slices.ContainsFunc(rows, func(r limitsOn) bool { return r.Limited == nil }) {
		return form, nil
	}
	return form, differ
}

// limiting says what limits will do, in numbers.
func (u *UI) limiting(r *request, q *question, c cluster.Command) {
	name, back := c.Topic, u.link("topics", c.Topic)
	if c.Channel != "" {
		name, back = c.Channel+" of "+c.Topic, u.link("topics", c.Topic, c.Channel)
	}
	q.Title, q.Button, q.Back = fmt.Sprintf("Set the limits of %s?", name), "Set limits", back
	q.Says = "They hold at once and are kept over restarts. They can be set anew at any time."
	t := r.snapshot.Topic(c.Topic)
	if t == nil {
		return
	}
	able, unable := limiters(t, c.Channel)
	able = slices.DeleteFunc(able, func(n *collector.Node) bool { return len(c.Only) > 0 && !slices.Contains(c.Only, n.HTTPAddress()) })
	on := "on 1 node"
	if len(able) != 1 {
		on = "on each of " + plural(len(able), "node")
	}
	if len(unable) > 0 {
		on += "; not on " + strings.Join(unable, ", ")
	}
	q.Costs = limitCosts(c.Limits, on)
	var drop, full int64
	for _, row := range u.askLimits(r.Context(), able, c.Topic, c.Channel) {
		w := weigh(t, c, row)
		drop += w.dropped
		if w.full {
			full++
		}
		q.Grave = q.Grave || w.dropped > 0 || w.unknown
	}
	if drop > 0 {
		q.Costs = append(q.Costs, cost{number(drop), "messages are dropped at once", "the oldest ones; at least so many"})
	}
	if full > 0 {
		q.Costs = append(q.Costs, cost{number(full), "of these nodes refuse publishes at once", "there is more than that already"})
	}
	if q.Grave {
		q.Says += " What is dropped is gone."
	}
}

// limitCosts says what limits mean.
func limitCosts(own protocol.OwnLimits, on string) (costs []cost) {
	full := "when there are more, what the node's flags say"
	if own.Overflow != nil {
		full = map[protocol.Overflow]string{protocol.Reject: "when it is full publishes are refused", protocol.DropOldest: "when it is full the oldest are dropped"}[*own.Overflow]
	}
	add := func(figure, what, detail string, limited bool) {
		if !limited {
			figure, detail = "any", "no limit"
		}
		costs = append(costs, cost{figure, what, detail})
	}
	if own.MaxAge != nil {
		add(duration(int64(*own.MaxAge)), "is as old as a message gets", "older ones are dropped", *own.MaxAge > 0)
	}
	if own.MaxDepth != nil {
		add(number(*own.MaxDepth), "messages at most, in flight and deferred ones too", full, *own.MaxDepth > 0)
	}
	if own.MaxBytes != nil {
		add(size(*own.MaxBytes), "of messages at most", full, *own.MaxBytes > 0)
	}
	if len(costs) == 0 {
		costs = []cost{{"–", "no limits of its own", "what the flags of each node say holds"}}
	}
	costs[0].Detail += "; " + on
	return costs
}

// weight is what limits will do on one node, as far as can be told.
type weight struct {
	dropped int64
	full    bool
	unknown bool // some more may be dropped
}

// weigh compares limits with what there is. Defaults that the node does not tell,
// because it has others now, count as no limit.
func weigh(t *collector.Topic, c cluster.Command, on limitsOn) (w weight) {
	var now, flags protocol.QueueLimits
	if l := on.Limited; l != nil {
		now, flags = l.QueueLimits, l.QueueLimits
		if l.Own.MaxAge != nil {
			flags.MaxAge = 0
		}
		if l.Own.MaxDepth != nil {
			flags.MaxDepth = 0
		}
		if l.Own.MaxBytes != nil {
			flags.MaxBytes = 0
		}
		if l.Own.Overflow != nil {
			flags.Overflow = protocol.Reject
		}
	}
	then := c.Limits.Over(flags)
	for _, h := range holdings(t, c.Channel, on.On) {
		over := h.waiting + h.inFlight - then.MaxDepth
		switch {
		case then.MaxDepth == 0 || over <= 0:
		case then.Overflow == protocol.DropOldest:
			w.dropped += min(over, h.waiting)
		default:
			w.full = true
		}
		stricter := then.MaxAge > 0 && (now.MaxAge == 0 || then.MaxAge < now.MaxAge) ||
			then.Overflow == protocol.DropOldest && then.MaxBytes > 0 && (now.MaxBytes == 0 || then.MaxBytes < now.MaxBytes)
		w.unknown = w.unknown || stricter && h.waiting > 0
	}
	return w
}

// holding is what counts against a limit in one place.
type holding struct{ waiting, inFlight int64 }

// holdings returns what a node holds in a channel; for a topic, what it holds itself
// and what each of its channels does.
func holdings(t *collector.Topic, channel string, n *collector.Node) (all []holding) {
	for _, on := range t.On {
		if on.On != n {
			continue
		}
		if channel == "" {
			all = append(all, holding{waiting: on.Depth})
		}
		for _, c := range on.Channels {
			if channel == "" || c.ChannelName == channel {
				all = append(all, holding{c.Depth + c.DeferredCount, c.InFlightCount})
			}
		}
	}
	return all
}
