// Package httpapi is what the HTTP APIs of the three daemons have in common:
// routing, the two styles of answer, errors, parameters, the access log and the
// profiler (nsqd-http-and-config.md 1.1).
//
// A handler returns what to answer. In the V1 style a string or []byte is sent
// as it is, nil is an empty body, and anything else is JSON; an error becomes
// {"message":"…"}. In the Plain style everything is bare text.
package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/logging"
)

// Error is an answer other than success.
type Error struct {
	Status  int
	Message string
	// Reason, if not empty, says more, for people.
	Reason string
	// RetryAfter, if not 0, is how many seconds the client should wait.
	RetryAfter int
	// Body, if not nil, is sent as it is in the place of the message.
	Body []byte
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// BadRequest returns the error with status 400.
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message}
}

// NotFound returns the error with status 404.
func NotFound(message string) *Error { return &Error{Status: http.StatusNotFound, Message: message} }

// TooLarge returns the error with status 413.
func TooLarge(message string) *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Message: message}
}

// ErrInternal is what a client learns of a failure that is none of its business.
var ErrInternal = &Error{Status: http.StatusInternalServerError, Message: "INTERNAL_ERROR"}

// Handler answers a request. Path parameters are in params.
type Handler func(w http.ResponseWriter, r *http.Request, params httprouter.Params) (any, error)

// Router is an http.Handler made of routes.
type Router struct {
	*httprouter.Router
	// Observe, if not nil, is told of every request to a route of ours; route is
	// the path as it was added, or empty if there is none.
	Observe func(method, route string, status int, took time.Duration)

	log *logging.Logger
}

// NewRouter returns a router without routes, which answers as the reference does
// what no route is for.
func NewRouter(log *logging.Logger) *Router {
	r := &Router{Router: httprouter.New(), log: log}
	r.HandleMethodNotAllowed = true
	refuse := func(err *Error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.answer("", req, true, func() int { return respondV1(w, nil, err) })
		})
	}
	r.NotFound = refuse(NotFound("NOT_FOUND"))
	r.MethodNotAllowed = refuse(&Error{Status: http.StatusMethodNotAllowed, Message: "METHOD_NOT_ALLOWED"})
	r.PanicHandler = func(w http.ResponseWriter, req *http.Request, what any) {
		log.Errorf("panic in HTTP handler - %v", what)
		r.answer("", req, true, func() int { return respondV1(w, nil, ErrInternal) })
	}
	return r
}

// V1 adds a route in the V1 style.
func (r *Router) V1(method, path string, h Handler) { r.add(method, path, true, h, respondV1) }

// Silent is V1 without access log.
func (r *Router) Silent(method, path string, h Handler) { r.add(method, path, false, h, respondV1) }

// Plain adds a route in the Plain style.
func (r *Router) Plain(method, path string, h Handler) { r.add(method, path, true, h, respondPlain) }

func (r *Router) add(method, path string, logged bool, h Handler, respond func(http.ResponseWriter, any, error) int) {
	r.Handle(method, path, func(w http.ResponseWriter, req *http.Request, p httprouter.Params) {
		r.answer(path, req, logged, func() int {
			v, err := h(w, req, p)
			return respond(w, v, err)
		})
	})
}

// Page adds a route whose handler writes its answer itself and returns the status.
func (r *Router) Page(method, path string, h func(http.ResponseWriter, *http.Request, httprouter.Params) int) {
	r.Handle(method, path, func(w http.ResponseWriter, req *http.Request, p httprouter.Params) {
		r.answer(path, req, true, func() int { return h(w, req, p) })
	})
}

// answer has a request answered, then tells the access log and who observes.
func (r *Router) answer(route string, req *http.Request, logged bool, answer func() int) {
	start := time.Now()
	status := answer()
	took := time.Since(start)
	if r.Observe != nil {
		r.Observe(req.Method, route, status, took)
	}
	if !logged {
		return
	}
	remote := req.RemoteAddr
	if remote == "" {
		remote = "@"
	}
	r.log.Infof("%d %s %s (%s) %s", status, req.Method, req.URL.RequestURI(), remote, took)
}

