package nsqadmin

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
)

// api adds the routes of the read API and of /config (nsqadmin.md 4 and 8).
func (a *NSQAdmin) api(r *httpapi.Router) {
	base := a.settings.basePath
	r.Plain(http.MethodGet, base+"/ping", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) { return "OK", nil })
	r.V1(http.MethodGet, base+"/config/:opt", a.config)
	r.V1(http.MethodPut, base+"/config/:opt", a.config)
	r.V1(http.MethodGet, base+"/api/topics", a.topics)
	r.V1(http.MethodGet, base+"/api/topics/:topic", a.topic)
	r.V1(http.MethodGet, base+"/api/topics/:topic/:channel", a.channel)
	r.V1(http.MethodGet, base+"/api/nodes", a.nodes)
	r.V1(http.MethodGet, base+"/api/nodes/:node", a.node)
	r.V1(http.MethodGet, base+"/api/counter", a.counter)
}

// failed logs why a question got no answer and returns what the client learns of it.
func (a *NSQAdmin) failed(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the client is gone
	}
	a.log.Errorf("failed to get %s - %s", what, err)
	return &httpapi.Error{Status: http.StatusBadGateway, Message: "UPSTREAM_ERROR: " + err.Error()}
}

// message returns the text that goes with data, and logs it.
func (a *NSQAdmin) message(w cluster.Warnings) string {
	if len(w) > 0 {
		a.log.Warnf("%s", w.Message())
	}
	return w.Message()
}

func (a *NSQAdmin) topics(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, httpapi.BadRequest(err.Error())
	}
	if q.Get("inactive") == "true" {
		inactive, warnings, err := a.cluster.Inactive(r.Context())
		if err != nil {
			return nil, a.failed("topics", err)
		}
		return struct {
			Topics  map[string][]string `json:"topics"`
			Message string              `json:"message"`
		}{inactive, a.message(warnings)}, nil
	}
	names, warnings, err := a.cluster.Topics(r.Context())
	if err != nil {
		return nil, a.failed("topics", err)
	}
	return struct {
		Topics  []string `json:"topics"`
		Message string   `json:"message"`
	}{names, a.message(warnings)}, nil
}

func (a *NSQAdmin) topic(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	topic, warnings, err := a.cluster.Topic(r.Context(), p.ByName("topic"))
	if err != nil {
		return nil, a.failed("topic metadata", err)
	}
	return struct {
		*cluster.Topic
		Message string `json:"message"`
	}{topic, a.message(warnings)}, nil
}

func (a *NSQAdmin) channel(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	channel, warnings, err := a.cluster.Channel(r.Context(), p.ByName("topic"), p.ByName("channel"))
	if errors.Is(err, cluster.ErrNoChannel) {
		return nil, httpapi.NotFound(err.Error())
	}
	if err != nil {
		return nil, a.failed("channel metadata", err)
	}
	return struct {
		*cluster.Channel
		Message string `json:"message"`
	}{channel, a.message(warnings)}, nil
}

func (a *NSQAdmin) nodes(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	nodes, warnings, err := a.cluster.Nodes(r.Context())
	if err != nil {
		return nil, a.failed("nodes", err)
	}
	return struct {
		Nodes   []*cluster.Node `json:"nodes"`
		Message string          `json:"message"`
	}{nodes, a.message(warnings)}, nil
}

func (a *NSQAdmin) node(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
	address := p.ByName("node")
	_, topics, warnings, err := a.cluster.Node(r.Context(), address)
	if errors.Is(err, cluster.ErrNoNode) {
		return nil, httpapi.NotFound(err.Error())
	}
	if err != nil {
		return nil, a.failed("nsqd stats", err)
	}
	answer := struct {
		Node          string           `json:"node"`
		Topics        []*cluster.Topic `json:"topics"`
		TotalMessages uint64           `json:"total_messages"`
		TotalClients  int              `json:"total_clients"`
		Message       string           `json:"message"`
	}{Node: address, Topics: topics, Message: a.message(warnings)}
	for _, t := range topics {
		answer.TotalMessages += t.MessageCount
		for _, c := range t.Channels {
			answer.TotalClients += len(c.Clients)
		}
	}
	return answer, nil
}

func (a *NSQAdmin) counter(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	counts, warnings, err := a.cluster.Counters(r.Context())
	if err != nil {
		return nil, a.failed("counter producer list", err)
	}
	return struct {
		Stats   map[string]cluster.Count `json:"stats"`
		Message string                   `json:"message"`
	}{counts, a.message(warnings)}, nil
}
