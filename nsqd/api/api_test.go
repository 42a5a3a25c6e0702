package api

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/redrive"
	"nsqsuite/nsqd/session"
	"nsqsuite/protocol"
)

const (
	maxMsg   = 20
	maxBody  = 64 // so a batch has at most 12 messages
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain; charset=utf-8"
	nsqType  = "nsq; version=1.0"
	patience = 10 * time.Second
)

// fixture is the API over a broker, and what the rest of an nsqd would do.
type fixture struct {
	testing.TB
	broker   *broker.Broker
	redriver *redrive.Redriver
	disk     *vfs.Faulty
	log      nsqtest.Output
	url      string
	host     string

	mu        sync.Mutex
	clients   []session.Client
	persisted int
	refuse    error // what persisting comes to
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := unserved(t)
	f.serve(New(f.config()))
	return f
}

// unserved returns a fixture that answers no requests.
func unserved(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, disk: vfs.NewFaulty(vfs.NewMem())}
	f.broker = broker.New(broker.Config{
		Store:        diskqueue.NewStore(f.disk, "data", 0),
		MemQueueSize: 100,
		Durability:   diskqueue.Write,
	})
	f.redriver = redrive.New(f.broker, logging.New(&f.log, "", logging.Info).Infof)
	t.Cleanup(func() { f.redriver.Close(); f.broker.Close() }) //nolint:errcheck // the disk may be made to fail
	return f
}

// serve has requests answered by h from now on.
func (f *fixture) serve(h http.Handler) {
	server := httptest.NewServer(h)
	f.url, f.host = server.URL, strings.TrimPrefix(server.URL, "http://")
	f.Cleanup(server.Close)
}

func (f *fixture) config() Config {
	return Config{
		Broker:   f.broker,
		Redriver: f.redriver,
		Clients: func() []session.Client {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.clients
		},
		Log:  logging.New(&f.log, "", logging.Info),
		Info: func() (protocol.Info, error) { return protocol.Info{Version: "v", TCPPort: -1}, nil },
		Persist: func() error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.persisted++
			return f.refuse
		},
		Option: func(key string) (any, bool) {
			v, ok := map[string]any{"word": "a\n", "list": []string{}, "number": int64(3), "level": logging.Warn}[key]
			return v, ok
		},
		SetOption: func(key string, body []byte) (any, error) {
			switch {
			case key != "word":
				return nil, ErrNotSettable
			case string(body) == "bad":
				return nil, io.ErrUnexpectedEOF
			}
			return body, nil
		},
		Version:       "1.3.0",
		Started:       time.Unix(1_700_000_000, 0),
		MaxMsgSize:    maxMsg,
		MaxBodySize:   maxBody,
		MaxReqTimeout: time.Hour,
	}
}

// answer is what a request came to.
type answer struct {
	status int
	body   string
	http.Header
}

func (f *fixture) do(request, body string) answer {
	f.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.Fatal(err)
	}
	return f.read(resp)
}

func (f *fixture) read(resp *http.Response) answer {
	f.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answer{resp.StatusCode, string(text), resp.Header}
}

// raw sends bytes, then no more.
func (f *fixture) raw(text string) answer {
	f.Helper()
	conn := nsqtest.Dial(f, f.host)
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, text)
	conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		f.Fatalf("%.60q: %v", text, err)
	}
	return f.read(resp)
}

// row is one request and its answer in the V1 style: want is the body, or the
// error's message if the status is not 200.
type row struct {
	request, body string
	status        int
	want          string
}

func (f *fixture) check(rows []row) {
	f.Helper()
	for _, c := range rows {
		got := f.do(c.request, c.body)
		want, contentType := c.want, textType
		switch {
		case c.status != 200:
			want, contentType = fmt.Sprintf(`{"message":"%s"}`, c.want), jsonType
		case want == "":
			contentType = ""
		case strings.ContainsAny(want[:1], "{[0123456789"):
			contentType = jsonType
		}
		if got.status != c.status || got.body != want {
			f.Errorf("%s with %.20q: %d %s, want %d %s", c.request, c.body, got.status, got.body, c.status, want)
		}
		if got.Get("Content-Type") != contentType || got.Get("X-NSQ-Content-Type") != nsqType || want == "" && got.Get("Content-Length") != "0" {
			f.Errorf("%s: headers %v", c.request, got.Header)
		}
	}
}

// noDisk lets every operation of a kind fail.
func (f *fixture) noDisk(op vfs.Op) {
	f.disk.Fail(func(_ int, o vfs.Op, _ string) error {
		if o == op {
			return errDisk
		}
		return nil
	})
}

var errDisk = errors.New("the disk is full")

// messages returns the bodies of all messages that a topic holds.
func (f *fixture) messages(topic string) []string {
	f.Helper()
	t, ok := f.broker.FindTopic(topic)
	if !ok {
		return nil
	}
	c, err := t.Channel("reader")
	if err != nil {
		f.Fatal(err)
	}
	s, err := c.Subscribe(broker.Consumer{MsgTimeout: time.Minute, Wake: func() {}, Close: func() {}})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Unsubscribe()
	s.SetReady(1000)
	bodies := []string{}
	var run broker.Run
	for {
		if ok, err := s.Receive(&run, 1<<20); err != nil || !ok {
			return bodies
		}
		in := bytes.NewReader(bytes.Join(run.Buffers(), nil))
		for in.Len() > 0 {
			_, data, err := protocol.ReadFrame(in, 1<<20)
			if err != nil {
				f.Fatal(err)
			}
			m, err := protocol.DecodeMessage(data)
			if err != nil {
				f.Fatal(err)
			}
			bodies = append(bodies, string(m.Body))
		}
		run.Release()
	}
}
