package lookup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

func trusting() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// client returns a client that has heard of a nsqlookupd at each of the
// addresses; an empty one has never answered.
func client(t *testing.T, hosts ...string) *Client {
	t.Helper()
	l := New(Config{
		Log: logging.Discard(),
		HTTP: httpclient.Config{
			ConnectTimeout: time.Second,
			RequestTimeout: 5 * time.Second,
			MaxAnswer:      1000,
			TLS:            trusting,
		},
	}, nil)
	for i, h := range hosts {
		p := newPeer(fmt.Sprint(i), &l.config)
		l.peers[p.address] = p
		if h != "" {
			host, port, _ := net.SplitHostPort(h)
			n, _ := strconv.Atoi(port)
			p.info.Store(&protocol.RegistryInfo{BroadcastAddress: host, HTTPPort: n})
		}
	}
	return l
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

func TestChannels(t *testing.T) {
	one := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/channels?topic=t%23ephemeral" || r.Header.Get("Accept") != "application/vnd.nsq; version=1.0" {
			t.Errorf("asked for %s with %v", r.URL.RequestURI(), r.Header)
		}
		io.WriteString(w, `{"channels":["b","a"]}`)
	})
	two := serve(t, text(`{"channels":["c","a"]}`))
	secure := httptest.NewTLSServer(text(`{"channels":["s"]}`))
	defer secure.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	strict := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(403)
		fmt.Fprintf(w, `{"message": "TLS_REQUIRED", "https_port": %s}`, port)
	})
	for _, c := range []struct {
		name  string
		hosts []string
		want  []string
		fails string
	}{
		{"nobody is configured", nil, nil, ""},
		{"nobody ever answered", []string{"", ""}, nil, ErrNoPeers.Error()},
		{"all together, each name once", []string{one, two, ""}, []string{"a", "b", "c"}, ""},
		{"one demands TLS", []string{strict, two}, []string{"a", "c", "s"}, ""},
		{"one is down", []string{nsqtest.Refused(t), two}, []string{"a", "c"}, "connection refused"},
		{"one errs", []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), two}, []string{"a", "c"}, `got response 500 ""`},
		{"one answers nonsense", []string{serve(t, text("<html>")), two}, []string{"a", "c"}, "invalid character"},
		{"one answers too much", []string{serve(t, text(`{"channels":["`+strings.Repeat("x", 2000)+`"]}`))}, []string{}, httpclient.ErrTooLarge.Error()},
		{"one forbids", []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })}, []string{}, `got response 403 ""`},
	} {
		got, err := client(t, c.hosts...).Channels("t#ephemeral")
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.name, got, c.want)
		}
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fails)
		}
	}
}

// TestChannelsEndWithRun: nobody waits for an answer when the daemon exits.
func TestChannelsEndWithRun(t *testing.T) {
	asked := make(chan struct{})
	l := client(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	l.running = ctx
	go func() {
		<-asked
		cancel()
	}()
	if _, err := l.Channels("t"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestChannelsOverTLS: a nsqlookupd that is spoken to over TLS and tells of HTTPS
// is not asked in clear, and by the newest files.
func TestChannelsOverTLS(t *testing.T) {
	secure := httptest.NewTLSServer(text(`{"channels":["s"]}`))
	defer secure.Close()
	current := trusting()
	l := New(Config{
		Log: logging.Discard(), TLS: func() *tls.Config { return current },
		HTTP: httpclient.Config{ConnectTimeout: time.Second, RequestTimeout: 5 * time.Second, MaxAnswer: 1000},
	}, nil)
	l.peers["0"] = newPeer("0", &l.config)
	l.peers["0"].info.Store(&protocol.RegistryInfo{BroadcastAddress: "127.0.0.1", HTTPPort: 1, HTTPSPort: secure.Listener.Addr().(*net.TCPAddr).Port})
	if got, err := l.Channels("t"); err != nil || !reflect.DeepEqual(got, []string{"s"}) {
		t.Errorf("got %q, %v", got, err)
	}
	current = new(tls.Config)
	secure.CloseClientConnections()
	if _, err := l.Channels("t"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("by other roots: %v", err)
	}
}
