package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"nsqsuite/internal/httplane"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// Lane returns what carries out requests to publish to this target without
// net/http, or nil if anything about the target is not quite plain.
func (a *API) Lane(target string) httplane.Action {
	path, parameters, _ := strings.Cut(target, "?")
	q, err := url.ParseQuery(parameters)
	if err != nil {
		return nil
	}
	other := map[string]string{"/pub": "defer", "/mpub": "binary"}[path]
	for name, values := range q {
		if len(values) != 1 || name != "topic" && name != other {
			return nil
		}
	}
	topic, _ := query(q, "topic")
	if !protocol.ValidName(topic) {
		return nil
	}
	switch path {
	case "/pub":
		return a.pubLane(topic, q)
	case "/mpub":
		return a.mpubLane(topic, q)
	}
	return nil
}

func (a *API) pubLane(topic string, q url.Values) httplane.Action {
	delay, err := a.delay(q)
	if err != nil {
		return nil
	}
	return func(body []byte, begun time.Time) bool {
		if len(body) == 0 || int64(len(body)) > a.MaxMsgSize {
			return false
		}
		return a.tryPublish("/pub", topic, []broker.Message{{Body: body, Delay: delay}}, begun)
	}
}

func (a *API) mpubLane(topic string, q url.Values) httplane.Action {
	binary := false
	switch value, given := query(q, "binary"); {
	case value == "1" || value == "true":
		binary = true
	case given && value != "0" && value != "false":
		return nil // the log tells of it
	}
	return func(body []byte, begun time.Time) bool {
		if int64(len(body)) > a.MaxBodySize {
			return false
		}
		messages, err := a.split(body, binary)
		return err == nil && len(messages) > 0 && a.tryPublish("/mpub", topic, messages, begun)
	}
}

// tryPublish publishes for a request that began then, and has it counted, or does nothing.
func (a *API) tryPublish(route, topic string, messages []broker.Message, begun time.Time) bool {
	t, err := a.Broker.Topic(topic)
	if err != nil || t.TryPublish(messages) != nil {
		return false
	}
	if a.Observe != nil {
		a.Observe(http.MethodPost, route, http.StatusOK, time.Since(begun))
	}
	return true
}
