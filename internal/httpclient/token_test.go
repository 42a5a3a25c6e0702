package httpclient

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	if _, err := ReadToken(path + "x"); err == nil {
		t.Error("no file is no error")
	}
}
