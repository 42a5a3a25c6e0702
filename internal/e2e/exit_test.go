package e2e

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"nsqsuite/internal/nsqtest"
)

// TestExits starts the daemons in ways in which they do not get to work, and
// checks exit status, and a line of standard output or error.
func TestExits(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const stamp = `\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} `
	type exit struct {
		args   string
		code   int
		stdout string // regular expressions for a line; none: nothing
		stderr string
	}
	common := func(name string) []exit {
		fatal := `\[` + name + `\] ` + stamp + `FATAL: `
		return []exit{
			{"-version", 0, name + ` v1\.\d+\.\d+ \(built w/go.*\)`, ``},
			{"--version --log-level=fatal surplus", 0, name + ` v.*`, ``},
			{"-h", 0, ``, name + ` .*`},
			{"-help", 0, ``, name + ` .*`},
			{"-no-such-flag", 2, ``, `flag provided but not defined: -no-such-flag`},
			{"-no-such-flag -version", 2, ``, `flag provided but not defined: -no-such-flag`},
			{"--log-level=warning", 2, ``, `invalid value "warning" for flag -log-level: invalid log level 'warning' \(debug, info, warn, error, fatal\)`},
			{"--log-format=xml", 2, ``, `invalid value "xml" for flag -log-format: invalid log format 'xml' \(text, json\)`},
			{"--config=/none/such", 1, ``, fatal + `failed to load config file /none/such - open /none/such: no such file or directory`},
			{"--config=" + write("bad.toml", "="), 1, ``, fatal + `failed to load config file .*/bad.toml - .*`},
			{"--log-prefix=x --config=" + write("level.toml", `log_level = "loud"`), 1, ``, fatal + `failed parsing log_level loud.*`},
		}
	}
	listens := func(name string) exit {
		return exit{"--http-address=" + occupied.Addr().String(), 1, ``,
			`\[` + name + `\] ` + stamp + `FATAL: failed to instantiate ` + name + ` - listen \(127.0.0.1:\d+\) failed - listen tcp 127.0.0.1:\d+: bind: address already in use`}
	}
	nsqdFatal := `\[nsqd\] ` + stamp + `FATAL: failed to instantiate nsqd - `
	for name, exits := range map[string][]exit{
		"nsqlookupd": {listens("nsqlookupd"),
			{"--inactive-producer-timeout=5", 2, ``, `invalid value "5" for flag -inactive-producer-timeout: parse error`}},
		"nsqd": {listens("nsqd"),
			{"--msg-timeout=60", 2, ``, `invalid value "60" for flag -msg-timeout: parse error`},
			{"--data-path=/none/such", 1, ``, nsqdFatal + `failed to lock data-path: open /none/such: no such file or directory`},
			{"--node-id=1024 --log-prefix=x", 1, ``, nsqdFatal + `--node-id must be \[0,1024\)`},
			{"--log-format=json --node-id=1024", 1, ``, `{"time":".*","level":"FATAL","msg":"failed to instantiate nsqd - --node-id must be \[0,1024\)"}`}},
		"nsqadmin": nil,
	} {
		for _, c := range append(common(name), exits...) {
			args := strings.Fields(c.args)
			if name != "nsqadmin" && !strings.Contains(c.args, "tcp-address") {
				args = append([]string{"--tcp-address=127.0.0.1:0"}, args...)
			}
			if name == "nsqd" && !strings.Contains(c.args, "data-path") {
				args = append([]string{"--data-path=" + t.TempDir()}, args...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			cmd := exec.CommandContext(ctx, nsqtest.Path(t, name), args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run() //nolint:errcheck // the exit status is looked at
			cancel()
			for what, pair := range map[string][2]string{"stdout": {stdout.String(), c.stdout}, "stderr": {stderr.String(), c.stderr}} {
				if !regexp.MustCompile(`(?m)^`+pair[1]+`$`).MatchString(pair[0]) || pair[1] == "" && pair[0] != "" {
					t.Errorf("%s %s: %s is %.300q, want %q", name, c.args, what, pair[0], pair[1])
				}
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("%s %s: exit status %d, want %d", name, c.args, code, c.code)
			}
		}
	}
}

// TestSignals: an orderly exit waits for nobody, and is not cut short by a second signal.
func TestSignals(t *testing.T) {
	c := startCluster(t, 1, 1)
	for _, d := range []*nsqtest.Daemon{c.admin, c.nsqds[0], c.lookupds[0]} {
		nsqtest.Dial(t, d.HTTP) // silent for ever
		if d != c.admin {
			nsqtest.Dial(t, d.TCP)
			nsqtest.Eventually(t, patience, "the silent client is seen", func() bool { return strings.Contains(d.Log(), "TCP: new client") })
		}
		process, err := os.FindProcess(d.Pid())
		if err != nil {
			t.Fatal(err)
		}
		process.Signal(syscall.SIGINT) //nolint:errcheck // Stop will tell
		d.Stop()
	}
}
