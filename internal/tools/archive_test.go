package tools

import (
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nsqsuite/internal/nsqtest"
)

// archived counts the lines of all files below a folder.
func archived(t *testing.T, dir string) map[string]int {
	t.Helper()
	lines := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(path, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for line := range strings.Lines(string(text)) {
			lines[strings.TrimSuffix(line, "\n")]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// files returns the names of the files below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantEach(t *testing.T, lines map[string]int, bodies []string, atMost int) {
	t.Helper()
	missing, often := 0, 0
	for _, b := range bodies {
		switch n := lines[b]; {
		case n == 0:
			missing++
		case n > atMost:
			often++
		}
	}
	if missing > 0 || often > 0 {
		t.Errorf("of %d messages %d are missing and %d there more than %d times", len(bodies), missing, often, atMost)
	}
}

func TestArchiveKeepsEveryMessage(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "nsq_to_file")
	bodies := numbered("message", 4000)
	publish(t, n, "t", bodies...)
	out, work := t.TempDir(), t.TempDir()
	tool := nsqtest.Run(t, "nsq_to_file", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--output-dir="+out, "--work-dir="+work,
		"--gzip", "--rotate-size=10000", "--sync-interval=50ms", "--filename-format=<TOPIC>/<DATETIME><REV>.log")
	awaitDrained(t, n, "t", "nsq_to_file", len(bodies))
	tool.Signal(syscall.SIGTERM)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	lines := archived(t, out)
	wantEach(t, lines, bodies, 1)
	if names := files(t, out); len(lines) != len(bodies) || len(names) < 5 || !strings.HasPrefix(names[0], "t/") || !strings.HasSuffix(names[0], "-000000.log.gz") {
		t.Errorf("%d lines in %q", len(lines), names)
	}
	if left := files(t, work); len(left) > 0 {
		t.Errorf("left in the work folder: %q", left)
	}
}

// TestArchiveIsKilled kills nsq_to_file again and again while messages come.
func TestArchiveIsKilled(t *testing.T) {
	for name, args := range map[string][]string{"plain": nil, "gzip": {"--gzip", "--work-dir=" + t.TempDir()}} {
		t.Run(name, func(t *testing.T) { killArchive(t, args) })
	}
}

func killArchive(t *testing.T, args []string) {
	n := startNsqd(t, "--msg-timeout=1s") // what it has in flight then
	create(t, n, "t", "nsq_to_file")
	out := t.TempDir()
	start := func() *nsqtest.Tool {
		return run(t, append([]string{"nsq_to_file", "--nsqd-tcp-address=" + n.TCP, "--topic=t", "--output-dir=" + out,
			"--sync-interval=20ms", "--max-in-flight=50"}, args...)...)
	}
	finished := func() int {
		c := channel(t, n, "t", "nsq_to_file")
		return int(c.MessageCount) - int(c.Depth) - int(c.InFlightCount) - int(c.DeferredCount)
	}
	var bodies []string
	for round := range 6 {
		tool := start()
		more := numbered(fmt.Sprintf("message-%d", round), 1000)
		bodies = append(bodies, more...)
		before := finished()
		publish(t, n, "t", more...)
		nsqtest.Eventually(t, patience, "some are finished", func() bool { return finished() > before+100 })
		tool.Signal(syscall.SIGKILL)
		tool.Wait()
		nsqtest.Eventually(t, patience, "its connection is gone", func() bool {
			return channel(t, n, "t", "nsq_to_file").ClientCount == 0
		})
	}
	tool := start()
	awaitDrained(t, n, "t", "nsq_to_file", len(bodies))
	endBy(t, tool, syscall.SIGINT)
	wantEach(t, archived(t, out), bodies, 7)
}

func TestArchiveReopensOnHUP(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "nsq_to_file")
	out, work := t.TempDir(), t.TempDir()
	tool := nsqtest.Run(t, "nsq_to_file", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--output-dir="+out, "--work-dir="+work,
		"--sync-interval=10ms", "--skip-empty-files", "--datetime-format=x")
	for i := range 3 {
		publish(t, n, "t", fmt.Sprintf("m-%d", i))
		awaitDrained(t, n, "t", "nsq_to_file", i+1)
		tool.Signal(syscall.SIGHUP)
		nsqtest.Eventually(t, patience, "the file is moved", func() bool { return len(files(t, out)) == i+1 && len(files(t, work)) == 0 })
	}
	tool.Signal(syscall.SIGTERM)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	wantEach(t, archived(t, out), numbered("m", 3), 1)
	if names := strings.Join(files(t, out), " "); !strings.Contains(names, "-000002.x.log") {
		t.Errorf("files %s", names)
	}
}

func TestArchiveDiscoversTopics(t *testing.T) {
	l := startLookupd(t)
	n := startNsqd(t, knows(l))
	create(t, n, "log_a", "nsq_to_file")
	create(t, n, "other", "nsq_to_file")
	nsqtest.Eventually(t, patience, "nsqlookupd knows the topics", func() bool {
		return strings.Contains(nsqtest.Get(t, "http://"+l.HTTP+"/topics"), `"log_a","other"`)
	})
	out := t.TempDir()
	tool := nsqtest.Run(t, "nsq_to_file", "--lookupd-http-address="+l.HTTP, "--topic-pattern=^log_", "--topic-refresh=50ms",
		"--output-dir="+out, "--sync-interval=10ms", "--filename-format=<TOPIC>.log")
	publish(t, n, "log_a", "a")
	publish(t, n, "other", "o")
	awaitDrained(t, n, "log_a", "nsq_to_file", 1)
	create(t, n, "log_b", "nsq_to_file")
	publish(t, n, "log_b", "b")
	awaitDrained(t, n, "log_b", "nsq_to_file", 1)
	tool.Signal(syscall.SIGTERM)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	if got := strings.Join(files(t, out), " "); got != "log_a.log log_b.log" {
		t.Errorf("files %s", got)
	}
}

// TestArchiveOnFullDisk fills a small file system.
func TestArchiveOnFullDisk(t *testing.T) {
	n := startNsqd(t)
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	create(t, n, "t", "nsq_to_file")
	bodies := numbered(strings.Repeat("m", 500), 400)
	publish(t, n, "t", bodies...)
	tool := nsqtest.Run(t, "nsq_to_file", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--output-dir="+small, "--max-in-flight=50")
	if exit := tool.Wait(); exit != 1 || !strings.Contains(tool.Stderr.String(), "FATAL: [t/nsq_to_file] ") || !strings.Contains(tool.Stderr.String(), "no space left") {
		t.Errorf("exit %d", exit)
	}
	lines := archived(t, small)
	c := channel(t, n, "t", "nsq_to_file")
	if got := len(bodies) - int(c.Depth); c.InFlightCount+c.DeferredCount > 0 || got > len(lines) || got == 0 {
		t.Errorf("%d messages are finished, %d lines there: %+v", got, len(lines), c)
	}
	out := t.TempDir()
	tool = nsqtest.Run(t, "nsq_to_file", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--output-dir="+out, "--sync-interval=10ms")
	awaitDrained(t, n, "t", "nsq_to_file", len(bodies))
	tool.Signal(syscall.SIGTERM)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	for line, count := range archived(t, out) {
		lines[line] += count
	}
	wantEach(t, lines, bodies, 2)
}
