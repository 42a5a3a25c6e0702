package api

import (
	"errors"
	"math"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/redrive"
	"nsqsuite/protocol"
)

// startRedrive is POST /channel/redrive: what waits in a channel is moved to the
// topic "to", at most rate messages a second and at most limit in all; 0 or
// nothing is no bound. The answer tells how far it is, as that of GET does.
func (a *API) startRedrive(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	c, q, err := a.existingChannel(r)
	if err != nil {
		return nil, err
	}
	to, given := query(q, "to")
	if !given {
		return nil, httpapi.BadRequest("MISSING_ARG_TO")
	}
	if !protocol.ValidName(to) {
		return nil, httpapi.BadRequest("INVALID_ARG_TO")
	}
	rate, err := number(q, "rate", 0, math.MaxInt32, 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 0, math.MaxInt64, 0)
	if err != nil {
		return nil, err
	}
	p, err := a.Redriver.Start(redrive.Request{Topic: q.Get("topic"), Source: c, To: to, Rate: int64(rate), Limit: int64(limit)})
	return redriveAnswer(p, err)
}

// redriven is GET /channel/redrive.
func (a *API) redriven(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	return a.ofRedrive(r, a.Redriver.Progress)
}

// stopRedrive is POST /channel/redrive/stop.
func (a *API) stopRedrive(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	return a.ofRedrive(r, a.Redriver.Stop)
}

func (a *API) ofRedrive(r *http.Request, ask func(*broker.Channel) (protocol.Redrive, error)) (any, error) {
	c, _, err := a.existingChannel(r)
	if err != nil {
		return nil, err
	}
	return redriveAnswer(ask(c))
}

// redriveAnswer words why there is no redrive to tell of.
func redriveAnswer(p protocol.Redrive, err error) (any, error) {
	switch {
	case err == nil:
		return &p, nil
	case errors.Is(err, redrive.ErrNone):
		return nil, httpapi.NotFound("REDRIVE_NOT_FOUND")
	case errors.Is(err, redrive.ErrRunning):
		return nil, &httpapi.Error{Status: http.StatusConflict, Message: "REDRIVE_RUNNING"}
	case errors.Is(err, redrive.ErrTooMany):
		return nil, &httpapi.Error{Status: http.StatusTooManyRequests, Message: "TOO_MANY_REDRIVES"}
	}
	return nil, unavailable(err)
}
