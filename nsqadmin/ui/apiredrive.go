package ui

import (
	"encoding/json"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// redriveJSON is a channel's redrive on one node, as /api/v2/redrive shows it.
type redriveJSON struct {
	Node    string            `json:"node"`
	Redrive *protocol.Redrive `json:"redrive"` // null if there was none
	Error   string            `json:"error,omitempty"`
}

// channelOf returns the channel that a request for /api/v2/redrive is about.
func (u *UI) channelOf(visit *request) (*collector.Channel, error) {
	if !u.mayTouchMessages(visit.visitor) {
		return nil, &httpapi.Error{Status: http.StatusForbidden, Message: "FORBIDDEN"}
	}
	t := visit.snapshot.Topic(visit.params.ByName("topic"))
	if t == nil {
		return nil, httpapi.NotFound("TOPIC_NOT_FOUND")
	}
	c := t.Channel(visit.params.ByName("channel"))
	if c == nil {
		return nil, httpapi.NotFound("CHANNEL_NOT_FOUND")
	}
	return c, nil
}

// apiRedriven answers how far a channel's redrive is, node by node.
func (u *UI) apiRedriven(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	c, err := u.channelOf(u.visit(r, p))
	if err != nil {
		return nil, err
	}
	nodes := []redriveJSON{}
	for _, row := range u.askRedrives(r.Context(), c) {
		n := redriveJSON{Node: row.On.HTTPAddress(), Redrive: row.Redrive}
		if row.Err != nil {
			n.Error = row.Err.Error()
		}
		nodes = append(nodes, n)
	}
	return struct {
		Nodes []redriveJSON `json:"nodes"`
	}{nodes}, nil
}

// apiStartRedrive begins a redrive on all nodes that can do it.
func (u *UI) apiStartRedrive(w http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	c, err := u.channelOf(u.visit(r, p))
	if err != nil {
		return nil, err
	}
	what := struct {
		To    string `json:"to"`
		Rate  int64  `json:"rate"`
		Limit int64  `json:"limit"`
	}{}
	switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm)).Decode(&what); {
	case err != nil:
		return nil, httpapi.BadRequest("INVALID_BODY")
	case !protocol.ValidName(what.To):
		return nil, httpapi.BadRequest("INVALID_TO")
	case what.Rate < 0 || what.Rate > maxRate:
		return nil, httpapi.BadRequest("INVALID_RATE")
	case what.Limit < 0:
		return nil, httpapi.BadRequest("INVALID_LIMIT")
	}
	return u.apiMove(r, c, cluster.Command{Verb: cluster.Redrive, To: what.To, Rate: what.Rate, Limit: what.Limit})
}

// apiStopRedrive ends a redrive on all nodes.
func (u *UI) apiStopRedrive(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	c, err := u.channelOf(u.visit(r, p))
	if err != nil {
		return nil, err
	}
	return u.apiMove(r, c, cluster.Command{Verb: cluster.StopRedrive})
}

// apiMove has a command carried out where the channel can be redriven, and
// answers what each node says.
func (u *UI) apiMove(r *http.Request, c *collector.Channel, what cluster.Command) (any, error) {
	what.Topic, what.Channel = c.TopicName, c.ChannelName
	able, _ := redrivers(c)
	if len(able) == 0 {
		return nil, httpapi.NotFound("NODE_NOT_FOUND")
	}
	for _, on := range able {
		what.Only = append(what.Only, on.On.HTTPAddress())
	}
	e, err := u.actor.Do(r.Context(), what, u.config.By(r))
	if err != nil {
		u.log.Errorf("failed to %s %s/%s - %s", what.Verb, what.Topic, what.Channel, err)
		return nil, &httpapi.Error{Status: http.StatusBadGateway, Message: "UPSTREAM_ERROR: " + err.Error()}
	}
	type outcome struct {
		Node  string `json:"node"`
		Error string `json:"error,omitempty"`
	}
	answer := struct {
		Nodes   []outcome `json:"nodes"`
		Message string    `json:"message"`
	}{[]outcome{}, e.Warnings.Message()}
	for _, o := range e.Outcomes {
		n := outcome{Node: o.Address}
		if o.Err != nil {
			n.Error = o.Err.Error()
		}
		answer.Nodes = append(answer.Nodes, n)
	}
	return answer, nil
}
