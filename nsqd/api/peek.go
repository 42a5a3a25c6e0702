package api

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// Defaults of GET /channel/peek.
const (
	peekLimit = 20
	peekBody  = 64 << 10 // bytes of each body
)

var places = map[string]broker.Whereabouts{
	protocol.PeekReady:    broker.Waiting,
	protocol.PeekInFlight: broker.InFlight,
	protocol.PeekDeferred: broker.Deferred,
}

// peek is GET /channel/peek: copies of messages of a channel, by topic, channel
// and state (ready, in_flight or deferred), at most limit of them, bodies cut to
// max_body bytes, going on at from.
func (a *API) peek(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	c, q, err := a.existingChannel(r)
	if err != nil {
		return nil, err
	}
	state := q.Get("state")
	if state == "" {
		state = protocol.PeekReady
	}
	where, ok := places[state]
	if !ok {
		return nil, httpapi.BadRequest("INVALID_STATE")
	}
	limit, err := number(q, "limit", 1, broker.MaxPeek, peekLimit)
	if err != nil {
		return nil, err
	}
	maxBody, err := number(q, "max_body", 0, uint64(a.MaxMsgSize), peekBody)
	if err != nil {
		return nil, err
	}
	from, err := number(q, "from", 0, 1<<63, 0)
	if err != nil {
		return nil, err
	}
	found, next, err := c.Peek(where, from, int(limit), int(maxBody))
	if err != nil {
		a.Log.Errorf("failure in %s - %s", r.URL.Path, err)
		return nil, httpapi.ErrInternal
	}
	answer := &protocol.Peek{Messages: make([]protocol.PeekedMessage, len(found))}
	for i, p := range found {
		m := &answer.Messages[i]
		*m = protocol.PeekedMessage{ID: p.ID.String(), Timestamp: p.Timestamp, Attempts: p.Attempts, State: state, Size: p.Size, Body: p.Body}
		if !p.Until.IsZero() {
			m.Until = p.Until.UnixNano()
		}
	}
	if next != 0 {
		answer.Next = strconv.FormatUint(next, 10)
	}
	return answer, nil
}

// cancel is POST /channel/cancel: a deferred message, by id, is dropped.
func (a *API) cancel(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	c, q, err := a.existingChannel(r)
	if err != nil {
		return nil, err
	}
	id, given := query(q, "id")
	if !given {
		return nil, httpapi.BadRequest("MISSING_ARG_ID")
	}
	if len(id) != len(protocol.MessageID{}) {
		return nil, httpapi.BadRequest("INVALID_ARG_ID")
	}
	if err := c.Cancel(protocol.MessageID([]byte(id))); errors.Is(err, broker.ErrNotDeferred) {
		return nil, httpapi.NotFound("MESSAGE_NOT_FOUND")
	}
	return nil, nil
}

// existingChannel returns the channel that a request names, and its other parameters.
func (a *API) existingChannel(r *http.Request) (*broker.Channel, url.Values, error) {
	t, name, err := a.channelName(r)
	if err != nil {
		return nil, nil, err
	}
	c, ok := t.FindChannel(name)
	if !ok {
		return nil, nil, httpapi.NotFound("CHANNEL_NOT_FOUND")
	}
	return c, r.URL.Query(), nil
}

// number returns a parameter that must be from least to most, or its default.
func number(q url.Values, name string, least, most, byDefault uint64) (uint64, error) {
	text := q.Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, httpapi.BadRequest("INVALID_ARG_" + strings.ToUpper(name))
	}
	return n, nil
}
