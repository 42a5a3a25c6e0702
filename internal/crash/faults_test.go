package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/process"
	"nsqsuite/protocol"
)

const (
	patience  = 20 * time.Second
	faultBody = 4000
)

// under is nsqd under a fault, and what it acknowledged.
type under struct {
	t       *testing.T
	nsqd    *nsqtest.Daemon
	acked   map[string]bool
	refused map[string]bool
	count   int
}

func newUnder(t *testing.T, nsqd *nsqtest.Daemon) *under {
	u := &under{t: t, nsqd: nsqd, acked: map[string]bool{}, refused: map[string]bool{}}
	for _, path := range []string{"/topic/create?topic=t", "/channel/create?topic=t&channel=c"} {
		if answer, status := nsqtest.Do(t, http.MethodPost, "http://"+nsqd.HTTP+path, ""); status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, answer)
		}
	}
	return u
}

// body returns the next message, and its name.
func (u *under) body() (name string, body []byte) {
	u.count++
	name = fmt.Sprintf("m%06d", u.count)
	return name, append([]byte(name), bytes.Repeat([]byte("x"), faultBody)...)
}

// overHTTP publishes a message, and returns what nsqd says.
func (u *under) overHTTP() (status int, answer string) {
	u.t.Helper()
	name, body := u.body()
	answer, status = nsqtest.Do(u.t, http.MethodPost, "http://"+u.nsqd.HTTP+"/pub?topic=t", string(body))
	if status == http.StatusOK {
		u.acked[name] = true
	} else {
		u.refused[name] = true
	}
	return status, answer
}

// overTCP publishes a message over a connection of its own, and returns the answer.
func (u *under) overTCP() string {
	u.t.Helper()
	w, err := dial(u.nsqd.TCP)
	if err != nil {
		u.t.Fatal(err)
	}
	defer w.Close()
	name, body := u.body()
	if _, err := w.Write(protocol.AppendPub(nil, "t", 0, body)); err != nil {
		u.t.Fatal(err)
	}
	_, data, err := w.read()
	if err != nil {
		u.t.Fatal(err)
	}
	if string(data) == protocol.OK {
		u.acked[name] = true
	} else {
		u.refused[name] = true
	}
	return string(data)
}

// ping returns the status of /ping.
func (u *under) ping() int {
	u.t.Helper()
	_, status := nsqtest.Do(u.t, http.MethodGet, "http://"+u.nsqd.HTTP+"/ping", "")
	return status
}

// drain takes and finishes everything, and checks that it is exactly what was acknowledged.
func (u *under) drain() {
	u.t.Helper()
	w, err := dial(u.nsqd.TCP)
	if err != nil {
		u.t.Fatal(err)
	}
	defer w.Close()
	w.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // a connection has deadlines
	if _, err := w.Write([]byte("SUB t c\nRDY 100\n")); err != nil {
		u.t.Fatal(err)
	}
	got := map[string]bool{}
	for len(got) < len(u.acked) {
		kind, data, err := w.read()
		if err != nil {
			u.t.Fatalf("%d of %d messages came, then %v", len(got), len(u.acked), err)
		}
		if kind != protocol.FrameMessage {
			continue
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			u.t.Fatal(err)
		}
		name := string(m.Body[:7])
		if u.refused[name] || !u.acked[name] || len(m.Body) != 7+faultBody {
			u.t.Fatalf("%.7q came: acknowledged %v, refused %v, %d bytes", m.Body, u.acked[name], u.refused[name], len(m.Body))
		}
		got[name] = true
		if _, err := fmt.Fprintf(w, "FIN %s\n", m.ID); err != nil {
			u.t.Fatal(err)
		}
	}
	nsqtest.Eventually(u.t, patience, "the channel is empty", func() bool {
		n, err := owed(u.nsqd.HTTP)
		return err == nil && n == 0
	})
	clear(u.acked)
}

