package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
)

type settings struct {
	Address  string        `flag:"tcp-address" group:"Network" usage:"where to listen"`
	Lookupds []string      `flag:"lookupd-tcp-address" toml:"nsqlookupd_tcp_addresses" group:"Network" usage:"where to register"`
	Size     int64         `flag:"max-msg-size" group:"Limits" usage:"largest message"`
	Timeout  time.Duration `flag:"msg-timeout" group:"Limits" usage:"time to finish"`
	Snappy   bool          `flag:"snappy" group:"Limits" usage:"allow snappy"`
	Levels   []float64     `flag:"percentile" toml:"percentiles" group:"Limits" usage:"percentiles"`
	Log      logging.Level `flag:"log-level" group:"General" usage:"level"`
	Number   int           `flag:"node-id" toml:"id" group:"General" usage:"number"`
	Old      bool          `flag:"worker-id" toml:"-" group:"General" usage:"nothing"`
	Hidden   string        `toml:"only_in_file"`
}

func defaults() settings {
	return settings{Address: "0.0.0.0:4150", Size: 1024, Timeout: time.Minute, Snappy: true, Log: logging.Info}
}

func parse(t *testing.T, args ...string) (s settings, stdout, stderr string, exit int, done bool) {
	t.Helper()
	var out, err bytes.Buffer
	s = defaults()
	p := Program{Name: "nsqd", Does: "nsqd queues.", Stdout: &out, Stderr: &err}
	exit, done = p.Parse(&s, args)
	return s, out.String(), err.String(), exit, done
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		want func(*settings)
	}{
		{"", func(*settings) {}},
		{"-tcp-address=:1 --max-msg-size 0x10", func(s *settings) { s.Address, s.Size = ":1", 16 }},
		{"--max-msg-size=1_000 -max-msg-size=7", func(s *settings) { s.Size = 7 }},
		{"-lookupd-tcp-address a:1 -lookupd-tcp-address=b:2,c:3", func(s *settings) { s.Lookupds = []string{"a:1", "b:2,c:3"} }},
		{"--snappy=false", func(s *settings) { s.Snappy = false }},
		{"--snappy false --max-msg-size 5", func(*settings) {}}, // parsing stops at the bare word
		{"--percentile=0.5,1 --percentile=0.99", func(s *settings) { s.Levels = []float64{1, 0.99, 0.5} }},
		{"-snappy -node-id -1 -tcp-address --snappy=false -worker-id=F", func(s *settings) { s.Number, s.Address = -1, "--snappy=false" }},
		{"-snappy=0 -worker-id=T --node-id=0b101", func(s *settings) { s.Snappy, s.Old, s.Number = false, true, 5 }},
		{"-node-id=3 - -node-id=4", func(s *settings) { s.Number = 3 }},
		{"-node-id=3 -- -node-id=4", func(s *settings) { s.Number = 3 }},
		{"-worker-id 5 -node-id=4", func(s *settings) { s.Old = true }}, // a boolean: parsing stops
		{"--tcp-address= -verbose -node-id=4", func(s *settings) { s.Address, s.Number = "", 4 }},
		{"--msg-timeout=1m30s --msg-timeout=250ms", func(s *settings) { s.Timeout = 250 * time.Millisecond }},
		{"-msg-timeout 90s -log-level=WARN", func(s *settings) { s.Timeout, s.Log = 90*time.Second, logging.Warn }},
	} {
		got, _, stderr, _, done := parse(t, strings.Fields(c.args)...)
		want := defaults()
		c.want(&want)
		if done || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v; %s", c.args, got, want, stderr)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, complaint string }{
		{"--msg-timout=1s", "flag provided but not defined: -msg-timout (did you mean --msg-timeout?)"},
		{"-x", "flag provided but not defined: -x"},
		{"--msg-timeout=60", `invalid value "60" for flag -msg-timeout: parse error`},
		{"--snappy=x", `invalid boolean value "x" for -snappy: parse error`},
		{"--worker-id=5", `invalid boolean value "5" for -worker-id: parse error`},
		{"--node-id=1.5", `invalid value "1.5" for flag -node-id: parse error`},
		{"--node-id=99999999999999999999", `invalid value "99999999999999999999" for flag -node-id: parse error`},
		{"--percentile=0.5,x", `invalid value "0.5,x" for flag -percentile: could not parse: x`},
		{"--node-id", "flag needs an argument: -node-id"},
		{"-only_in_file=x", "flag provided but not defined: -only_in_file"},
		{"--log-level=warning", `invalid value "warning" for flag -log-level: invalid log level 'warning' (debug, info, warn, error, fatal)`},
	} {
		_, _, stderr, exit, done := parse(t, strings.Fields(c.args)...)
		first, _, _ := strings.Cut(stderr, "\n")
		if !done || exit != ExitUsage || first != c.complaint || !strings.Contains(stderr, "--tcp-address") {
			t.Errorf("%s: exit %d, %q, want %q", c.args, exit, stderr, c.complaint)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, help := range []string{"-h", "--help", "-help"} {
		if _, _, stderr, exit, done := parse(t, help); !done || exit != 0 || !strings.Contains(stderr, "Network:\n  --tcp-address string\n        where to listen (default 0.0.0.0:4150)") {
			t.Errorf("%s: exit %d, %s", help, exit, stderr)
		}
	}
	if _, stdout, _, exit, done := parse(t, "-version"); !done || exit != 0 || !strings.HasPrefix(stdout, "nsqd v1.3.") {
		t.Errorf("--version: exit %d, %q", exit, stdout)
	}
}

func TestTool(t *testing.T) {
	var out bytes.Buffer
	s := defaults()
	p := Program{Name: "nsq_x", Does: "nsq_x does.", Stdout: &out, Stderr: &out, Tool: true}
	if exit, done := p.Parse(&s, []string{"-snappy=false", "a", "b"}); done || s.Snappy || !reflect.DeepEqual(p.Args, []string{"a", "b"}) {
		t.Errorf("exit %d, %+v, arguments %q", exit, s, p.Args)
	}
	for _, flag := range []string{"--config=x", "--verbose"} {
		if exit, done := p.Parse(&s, []string{flag}); !done || exit != ExitUsage || strings.Contains(out.String(), "TOML") {
			t.Errorf("%s: exit %d, %s", flag, exit, out.String())
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	read := func(text string, args ...string) (settings, string, int, bool) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, stderr, exit, done := parse(t, append(args, "--config="+path)...)
		return s, stderr, exit, done
	}
	got, stderr, _, done := read(`
tcp_address = ":1"
nsqlookupd_tcp_addresses = ["a", "b"]
max_msg_size = "12"
msg_timeout = 1500
percentiles = [1, 0.5]
log_level = "debug"
unknown = 3
[table]
snappy = false
`, "--tcp-address=0.0.0.0:4150")
	want := settings{Address: "0.0.0.0:4150", Lookupds: []string{"a", "b"}, Size: 12, Timeout: 1500 * time.Millisecond, Snappy: true, Levels: []float64{1, 0.5}, Log: logging.Debug}
	if done || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v; %s", got, want, stderr)
	}
	for text, complaint := range map[string]string{
		`max_msg_size = 1.5`:             "failed parsing max_msg_size 1.5",
		`snappy = 1`:                     "failed parsing snappy 1",
		`nsqlookupd_tcp_addresses = [1]`: "failed parsing nsqlookupd_tcp_addresses [1]",
		`tcp_address = 4`:                "failed parsing tcp_address 4",
		`log_level = "loud"`:             "failed parsing log_level loud",
		`this is not TOML`:               "failed to load config file",
	} {
		if _, stderr, exit, done := read(text); !done || exit != ExitFailure || !strings.Contains(stderr, "FATAL: "+complaint) {
			t.Errorf("%s: exit %d, %s", text, exit, stderr)
		}
	}
}

func TestValue(t *testing.T) {
	s := defaults()
	for key, want := range map[string]any{
		"tcp_address": "0.0.0.0:4150", "nsqlookupd_tcp_addresses": []string{}, "msg_timeout": time.Minute, "log_level": logging.Info,
	} {
		if got, ok := Value(&s, key); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", key, got, want)
		}
	}
	if _, ok := Value(&s, "config"); ok {
		t.Error("config is no option")
	}
}
