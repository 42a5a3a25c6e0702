package api

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/latency"
	"nsqsuite/nsqd/redrive"
	"nsqsuite/nsqd/session"
	"nsqsuite/protocol"
)

// Config is what the API needs to know.
type Config struct {
	Broker   *broker.Broker
	Redriver *redrive.Redriver
	Clients  func() []session.Client
	Log      *logging.Logger
	// Info answers GET /info.
	Info func() (protocol.Info, error)
	// Persist writes nsqd.dat, after a pause or unpause and before its answer.
	Persist func() error
	// Option and SetOption are behind /config.
	Option    func(key string) (any, bool)
	SetOption func(key string, body []byte) (any, error)
	// Latency has the end-to-end latencies; nil: they are not measured.
	Latency *latency.Recorder

	Version       string
	Started       time.Time
	MaxMsgSize    int64
	MaxBodySize   int64
	MaxReqTimeout time.Duration
}

// API is the handler of all routes.
type API struct {
	Config
	*httpapi.Router
}

// New returns the API.
func New(c Config) *API {
	a := &API{Config: c, Router: httpapi.NewRouter(c.Log)}
	a.Plain(http.MethodGet, "/ping", a.ping)
	a.V1(http.MethodGet, "/info", a.info)
	a.V1(http.MethodGet, "/stats", a.stats)
	a.Silent(http.MethodPost, "/pub", a.pub)
	a.Silent(http.MethodPost, "/mpub", a.mpub)
	a.V1(http.MethodPost, "/topic/create", a.createTopic)
	a.V1(http.MethodPost, "/topic/delete", a.onTopic(false, a.deleteTopic))
	a.V1(http.MethodPost, "/topic/empty", a.onTopic(true, func(t *broker.Topic) error { return t.Empty() }))
	a.V1(http.MethodPost, "/topic/pause", a.onTopic(false, a.pauseTopic))
	a.V1(http.MethodPost, "/topic/unpause", a.onTopic(false, a.unpauseTopic))
	a.V1(http.MethodPost, "/channel/create", a.createChannel)
	a.V1(http.MethodPost, "/channel/delete", a.onChannel(a.deleteChannel))
	a.V1(http.MethodPost, "/channel/empty", a.onChannel(func(_ *broker.Topic, c *broker.Channel) error { return c.Empty() }))
	a.V1(http.MethodPost, "/channel/pause", a.onChannel(a.pauseChannel))
	a.V1(http.MethodPost, "/channel/unpause", a.onChannel(a.unpauseChannel))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a.V1(method, "/topic/limits", a.topicLimits)
		a.V1(method, "/channel/limits", a.channelLimits)
	}
	a.V1(http.MethodGet, "/channel/peek", a.peek)
	a.V1(http.MethodPost, "/channel/cancel", a.cancel)
	a.V1(http.MethodPost, "/channel/redrive", a.startRedrive)
	a.V1(http.MethodGet, "/channel/redrive", a.redriven)
	a.V1(http.MethodPost, "/channel/redrive/stop", a.stopRedrive)
	a.V1(http.MethodGet, "/config/:opt", a.getConfig)
	a.V1(http.MethodPut, "/config/:opt", a.putConfig)
	a.Plain(http.MethodPut, "/debug/setblockrate", setBlockRate)
	a.Plain(http.MethodPost, "/debug/freememory", freeMemory)
	a.Profiler()
	return a
}

func (a *API) ping(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
	if err := a.Broker.Health(); err != nil {
		return nil, &httpapi.Error{Status: http.StatusInternalServerError, Message: health(err)}
	}
	return health(nil), nil
}

// health words the state of the daemon.
func health(err error) string {
	if err != nil {
		return "NOK - " + err.Error()
	}
	return "OK"
}

func (a *API) info(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
	return a.Info()
}

// query returns a parameter; given tells whether it is there, be it empty.
func query(q url.Values, name string) (value string, given bool) {
	v, given := q[name]
	if !given {
		return "", false
	}
	return v[0], true
}

// topicName returns the parameter "topic" of a request.
func (a *API) topicName(r *http.Request) (string, url.Values, error) {
	q, err := httpapi.Query(r, a.Log)
	if err != nil {
		return "", nil, err
	}
	name, given := query(q, "topic")
	if !given {
		return "", nil, httpapi.BadRequest("MISSING_ARG_TOPIC")
	}
	return name, q, nil
}

