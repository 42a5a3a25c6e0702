package ui

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/nsqadmin/collector"
)

// topicJSON is a topic as /api/v2/topics shows it.
type topicJSON struct {
	Topic     string  `json:"topic"`
	State     string  `json:"state"`
	Depth     int64   `json:"depth"`
	OnDisk    int64   `json:"backend_depth"`
	InFlight  int64   `json:"in_flight_count"`
	Deferred  int64   `json:"deferred_count"`
	In        float64 `json:"publish_rate"`
	Out       float64 `json:"finish_rate"`
	Requeued  float64 `json:"requeue_rate"`
	TimedOut  float64 `json:"timeout_rate"`
	Messages  uint64  `json:"message_count"`
	Channels  int     `json:"channel_count"`
	Consumers int     `json:"client_count"`
	Nodes     int     `json:"node_count"`
}

// apiTopics answers the topics that the parameter q chooses, from the latest snapshot.
func (u *UI) apiTopics(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	s := u.visit(r, p).snapshot
	f := parseFilter(r.URL.Query().Get("q"))
	topics := []topicJSON{}
	for _, t := range f.topics(s) {
		topics = append(topics, topicJSON{
			t.TopicName, t.State.Word, t.Depth, t.OnDisk, t.InFlight, t.Deferred, t.In, t.Out, t.Rates.Requeued, t.Rates.TimedOut,
			t.Messages, t.ChannelCount, t.Consumers, len(t.On),
		})
	}
	return struct {
		At     time.Time   `json:"at"`
		Silent int         `json:"silent_nodes"`
		Topics []topicJSON `json:"topics"`
	}{s.At.UTC(), s.Silent, topics}, nil
}

// attentionJSON is an entry of /api/v2/attention.
type attentionJSON struct {
	What   string    `json:"what"`
	Urgent bool      `json:"urgent"`
	Name   string    `json:"name"`
	Text   string    `json:"text"`
	Why    string    `json:"why"`
	Depth  int64     `json:"depth"`
	Since  time.Time `json:"since"`
}

// apiAttention answers what needs attention, the worst first.
func (u *UI) apiAttention(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	s := u.visit(r, p).snapshot
	entries := []attentionJSON{}
	for i := range s.Attention {
		it := &s.Attention[i]
		words := u.words(s, it)
		entries = append(entries, attentionJSON{string(it.What), it.Urgent(), words.Name, words.What, words.Why, it.Depth(), it.Since.UTC()})
	}
	return struct {
		At        time.Time       `json:"at"`
		Attention []attentionJSON `json:"attention"`
	}{s.At.UTC(), entries}, nil
}

// hit is something that the palette has found.
type hit struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Link  string `json:"link"`
	Icon  string `json:"icon"`
	Kind  string `json:"kind,omitempty"` // of its state
	Word  string `json:"word,omitempty"`
	Note  string `json:"note,omitempty"`
	score int64
}

// hitsMost is how many hits a group of the palette has.
const hitsMost = 7

// apiSearch answers what the palette shows for the parameter q. One that begins
// with > asks for actions only.
func (u *UI) apiSearch(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	visit := u.visit(r, p)
	text := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	onlyActions := strings.HasPrefix(text, ">")
	text = strings.TrimSpace(strings.TrimPrefix(text, ">"))
	hits := []hit{}
	if !onlyActions {
		hits = append(hits, u.findObjects(visit.snapshot, text)...)
		hits = append(hits, u.findPages(text)...)
	}
	if visit.visitor.Admin {
		hits = append(hits, u.findActions(visit.snapshot, visit.visitor, text)...)
	}
	return struct {
		Hits []hit `json:"hits"`
	}{hits}, nil
}

// matches tells whether all words of the text are in the name.
func matches(name, text string) bool {
	name = strings.ToLower(name)
	for _, word := range strings.Fields(text) {
		if !strings.Contains(name, word) {
			return false
		}
	}
	return true
}

// best keeps the hits of a group with the highest score.
func best(hits []hit) []hit {
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Name, b.Name)) })
	return hits[:min(len(hits), hitsMost)]
}

func (u *UI) findObjects(s *collector.Snapshot, text string) (hits []hit) {
	var topics, channels, consumers, nodes []hit
	for _, t := range s.Topics {
		if matches(t.TopicName, text) {
			topics = append(topics, hit{"Topics", t.TopicName, u.link("topics", t.TopicName), "topics", t.State.Kind, t.State.Word, number(t.Depth), t.Depth})
		}
		for _, c := range t.Channels {
			name := t.TopicName + " / " + c.ChannelName
			link := u.link("topics", t.TopicName, c.ChannelName)
			if text != "" && matches(name, text) {
				channels = append(channels, hit{"Channels", name, link, "topics", c.State.Kind, c.State.Word, number(c.Depth), c.Depth})
			}
			if text != "" {
				consumers = append(consumers, findConsumers(c, text, name, link)...)
			}
		}
	}
	for _, n := range s.Nodes {
		if matches(n.Name+" "+n.Address, text) {
			nodes = append(nodes, hit{Group: "Nodes", Name: n.Name, Link: u.link("nodes", n.Address), Icon: "nodes", Note: n.Address})
		}
	}
	for _, group := range [][]hit{channels, topics, consumers, nodes} {
		hits = append(hits, best(group)...)
	}
	return hits
}

// findConsumers returns the consumers of a channel that match, each once though
// it may be connected to many nodes.
func findConsumers(c *collector.Channel, text, channel, link string) (hits []hit) {
	for _, client := range c.Clients {
		who := clientName(client)
		if !matches(who+" "+client.RemoteAddress, text) || slices.ContainsFunc(hits, func(h hit) bool { return h.Name == who }) {
			continue
		}
		h := hit{Group: "Consumers", Name: who, Link: link + "#clients", Icon: "plug", Note: channel, score: client.InFlightCount}
		if client.Stuck {
			h.Kind, h.Word = "crit", "Looks stuck"
		}
		if hits = append(hits, h); len(hits) == hitsMost {
			break
		}
	}
	return hits
}

func (u *UI) findPages(text string) (hits []hit) {
	for _, p := range []struct{ name, link, icon string }{
		{"Overview", u.link(), "overview"}, {"Topics", u.link("topics"), "topics"}, {"Nodes", u.link("nodes"), "nodes"},
		{"Lookup", u.link("lookup"), "lookup"}, {"Counter", u.link("counter"), "counter"},
		{"Activity", u.link("activity"), "activity"}, {"Settings", u.link("settings"), "settings"},
	} {
		if matches(p.name, text) {
			hits = append(hits, hit{Group: "Pages", Name: p.name, Link: p.link, Icon: p.icon})
		}
	}
	if text != "" {
		hits = append(hits, hit{Group: "Filter", Name: "Topics that match “" + text + "”", Link: u.link("topics") + "?q=" + strings.ReplaceAll(text, " ", "+"), Icon: "search"})
	}
	return hits
}
