package tools

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
)

// shown returns the messages of topic t, channel c, as nsq_tail prints them.
func shown(t *testing.T, n *nsqtest.Daemon, count string) string {
	t.Helper()
	tool := nsqtest.Run(t, "nsq_tail", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--channel=c", "-n", count)
	if exit := tool.Wait(); exit != 0 {
		t.Fatalf("nsq_tail: exit %d", exit)
	}
	return tool.Stdout.String()
}

func TestPublishesEveryPieceToEveryNsqd(t *testing.T) {
	nodes := []*nsqtest.Daemon{startNsqd(t), startNsqd(t)}
	for _, n := range nodes {
		create(t, n, "t", "c")
	}
	want := strings.Join(numbered("m", 3000), "\n")
	tool := nsqtest.Run(t, "to_nsq", "--topic=t", "--nsqd-tcp-address="+nodes[0].TCP, "--nsqd-tcp-address="+nodes[1].TCP, "--nsqd-tcp-address="+nodes[0].TCP)
	io.WriteString(tool.Stdin, "\n"+want[:101]+"\n\n\n"+want[101:]) //nolint:errcheck // what comes out tells
	tool.Stdin.Close()
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	want = want[:101] + "\n" + want[101:] + "\n" // the last piece had no delimiter
	for _, n := range nodes {
		if c := channel(t, n, "t", "c"); c.MessageCount != 3001 {
			t.Errorf("%d messages", c.MessageCount)
		}
		if got := shown(t, n, "3001"); got != want {
			t.Errorf("published %d bytes, want %d: %.300q", len(got), len(want), got)
		}
	}
}

func TestPublishDelimiterAndRate(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "c")
	tool := nsqtest.Run(t, "to_nsq", "--topic=t", "--nsqd-tcp-address="+n.TCP, "--delimiter=;", "--rate=20")
	start := time.Now()
	io.WriteString(tool.Stdin, "a;b\n;c;d;e;f") //nolint:errcheck // what comes out tells
	tool.Stdin.Close()
	if exit := tool.Wait(); exit != 0 || !strings.Contains(tool.Stderr.String(), "Throttling messages rate to max:20/second") {
		t.Errorf("exit %d", exit)
	}
	if took := time.Since(start); took < 250*time.Millisecond {
		t.Errorf("six messages at 20 a second took %s", took)
	}
	if got := shown(t, n, "6"); got != "a\nb\n\nc\nd\ne\nf\n" {
		t.Errorf("published %q", got)
	}
}

func TestPublishFails(t *testing.T) {
	n := startNsqd(t)
	for _, c := range []struct{ address, input, says string }{
		{"127.0.0.1:1", "m", "connection refused"},
		{n.TCP, strings.Repeat("m", 2<<20), "E_BAD_MESSAGE"},
	} {
		// The input stays open: the error is told at once.
		tool := nsqtest.Run(t, "to_nsq", "--topic=t", "--nsqd-tcp-address="+c.address)
		io.WriteString(tool.Stdin, c.input+"\n") //nolint:errcheck // it may have ended
		if exit := tool.Wait(); exit != 1 || !strings.Contains(tool.Stderr.String(), c.says) {
			t.Errorf("%s: exit %d", c.says, exit)
		}
	}
	tool := nsqtest.Run(t, "to_nsq", "--topic=t", "--nsqd-tcp-address="+n.TCP)
	io.WriteString(tool.Stdin, "m\n") //nolint:errcheck // the next line tells
	nsqtest.Eventually(t, patience, "the first line is published", func() bool {
		return strings.Contains(nsqtest.Get(t, "http://"+n.HTTP+"/stats?format=json&topic=t"), `"message_count":1`)
	})
	tool.Signal(syscall.SIGINT)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("SIGINT: exit %d", exit)
	}
}
