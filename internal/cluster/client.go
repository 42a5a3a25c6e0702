package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
)

const (
	maxAnswer    = 128 << 20 // bytes of an answer that are read: ten nodes' worth of a very large /stats
	maxComplaint = 4 << 10   // bytes of an error's body that are quoted
)

// Config says who is asked and how patiently.
type Config struct {
	Lookupds []string // host:port of the HTTP API of each nsqlookupd
	Nsqds    []string // the same of each nsqd, if there are no Lookupds

	ConnectTimeout time.Duration
	RequestTimeout time.Duration // for the exchange as a whole
	Token          string        // sent to nodes as bearer token, if not empty
	TLS            *tls.Config   // for nodes that demand it; nil is the system's roots
}

// StatusError is an answer other than 200.
type StatusError struct {
	Code int
	Body []byte // its beginning
}

// Error returns the text that the API passes on.
func (e *StatusError) Error() string {
	return fmt.Sprintf("got response %d %s %q", e.Code, http.StatusText(e.Code), e.Body)
}

// client is HTTP as nsqadmin speaks it (nsqadmin.md 2).
type client struct {
	http *httpclient.Client
	logf func(format string, args ...any) // one line a request
}

func newClient(c Config, log *logging.Logger) *client {
	return &client{logf: log.Infof, http: httpclient.New(httpclient.Config{
		ConnectTimeout: c.ConnectTimeout, RequestTimeout: c.RequestTimeout, MaxAnswer: maxAnswer, TLS: c.TLS, Token: c.Token,
	})}
}

// get asks the HTTP API at address and decodes its JSON answer into v.
func (c *client) get(ctx context.Context, who, address, path string, query url.Values, v any) error {
	body, err := c.request(ctx, http.MethodGet, who, address, path, query, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decoding the answer of http://%s%s: %w", address, path, err)
	}
	return nil
}

// post tells the HTTP API at address to do something, with a body if it is not nil.
func (c *client) post(ctx context.Context, who, address, path string, query url.Values, body []byte) error {
	_, err := c.request(ctx, http.MethodPost, who, address, path, query, body)
	return err
}

// request returns the body of an answer with status 200.
func (c *client) request(ctx context.Context, method, who, address, path string, query url.Values, sent []byte) ([]byte, error) {
	target := "http://" + address + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	c.logf("CI: querying %s %s", who, target)
	body, status, err := c.http.Ask(ctx, method, target, "", sent)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, &StatusError{Code: status, Body: body[:min(len(body), maxComplaint)]}
	}
	return body, nil
}
