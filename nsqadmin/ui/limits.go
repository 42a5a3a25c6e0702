package ui

import (
	"fmt"

	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// limitWords says how near a topic or channel is to its limit, and what that means.
func limitWords(l collector.Limit, lost float64, out *item) {
	out.What = fmt.Sprintf("is at %.0f%% of its limit", 100*l.Share)
	switch {
	case l.Overflow == protocol.Reject && lost > 0:
		out.Why = perSecond(lost) + "/s are refused or too old: publishers get errors until consumers catch up."
	case lost > 0:
		out.Why = perSecond(lost) + "/s are dropped: they are too many, or too old."
	case l.Overflow == protocol.Reject:
		out.Why = "When it is full publishes are refused."
	default:
		out.Why = "When it is full the oldest messages are dropped."
	}
	out.Why += " On " + l.On.Name + "."
	if l.Sized() {
		out.Figure, out.Unit = fmt.Sprintf("%.0f%%", 100*l.Share), "of its limit"
	} else {
		out.What = "loses messages that are too old"
	}
}

// limitRow is the limits of a topic or channel on one node.
type limitRow struct {
	*protocol.LimitStats
	On *collector.Node
}

// limitPanel is the part of a page that shows limits.
type limitPanel struct {
	Rows []limitRow
	Set  string // the page where they are set; "" if no node can
}

func (u *UI) topicLimits(t *collector.Topic) (p limitPanel) {
	for _, on := range t.On {
		if on.Limits != nil {
			p.Rows = append(p.Rows, limitRow{on.Limits, on.On})
		}
	}
	return u.settable(p, t, "")
}

func (u *UI) channelLimits(t *collector.Topic, c *collector.Channel) (p limitPanel) {
	for _, on := range c.On {
		if on.Limits != nil {
			p.Rows = append(p.Rows, limitRow{on.Limits, on.On})
		}
	}
	return u.settable(p, t, c.ChannelName)
}

func (u *UI) settable(p limitPanel, t *collector.Topic, channel string) limitPanel {
	if able, _ := limiters(t, channel); len(able) > 0 {
		p.Set = u.limitsLink(t.TopicName, channel)
	}
	return p
}

// Age is max_age in words.
func (r limitRow) Age() string {
	if r.MaxAge == 0 {
		return "any"
	}
	return duration(int64(r.MaxAge))
}

// AtOverflow says what happens when a limit is reached.
func (r limitRow) AtOverflow() string {
	switch {
	case !r.Sized():
		return "–"
	case r.Overflow == protocol.Reject:
		return "refuses publishes"
	}
	return "drops the oldest"
}
