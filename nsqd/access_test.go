package nsqd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsqsuite/internal/nsqtest"
)

func TestHTTPAccess(t *testing.T) {
	o := testOptions(t)
	o.HTTPAccessFile = filepath.Join(t.TempDir(), "access.toml")
	if got := refusal(t, o); !strings.HasPrefix(got, "failed to instantiate nsqd - --http-access-file: ") {
		t.Errorf("no file: %s", got)
	}
	if err := os.WriteFile(o.HTTPAccessFile, []byte(`anybody = ["publish"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	o.LookupdHTTPTokenFile = o.HTTPAccessFile
	if got := refusal(t, o); !strings.HasSuffix(got, "a token is one word") {
		t.Errorf("an odd token: %s", got)
	}
	o.LookupdHTTPTokenFile = ""
	d := startNSQD(t, o)
	for request, status := range map[string]int{"GET /ping": 200, "POST /pub?topic=t": 200, "GET /stats": 401, "GET /metrics": 401, "PUT /config/drain": 401} {
		method, path, _ := strings.Cut(request, " ")
		if body, got := nsqtest.Do(t, method, d.url(path), "true"); got != status {
			t.Errorf("%s: %d %s, want %d", request, got, body, status)
		}
	}
}
