package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/logging"
)

func TestRouter(t *testing.T) {
	var log strings.Builder
	r := NewRouter(logging.New(&log, "", logging.Info))
	answer := func(v any, err error) Handler {
		return func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) { return v, err }
	}
	r.Plain("GET", "/ping", answer("OK", nil))
	r.V1("GET", "/text", answer("text", nil))
	r.V1("POST", "/nothing", answer(nil, nil))
	r.V1("GET", "/json", answer(map[string]string{"a": "<"}, nil))
	r.V1("GET", "/bad", answer(nil, BadRequest("BAD")))
	r.V1("GET", "/own", answer(nil, errors.New("own text")))
	r.V1("GET", "/panic", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) { panic("oops") })
	r.Silent("POST", "/pub", answer("OK", nil))
	server := httptest.NewServer(r)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	const jsonType = "application/json; charset=utf-8"
	for _, c := range []struct {
		request string
		status  int
		body    string
		header  map[string]string
	}{
		{"GET /ping", 200, "OK", map[string]string{"X-Nsq-Content-Type": "", "Content-Type": "text/plain; charset=utf-8"}},
		{"GET /text", 200, "text", map[string]string{"X-Nsq-Content-Type": "nsq; version=1.0", "Content-Type": "text/plain; charset=utf-8"}},
		{"POST /nothing", 200, "", map[string]string{"Content-Length": "0", "Content-Type": ""}},
		{"GET /json", 200, `{"a":"\u003c"}`, map[string]string{"Content-Type": jsonType}},
		{"GET /bad", 400, `{"message":"BAD"}`, map[string]string{"X-Nsq-Content-Type": "nsq; version=1.0"}},
		{"GET /own", 500, `{"message":"own text"}`, nil},
		{"GET /panic", 500, `{"message":"INTERNAL_ERROR"}`, nil},
		{"GET /none", 404, `{"message":"NOT_FOUND"}`, nil},
		{"HEAD /ping", 405, "", map[string]string{"Allow": "GET, OPTIONS"}},
		{"GET /nothing", 405, `{"message":"METHOD_NOT_ALLOWED"}`, map[string]string{"Allow": "OPTIONS, POST"}},
		{"OPTIONS /nothing", 200, "", map[string]string{"Allow": "OPTIONS, POST"}},
		{"OPTIONS /none", 404, `{"message":"NOT_FOUND"}`, nil},
		{"GET /ping/?a=b", 301, "", map[string]string{"Location": "/ping?a=b"}},
		{"POST /PUB?topic=a", 307, "", map[string]string{"Location": "/pub?topic=a"}},
		{"POST /ping/", 404, `{"message":"NOT_FOUND"}`, nil},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		req, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || resp.StatusCode/100 != 3 && string(body) != c.body {
			t.Errorf("%s: got %d %q, %v", c.request, resp.StatusCode, body, err)
		}
		for k, v := range c.header {
			if got := resp.Header.Get(k); got != v {
				t.Errorf("%s: header %s is %q, want %q", c.request, k, got, v)
			}
		}
	}
	for _, line := range []string{"200 GET /ping (127.0.0.1:", "404 GET /none", "405 GET /nothing", "panic in HTTP handler - oops"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	for _, line := range []string{" OPTIONS /nothing", "/pub", "INFO: 301", "/PUB"} {
		if strings.Contains(log.String(), line) {
			t.Errorf("the log has %q", line)
		}
	}
}

func TestHealth(t *testing.T) {
	var log strings.Builder
	r := NewRouter(logging.New(&log, "", logging.Info))
	var bad error
	r.Health("/b", func() []Check { return []Check{Checked("disk", bad), Checked("other", nil)} })
	ask := func(path string, status int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != status || w.Body.String() != body || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: %d %s %v", path, w.Code, w.Body, w.Header())
		}
	}
	ask("/b/healthz", 200, `{"status":"alive"}`)
	ask("/b/readyz", 200, `{"ready":true,"checks":[{"name":"disk","ok":true},{"name":"other","ok":true}]}`)
	bad = errors.New("full")
	ask("/b/healthz", 200, `{"status":"alive"}`)
	ask("/b/readyz", 503, `{"ready":false,"reason":"disk: full","checks":[{"name":"disk","ok":false,"reason":"full"},{"name":"other","ok":true}]}`)
	if log.Len() > 0 {
		t.Errorf("probes are in the log:\n%s", &log)
	}
}
