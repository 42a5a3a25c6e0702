package tohttp

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/tools/client"
	"nsqsuite/internal/tools/target"
)

const defaultType = "application/octet-stream"

// Options are the flags of nsq_to_http (tools.md 7).
type Options struct {
	Topic          string         `flag:"topic" group:"Messages" usage:"topic to send"`
	Channel        string         `flag:"channel" group:"Messages" usage:"channel to receive on"`
	Sample         Share          `flag:"sample" group:"Messages" usage:"share of the messages to send, from 0 to 1; the others are dropped"`
	Post           []string       `flag:"post" group:"Requests" usage:"URL to POST messages to"`
	Get            []string       `flag:"get" group:"Requests" usage:"URL to GET, in which %s stands for the message"`
	Mode           target.Mode    `flag:"mode" group:"Requests" usage:"how messages are shared out among several URLs: round-robin, hostpool (passes over those that failed), epsilon-greedy (prefers the quick ones), or all (each message to each URL)"`
	ContentType    string         `flag:"content-type" group:"Requests" usage:"what a POST says its body is"`
	Headers        []string       `flag:"header" group:"Requests" usage:"header of each request, 'Name: value'"`
	ConnectTimeout time.Duration  `flag:"http-client-connect-timeout" group:"Requests" usage:"how long connecting may take"`
	RequestTimeout time.Duration  `flag:"http-client-request-timeout" group:"Requests" usage:"how long a request may take"`
	Handlers       int            `flag:"n" group:"Requests" usage:"how many requests may run at a time"`
	StatusEvery    int            `flag:"status-every" group:"Requests" usage:"log times after every so many requests; 0 never"`
	Nsqds          []string       `flag:"nsqd-tcp-address" group:"Connections" usage:"nsqd to receive from, host:port"`
	Lookupds       []string       `flag:"lookupd-http-address" group:"Connections" usage:"nsqlookupd that knows the nsqd to receive from, host:port or https://host:port"`
	InFlight       int            `flag:"max-in-flight" group:"Connections" usage:"how many messages may be unfinished at a time"`
	Consumer       client.Options `flag:"consumer-opt" group:"Connections" usage:"setting of the client library; note that max_attempts,5 holds: what failed oftener is dropped"`

	client.Access
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		Channel: "nsq_to_http", Sample: 1, Mode: target.HostPool, ContentType: defaultType, ConnectTimeout: 2 * time.Second,
		RequestTimeout: 20 * time.Second, Handlers: 100, StatusEvery: 250, InFlight: 200,
	}
}

// check says what is wrong with the options.
func (o *Options) check() error {
	if _, err := headers(o.Headers); err != nil {
		return err
	}
	switch {
	case o.Topic == "" || o.Channel == "":
		return errors.New("--topic and --channel are required")
	case o.ContentType != defaultType && len(o.Post) == 0:
		return errors.New("--content-type only used with --post")
	case o.ContentType == "":
		return errors.New("--content-type requires a value when used")
	}
	if err := o.sources().Check(); err != nil {
		return err
	}
	switch {
	case len(o.Get) == 0 && len(o.Post) == 0:
		return errors.New("--get or --post required")
	case len(o.Get) > 0 && len(o.Post) > 0:
		return errors.New("use --get or --post not both")
	}
	for _, address := range o.Get {
		if strings.Count(strings.ReplaceAll(address, "%%", ""), "%s") != 1 {
			return errors.New("invalid GET address - must be a printf string")
		}
	}
	switch {
	case !(o.Sample >= 0 && o.Sample <= 1):
		return errors.New("ERROR: --sample must be between 0.0 and 1.0")
	case o.Handlers <= 0 || o.InFlight <= 0:
		return errors.New("--n and --max-in-flight must be positive")
	}
	return checkURLs(o.addresses())
}

func (o *Options) sources() client.Sources {
	return client.Sources{Nsqds: o.Nsqds, Lookupds: o.Lookupds, Access: o.Access}
}

// addresses returns the URLs of either kind.
func (o *Options) addresses() []string {
	if len(o.Get) > 0 {
		return o.Get
	}
	return o.Post
}

func checkURLs(addresses []string) error {
	for _, a := range addresses {
		u, err := url.Parse(fill(a, nil))
		if err != nil {
			return fmt.Errorf("invalid URL: %w", err)
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("invalid URL %q: it must begin with http:// or https://", a)
		}
	}
	return nil
}

// fill puts a body into the URL of a GET. %% stands for %, as in printf; any other
// % is taken as it is.
func fill(address string, body []byte) string {
	return strings.NewReplacer("%%", "%", "%s", url.QueryEscape(string(body))).Replace(address)
}

// headers parses 'Name: value' lines; of two with the same name the last counts.
func headers(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if name == "" || value == "" || strings.ContainsFunc(name, notInName) || strings.ContainsFunc(value, notInValue) {
			return nil, errors.New("--header value format should be 'Name: value'")
		}
		h.Set(name, value)
	}
	return h, nil
}

func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}

func notInValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// Share is a number, as a pflag.Value.
type Share float64

// String is pflag.Value.
func (s *Share) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }

// Type is pflag.Value.
func (s *Share) Type() string { return "float" }

// Set is pflag.Value.
func (s *Share) Set(word string) error {
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return errors.New("parse error")
	}
	*s = Share(f)
	return nil
}
