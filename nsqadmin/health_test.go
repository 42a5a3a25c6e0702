package nsqadmin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
)

func TestHealthAndMetrics(t *testing.T) {
	for base, prefix := range map[string]string{"/": "", "/below": "/below"} {
		o := NewOptions()
		o.HTTPAddress, o.BasePath, o.NsqdHTTPAddresses = "127.0.0.1:0", base, []string{"127.0.0.1:1"}
		a, err := New(o, logging.Discard())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		url := "http://" + a.HTTPAddr().String() + prefix
		for path, want := range map[string]string{"/ping": "OK", "/healthz": `{"status":"alive"}`, "/readyz": `{"ready":true,"checks":[]}`} {
			if got := nsqtest.Get(t, url+path); got != want {
				t.Errorf("%s: %s", path, got)
			}
		}
		if text := nsqtest.Get(t, url+"/metrics"); !strings.Contains(text, `nsqadmin_http_requests_total{code="200",method="GET",route="/ping"} 1`) {
			t.Errorf("/metrics:\n%s", text)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestTokenForNodes has a node see the token that it is asked with.
func TestTokenForNodes(t *testing.T) {
	seen := make(chan string, 10)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case seen <- r.Header.Get("Authorization"):
		default:
		}
		http.NotFound(w, r)
	}))
	defer node.Close()
	o := NewOptions()
	o.HTTPAddress, o.NsqdHTTPAddresses = "127.0.0.1:0", []string{node.Listener.Addr().String()}
	o.TokenFile = filepath.Join(t.TempDir(), "token")
	if _, err := New(o, logging.Discard()); err == nil || !strings.Contains(err.Error(), "--http-client-token-file: ") {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(o.TokenFile, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(o, logging.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	nsqtest.Do(t, "GET", "http://"+a.HTTPAddr().String()+"/api/topics", "")
	if got := <-seen; got != "Bearer secret" {
		t.Errorf("the node sees %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
