package api

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// How many seconds a publisher that was refused should wait.
const (
	retryFull    = 1
	retryLowDisk = 10
)

// refusal words why a topic takes no messages now: 429 FULL, or 507 LOW_DISK.
func refusal(err error) error {
	answer := &httpapi.Error{Status: http.StatusTooManyRequests, Message: "FULL", RetryAfter: retryFull}
	if errors.Is(err, broker.ErrLowDisk) {
		answer = &httpapi.Error{Status: http.StatusInsufficientStorage, Message: "LOW_DISK", RetryAfter: retryLowDisk}
	}
	answer.Reason = err.Error()
	return answer
}

// bounded is a topic or a channel.
type bounded interface {
	Limits() protocol.Limited
	SetLimits(change func(*protocol.OwnLimits))
}

// topicLimits is GET and POST /topic/limits: POST sets what the other parameters
// name, an empty one is the default's again. Both answer with what holds.
func (a *API) topicLimits(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	name, q, err := a.topicName(r)
	if err != nil {
		return nil, err
	}
	if !protocol.ValidName(name) {
		return nil, httpapi.BadRequest("INVALID_TOPIC")
	}
	t, ok := a.Broker.FindTopic(name)
	if !ok {
		return nil, httpapi.NotFound("TOPIC_NOT_FOUND")
	}
	return a.limits(r, t, q, "topic")
}

// channelLimits is GET and POST /channel/limits, likewise.
func (a *API) channelLimits(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	c, q, err := a.existingChannel(r)
	if err != nil {
		return nil, err
	}
	return a.limits(r, c, q, "topic", "channel")
}

// limits answers for a topic or channel that the parameters named so have found.
func (a *API) limits(r *http.Request, b bounded, q url.Values, found ...string) (any, error) {
	if r.Method == http.MethodGet {
		return b.Limits(), nil
	}
	for _, name := range found {
		q.Del(name)
	}
	var set protocol.OwnLimits // to see whether all makes sense before any of it is set
	if err := setLimits(&set, q); err != nil {
		return nil, err
	}
	b.SetLimits(func(own *protocol.OwnLimits) { setLimits(own, q) }) //nolint:errcheck // it did just now
	if err := a.Persist(); err != nil {
		a.Log.Errorf("failure in %s - %s", r.URL.Path, err)
		return nil, httpapi.ErrInternal
	}
	return b.Limits(), nil
}

// setLimits sets what parameters say.
func setLimits(own *protocol.OwnLimits, q url.Values) error {
	for name := range q {
		word := q.Get(name)
		ok := false
		switch name {
		case "max_age":
			own.MaxAge, ok = parse(word, func() (protocol.Duration, error) {
				d, err := time.ParseDuration(word)
				return protocol.Duration(d), err
			})
		case "max_depth":
			own.MaxDepth, ok = parse(word, func() (int64, error) { return strconv.ParseInt(word, 10, 64) })
		case "max_bytes":
			own.MaxBytes, ok = parse(word, func() (int64, error) { return strconv.ParseInt(word, 10, 64) })
		case "overflow":
			own.Overflow, ok = parse(word, func() (o protocol.Overflow, err error) { return o, o.Set(word) })
		}
		if !ok || own.Check() != nil {
			return httpapi.BadRequest("INVALID_ARG_" + strings.ToUpper(name))
		}
	}
	return nil
}

// parse returns the value of a parameter, nil if it is empty, and whether it is one.
func parse[T any](word string, value func() (T, error)) (*T, bool) {
	if word == "" {
		return nil, true
	}
	v, err := value()
	return &v, err == nil
}
