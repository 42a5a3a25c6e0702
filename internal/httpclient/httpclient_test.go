package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// echo answers the request in a line.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %s tls %t", r.Method, r.URL, r.Header.Get("Content-Type"), body, r.TLS != nil)
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func always(c *tls.Config) func() *tls.Config { return func() *tls.Config { return c } }

func TestAsk(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != Accept {
			t.Errorf("Accept: %s", r.Header.Get("Accept"))
		}
		w.WriteHeader(http.StatusTeapot)
		echo(w, r)
	})
	c := New(Config{ConnectTimeout: time.Minute, RequestTimeout: time.Minute, MaxAnswer: 100})
	for _, ask := range []struct{ method, contentType, body, want string }{
		{"GET", "", "", "GET /a?b=c   tls false"},
		{"POST", "", "hello", "POST /a?b=c  hello tls false"},
		{"POST", JSON, "{}", "POST /a?b=c application/json {} tls false"},
	} {
		got, status, err := c.Ask(t.Context(), ask.method, s.URL+"/a?b=c", ask.contentType, []byte(ask.body))
		if err != nil || status != http.StatusTeapot || string(got) != ask.want {
			t.Errorf("%d %s, %v, want %s", status, got, err, ask.want)
		}
	}
}

// TestAskOverTLS has a node refuse plain HTTP, and the body sent once more.
func TestAskOverTLS(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(secure.Close)
	port := secure.URL[strings.LastIndex(secure.URL, ":")+1:]
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for refusal, want := range map[string]string{
		`{"message":"TLS_REQUIRED","https_port":` + port + `}`: "POST /x  hello tls true",
		`{"https_port":0}`:     `{"https_port":0}`,
		`{"https_port":99999}`: `{"https_port":99999}`,
		`FORBIDDEN`:            `FORBIDDEN`,
	} {
		plain := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, refusal) //nolint:errcheck // then the test fails
		})
		c := New(Config{RequestTimeout: time.Minute, MaxAnswer: 100, TLS: always(&tls.Config{RootCAs: roots})})
		got, _, err := c.Ask(t.Context(), "POST", plain.URL+"/x", "", []byte("hello"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", refusal, got, err, want)
		}
	}
}

// TestHTTPSPort has a node say a port that it has only on its own side of a firewall.
func TestHTTPSPort(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(secure.Close)
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"https_port":1}`) //nolint:errcheck // then the test fails
	})
	c := New(Config{RequestTimeout: time.Minute, MaxAnswer: 100, TLS: always(&tls.Config{InsecureSkipVerify: true})})
	got, _, err := c.WithHTTPSPort(secure.Listener.Addr().(*net.TCPAddr).Port).Ask(t.Context(), "GET", plain.URL+"/x", "", nil)
	if err != nil || string(got) != "GET /x   tls true" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestNewConfiguration has the roots change: a new connection is begun by the new ones.
func TestNewConfiguration(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(secure.Close)
	current := &tls.Config{InsecureSkipVerify: true}
	c := New(Config{ConnectTimeout: time.Minute, RequestTimeout: time.Minute, MaxAnswer: 100, TLS: func() *tls.Config { return current }})
	ask := func() error {
		_, _, err := c.Ask(t.Context(), "GET", secure.URL, "", nil)
		return err
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	current = new(tls.Config)
	if err := ask(); err != nil {
		t.Errorf("on the connection that there is: %v", err)
	}
	secure.CloseClientConnections()
	var unknown x509.UnknownAuthorityError
	if err := ask(); !errors.As(err, &unknown) {
		t.Errorf("on a new one: %v", err)
	}
}

func TestAskHasBounds(t *testing.T) {
	freed := make(chan struct{})
	frozen := serve(t, func(http.ResponseWriter, *http.Request) { <-freed })
	defer close(freed)
	c := New(Config{RequestTimeout: 10 * time.Millisecond, MaxAnswer: 10})
	if _, _, err := c.Ask(t.Context(), "GET", frozen.URL, "", nil); err == nil || !strings.Contains(err.Error(), "imeout") {
		t.Errorf("a server that does not answer: %v", err)
	}
	for size, want := range map[int]error{10: nil, 11: ErrTooLarge} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", size)) }) //nolint:errcheck // it may hang up
		if _, _, err := New(Config{RequestTimeout: time.Minute, MaxAnswer: 10}).Ask(t.Context(), "GET", s.URL, "", nil); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Ask(ended, "GET", frozen.URL, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if _, _, err := c.Ask(t.Context(), "GET", "http://:bad", "", nil); err == nil {
		t.Error("no such address")
	}
}
