package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"nsqsuite/nsqadmin/collector"
)

// item is an entry of “Needs attention” in words.
type item struct {
	Kind   string // crit, warn, hold or stale
	Name   string
	Link   string
	What   string // behind the name: what is the matter
	Why    string // what it means, and what to do
	Figure string
	Unit   string
}

// items puts the entries into words: what to act on now, and what to watch.
func (u *UI) items(s *collector.Snapshot) (act, watch []item) {
	for i := range s.Attention {
		it := &s.Attention[i]
		if it.Urgent() {
			act = append(act, u.words(s, it))
		} else {
			watch = append(watch, u.words(s, it))
		}
	}
	return act, watch
}

// about returns the entries on one topic or, if it is not "", one of its channels.
func (u *UI) about(s *collector.Snapshot, topic, channel string) (found []item) {
	for i := range s.Attention {
		it := &s.Attention[i]
		if it.Topic != nil && it.Topic.TopicName == topic && (it.Channel == nil && channel == "" || it.Channel != nil && it.Channel.ChannelName == channel) {
			found = append(found, u.words(s, it))
		}
	}
	return found
}

func (u *UI) words(s *collector.Snapshot, it *collector.Item) item {
	out := item{Kind: it.Kind}
	switch {
	case it.Channel != nil:
		out.Name = it.Topic.TopicName + " / " + it.Channel.ChannelName
		out.Link = u.link("topics", it.Topic.TopicName, it.Channel.ChannelName)
		u.channelWords(s, it, &out)
	case it.Topic != nil:
		out.Name, out.Link = it.Topic.TopicName, u.link("topics", it.Topic.TopicName)
		out.Figure, out.Unit = number(it.Depth()), "waiting"+slopeWords(it.Topic.Slope)
		switch it.What {
		case collector.Paused:
			out.What = pausedFor(s, it)
			out.Why = "Its channels get nothing of what is published."
		case collector.Limited:
			limitWords(it.Topic.Limit(), it.Rate, &out)
		default:
			out.What = "has messages but no channel"
			out.Why = "They wait at the topic. The first channel that is created gets them all."
		}
	case it.Node != nil:
		out.Name, out.Link = it.Node.Name, u.link("nodes", it.Node.Address)
		u.nodeWords(s, it, &out)
	case it.Lookupd != nil:
		out.Name, out.Link = it.Lookupd.Address, u.link("lookup")
		out.What = "does not answer"
		out.Why = "A nsqlookupd. " + reason(it.Lookupd.Err)
		out.Figure, out.Unit = duration(int64(s.At.Sub(it.Since))), "silent"
	}
	return out
}

func (u *UI) channelWords(s *collector.Snapshot, it *collector.Item, out *item) {
	c := it.Channel
	out.Figure, out.Unit = number(c.Depth), "waiting"+slopeWords(c.Slope)
	since := "since " + clock(it.Since)
	switch it.What {
	case collector.NoConsumers:
		out.What = "has no consumers"
		out.Why = "Nobody takes what waits, " + since + ". Start a consumer, or delete the channel if it is not needed any more."
	case collector.NoneReady:
		out.What = fmt.Sprintf("has %s, none ready", plural(c.Processes, "consumer"))
		out.Why = "All at RDY 0 " + since + ": they are backing off, or have not asked for anything."
	case collector.Stuck:
		out.What = fmt.Sprintf("has %s that look stuck", plural(c.Stuck, "consumer"))
		if c.Stuck == 1 {
			out.What = "has 1 consumer that looks stuck"
		}
		out.Why = fmt.Sprintf("Of %d. %s holds %s and has finished none for %s.", c.Processes, clientName(c.Clients[0]),
			plural(c.Clients[0].InFlightCount, "message"), duration(int64(c.Clients[0].Idle)))
	case collector.Growing:
		out.What = "grows " + perSecond(c.Slope) + "/s"
		out.Why = fmt.Sprintf("%s/s come in, %s/s are finished by %s.", perSecond(c.In), perSecond(c.Out), plural(c.Processes, "consumer"))
	case collector.OnDisk:
		out.What = "reads from disk"
		out.Why = fmt.Sprintf("%s of what waits are on disk only. %s/s finished, %s/s published.", number(c.OnDisk), perSecond(c.Out), perSecond(c.In))
		if drain := drainWords(c); drain != "" {
			out.Figure, out.Unit = drain, "to drain"
		}
	case collector.Requeues:
		out.What = "requeues more than usual"
		out.Why = fmt.Sprintf("%s/s against %s/s, %s. Consumers give messages back: look at what they log.", perSecond(it.Rate), perSecond(it.Usual), since)
		out.Figure, out.Unit = perSecond(it.Rate)+"/s", "requeued"
	case collector.Timeouts:
		out.What = "times out more than usual"
		out.Why = fmt.Sprintf("%s/s against %s/s, %s. Consumers are slower than the message timeout, or hang.", perSecond(it.Rate), perSecond(it.Usual), since)
		out.Figure, out.Unit = perSecond(it.Rate)+"/s", "timed out"
	case collector.Limited:
		limitWords(c.Limit(), it.Rate, out)
	case collector.Paused:
		out.What = pausedFor(s, it)
		out.Why = fmt.Sprintf("Its %s get nothing until it is unpaused.", plural(c.Processes, "consumer"))
		if c.Processes == 1 {
			out.Why = "Its consumer gets nothing until it is unpaused."
		}
		if by := u.pausedBy(it.Topic.TopicName, c.ChannelName); by != "" {
			out.Why = by + " " + out.Why
		}
	}
}

