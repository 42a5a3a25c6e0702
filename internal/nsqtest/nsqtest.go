package nsqtest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startWait = 20 * time.Second
	stopWait  = 20 * time.Second
	pollEvery = 5 * time.Millisecond
)

// built is the folder of the programs, once there is one.
var built string

// build builds all programs, once per test process.
var build = sync.OnceValues(func() (dir string, err error) {
	dir, err = os.MkdirTemp("", "nsqtest")
	if err != nil {
		return "", err
	}
	built = dir
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "nsqsuite/cmd/...")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// Main runs a package's tests and removes what was built for them.
func Main(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// Path returns the path of a program.
func Path(t testing.TB, program string) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, program)
}

// Daemon is a running program.
type Daemon struct {
	t       testing.TB
	program string
	args    []string
	TCP     string // address it listens on, or empty
	HTTP    string

	cmd    *exec.Cmd
	log    *Output
	exited chan struct{}
}

// Output collects what a program prints. It is safe for concurrent use.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write is io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns everything so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Start starts a program with these arguments, on free ports unless they say
// otherwise, and returns when it listens. It is stopped when the test ends; if
// that has failed its log is shown.
func Start(t testing.TB, program string, args ...string) *Daemon {
	t.Helper()
	d := &Daemon{t: t, program: program, args: args}
	d.run("127.0.0.1:0", "127.0.0.1:0")
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("log of %s %s:\n%s", program, strings.Join(args, " "), tail(d.log.String()))
		}
	})
	return d
}

const shown = 8000

func tail(log string) string {
	if len(log) > shown {
		return "…" + log[len(log)-shown:]
	}
	return log
}

var listening = regexp.MustCompile(`(TCP|HTTP): listening on (\S+)`)

func (d *Daemon) run(tcp, http string) {
	d.t.Helper()
	args := append([]string{"--http-address=" + http}, d.args...)
	want := 1
	if d.program != "nsqadmin" {
		args = append([]string{"--tcp-address=" + tcp, "--https-address=127.0.0.1:0"}, args...)
		want = 2
	}
	if slices.Contains(d.args, "--http-address=") {
		want--
	}
	cmd := exec.Command(Path(d.t, d.program), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, exited := new(Output), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	d.cmd, d.log, d.exited = cmd, log, exited
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		cmd.Wait() //nolint:errcheck // the state is looked at where it matters
		close(exited)
	}()
	Eventually(d.t, startWait, d.program+" listens", func() bool {
		select {
		case <-exited:
			d.t.Fatalf("%s ended: %s\n%s", d.program, cmd.ProcessState, log)
		default:
		}
		found := listening.FindAllStringSubmatch(log.String(), -1)
		for _, f := range found {
			if f[1] == "TCP" {
				d.TCP = f[2]
			} else {
				d.HTTP = f[2]
			}
		}
		return len(found) >= want
	})
}

// Log returns what the program has printed.
func (d *Daemon) Log() string { return d.log.String() }

// Pid returns the number of the process.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

// Stop ends the program by SIGTERM; the test fails if that is not orderly.
func (d *Daemon) Stop() {
	d.t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // then it has ended, which is checked
	select {
	case <-d.exited:
	case <-time.After(stopWait):
		d.t.Fatalf("%s does not stop within %s of SIGTERM", d.program, stopWait)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Fatalf("%s: exit status %d after SIGTERM\n%s", d.program, code, d.log)
	}
}

// Kill ends the program by SIGKILL, if it still runs.
func (d *Daemon) Kill() {
	d.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-d.exited
}

// Restart starts the program again, after Stop or Kill, on the same ports.
func (d *Daemon) Restart() {
	d.t.Helper()
	d.run(d.TCP, d.HTTP)
}

// Eventually waits until the condition holds, and fails the test if that takes too long.
func Eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// Get returns the body of an answer with status 200.
func Get(t testing.TB, url string) string {
	t.Helper()
	body, status := Do(t, http.MethodGet, url, "")
	if status != http.StatusOK {
		t.Fatalf("GET %s: status %d, %s", url, status, body)
	}
	return body
}

// Do sends a request and returns body and status of the answer.
func Do(t testing.TB, method, url, body string) (string, int) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String(), resp.StatusCode
}

// Dial connects to an address; the connection is closed when the test ends.
func Dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
