package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/logging"
)

const (
	maxAnswer     = 128 << 20 // bytes of an answer that are read: ten nodes' worth of a very large /stats
	maxComplaint  = 4 << 10   // bytes of an error's body that are quoted
	idleTotal     = 100
	idleFor       = 90 * time.Second
	keepAlive     = 30 * time.Second
	tlsHandshake  = 10 * time.Second
	acceptedTypes = "application/vnd.nsq; version=1.0"
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
	http  *http.Client
	token string
	logf  func(format string, args ...any) // one line a request
}

func newClient(c Config, log *logging.Logger) *client {
	dialer := &net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: keepAlive}
	transport := &http.Transport{
		DialContext:           dialer.DialContext,
		TLSClientConfig:       c.TLS,
		TLSHandshakeTimeout:   tlsHandshake,
		MaxIdleConns:          idleTotal,
		IdleConnTimeout:       idleFor,
		ResponseHeaderTimeout: c.RequestTimeout,
	}
	return &client{http: &http.Client{Transport: transport, Timeout: c.RequestTimeout}, token: c.Token, logf: log.Infof}
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

// request returns the body of an answer with status 200. A node that demands
// TLS says so, and is asked again.
func (c *client) request(ctx context.Context, method, who, address, path string, query url.Values, sent []byte) ([]byte, error) {
	target := "http://" + address + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	c.logf("CI: querying %s %s", who, target)
	body, status, err := c.exchange(ctx, method, target, sent)
	if err != nil {
		return nil, err
	}
	if status == http.StatusForbidden {
		if again, ok := overTLS(target, body); ok {
			if body, status, err = c.exchange(ctx, method, again, sent); err != nil {
				return nil, err
			}
		}
	}
	if status != http.StatusOK {
		return nil, &StatusError{Code: status, Body: body[:min(len(body), maxComplaint)]}
	}
	return body, nil
}

var errAnswerTooLarge = errors.New("the answer is too large")

func (c *client) exchange(ctx context.Context, method, target string, sent []byte) (body []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(sent))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", acceptedTypes)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errAnswerTooLarge
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the answer of %s: %w", target, err)
	}
	return body, answer.StatusCode, nil
}

// overTLS returns where a node that refuses plain HTTP wants to be asked.
func overTLS(target string, body []byte) (again string, ok bool) {
	var refusal struct {
		HTTPSPort int `json:"https_port"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.HTTPSPort < 1 || refusal.HTTPSPort > 65535 {
		return "", false
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "https" {
		return "", false
	}
	u.Scheme, u.Host = "https", net.JoinHostPort(strings.Trim(u.Hostname(), "[]"), strconv.Itoa(refusal.HTTPSPort))
	return u.String(), true
}
