package ui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// redriveWait is how long a page waits for nodes to tell how far a redrive is.
const redriveWait = time.Second

// maxRate is the highest rate that a nsqd takes.
const maxRate = math.MaxInt32

// redriveForm is the form that begins a redrive.
type redriveForm struct {
	To, Rate, Limit                string
	ToError, RateError, LimitError string
}

func redriveFormOf(q url.Values) redriveForm {
	return redriveForm{To: strings.TrimSpace(q.Get("to")), Rate: strings.TrimSpace(q.Get("rate")), Limit: strings.TrimSpace(q.Get("limit"))}
}

// check says what is wrong with the form, and returns whether nothing is.
func (f *redriveForm) check() bool {
	f.ToError = nameError(f.To)
	if f.To == "" {
		f.ToError = "Name the topic that the messages shall go to."
	}
	if _, err := count(f.Rate, maxRate); err != nil {
		f.RateError = "A rate is a whole number of messages a second; none, or 0, is as fast as it goes."
	}
	if _, err := count(f.Limit, math.MaxInt64); err != nil {
		f.LimitError = "A limit is a whole number of messages; none, or 0, is all that wait."
	}
	return f.ToError == "" && f.RateError == "" && f.LimitError == ""
}

// count reads a number that may be left out.
func count(text string, most int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (n < 0 || n > most) {
		err = strconv.ErrRange
	}
	return n, err
}

