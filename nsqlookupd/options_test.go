package nsqlookupd

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
)

// TestOptions is nsqlookupd.md 1.2: the defaults, and every key of the file.
func TestOptions(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.toml")
	file := `
log_level = "error"
log_prefix = ""
tcp_address = "127.0.0.1:1"
http_address = "127.0.0.1:2"
broadcast_address = "b"
inactive_producer_timeout = 1500
tombstone_lifetime = "1m30s"
unknown = 1.5
verbose = true
`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]any{
		"log_level":                 {logging.Info, logging.Error},
		"log_prefix":                {"[nsqlookupd] ", ""},
		"log_format":                {"text", "text"},
		"tcp_address":               {"0.0.0.0:4160", "127.0.0.1:1"},
		"http_address":              {"0.0.0.0:4161", "127.0.0.1:2"},
		"broadcast_address":         {host, "b"},
		"inactive_producer_timeout": {5 * time.Minute, 1500 * time.Millisecond},
		"tombstone_lifetime":        {45 * time.Second, 90 * time.Second},
	} {
		o := NewOptions()
		for i, args := range [][]string{nil, {"-config", path}} {
			var out bytes.Buffer
			p := cli.Program{Name: "nsqlookupd", Stdout: &out, Stderr: &out}
			if exit, done := p.Parse(o, args); done {
				t.Fatalf("exit %d, %s", exit, &out)
			}
			if got, ok := cli.Value(o, key); !ok || !reflect.DeepEqual(got, want[i]) {
				t.Errorf("%s with %q: %#v, want %#v", key, args, got, want[i])
			}
		}
	}
}

// TestRefusals holds what New says of options that do not go together.
func TestRefusals(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"cannot require TLS client connections without TLS key and cert":    func(o *Options) { o.TLSClientAuthPolicy = "require" },
		"failed to build TLS config - open : no such file or directory":     func(o *Options) { o.TLSKey = "key" },
		"--http-access-file: stat none: no such file or directory":          func(o *Options) { o.HTTPAccessFile = "none" },
		"listen (nowhere) failed - listen tcp: address nowhere: missing po": func(o *Options) { o.HTTPAddress = "nowhere" },
	} {
		o := NewOptions()
		o.TCPAddress, o.HTTPAddress = "127.0.0.1:0", "127.0.0.1:0"
		change(o)
		_, err := New(o, logging.Discard())
		if err == nil || !strings.HasPrefix(err.Error(), "failed to instantiate nsqlookupd - "+want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
