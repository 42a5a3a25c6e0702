package auth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/httpclient"
	"nsqsuite/internal/nsqtest"
)

const good = `{"ttl":3600,"identity":"alice","identity_url":"https://id/alice","authorizations":[{"topic":"^orders$","channels":[".*"],"permissions":["subscribe","publish"]}]}`

func client(t *testing.T, post bool, config *tls.Config, addresses ...string) *Client {
	t.Helper()
	h := httpclient.Config{ConnectTimeout: 2 * time.Second, RequestTimeout: 5 * time.Second}
	if config != nil {
		h.TLS = func() *tls.Config { return config }
	}
	return New(Config{Addresses: addresses, Post: post, HTTP: h})
}

// server answers every request with status and body, and tells of the last request.
func server(t *testing.T, status int, body string) (address string, seen func() string) {
	t.Helper()
	requests := make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- fmt.Sprintf("%s %s %q %q %s", r.Method, r.RequestURI, r.Header.Get("Accept"), r.Header.Get("Content-Type"), sent)
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the client tells
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), func() string {
		select {
		case r := <-requests:
			return r
		default:
			return "none"
		}
	}
}

func TestRequests(t *testing.T) {
	address, seen := server(t, 200, good)
	q := Question{RemoteIP: "127.0.0.1", Secret: "s& ?", TLS: true, CommonName: "cn"}
	for _, c := range []struct {
		post    bool
		address string
		want    string
	}{
		{false, address, `GET /auth?common_name=cn&remote_ip=127.0.0.1&secret=s%26+%3F&tls=true "application/vnd.nsq; version=1.0" "" `},
		{false, "http://" + address + "/my", `GET /my?common_name=cn&remote_ip=127.0.0.1&secret=s%26+%3F&tls=true "application/vnd.nsq; version=1.0" "" `},
		{false, "http://" + address + "/my?a=b", `GET /my?a=b&common_name=cn&remote_ip=127.0.0.1&secret=s%26+%3F&tls=true "application/vnd.nsq; version=1.0" "" `},
		{true, address, `POST /auth "application/vnd.nsq; version=1.0" "application/json" {"common_name":["cn"],"remote_ip":["127.0.0.1"],"secret":["s\u0026 ?"],"tls":["true"]}`},
	} {
		g, err := client(t, c.post, nil, c.address).Ask(context.Background(), q)
		if err != nil || g.Identity != "alice" || g.IdentityURL != "https://id/alice" || g.Entries() != 1 || g.Expired() {
			t.Errorf("%+v, %v", g, err)
		}
		if got := seen(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestServersAreTriedInTurn has all but one fail, each in its own way.
func TestServersAreTriedInTurn(t *testing.T) {
	addresses := []string{nsqtest.Refused(t)}
	for _, bad := range []struct {
		status int
		body   string
	}{{500, good}, {201, good}, {403, "no"}, {403, `{"https_port":0}`}, {200, "{"}, {200, `{"ttl":0}`}, {200, strings.Repeat(" ", maxAnswer+1)}} {
		address, _ := server(t, bad.status, bad.body)
		addresses = append(addresses, address)
	}
	_, err := client(t, false, nil, addresses...).Ask(context.Background(), Question{Secret: "hush"})
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatalf("%v", err)
	}
	for _, a := range addresses {
		if !strings.Contains(err.Error(), "failed to auth against "+a+" - ") {
			t.Errorf("%s is missing in %v", a, err)
		}
	}
	address, _ := server(t, 200, good)
	firsts := map[bool]bool{}
	for range 50 {
		working, seen := server(t, 200, good)
		if _, err := client(t, false, nil, address, working, addresses[0]).Ask(context.Background(), Question{}); err != nil {
			t.Fatal(err)
		}
		firsts[seen() != "none"] = true
	}
	if len(firsts) != 2 {
		t.Error("the first server asked is always the same")
	}
}

func TestAsksAgainOverTLS(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("secret") != "s" {
			t.Error("the question is lost")
		}
		io.WriteString(w, good) //nolint:errcheck // the client tells
	}))
	defer secure.Close()
	_, port, err := net.SplitHostPort(secure.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := server(t, 403, `{"message": "TLS_REQUIRED", "https_port": `+port+`}`)
	config := secure.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := client(t, false, config, plain).Ask(context.Background(), Question{Secret: "s"}); err != nil {
		t.Error(err)
	}
	if _, err := client(t, false, nil, plain).Ask(context.Background(), Question{Secret: "s"}); err == nil {
		t.Error("an unknown certificate is accepted")
	}
}

func TestAskEndsWithContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer s.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := client(t, false, nil, s.URL).Ask(ctx, Question{}); err == nil {
		t.Error("no error")
	}
}

func TestRejectedAnswers(t *testing.T) {
	for _, answer := range []string{
		``, `{`, `[]`, `{}`, `{"ttl":-1}`, `{"ttl":1.5}`, `{"ttl":"1"}`,
		`{"ttl":1,"authorizations":[{"topic":"(","channels":[],"permissions":[]}]}`,
		`{"ttl":1,"authorizations":[{"topic":"","channels":["["],"permissions":[]}]}`,
		`{"ttl":1,"authorizations":[{"topic":"","channels":[],"permissions":["read"]}]}`,
	} {
		if g, err := parse([]byte(answer), time.Now()); err == nil {
			t.Errorf("%s: %+v", answer, g)
		}
	}
	g, err := parse([]byte(`{"ttl":9223372036854775807}`), time.Now())
	if err != nil || g.Expired() || g.Entries() != 0 {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestExpiry(t *testing.T) {
	now := time.Now()
	for ago, expired := range map[time.Duration]bool{59 * time.Minute: false, time.Hour: true} {
		if g, err := parse([]byte(good), now.Add(-ago)); err != nil || g.Expired() != expired {
			t.Errorf("%s old: %t, %v", ago, g.Expired(), err)
		}
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		topic       string
		channels    []string
		permissions []string
		on, channel string
		want        bool
	}{
		{"^orders$", []string{".*"}, []string{"publish"}, "orders", "", true},
		{"^orders$", []string{".*"}, []string{"publish"}, "orders2", "", false},
		{"order", []string{".*"}, []string{"publish"}, "my.orders", "", true}, // not anchored
		{"", []string{".*"}, []string{"publish"}, "orders", "", true},
		{".*", []string{".*"}, []string{"subscribe"}, "orders", "", false},
		{".*", []string{".*"}, []string{"publish"}, "orders", "c", false},
		{".*", []string{".*"}, []string{"subscribe"}, "orders", "c", true},
		{".*", []string{"^c$"}, []string{"subscribe", "publish"}, "orders", "c", true},
		{".*", []string{"^c$"}, []string{"subscribe", "publish"}, "orders", "cc", false},
		{".*", []string{"^c$"}, []string{"subscribe", "publish"}, "orders", "", false}, // the empty name must match
		{".*", []string{"^c$", "^$"}, []string{"subscribe", "publish"}, "orders", "", true},
		{".*", nil, []string{"subscribe", "publish"}, "orders", "", false},
		{".*", []string{".*"}, nil, "orders", "c", false},
	} {
		answer, err := json.Marshal(map[string]any{"ttl": 1, "authorizations": []any{map[string]any{"topic": c.topic, "channels": c.channels, "permissions": c.permissions}}})
		if err != nil {
			t.Fatal(err)
		}
		g, err := parse(answer, time.Now())
		if err != nil || g.Allows(c.on, c.channel) != c.want {
			t.Errorf("%s: %q %q is not %t, %v", answer, c.on, c.channel, c.want, err)
		}
	}
}
