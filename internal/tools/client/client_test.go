package client

import (
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
)

func TestOptions(t *testing.T) {
	var o Options
	for _, word := range []string{"max-attempts,0", "snappy", "lookupd_poll_interval,250ms", "tls_insecure_skip_verify", "user_agent,mine"} {
		if err := o.Set(word); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
	c, err := o.Config("nsq_x")
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxAttempts != 0 || !c.Snappy || c.LookupdPollInterval != 250*time.Millisecond || !c.TlsConfig.InsecureSkipVerify || c.TlsConfig.MaxVersion != 0 {
		t.Errorf("%+v", c)
	}
	if !strings.HasPrefix(c.UserAgent, "nsq_x/1.3.") || !strings.HasSuffix(c.UserAgent, " go-nsq/1.1.0") {
		t.Errorf("user agent %q", c.UserAgent)
	}
	if err := o.Set("tls_min_version,tls1.3"); err != nil || c.TlsConfig.MinVersion != tls.VersionTLS13 {
		t.Errorf("TLS 1.3: %v", err)
	}
}

func TestSecretFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var o Options
	if err := o.Set("auth-secret-file," + path); err != nil {
		t.Fatal(err)
	}
	if c, err := o.Config("nsq_x"); err != nil || c.AuthSecret != "word" {
		t.Errorf("%v, the secret is another", err)
	}
	if err := o.Set("auth_secret_file," + path + "x"); err == nil {
		t.Error("no file is no error")
	}
}

func TestAccessFiles(t *testing.T) {
	for _, a := range []Access{{TokenFile: "none"}, {RootCA: "none"}, {Cert: "none"}, {Key: "none"}} {
		if _, err := a.Load(logging.Discard()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// TestKeysFollowTheirFiles: another token is sent as soon as it is in the file,
// and the library's own where there is no file.
func TestKeysFollowTheirFiles(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization")) //nolint:errcheck // the client tells
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "token")
	k, err := Access{}.Load(logging.Discard())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, content, own, want string }{
		{path, "one", "", "Bearer one"}, {path, "two", "own", "Bearer two"}, {"", "", "own", "Bearer own"}, {"", "", "", ""},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		k.tokenFile = c.file
		r := httptest.NewRequest("GET", server.URL, nil)
		if c.own != "" {
			r.Header.Set("Authorization", "Bearer "+c.own)
		}
		answer, err := k.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(answer.Body); string(got) != c.want || answer.StatusCode != 200 {
			t.Errorf("%+v: %d %q", c, answer.StatusCode, got)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for word, want := range map[string]string{
		"":                         "an option needs a name",
		"nothing":                  "invalid option nothing",
		"tls_config,x":             "invalid option tls_config",
		"max_attempts,65536":       "invalid max_attempts ! 65536 > 65535",
		"max_attempts,-1":          "failed to coerce option max_attempts (-1)",
		"sample_rate,4294967296":   "invalid sample_rate ! 4294967296 > 99",
		"sample_rate,-1":           "invalid sample_rate ! -1 < 0",
		"backoff_strategy,none":    "failed to coerce option backoff_strategy (none)",
		"dial_timeout,1":           "failed to coerce option dial_timeout (1)",
		"read_timeout,1ms":         "invalid read_timeout ! 1ms < 100ms",
		"local_addr,x":             "failed to coerce option local_addr (x)",
		"tls_root_ca_file,missing": "failed to read",
		"tls_min_version,tls2":     "not a tls version",
	} {
		var o Options
		if err := o.Set(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", word, err, want)
		}
	}
	for _, words := range [][]string{{"heartbeat_interval,2m"}, {"backoff_strategy,full_jitter", "backoff_multiplier,0"}} {
		var o Options
		for _, w := range words {
			if err := o.Set(w); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := o.Config("nsq_x"); err == nil {
			t.Errorf("%q go together", words)
		}
	}
}

func TestSources(t *testing.T) {
	a := []string{"a:1"}
	for _, c := range []struct {
		s    Sources
		want error
	}{{Sources{}, ErrNoSource}, {Sources{Nsqds: a, Lookupds: a}, ErrTwoSources}, {Sources{Nsqds: a}, nil}, {Sources{Lookupds: a}, nil}} {
		if err := c.s.Check(); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
	if got := Distinct([]string{"b", "a", "b"}); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("distinct: %q", got)
	}
}
