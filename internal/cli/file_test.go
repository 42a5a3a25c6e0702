package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/logging"
)

// TestConversions is the table of nsqd-http-and-config.md 2.2.
func TestConversions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	for _, c := range []struct {
		line string
		want func(*settings) // nil: fatal
	}{
		{`msg_timeout = "5s"`, func(s *settings) { s.Timeout = 5 * time.Second }},
		{`msg_timeout = 5`, func(s *settings) { s.Timeout = 5 * time.Millisecond }},
		{`msg_timeout = 5.0`, nil},
		{`msg_timeout = "5"`, nil},
		{`msg_timeout = true`, nil},
		{`max_msg_size = 12`, func(s *settings) { s.Size = 12 }},
		{`max_msg_size = "12"`, func(s *settings) { s.Size = 12 }},
		{`max_msg_size = 12.0`, nil},
		{`max_msg_size = "x"`, nil},
		{`max_msg_size = [12]`, nil},
		{`id = 7`, func(s *settings) { s.Number = 7 }},
		{`snappy = false`, func(s *settings) { s.Snappy = false }},
		{`snappy = "false"`, func(s *settings) { s.Snappy = false }},
		{`snappy = "no"`, nil},
		{`snappy = 0`, nil},
		{`tcp_address = "x"`, func(s *settings) { s.Address = "x" }},
		{`tcp_address = ""`, func(s *settings) { s.Address = "" }},
		{`tcp_address = 1`, nil},
		{`tcp_address = ["x"]`, nil},
		{`nsqlookupd_tcp_addresses = ["a", "b,c"]`, func(s *settings) { s.Lookupds = []string{"a", "b,c"} }},
		{`nsqlookupd_tcp_addresses = "a, b"`, func(s *settings) { s.Lookupds = []string{"a", "b"} }},
		{`nsqlookupd_tcp_addresses = []`, func(s *settings) { s.Lookupds = nil }},
		{`nsqlookupd_tcp_addresses = 5`, nil},
		{`nsqlookupd_tcp_addresses = ["a", 5]`, nil},
		{`percentiles = [0.5, 1.0]`, func(s *settings) { s.Levels = []float64{0.5, 1} }}, // in the order written
		{`percentiles = [1, 0.5]`, func(s *settings) { s.Levels = []float64{1, 0.5} }},
		{`percentiles = "0.5, 1"`, func(s *settings) { s.Levels = []float64{0.5, 1} }},
		{`percentiles = 0.5`, nil},
		{`percentiles = ["x"]`, nil},
		{`log_level = "WARN"`, func(s *settings) { s.Log = logging.Warn }},
		{`log_level = "warning"`, nil},
		{`log_level = 3`, nil},
		{`only_in_file = "x"`, func(s *settings) { s.Hidden = "x" }},
		{`max-msg-size = 1`, func(*settings) {}},
		{`node_id = 1`, func(*settings) {}},
		{`worker_id = true`, func(*settings) {}},
		{`"-" = 1`, func(*settings) {}},
		{`"" = 1`, func(*settings) {}},
		{`version = 5` + "\n" + `verbose = 5` + "\n" + `config = 5`, func(*settings) {}},
		{`[section]` + "\n" + `snappy = 5`, func(*settings) {}},
		{`[snappy]`, nil},
	} {
		if err := os.WriteFile(path, []byte(c.line), 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, stderr, exit, done := parse(t, "-config", path)
		key, rest, _ := strings.Cut(c.line, " ")
		if c.want == nil {
			line := "FATAL: failed parsing " + strings.Trim(key, "[]")
			if !done || exit != ExitFailure || !strings.HasPrefix(stderr, "[nsqd] ") || !strings.Contains(stderr, line) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s: exit %d, %s", c.line, exit, stderr)
			}
			continue
		}
		want := defaults()
		c.want(&want)
		if len(got.Lookupds) == 0 {
			got.Lookupds = nil
		}
		if done || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: got %+v, want %+v; %s", key, rest, got, want, stderr)
		}
	}
}

// TestPrecedence: what is given wins over the file even if it is the default,
// and lists are not merged.
func TestPrecedence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	file := `tcp_address = "file"` + "\n" + `nsqlookupd_tcp_addresses = ["file"]` + "\n" + `snappy = false` + "\n" + `max_msg_size = 1`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, stderr, _, done := parse(t, "-config="+path, "-tcp-address=0.0.0.0:4150", "-lookupd-tcp-address=x", "-snappy")
	want := defaults()
	want.Lookupds, want.Size = []string{"x"}, 1
	if done || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v; %s", got, want, stderr)
	}
	if _, _, stderr, exit, done := parse(t, "-config=/none/such.toml"); !done || exit != ExitFailure ||
		!strings.Contains(stderr, "FATAL: failed to load config file /none/such.toml - open /none/such.toml: no such file or directory") {
		t.Errorf("exit %d, %s", exit, stderr)
	}
}

// FuzzFile reads any file: it is understood or refused, never half.
func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "c.toml")
	for _, text := range []string{`percentiles = [1, 0.5]`, `nsqlookupd_tcp_addresses = ["a"]`, `msg_timeout = 1e3`, "[a]\nb = 1979-05-27", `log_level = {a = 1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, stderr, exit, done := parse(t, "-config", path); done && (exit != ExitFailure || !strings.Contains(stderr, "FATAL: failed ")) {
			t.Errorf("exit %d, %s", exit, stderr)
		}
	})
}