// TestDiskFull fills a real file system: publishers are told, /ping tells, consumers
// go on, a restart on the full disk is possible, and it heals by itself.
func TestDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	for _, durability := range []string{"memory", "write", "fsync"} {
		t.Run(durability, func(t *testing.T) {
			disk := t.TempDir()
			if err := unix.Mount("none", disk, "tmpfs", 0, "size=4m"); err != nil {
				t.Skipf("mounting a small file system to fill: %v (root can)", err)
			}
			defer unix.Unmount(disk, unix.MNT_DETACH) //nolint:errcheck // it was mounted
			ballast := filepath.Join(disk, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			u := newUnder(t, nsqtest.Start(t, "nsqd", "--data-path="+disk, "--durability="+durability,
				"--mem-queue-size=50", "--sync-timeout=100ms", "--max-bytes-per-file=262144"))
			fill(u)
			if durability != "memory" {
				u.nsqd.Kill()
				u.nsqd.Restart()
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			nsqtest.Eventually(t, patience, "/ping is well again, though nobody publishes", func() bool { return u.ping() == http.StatusOK })
			if status, answer := u.overHTTP(); status != http.StatusOK {
				t.Errorf("publishing afterwards: %d %s", status, answer)
			}
			if answer := u.overTCP(); answer != protocol.OK {
				t.Errorf("publishing afterwards: %s", answer)
			}
			if durability != "memory" {
				u.nsqd.Kill()
			} else {
				u.nsqd.Stop()
			}
			u.nsqd.Restart()
			u.drain()
		})
	}
}

// fill publishes until the disk is full, and checks what publishers and /ping are told.
func fill(u *under) {
	u.t.Helper()
	status, answer := http.StatusOK, ""
	for status == http.StatusOK {
		status, answer = u.overHTTP()
	}
	if status != http.StatusServiceUnavailable {
		u.t.Errorf("POST /pub on a full disk: %d %s", status, answer)
	}
	if answer := u.overTCP(); !strings.HasPrefix(answer, string(protocol.PubFailed)) {
		u.t.Errorf("PUB on a full disk: %s", answer)
	}
	if status := u.ping(); status != http.StatusInternalServerError {
		u.t.Errorf("/ping on a full disk: %d", status)
	}
}

// TestDiskFullBeforeTakeOver starts on upstream's files and a disk without room
// for their messages: nsqd says so and does not start, nothing is changed, and
// with room everything comes.
func TestDiskFullBeforeTakeOver(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mounting a small file system to fill: %v (root can)", err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH) //nolint:errcheck // it was mounted
	u := &under{t: t, acked: map[string]bool{}, refused: map[string]bool{}}
	var queue []byte
	for range 300 {
		name, body := u.body()
		u.acked[name] = true
		record := protocol.AppendMessage(nil, protocol.Message{ID: protocol.NewMessageID(uint64(u.count)), Timestamp: 1, Body: body})
		queue = protocol.AppendBody(queue, record)
	}
	const meta = `{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":false}]}],"version":"1.3.0"}`
	ballast, original := filepath.Join(disk, "ballast"), filepath.Join(disk, "t:c.diskqueue.000000.dat")
	for name, content := range map[string][]byte{filepath.Join(disk, "nsqd.dat"): []byte(meta), original: queue, ballast: make([]byte, 2<<20)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := process.Start(nsqtest.Path(t, "nsqd"), "--data-path="+disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "topic t: ") || !strings.Contains(err.Error(), "no space left on device") {
		p.Kill()
		t.Errorf("on a full disk: %v", err)
	}
	if left, err := os.ReadFile(original); err != nil || !bytes.Equal(left, queue) {
		t.Errorf("the original is changed: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	u.nsqd = nsqtest.Start(t, "nsqd", "--data-path="+disk)
	u.drain()
}

// TestNoDescriptors takes all file descriptors by connections: nsqd lives, loses
// nothing, and takes connections again when some have gone.
func TestNoDescriptors(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	u := newUnder(t, nsqtest.Start(t, "nsqd", "--data-path="+t.TempDir(), "--sync-timeout=100ms", "--max-bytes-per-file=65536"))
	const limit = 40
	if err := unix.Prlimit(u.nsqd.Pid(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	publisher, err := dial(u.nsqd.TCP) // a connection that is there before
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	if status, answer := u.overHTTP(); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	var conns []net.Conn
	for range 2 * limit {
		conns = append(conns, nsqtest.Dial(t, u.nsqd.TCP))
	}
	nsqtest.Eventually(t, patience, "nsqd has no descriptor left", func() bool { return strings.Contains(u.nsqd.Log(), "too many open files") })
	for range 50 { // each fatal error ends the connection, so these come to some files at most
		name, body := u.body()
		if _, err := publisher.Write(protocol.AppendPub(nil, "t", 0, body)); err != nil {
			break
		}
		_, data, err := publisher.read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if string(data) == protocol.OK {
			u.acked[name] = true
		} else {
			u.refused[name] = true
			t.Logf("without descriptors a publisher is told %s", data)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	nsqtest.Eventually(t, patience, "/ping is well", func() bool { return u.ping() == http.StatusOK })
	if answer := u.overTCP(); answer != protocol.OK {
		t.Errorf("publishing afterwards: %s", answer)
	}
	u.nsqd.Kill()
	u.nsqd.Restart()
	u.drain()
}
