package api

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// keepBody is the size in bytes up to which the memory of a body is kept for the next one.
const keepBody = 1 << 20

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// release gives back what bodies.Get returned; nothing may point into it any more.
func release(body *bytes.Buffer) {
	if body.Cap() <= keepBody {
		body.Reset()
		bodies.Put(body)
	}
}

// pub is POST /pub (1.4).
func (a *API) pub(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	if r.ContentLength > a.MaxMsgSize {
		return nil, httpapi.TooLarge("MSG_TOO_BIG")
	}
	body := bodies.Get().(*bytes.Buffer)
	defer release(body)
	err := httpapi.ReadInto(body, r, a.MaxMsgSize)
	switch {
	case errors.Is(err, httpapi.ErrBodyTooLarge):
		return nil, httpapi.TooLarge("MSG_TOO_BIG")
	case err != nil:
		return nil, httpapi.ErrInternal
	case body.Len() == 0:
		return nil, httpapi.BadRequest("MSG_EMPTY")
	}
	t, q, err := a.newTopic(r)
	if err != nil {
		return nil, err
	}
	delay, err := a.delay(q)
	if err != nil {
		return nil, err
	}
	return a.publish(t, broker.Message{Body: body.Bytes(), Delay: delay})
}

// delay returns what the parameter "defer" asks for.
func (a *API) delay(q url.Values) (time.Duration, error) {
	text, given := query(q, "defer")
	if !given {
		return 0, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 || ms > a.MaxReqTimeout.Milliseconds() {
		return 0, httpapi.BadRequest("INVALID_DEFER")
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// publish publishes, and words what comes of it.
func (a *API) publish(t *broker.Topic, messages ...broker.Message) (any, error) {
	err := t.Publish(messages)
	if errors.Is(err, broker.ErrExiting) { // deleted since; perhaps it is there again
		if t, err = a.Broker.Topic(t.Name()); err == nil {
			err = t.Publish(messages)
		}
	}
	switch {
	case broker.Refuses(err):
		return nil, refusal(err)
	case err != nil:
		return nil, unavailable(err)
	}
	return protocol.OK, nil
}

// mpub is POST /mpub (1.5).
func (a *API) mpub(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	if r.ContentLength > a.MaxBodySize {
		return nil, httpapi.TooLarge("BODY_TOO_BIG")
	}
	t, q, err := a.newTopic(r)
	if err != nil {
		return nil, err
	}
	binary := a.binaryMode(q)
	body := bodies.Get().(*bytes.Buffer)
	defer release(body)
	err = httpapi.ReadInto(body, r, a.MaxBodySize)
	switch {
	case errors.Is(err, httpapi.ErrBodyTooLarge):
		return nil, httpapi.TooLarge("BODY_TOO_BIG")
	case err != nil && !binary: // of a binary body that breaks off, what is there decides
		return nil, httpapi.ErrInternal
	}
	messages, err := a.split(body.Bytes(), binary)
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return protocol.OK, nil
	}
	return a.publish(t, messages...)
}

// binaryMode tells what the parameter "binary" means: any odd value means yes.
func (a *API) binaryMode(q map[string][]string) bool {
	v, given := query(q, "binary")
	switch {
	case !given || v == "false" || v == "0":
		return false
	case v != "true" && v != "1":
		a.Log.Warnf("deprecated value '%s' used for /mpub binary param", v)
	}
	return true
}

// split returns the messages of a body.
func (a *API) split(body []byte, binary bool) ([]broker.Message, error) {
	if binary {
		return a.splitBinary(body)
	}
	return a.splitLines(body)
}

func (a *API) splitLines(body []byte) ([]broker.Message, error) {
	n := 0
	for line := range bytes.SplitSeq(body, newline) {
		if int64(len(line)) > a.MaxMsgSize {
			return nil, httpapi.TooLarge("MSG_TOO_BIG")
		}
		if len(line) > 0 {
			n++
		}
	}
	messages := make([]broker.Message, 0, n)
	for line := range bytes.SplitSeq(body, newline) {
		if len(line) > 0 {
			messages = append(messages, broker.Message{Body: line})
		}
	}
	return messages, nil
}

var newline = []byte("\n")

// minEntry is how many bytes a message of a binary body has at least: its size and one more.
const minEntry = 5

func (a *API) splitBinary(body []byte) ([]broker.Message, error) {
	if len(body) < 4 {
		return nil, httpapi.TooLarge("BAD_BODY")
	}
	count := int64(int32(binary.BigEndian.Uint32(body)))
	if count <= 0 || count > protocol.MaxBatch(a.MaxBodySize) {
		return nil, httpapi.TooLarge("BAD_BODY")
	}
	body = body[4:]
	messages := make([]broker.Message, 0, min(count, int64(len(body))/minEntry))
	for range count {
		if len(body) < 4 {
			return nil, httpapi.TooLarge("BAD_MESSAGE")
		}
		size := int64(int32(binary.BigEndian.Uint32(body)))
		body = body[4:]
		if size <= 0 || size > a.MaxMsgSize || size > int64(len(body)) {
			return nil, httpapi.TooLarge("BAD_MESSAGE")
		}
		messages = append(messages, broker.Message{Body: body[:size]})
		body = body[size:]
	}
	return messages, nil
}
