package nsqadmin_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

// TestLookupdOverHTTPS has a nsqlookupd that is asked over TLS name an nsqd, with
// and without its HTTPS port: the token never goes out in clear.
func TestLookupdOverHTTPS(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	// guarded serves over TLS those who send the token.
	guarded := func(h http.Handler) *httptest.Server {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer secret" {
				http.Error(w, "UNAUTHORIZED", http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		return s
	}
	for _, announced := range []bool{true, false} {
		nsqd := newNsqd(t, "a", 5)
		secure := guarded(nsqd.Config.Handler)
		port := secure.URL[strings.LastIndex(secure.URL, ":")+1:]
		var inClear, tokens atomic.Int64
		plain := &fake{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inClear.Add(1)
			if r.Header.Get("Authorization") != "" {
				tokens.Add(1)
			}
			http.Error(w, `{"https_port":`+port+`}`, http.StatusForbidden)
		}))}
		t.Cleanup(plain.Close)
		_, plainPort, _ := strings.Cut(plain.address(), ":")
		_, nsqdPort, _ := strings.Cut(nsqd.address(), ":")
		nsqd.answer("/info", strings.Replace(nsqd.answers["/info"], nsqdPort, plainPort, 1))
		l := newLookupd(t, plain)
		if announced {
			for path, text := range l.answers {
				l.answers[path] = strings.ReplaceAll(text, `"version"`, `"https_port":`+port+`,"version"`)
			}
		}
		lookupd := guarded(l.Config.Handler)
		a := start(t, func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses, o.TokenFile, o.InsecureSkipVerify = []string{lookupd.URL}, token, true
		})
		a.want(t, "GET", "/config/nsqlookupd_http_addresses", "", 200, `["`+lookupd.URL+`"]`)
		if text, want := nsqtest.Get(t, a.url+"/api/nodes"), `["`+strings.TrimPrefix(lookupd.URL, "https://")+`/1.2.3.4:5"]`; !strings.Contains(text, want) {
			t.Errorf("want %s in %s", want, text)
		}
		a.want(t, "POST", "/api/topics/t", `{"action":"pause"}`, 200, `{"message":""}`)
		a.want(t, "DELETE", "/api/nodes/"+plain.address(), `{"topic":"t"}`, 200, `{"message":""}`)
		wantPosts(t, "the nsqd over TLS", nsqd, "/topic/pause?topic=t", "/topic/delete?topic=t")
		if tokens.Load() != 0 || announced != (inClear.Load() == 0) {
			t.Errorf("announced %v: %d came in clear, %d with the token", announced, inClear.Load(), tokens.Load())
		}
	}
}