// pausedBy says who paused, if it was done here.
func (u *UI) pausedBy(topic, channel string) string {
	for _, e := range u.actor.Entries() {
		if e.Command.Verb == "pause" && e.Command.Topic == topic && e.Command.Channel == channel {
			who := e.By.User
			if who == "" {
				who = e.By.RemoteIP
			}
			return "By " + who + " at " + clock(e.At) + "."
		}
	}
	return ""
}

func pausedFor(s *collector.Snapshot, it *collector.Item) string {
	if d := s.At.Sub(it.Since); d >= time.Minute {
		return "is paused for " + duration(int64(d))
	}
	return "is paused"
}

func (u *UI) nodeWords(s *collector.Snapshot, it *collector.Item, out *item) {
	n := it.Node
	switch it.What {
	case collector.Silent:
		out.What = "does not answer"
		out.Why = "Its last values are from " + clock(n.Heard) + " and are part of every total, marked."
		if n.Forgotten {
			out.Why = "What it holds is missing in every number."
		}
		out.Why += " " + reason(n.Err)
		out.Figure, out.Unit = duration(int64(s.At.Sub(n.Heard))), "silent"
	case collector.Unhealthy:
		out.What = "is not well"
		out.Why = "It says: " + n.Health
		out.Figure, out.Unit = number(n.Depth), "waiting there"
	case collector.LowDisk:
		out.What = "has little room on its disk"
		out.Why = fmt.Sprintf("%s of %s are free. When the disk is full publishes are refused.", size(n.Disk.FreeBytes), size(n.Disk.TotalBytes))
		out.Figure, out.Unit = size(n.Disk.FreeBytes), "free"
	case collector.OldVersion:
		out.What = "runs " + n.Version
		out.Why = "Another node runs a higher version."
	case collector.NotEverywhere:
		out.What = "is unknown to " + strings.Join(it.Missing, ", ")
		out.Why = "Consumers that ask there do not find its " + plural(n.TopicCount, "topic") + "."
		out.Link = u.link("lookup")
		out.Figure, out.Unit = fmt.Sprintf("%d of %d", len(s.Lookupds)-len(it.Missing), len(s.Lookupds)), "nsqlookupd"
	}
}

// reason says in short why somebody does not answer.
func reason(err error) string {
	if err == nil {
		return "It takes long."
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "connection refused"):
		return "Nothing listens there."
	case strings.Contains(text, "deadline exceeded") || strings.Contains(text, "Timeout") || strings.Contains(text, "timeout"):
		return "It takes connections and gives no answer, or cannot be reached."
	}
	return text
}

func slopeWords(v float64) string {
	if v > -0.05 && v < 0.05 {
		return ""
	}
	return ", " + signed(v)
}

// drainWords says how long a channel needs to be empty; "" if nothing waits, or
// it does not become less.
func drainWords(c *collector.Channel) string {
	if c.Depth == 0 || c.Slope >= -0.05 {
		return ""
	}
	left := time.Duration(float64(c.Depth) / -c.Slope * float64(time.Second))
	if left < time.Minute {
		return "under 1 min"
	}
	return "about " + duration(int64(left))
}

// drain is drainWords for a cell.
func drain(c *collector.Channel) template.HTML {
	switch words := drainWords(c); {
	case words != "":
		return template.HTML(words) //nolint:gosec // words of ours
	case c.Depth > 0 && (c.Slope > 0.05 || c.State.Kind == "crit"):
		return mark("crit", "never")
	}
	return `<span class="z">–</span>`
}

func clientName(c *collector.Client) string {
	for _, name := range []string{c.ClientID, c.Hostname} {
		if name != "" {
			return name
		}
	}
	return c.RemoteAddress
}