// countOrNone writes a number for a form; 0 is left out.
func countOrNone(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

var errNotOneChannel = errors.New("this is done to one channel at a time")

// aboutMessages reads the rest of a command that is about messages.
func aboutMessages(c *cluster.Command, q url.Values) (err error) {
	if c.Channel == "" || len(q["topic"]) != 1 {
		return errNotOneChannel
	}
	switch c.Verb {
	case cluster.Cancel:
		c.Message = q.Get("id")
		if len(c.Message) != len(protocol.MessageID{}) || len(c.Only) != 1 {
			return errors.New("a message has an ID of 16 digits, and is on one node")
		}
	case cluster.Redrive:
		c.To = q.Get("to")
		if c.Rate, err = count(q.Get("rate"), maxRate); err != nil {
			return err
		}
		if c.Limit, err = count(q.Get("limit"), math.MaxInt64); err != nil {
			return err
		}
		if !protocol.ValidName(c.To) {
			return errors.New(nameError(c.To))
		}
	}
	return nil
}

// moving says what a redrive, its end, or the cancelling of a message means.
func (u *UI) moving(s *collector.Snapshot, q *question, c cluster.Command) {
	back := url.Values{"topic": {c.Topic}, "channel": {c.Channel}}
	q.Back = u.redriveLink(c.Topic, c.Channel)
	switch c.Verb {
	case cluster.Cancel:
		back.Set("state", protocol.PeekDeferred)
		back.Set("node", c.Only[0])
		q.Back = u.link("messages") + "?" + back.Encode()
		q.Title, q.Button = fmt.Sprintf("Cancel message %s of %s?", c.Message, c.Channel), "Cancel message"
		q.Leave = "Keep it"
		q.Grave, q.Says = true, "It is dropped from this channel before its time comes. This cannot be undone."
		q.Costs = []cost{{"1", "deferred message is dropped", "on " + c.Only[0]}}
		if n := s.Node(c.Only[0]); n != nil {
			q.Costs[0].Detail = "on " + n.Name + "; other channels of " + c.Topic + " keep it"
		}
	case cluster.StopRedrive:
		q.Title, q.Button = fmt.Sprintf("Stop the redrive of %s?", c.Channel), "Stop redrive"
		q.Says = "What has not been moved stays where it is. A new redrive can move the rest."
	case cluster.Redrive:
		q.Title, q.Button = fmt.Sprintf("Redrive %s to %s?", c.Channel, c.To), "Redrive"
		u.redriving(s, q, c)
	}
}

// redriving says what a redrive will move, and for how long.
func (u *UI) redriving(s *collector.Snapshot, q *question, c cluster.Command) {
	q.Says = "Each node moves what waits in its part of the channel, whoever consumes it meanwhile. What comes later stays. It can be stopped at any time."
	t := s.Topic(c.Topic)
	if t == nil || t.Channel(c.Channel) == nil {
		return
	}
	able, unable := redrivers(t.Channel(c.Channel))
	moved, longest, nodes := int64(0), int64(0), 0
	for _, on := range able {
		if len(c.Only) > 0 && !slices.Contains(c.Only, on.On.HTTPAddress()) {
			continue
		}
		nodes++
		n := on.Depth
		if c.Limit > 0 {
			n = min(n, c.Limit)
		}
		moved, longest = moved+n, max(longest, n)
	}
	on := "on " + plural(nodes, "node")
	if len(unable) > 0 {
		on += "; not on " + strings.Join(unable, ", ")
	}
	q.Costs = []cost{{number(moved), "waiting messages are moved", on}}
	if c.Rate > 0 {
		q.Costs = append(q.Costs, cost{number(c.Rate) + "/s", "at most, on each node", "done in about " + lasts(longest, c.Rate)})
	} else {
		q.Costs = append(q.Costs, cost{"–", "no bound on the rate", "as fast as the nodes can"})
	}
	switch target := s.Topic(c.To); {
	case c.To == c.Topic:
		q.Costs = append(q.Costs, cost{number(t.ChannelCount), getThem(t.ChannelCount), "this one too: it is its own topic"})
	case target == nil:
		q.Costs = append(q.Costs, cost{"0", getThem(0), c.To + " does not exist; it is made, and keeps them until it has a channel"})
	default:
		q.Costs = append(q.Costs, cost{number(target.ChannelCount), getThem(target.ChannelCount), "with " + plural(target.Consumers, "connection") + " of consumers"})
	}
}

// lasts says how long so many messages take at a rate.
func lasts(messages, rate int64) string {
	return duration(int64(float64(messages) / float64(rate) * float64(time.Second)))
}

func getThem(channels int) string {
	if channels == 1 {
		return "channel gets them"
	}
	return "channels get them"
}

func (u *UI) redriveLink(topic, channel string) string {
	return u.link("redrive") + "?" + url.Values{"topic": {topic}, "channel": {channel}}.Encode()
}

// redrivers returns where a channel can be redriven, and the names of the nodes where it cannot.
func redrivers(c *collector.Channel) (able []*collector.ChannelOn, unable []string) {
	for _, on := range c.On {
		if on.On.Can(protocol.FeatureRedrive) && !on.On.Stale {
			able = append(able, on)
		} else {
			unable = append(unable, on.On.Name)
		}
	}
	return able, unable
}

// redriveRow is how far a redrive is on one node.
type redriveRow struct {
	*collector.ChannelOn
	Redrive *protocol.Redrive // nil if there was none
	Err     error
	Begun   time.Time
	Left    string // how long it goes on, in words
}

// Running tells whether the node is at it.
func (r *redriveRow) Running() bool {
	return r.Redrive != nil && r.Redrive.State == protocol.RedriveRunning
}

// askRedrives asks all nodes at the same time how far the redrive of a channel is.
func (u *UI) askRedrives(ctx context.Context, c *collector.Channel) []redriveRow {
	ctx, cancel := context.WithTimeout(ctx, redriveWait)
	defer cancel()
	able, _ := redrivers(c)
	rows := make([]redriveRow, len(able))
	var busy sync.WaitGroup
	for i, on := range able {
		busy.Go(func() {
			row := redriveRow{ChannelOn: on}
			p, err := u.cluster.Redrive(ctx, on.On.Node, c.TopicName, c.ChannelName)
			switch {
			case err == nil:
				row.Redrive, row.Begun = p, time.Unix(p.Started, 0)
				if p.Rate > 0 && row.Running() {
					row.Left = "about " + lasts(p.Left, p.Rate)
				}
			case !errors.Is(err, cluster.ErrNoRedrive):
				row.Err = err
			}
			rows[i] = row
		})
	}
	busy.Wait()
	return rows
}

// redrive is the page that begins a redrive and shows how far it is.
func (u *UI) redrive(r *request) view {
	if !u.mayTouchMessages(r.visitor) {
		return refused
	}
	return u.redriveView(r, redriveFormOf(r.URL.Query()), 0)
}

func (u *UI) redriveView(r *request, form redriveForm, status int) view {
	q := r.URL.Query()
	t := r.snapshot.Topic(q.Get("topic"))
	if t == nil {
		return u.noTopic(r.snapshot, q.Get("topic"))
	}
	c := t.Channel(q.Get("channel"))
	if c == nil {
		return missing("There is no channel "+q.Get("channel")+" of "+t.TopicName+".", t.TopicName, u.link("topics", t.TopicName))
	}
	data := struct {
		*collector.Channel
		Form    redriveForm
		Rows    []redriveRow
		Unable  []string
		Running bool
		Known   bool // there was one, somewhere
		Waiting int64
	}{Channel: c, Form: form, Rows: u.askRedrives(r.Context(), c)}
	_, data.Unable = redrivers(c)
	for i := range data.Rows {
		data.Running = data.Running || data.Rows[i].Running()
		data.Known = data.Known || data.Rows[i].Redrive != nil
		data.Waiting += data.Rows[i].Depth
	}
	if len(data.Rows) == 0 {
		return missing("No node that has "+c.ChannelName+" can redrive it.", c.TopicName, u.link("topics", c.TopicName))
	}
	return view{page: "redrive", title: "Redrive of " + c.ChannelName, data: data, status: status}
}
