package ui

import "nsqsuite/nsqadmin/collector"

// object is a topic, or one of its channels.
type object struct {
	topic   *collector.Topic
	channel *collector.Channel // nil: the topic itself
}

func (o object) channelName() string {
	if o.channel == nil {
		return ""
	}
	return o.channel.ChannelName
}

func (o object) name() string {
	if o.channel == nil {
		return o.topic.TopicName
	}
	return o.topic.TopicName + " / " + o.channel.ChannelName
}

func (o object) depth() int64 {
	if o.channel == nil {
		return o.topic.Depth
	}
	return o.channel.Depth
}

func (o object) paused() bool {
	if o.channel == nil {
		return o.topic.Paused
	}
	return o.channel.Paused
}

// paletteActs are what the palette offers to do.
var paletteActs = []struct {
	does, icon string
	link       func(u *UI, topic, channel string) string
	offered    func(u *UI, v Visitor, o object) bool
}{
	{"Pause", "pause", asking("pause"), func(_ *UI, _ Visitor, o object) bool { return !o.paused() }},
	{"Unpause", "play", asking("unpause"), func(_ *UI, _ Visitor, o object) bool { return o.paused() }},
	{"Empty", "empty", asking("empty"), always},
	{"Delete", "trash", asking("delete"), always},
	{"Redrive", "redrive", (*UI).redriveLink, canRedrive},
	{"Set limits of", "settings", (*UI).limitsLink, canLimit},
}

// asking returns what links to the page that asks before a verb is done.
func asking(verb string) func(u *UI, topic, channel string) string {
	return func(u *UI, topic, channel string) string { return u.actLink(verb, topic, channel, "") }
}

func always(*UI, Visitor, object) bool { return true }

func canRedrive(u *UI, v Visitor, o object) bool {
	if o.channel == nil || !u.mayTouchMessages(v) {
		return false
	}
	able, _ := redrivers(o.channel)
	return len(able) > 0
}

func canLimit(_ *UI, _ Visitor, o object) bool {
	able, _ := limiters(o.topic, o.channelName())
	return len(able) > 0
}

// findActions proposes what can be done with the deepest thing that matches;
// words of the text may name the action, too.
func (u *UI) findActions(s *collector.Snapshot, v Visitor, text string) (hits []hit) {
	if matches("create topic or channel", text) {
		hits = append(hits, hit{Group: "Actions", Name: "Create topic or channel", Link: u.link("lookup") + "#create", Icon: "topics", Note: "asks first"})
	}
	if text == "" {
		return hits
	}
	var found []hit
	for _, t := range s.Topics {
		for _, c := range append([]*collector.Channel{nil}, t.Channels...) {
			o := object{t, c}
			for _, a := range paletteActs {
				title := a.does + " " + o.name()
				if matches(title, text) && a.offered(u, v, o) {
					found = append(found, hit{Group: "Actions", Name: title + "…", Link: a.link(u, t.TopicName, o.channelName()), Icon: a.icon, Note: "asks first", score: o.depth()})
				}
			}
		}
	}
	return append(hits, best(found)...)
}