// Profiler adds the routes of net/http/pprof.
func (r *Router) Profiler() {
	r.HandlerFunc(http.MethodGet, "/debug/pprof/", pprof.Index)
	r.HandlerFunc(http.MethodGet, "/debug/pprof/cmdline", pprof.Cmdline)
	r.HandlerFunc(http.MethodGet, "/debug/pprof/symbol", pprof.Symbol)
	r.HandlerFunc(http.MethodPost, "/debug/pprof/symbol", pprof.Symbol)
	r.HandlerFunc(http.MethodGet, "/debug/pprof/profile", pprof.Profile)
	for _, name := range []string{"heap", "goroutine", "block", "threadcreate"} {
		r.Handler(http.MethodGet, "/debug/pprof/"+name, pprof.Handler(name))
	}
}

func (e *Error) json() []byte {
	return mustJSON(struct {
		Message string `json:"message"`
		Reason  string `json:"reason,omitempty"`
	}{e.Message, e.Reason})
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Message: err.Error()}
}

func respondV1(w http.ResponseWriter, v any, err error) int {
	header := w.Header()
	header.Set("X-Nsq-Content-Type", "nsq; version=1.0")
	status, isJSON := http.StatusOK, false
	var body []byte
	stream, streams := v.(Stream)
	if err != nil {
		e := asError(err)
		status, isJSON, body = e.Status, true, e.Body
		if body == nil {
			body = e.json()
		}
		if e.RetryAfter > 0 {
			header.Set("Retry-After", strconv.Itoa(e.RetryAfter))
		}
	} else {
		switch v := v.(type) {
		case nil:
			header.Set("Content-Length", "0")
		case string:
			body = []byte(v)
		case []byte:
			body = v
		case Stream:
			isJSON = true
		default:
			isJSON, body = true, mustJSON(v)
		}
	}
	if isJSON {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(status)
	if streams && err == nil {
		stream(w) //nolint:errcheck // likewise
	} else {
		w.Write(body) //nolint:errcheck // the client is gone: nobody to tell
	}
	return status
}

// Stream is JSON that a handler of V1 writes bit by bit, since there may be much.
type Stream func(w io.Writer) error

// Refused returns a handler that answers with a status and a message, in the V1 style.
func Refused(status int, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respondV1(w, nil, &Error{Status: status, Message: message})
	})
}

func mustJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding %T: %v", v, err))
	}
	return body
}

func respondPlain(w http.ResponseWriter, v any, err error) int {
	status, text := http.StatusOK, ""
	if err != nil {
		e := asError(err)
		status, text = e.Status, e.Message
	} else if v != nil {
		text = fmt.Sprint(v)
	}
	w.WriteHeader(status)
	io.WriteString(w, text) //nolint:errcheck // the client is gone: nobody to tell
	return status
}

// TLSRequired returns a handler that sends everybody to the HTTPS port; 0 means
// that there is none.
func TLSRequired(httpsPort int) http.Handler {
	refusal := &Error{
		Status: http.StatusForbidden,
		Body:   fmt.Appendf(nil, `{"message": "TLS_REQUIRED", "https_port": %d}`, httpsPort),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { respondV1(w, nil, refusal) })
}

// Query returns the parameters of a request, of which the first of each name
// counts. The error is 400 INVALID_REQUEST.
func Query(r *http.Request, log *logging.Logger) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		log.Errorf("failed to parse request params - %s", err)
		return nil, BadRequest("INVALID_REQUEST")
	}
	return q, nil
}

// ErrBodyTooLarge says that a body is longer than ReadBody's limit.
var ErrBodyTooLarge = errors.New("body is too large")

// trusted is how many announced bytes a body gets room for before they arrive.
const trusted = 64 << 10

// ReadBody reads a body of at most limit bytes. What was read before an error is
// returned beside it.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	var body bytes.Buffer
	err := ReadInto(&body, r, limit)
	return body.Bytes(), err
}

// ReadInto is ReadBody into a buffer, which must be empty. Beyond trusted bytes,
// it grows with what arrives, not with what is announced.
func ReadInto(body *bytes.Buffer, r *http.Request, limit int64) error {
	body.Grow(int(min(max(r.ContentLength, 0), limit, trusted)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(body.Len()) > limit {
		err = ErrBodyTooLarge
	}
	return err
}
