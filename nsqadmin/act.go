package nsqadmin

import (
	"encoding/json"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqadmin/actions"
	"nsqsuite/protocol"
)

// maxBody is how many bytes the body of a request to the write API may have.
const maxBody = 1 << 20

// writeAPI adds the routes of the write API (nsqadmin.md 5).
func (a *NSQAdmin) writeAPI(r *httpapi.Router) {
	base := a.settings.basePath
	for _, route := range []struct {
		method, path string
		command      func(r *http.Request, p httprouter.Params) (cluster.Command, error)
	}{
		{http.MethodPost, "/api/topics", createCommand},
		{http.MethodPost, "/api/topics/:topic", actionCommand},
		{http.MethodPost, "/api/topics/:topic/:channel", actionCommand},
		{http.MethodDelete, "/api/topics/:topic", deleteCommand},
		{http.MethodDelete, "/api/topics/:topic/:channel", deleteCommand},
		{http.MethodDelete, "/api/nodes/:node", tombstoneCommand},
	} {
		r.V1(route.method, base+route.path, a.act(route.command))
	}
}

var errForbidden = &httpapi.Error{Status: http.StatusForbidden, Message: "FORBIDDEN"}

// act answers a request that changes something.
func (a *NSQAdmin) act(command func(*http.Request, httprouter.Params) (cluster.Command, error)) httpapi.Handler {
	return func(_ http.ResponseWriter, r *http.Request, p httprouter.Params) (any, error) {
		who := a.access.who(r)
		if !who.Admin {
			return nil, errForbidden
		}
		what, err := command(r, p)
		if err != nil {
			return nil, err
		}
		done, err := a.actor.Do(r.Context(), what, who.by(r))
		if err != nil {
			a.log.Errorf("failed to %s - %s", failure(what), err)
			return nil, &httpapi.Error{Status: http.StatusBadGateway, Message: "UPSTREAM_ERROR: " + err.Error()}
		}
		return struct {
			Message string `json:"message"`
		}{a.message(done.Warnings)}, nil
	}
}

// failure words a command as the log does.
func failure(what cluster.Command) string {
	switch {
	case what.Verb == cluster.Tombstone:
		return "tombstone node for topic"
	case what.Verb == cluster.Delete && what.Channel == "":
		return "delete topic"
	case what.Verb == cluster.Delete:
		return "delete channel"
	}
	return string(what.Verb) + " topic/channel"
}

// decode reads a JSON body of any type.
func decode(r *http.Request, into any) error {
	return json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(into)
}

func createCommand(r *http.Request, _ httprouter.Params) (cluster.Command, error) {
	var body struct {
		Topic   string `json:"topic"`
		Channel string `json:"channel"`
	}
	if err := decode(r, &body); err != nil {
		return cluster.Command{}, httpapi.BadRequest(err.Error())
	}
	what := cluster.Command{Verb: cluster.Create, Topic: body.Topic, Channel: body.Channel}
	return what, validNames(what)
}

// validNames returns an error unless a command's names can exist. A * would
// reach all topics of a nsqlookupd.
func validNames(what cluster.Command) error {
	if !protocol.ValidName(what.Topic) {
		return httpapi.BadRequest("INVALID_TOPIC")
	}
	if what.Channel != "" && !protocol.ValidName(what.Channel) {
		return httpapi.BadRequest("INVALID_CHANNEL")
	}
	return nil
}

func actionCommand(r *http.Request, p httprouter.Params) (cluster.Command, error) {
	var body struct {
		Action string `json:"action"`
	}
	if err := decode(r, &body); err != nil {
		return cluster.Command{}, httpapi.BadRequest(err.Error())
	}
	what := cluster.Command{Verb: cluster.Verb(body.Action), Topic: p.ByName("topic"), Channel: p.ByName("channel")}
	switch what.Verb {
	case cluster.Pause, cluster.Unpause, cluster.Empty:
		return what, nil
	}
	return what, httpapi.BadRequest("INVALID_ACTION")
}

func deleteCommand(_ *http.Request, p httprouter.Params) (cluster.Command, error) {
	what := cluster.Command{Verb: cluster.Delete, Topic: p.ByName("topic"), Channel: p.ByName("channel")}
	return what, validNames(what)
}

func tombstoneCommand(r *http.Request, p httprouter.Params) (cluster.Command, error) {
	var body struct {
		Topic string `json:"topic"`
	}
	if err := decode(r, &body); err != nil {
		return cluster.Command{}, httpapi.BadRequest("INVALID_BODY")
	}
	what := cluster.Command{Verb: cluster.Tombstone, Topic: body.Topic, Node: p.ByName("node")}
	return what, validNames(what)
}

// by says who stands behind a request.
func (w visitor) by(r *http.Request) actions.By {
	u := *r.URL
	u.Scheme, u.Host = "http", r.Host
	if r.TLS != nil || r.Header.Get("X-Scheme") == "https" {
		u.Scheme = "https"
	}
	basic, _, _ := r.BasicAuth()
	return actions.By{User: w.Name, BasicUser: basic, RemoteIP: r.RemoteAddr, UserAgent: r.UserAgent(), URL: u.String()}
}
