package ui

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// Bounds of what is published by a form. A message's size is nsqd's to limit.
const (
	maxPublish = 1000 // messages at once
	maxDelay   = 60 * time.Minute
)

// publishData is the form that publishes.
type publishData struct {
	Topic, Body, Delay, Node string
	ByLine                   bool
	Error                    string
	Nodes                    []*collector.Node // that answer
}

// mayTouchMessages tells whether the visitor may see and publish messages.
func (u *UI) mayTouchMessages(v Visitor) bool { return u.config.Messages && v.Admin }

var refused = view{page: "problem", title: "Not allowed", status: http.StatusForbidden, data: struct{ What, Near, NearLink string }{What: "Messages are for admins, and only unless --messages-off is set."}}

func (u *UI) publishForm(r *request) view {
	if !u.mayTouchMessages(r.visitor) {
		return refused
	}
	d := publishData{Topic: r.URL.Query().Get("topic")}
	return u.publishView(r, d, 0)
}

func (u *UI) publishView(r *request, d publishData, status int) view {
	for _, n := range r.snapshot.Nodes {
		if !n.Stale {
			d.Nodes = append(d.Nodes, n)
		}
	}
	return view{page: "publish", title: "Publish to " + d.Topic, data: d, status: status}
}

// publish publishes what a form holds, and goes to the topic.
func (u *UI) publish(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	visit := u.visit(r, p)
	if err := readForm(w, r); err != nil {
		http.Error(w, "INVALID_REQUEST", http.StatusBadRequest)
		return http.StatusBadRequest
	}
	if !u.mayTouchMessages(visit.visitor) {
		return u.draw(w, visit, refused)
	}
	f := r.PostForm
	d := publishData{Topic: f.Get("topic"), Body: f.Get("body"), Delay: f.Get("delay"), Node: f.Get("node"), ByLine: f.Has("lines")}
	to, bodies, delay := d.parse(visit.snapshot)
	if d.Error != "" {
		return u.draw(w, visit, u.publishView(visit, d, http.StatusUnprocessableEntity))
	}
	e := u.actor.Publish(r.Context(), to.Node, d.Topic, delay, bodies, u.config.By(r))
	if err := e.Outcomes[0].Err; err != nil {
		d.Error = "The node did not take it: " + err.Error()
		return u.draw(w, visit, u.publishView(visit, d, http.StatusBadGateway))
	}
	u.refresh(r.Context())
	http.Redirect(w, r, u.link("topics", d.Topic)+"?done="+strconv.Itoa(e.ID)+"&"+url.Values{"messages": {strconv.Itoa(len(bodies))}}.Encode(), http.StatusSeeOther)
	return http.StatusSeeOther
}

// parse returns what is to be published and where, or says in Error what is wrong.
func (d *publishData) parse(s *collector.Snapshot) (to *collector.Node, bodies [][]byte, delay time.Duration) {
	if !protocol.ValidName(d.Topic) {
		d.Error = nameError(d.Topic)
		return nil, nil, 0
	}
	if d.Delay != "" {
		seconds, err := strconv.ParseFloat(d.Delay, 64)
		delay = time.Duration(seconds * float64(time.Second))
		if err != nil || delay < 0 || delay > maxDelay {
			d.Error = "A delay is a number of seconds, up to 3600."
			return nil, nil, 0
		}
	}
	// A browser sends lines ended by CR LF.
	text := strings.ReplaceAll(d.Body, "\r\n", "\n")
	if d.ByLine {
		for _, line := range bytes.Split([]byte(text), []byte("\n")) {
			if len(line) > 0 {
				bodies = append(bodies, line)
			}
		}
	} else if text != "" {
		bodies = [][]byte{[]byte(text)}
	}
	if to = s.Node(d.Node); to == nil {
		d.Error = "Choose a node to publish to."
	} else {
		d.Node = to.Address
	}
	switch {
	case len(bodies) == 0:
		d.Error = "A message has one byte at least."
	case len(bodies) > maxPublish:
		d.Error = "At most " + number(maxPublish) + " messages are published at once."
	}
	return to, bodies, delay
}
