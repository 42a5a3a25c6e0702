package access

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
)

// The sum is that of the token "pub".
const file = `
anybody = ["read"]
[[client]]
name = "shop"
token_sha256 = "0017dea7770f7ecff7ab3c20506546129e96bdeba2f544bb8e5414eb79786122"
may = ["publish"]
[[client]]
name = "operators"
certificate = "ops.example"
may = ["read", "publish", "admin"]
`

func write(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	err := os.WriteFile(path, []byte(text), 0o600)
	if err == nil {
		err = os.Chtimes(path, at, at)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ask returns the status of a request's answer.
func ask(g *Guard, request, authorisation string, certificate bool) int {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, nil)
	if authorisation != "" {
		r.Header.Set("Authorization", authorisation)
	}
	if certificate {
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: "ops.example"}}}}}
	}
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })).ServeHTTP(w, r)
	if (w.Code == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") == "Bearer") {
		return -1
	}
	return w.Code
}

func TestGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.toml")
	write(t, path, file, time.Now())
	g, err := Load(path, logging.Discard())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		request, authorisation string
		certificate            bool
		want                   int
	}{
		{"GET /ping", "", false, 200},
		{"GET /healthz", "", false, 200},
		{"GET /readyz", "", false, 200},
		{"POST /ping", "", false, 401},
		{"GET /stats", "", false, 200},
		{"GET /stats", "Bearer wrong", false, 200},
		{"GET /topic/limits?topic=t", "", false, 200},
		{"POST /topic/limits?topic=t&max_depth=1", "Bearer pub", false, 403},
		{"POST /channel/limits?topic=t&channel=c", "", false, 401},
		{"GET /debug", "", false, 200},
		{"GET /debug/pprof/heap", "", false, 401},
		{"GET /DEBUG/pprof/heap", "", false, 401},
		{"GET /debug/pprof/heap", "Bearer pub", false, 403},
		{"GET /channel/peek?topic=t&channel=c", "", false, 401},
		{"GET /Channel/Peek/?topic=t&channel=c", "", false, 401},
		{"GET /channel/redrive?topic=t&channel=c", "", false, 200},
		{"POST /channel/redrive?topic=t&channel=c&to=u", "Bearer pub", false, 403},
		{"POST /pub?topic=t", "", false, 401},
		{"POST /pub?topic=t", "Bearer wrong", false, 401},
		{"POST /pub?topic=t", "Basic pub", false, 401},
		{"POST /pub?topic=t", "Bearer pub", false, 200},
		{"POST /mpub?topic=t", "bearer pub", false, 200},
		{"POST /topic/delete?topic=t", "Bearer pub", false, 403},
		{"PUT /config/drain", "Bearer pub", false, 403},
		{"PUT /config/drain", "", true, 200},
		{"GET /debug/pprof/heap", "", true, 200},
		{"POST /pub?topic=t", "", true, 200},
	} {
		if got := ask(g, c.request, c.authorisation, c.certificate); got != c.want {
			t.Errorf("%s with %q, certificate %v: %d, want %d", c.request, c.authorisation, c.certificate, got, c.want)
		}
		if strings.Contains(c.request, "pub?") && !c.certificate && g.MayPublish(c.authorisation) != (c.want == 200) {
			t.Errorf("%s with %q: MayPublish is not what Wrap does", c.request, c.authorisation)
		}
	}
	if got := ask(nil, "POST /topic/delete", "", false); got != 200 || !(*Guard)(nil).MayPublish("") {
		t.Errorf("without a guard: %d", got)
	}
	write(t, path, "anybody = [\"publish\"]\n[[client]]\ncertificate = \"ops.example\"\nmay = [\"read\"]", time.Now().Add(time.Minute))
	if g, err = Load(path, logging.Discard()); err != nil || !g.MayPublish("") {
		t.Errorf("who may do what everybody may: %v", err)
	}
}

// TestReload replaces the file; a bad one changes nothing.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.toml")
	now := time.Now()
	write(t, path, file, now)
	var log strings.Builder
	g, err := Load(path, logging.New(&log, "", logging.Info))
	if err != nil {
		t.Fatal(err)
	}
	look := func() { g.looked = time.Time{} }
	write(t, path, `anybody = ["everything"]`, now.Add(time.Minute))
	look()
	if got := ask(g, "GET /stats", "", false); got != 200 || !strings.Contains(log.String(), `stays as it was - `) {
		t.Errorf("a bad file: %d\n%s", got, &log)
	}
	write(t, path, ``, now.Add(2*time.Minute))
	if got := ask(g, "GET /stats", "", false); got != 200 {
		t.Errorf("before it is time to look: %d", got)
	}
	look()
	if got := ask(g, "GET /stats", "", false); got != 401 {
		t.Errorf("an empty file: %d", got)
	}
	os.Remove(path)
	look()
	if got := ask(g, "GET /stats", "", false); got != 401 {
		t.Errorf("no file: %d", got)
	}
}

func TestBadFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.toml")
	for text, want := range map[string]string{
		`anybody = ["x"]`:                                  `anybody: "x" is neither`,
		`anyone = ["read"]`:                                "there is no setting anyone",
		`anybody = 1`:                                      "incompatible types",
		"[[client]]\nname = \"a\"":                         `client "a": needs either`,
		"[[client]]\ntoken_sha256 = \"12\"":                "not 64 hexadecimal digits",
		"[[client]]\ncertificate = \"a\"\nmay = [\"all\"]": `"all" is neither`,
	} {
		write(t, path, text, time.Now())
		if _, err := Load(path, logging.Discard()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Load(path+"x", logging.Discard()); err == nil {
		t.Error("no file is no error")
	}
}
