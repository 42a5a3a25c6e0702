package tohttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/tools/client"
	"nsqsuite/internal/tools/target"
	"nsqsuite/internal/version"
)

const (
	keepAlive = 30 * time.Second
	idleFor   = 90 * time.Second
	// maxAnswer is how many bytes of an answer are read, to use its connection again.
	maxAnswer = 256 << 10
)

// Run sends messages until ctx ends.
func Run(ctx context.Context, o *Options) error {
	if err := o.check(); err != nil {
		return err
	}
	config, err := o.Consumer.Config("nsq_to_http")
	if err != nil {
		return err
	}
	config.MaxInFlight = o.InFlight
	keys, err := o.Access.Load(client.Log("nsq_to_http"))
	if err != nil {
		return err
	}
	k, err := nsq.NewConsumer(o.Topic, o.Channel, config)
	if err != nil {
		return err
	}
	sender, err := newSender(o)
	if err != nil {
		return err
	}
	k.AddConcurrentHandlers(sender, o.Handlers)
	defer client.Stop(k)
	if err := o.sources().Connect(k, keys); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// sender sends messages to addresses. It is a nsq.Handler.
type sender struct {
	o         *Options
	addresses []string
	headers   http.Header
	http      *http.Client
	pool      *target.Pool // nil in mode All
	times     *target.Times
}

func newSender(o *Options) (*sender, error) {
	h, err := headers(o.Headers)
	if err != nil {
		return nil, err
	}
	s := &sender{o: o, addresses: o.addresses(), headers: http.Header{"User-Agent": {"nsq_to_http v" + version.Number}}}
	if len(o.Post) > 0 {
		s.headers.Set("Content-Type", o.ContentType)
	}
	for name, value := range h {
		s.headers[name] = value
	}
	dialer := &net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: keepAlive}
	s.http = &http.Client{Timeout: o.RequestTimeout, Transport: &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: o.Handlers, IdleConnTimeout: idleFor, ForceAttemptHTTP2: true,
	}}
	s.times = target.NewTimes(o.StatusEvery, s.addresses)
	if o.Mode != target.All {
		s.pool = target.NewPool(len(s.addresses), o.Mode)
	}
	return s, nil
}

// HandleMessage is nsq.Handler.
func (s *sender) HandleMessage(m *nsq.Message) error {
	if s.o.Sample < 1 && rand.Float64() >= float64(s.o.Sample) {
		return nil
	}
	if s.pool != nil {
		i := s.pool.Pick()
		took, err := s.send(i, m.Body)
		s.pool.Done(i, took, err)
		return err
	}
	for i := range s.addresses {
		if _, err := s.send(i, m.Body); err != nil {
			return err
		}
	}
	return nil
}

// send sends a body to one address, and tells how long that took.
func (s *sender) send(i int, body []byte) (took time.Duration, err error) {
	start := time.Now()
	method, address, content := http.MethodPost, s.addresses[i], io.Reader(bytes.NewReader(body))
	if len(s.o.Get) > 0 {
		method, address, content = http.MethodGet, fill(address, body), nil
	}
	req, err := http.NewRequest(method, address, content)
	if err != nil {
		return 0, err
	}
	req.Header = s.headers.Clone()
	resp, err := s.http.Do(req)
	if err != nil {
		return time.Since(start), err
	}
	io.CopyN(io.Discard, resp.Body, maxAnswer) //nolint:errcheck // the answer's status is what counts
	resp.Body.Close()
	took = time.Since(start)
	good := resp.StatusCode >= 200 && resp.StatusCode < 300
	if method == http.MethodGet {
		good = resp.StatusCode == http.StatusOK
	}
	if !good {
		return took, fmt.Errorf("got status code %d", resp.StatusCode)
	}
	s.times.Add(i, took)
	return took, nil
}
