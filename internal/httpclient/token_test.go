package httpclient

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.Header.Get("Authorization"))) //nolint:errcheck // the client tells
	}))
	defer server.Close()
	for file, want := range map[string]string{path: "Bearer secret", "": ""} {
		token, err := ReadToken(file)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Config{ConnectTimeout: time.Second, RequestTimeout: 10 * time.Second, MaxAnswer: 100, Token: token})
		if got, _, err := c.Ask(t.Context(), "GET", server.URL, "", nil); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	d := New(Config{ConnectTimeout: time.Second, RequestTimeout: 10 * time.Second, MaxAnswer: 100, Token: "secret"}).Discreet()
	if got, _, err := d.Ask(t.Context(), "GET", server.URL, "", nil); err != nil || string(got) != "" {
		t.Errorf("in clear a discreet client sends %q, %v", got, err)
	}
	if _, err := ReadToken(path + "x"); err == nil {
		t.Error("no file is no error")
	}
}

// TestDiscreetClient sends its token over TLS, where it is sent to by a refusal in
// clear too, and goes nowhere from there in clear.
func TestDiscreetClient(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" {
			t.Errorf("in clear came %q", token)
		}
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`{"https_port":` + r.URL.Query().Get("port") + `}`)) //nolint:errcheck // the client tells
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, plain.URL, http.StatusFound)
			return
		}
		w.Write([]byte(r.Header.Get("Authorization"))) //nolint:errcheck // the client tells
	}))
	t.Cleanup(secure.Close)
	c := New(Config{RequestTimeout: 10 * time.Second, MaxAnswer: 100, Token: "secret", TLS: always(&tls.Config{InsecureSkipVerify: true})}).Discreet()
	port := secure.URL[strings.LastIndex(secure.URL, ":")+1:]
	for _, target := range []string{secure.URL, plain.URL + "?port=" + port} {
		if got, _, err := c.Ask(t.Context(), "GET", target, "", nil); err != nil || string(got) != "Bearer secret" {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
	if _, _, err := c.Ask(t.Context(), "GET", secure.URL+"/away", "", nil); err == nil || !strings.Contains(err.Error(), "redirected from HTTPS to plain HTTP") {
		t.Errorf("redirected: %v", err)
	}
}
