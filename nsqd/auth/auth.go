// Package auth asks authorisation servers over HTTP what a client may do, and
// says whether an operation is among it (protocol.md 6, nsqd-http-and-config.md 2.5).
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/httpclient"
)

// Config says whom to ask, and how.
type Config struct {
	Addresses []string // host:port, or a URL
	Post      bool     // else GET
	HTTP      httpclient.Config
}

// Client asks the servers.
type Client struct {
	addresses []string
	post      bool
	http      *httpclient.Client
}

// maxAnswer is how many bytes of a server's answer are read.
const maxAnswer = 1 << 20

// New returns a client, or nil if there are no addresses.
func New(c Config) *Client {
	if len(c.Addresses) == 0 {
		return nil
	}
	c.HTTP.MaxAnswer = maxAnswer
	return &Client{addresses: c.Addresses, post: c.Post, http: httpclient.New(c.HTTP)}
}

// Question says who wants to know.
type Question struct {
	RemoteIP   string // empty on a Unix socket
	TLS        bool
	CommonName string // of the client's certificate, if any
	Secret     string
}

func (q *Question) values() url.Values {
	return url.Values{
		"remote_ip":   {q.RemoteIP},
		"tls":         {strconv.FormatBool(q.TLS)},
		"common_name": {q.CommonName},
		"secret":      {q.Secret},
	}
}

// Ask asks one server after the other, beginning with any of them, until one
// answers as it should. The error names every server and what is wrong with it.
func (c *Client) Ask(ctx context.Context, q Question) (*Grant, error) {
	first := rand.IntN(len(c.addresses))
	var failures []string
	for i := range c.addresses {
		address := c.addresses[(first+i)%len(c.addresses)]
		grant, err := c.askOne(ctx, address, &q)
		if err == nil {
			return grant, nil
		}
		failures = append(failures, fmt.Sprintf("failed to auth against %s - %s", address, withoutURL(err)))
	}
	return nil, errors.New(strings.Join(failures, "; "))
}

// withoutURL drops the URL from an error, since it holds the secret.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (c *Client) askOne(ctx context.Context, address string, q *Question) (*Grant, error) {
	target := address
	if !strings.Contains(address, "://") {
		target = "http://" + address + "/auth"
	}
	method, contentType, values := http.MethodGet, "", q.values()
	var body []byte
	if c.post {
		method, contentType = http.MethodPost, httpclient.JSON
		var err error
		if body, err = json.Marshal(values); err != nil {
			return nil, err
		}
	} else {
		u, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += values.Encode()
		target = u.String()
	}
	answer, status, err := c.http.Ask(ctx, method, target, contentType, body)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("got response %d", status)
	}
	return parse(answer, time.Now())
}

// Grant is what a client may do for a while.
type Grant struct {
	Identity    string
	IdentityURL string
	expires     time.Time
	entries     []entry
}

// entry allows something on all topics and channels that match.
type entry struct {
	topic              *regexp.Regexp
	channels           []*regexp.Regexp
	subscribe, publish bool
}

// maxTTL keeps the sum of a time and a TTL from overflowing.
const maxTTL = int64(100 * 365 * 24 * time.Hour / time.Second)

// parse makes a grant of a server's answer.
func parse(answer []byte, now time.Time) (*Grant, error) {
	var a struct {
		TTL            int64  `json:"ttl"`
		Identity       string `json:"identity"`
		IdentityURL    string `json:"identity_url"`
		Authorizations []struct {
			Topic       string   `json:"topic"`
			Channels    []string `json:"channels"`
			Permissions []string `json:"permissions"`
		} `json:"authorizations"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("decoding the answer: %w", err)
	}
	if a.TTL <= 0 {
		return nil, fmt.Errorf("invalid TTL %d (must be >0)", a.TTL)
	}
	g := &Grant{
		Identity:    a.Identity,
		IdentityURL: a.IdentityURL,
		expires:     now.Add(time.Duration(min(a.TTL, maxTTL)) * time.Second),
	}
	for _, one := range a.Authorizations {
		var e entry
		for _, p := range one.Permissions {
			switch p {
			case "subscribe":
				e.subscribe = true
			case "publish":
				e.publish = true
			default:
				return nil, fmt.Errorf("unknown permission %q", p)
			}
		}
		var err error
		if e.topic, err = regexp.Compile(one.Topic); err != nil {
			return nil, fmt.Errorf("topic %q: %w", one.Topic, err)
		}
		for _, c := range one.Channels {
			r, err := regexp.Compile(c)
			if err != nil {
				return nil, fmt.Errorf("channel %q: %w", c, err)
			}
			e.channels = append(e.channels, r)
		}
		g.entries = append(g.entries, e)
	}
	return g, nil
}

// Entries returns how many rules the grant has.
func (g *Grant) Entries() int { return len(g.entries) }

// Expired tells whether the servers must be asked again.
func (g *Grant) Expired() bool { return !time.Now().Before(g.expires) }

// Allows tells whether the client may subscribe to a channel of a topic, or
// publish to the topic if channel is empty. For that, too, one of the entry's
// channels must match, the empty name.
func (g *Grant) Allows(topic, channel string) bool {
	for i := range g.entries {
		e := &g.entries[i]
		if channel == "" && !e.publish || channel != "" && !e.subscribe || !e.topic.MatchString(topic) {
			continue
		}
		for _, c := range e.channels {
			if c.MatchString(channel) {
				return true
			}
		}
	}
	return false
}