// newTopic returns the topic that a request names, and makes it if there is none.
func (a *API) newTopic(r *http.Request) (*broker.Topic, url.Values, error) {
	name, q, err := a.topicName(r)
	if err != nil {
		return nil, nil, err
	}
	if !protocol.ValidName(name) {
		return nil, nil, httpapi.BadRequest("INVALID_TOPIC")
	}
	t, err := a.Broker.Topic(name)
	if err != nil {
		return nil, nil, unavailable(err)
	}
	return t, q, nil
}

// unavailable words why something cannot be done now: unless the node is being
// drained clients learn EXITING, whatever stands in the way.
func unavailable(err error) error {
	message := "EXITING"
	if errors.Is(err, broker.ErrDraining) {
		message = "DRAINING"
	}
	return &httpapi.Error{Status: http.StatusServiceUnavailable, Message: message}
}

func (a *API) createTopic(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	_, _, err := a.newTopic(r)
	return nil, err
}

// onTopic returns a handler for an existing topic.
func (a *API) onTopic(validate bool, do func(*broker.Topic) error) httpapi.Handler {
	return func(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
		name, _, err := a.topicName(r)
		if err != nil {
			return nil, err
		}
		if validate && !protocol.ValidName(name) {
			return nil, httpapi.BadRequest("INVALID_TOPIC")
		}
		t, ok := a.Broker.FindTopic(name)
		if !ok {
			return nil, httpapi.NotFound("TOPIC_NOT_FOUND")
		}
		if err := do(t); err != nil {
			a.Log.Errorf("failure in %s - %s", r.URL.Path, err)
			return nil, httpapi.ErrInternal
		}
		return nil, nil
	}
}

func (a *API) deleteTopic(t *broker.Topic) error { return a.Broker.DeleteTopic(t.Name()) }

func (a *API) pauseTopic(t *broker.Topic) error {
	t.Pause()
	return a.Persist()
}

func (a *API) unpauseTopic(t *broker.Topic) error {
	t.Unpause()
	return a.Persist()
}

// channelName returns the topic and the channel's name that a request names.
func (a *API) channelName(r *http.Request) (*broker.Topic, string, error) {
	topic, q, err := a.topicName(r)
	if err != nil {
		return nil, "", err
	}
	if !protocol.ValidName(topic) {
		return nil, "", httpapi.BadRequest("INVALID_ARG_TOPIC")
	}
	channel, given := query(q, "channel")
	if !given {
		return nil, "", httpapi.BadRequest("MISSING_ARG_CHANNEL")
	}
	if !protocol.ValidName(channel) {
		return nil, "", httpapi.BadRequest("INVALID_ARG_CHANNEL")
	}
	t, ok := a.Broker.FindTopic(topic)
	if !ok {
		return nil, "", httpapi.NotFound("TOPIC_NOT_FOUND")
	}
	return t, channel, nil
}

func (a *API) createChannel(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	t, name, err := a.channelName(r)
	if err != nil {
		return nil, err
	}
	if _, err := t.Channel(name); err != nil {
		return nil, unavailable(err)
	}
	return nil, nil
}

// onChannel returns a handler for an existing channel.
func (a *API) onChannel(do func(*broker.Topic, *broker.Channel) error) httpapi.Handler {
	return func(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
		t, name, err := a.channelName(r)
		if err != nil {
			return nil, err
		}
		c, ok := t.FindChannel(name)
		if !ok {
			return nil, httpapi.NotFound("CHANNEL_NOT_FOUND")
		}
		if err := do(t, c); err != nil {
			a.Log.Errorf("failure in %s - %s", r.URL.Path, err)
			return nil, httpapi.ErrInternal
		}
		return nil, nil
	}
}

func (a *API) deleteChannel(t *broker.Topic, c *broker.Channel) error {
	return t.DeleteChannel(c.Name())
}

func (a *API) pauseChannel(_ *broker.Topic, c *broker.Channel) error {
	c.Pause()
	return a.Persist()
}

func (a *API) unpauseChannel(_ *broker.Topic, c *broker.Channel) error {
	c.Unpause()
	return a.Persist()
}
