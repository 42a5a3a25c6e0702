package nsqadmin

import (
	"context"
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
