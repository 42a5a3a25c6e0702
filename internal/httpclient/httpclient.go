// Package httpclient asks the HTTP APIs of other programs: with bounds on the
// time and on the size of the answer, and over TLS where a node that takes no
// plain HTTP says so (nsqd-http-and-config.md 1.1).
package httpclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/certs"
)

// Accept is the header by which the NSQ programs say which answers they know.
const Accept = "application/vnd.nsq; version=1.0"

// ErrTooLarge says that an answer has more bytes than Config.MaxAnswer.
var ErrTooLarge = errors.New("the answer is too large")

// Connections that are kept, and how long opening one may take.
const (
	idleMost     = 100
	idleFor      = 90 * time.Second
	keepAlive    = 30 * time.Second
	tlsHandshake = 10 * time.Second
)

const redirectsMost = 10 // that are followed

// JSON is the content type of a body that is JSON.
const JSON = "application/json"

// Config says how patiently is asked.
type Config struct {
	ConnectTimeout time.Duration
	RequestTimeout time.Duration // for the exchange as a whole
	MaxAnswer      int64         // bytes
	Token          string        // sent as bearer token, if not empty
	// TLS returns how a new connection over TLS is begun: a certs.Source's Newest.
	// nil: by the system's roots.
	TLS func() *tls.Config
}

// Client asks. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	maxAnswer int64
	token     string
	discreet  bool
	httpsPort int // of who refuses plain HTTP; 0: as it says
}

// New returns a client.
func New(c Config) *Client {
	dialer := &net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: keepAlive}
	if c.TLS == nil {
		c.TLS = func() *tls.Config { return new(tls.Config) }
	}
	transport := &http.Transport{
		DialContext: dialer.DialContext,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, tlsHandshake)
			defer cancel()
			return certs.Shake(ctx, conn, address, c.TLS())
		},
		ResponseHeaderTimeout: c.RequestTimeout,
		MaxIdleConns:          idleMost,
		IdleConnTimeout:       idleFor,
	}
	return &Client{http: &http.Client{Transport: transport, Timeout: c.RequestTimeout, CheckRedirect: stayOverTLS}, maxAnswer: c.MaxAnswer, token: c.Token}
}

// stayOverTLS refuses to be redirected to plain HTTP, for the token would go along.
func stayOverTLS(next *http.Request, before []*http.Request) error {
	switch {
	case len(before) >= redirectsMost:
		return errors.New("too many redirects")
	case before[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirected from HTTPS to plain HTTP")
	}
	return nil
}

// Discreet returns the same client as one that sends its token over TLS only:
// plain HTTP is asked without, and may say where TLS is.
func (c *Client) Discreet() *Client {
	discreet := *c
	discreet.discreet = true
	return &discreet
}

// WithHTTPSPort returns the same client as one that knows where those who refuse plain
// HTTP have HTTPS.
func (c *Client) WithHTTPSPort(port int) *Client {
	knowing := *c
	knowing.httpsPort = port
	return &knowing
}

// WithToken returns the same client as one that sends another token.
func (c *Client) WithToken(token string) *Client {
	other := *c
	other.token = token
	return &other
}

// Ask sends a request, whose body may be nil and is of the given content type,
// if any, and returns the body and the status of the answer. A node that refuses
// plain HTTP is asked again over TLS.
func (c *Client) Ask(ctx context.Context, method, target, contentType string, body []byte) (answer []byte, status int, err error) {
	answer, status, err = c.exchange(ctx, method, target, contentType, body)
	if err == nil && status == http.StatusForbidden {
		if again, ok := c.overTLS(target, answer); ok {
			return c.exchange(ctx, method, again, contentType, body)
		}
	}
	return answer, status, err
}

func (c *Client) exchange(ctx context.Context, method, target, contentType string, body []byte) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", Accept)
	if c.token != "" && (!c.discreet || req.URL.Scheme == "https") {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.maxAnswer+1))
	if err == nil && int64(len(answer)) > c.maxAnswer {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, resp.StatusCode, nil
}

// overTLS returns where a node that refuses plain HTTP by this answer wants to be asked.
func (c *Client) overTLS(target string, answer []byte) (again string, ok bool) {
	var refusal struct {
		Port int `json:"https_port"`
	}
	if json.Unmarshal(answer, &refusal) != nil || refusal.Port < 1 || refusal.Port > 65535 {
		return "", false
	}
	u, err := url.Parse(target)
	if err != nil || !strings.EqualFold(u.Scheme, "http") {
		return "", false
	}
	u.Scheme, u.Host = "https", net.JoinHostPort(u.Hostname(), strconv.Itoa(cmp.Or(c.httpsPort, refusal.Port)))
	return u.String(), true
}

// ReadToken returns the bearer token in a file, without space around it; no path, no token.
func ReadToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("%s: a token is one word", path)
	}
	return token, nil
}
