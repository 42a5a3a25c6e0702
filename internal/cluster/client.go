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
	Lookupds []string // host:port of the HTTP API of each nsqlookupd, or https://host:port
	Nsqds    []string // the same of each nsqd, if there are no Lookupds

	ConnectTimeout time.Duration
	RequestTimeout time.Duration // for the exchange as a whole
	Token          string        // sent to nodes as bearer token, if not empty
	// TLS is httpclient.Config's.
	TLS func() *tls.Config
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

// get asks an HTTP API and decodes its JSON answer into v.
func (c *client) get(ctx context.Context, who string, to target, path string, query url.Values, v any) error {
	body, err := c.request(ctx, http.MethodGet, who, to, path, query, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decoding the answer of %s%s: %w", to.url, path, err)
	}
	return nil
}

// post tells an HTTP API to do something, with a body if it is not nil.
func (c *client) post(ctx context.Context, who string, to target, path string, query url.Values, body []byte) error {
	_, err := c.request(ctx, http.MethodPost, who, to, path, query, body)
	return err
}

// request returns the body of an answer with status 200.
func (c *client) request(ctx context.Context, method, who string, to target, path string, query url.Values, sent []byte) ([]byte, error) {
	address := to.url + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	c.logf("CI: querying %s %s", who, address)
	asker := c.http
	if to.discreet {
		asker = asker.Discreet()
	}
	if to.httpsPort != 0 {
		asker = asker.WithHTTPSPort(to.httpsPort)
	}
	body, status, err := asker.Ask(ctx, method, address, "", sent)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, &StatusError{Code: status, Body: body[:min(len(body), maxComplaint)]}
	}
	return body, nil
}
