package tools

import (
	"strings"
	"syscall"
	"testing"

	"nsqsuite/internal/nsqtest"
)

func TestStatAddsUpNodes(t *testing.T) {
	l := startLookupd(t)
	one, two := startNsqd(t, knows(l)), startNsqd(t, knows(l))
	for _, n := range []*nsqtest.Daemon{one, two} {
		create(t, n, "t", "c")
		publish(t, n, "t", numbered("m", 4)...)
	}
	nsqtest.Eventually(t, patience, "nsqlookupd knows both nodes", func() bool {
		return strings.Count(nsqtest.Get(t, "http://"+l.HTTP+"/lookup?topic=t"), "tcp_port") == 2
	})
	tool := nsqtest.Run(t, "nsq_stat", "--lookupd-http-address="+l.HTTP, "--topic=t", "--channel=c", "--interval=50ms", "--count=26")
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	lines := strings.Split(tool.Stdout.String(), "\n")
	const row = "      0       0 |       8       8       0     0     0 |       0       0            8       0"
	if len(lines) != 31 || lines[0] != "------rate------+----------------depth----------------+--------------metadata---------------" || lines[2] != row || lines[26] != lines[0] || lines[28] != row {
		t.Errorf("printed %d lines:\n%s", len(lines), tool.Stdout.String())
	}
	two.Kill()
	tool = nsqtest.Run(t, "nsq_stat", "--nsqd-http-address="+one.HTTP, "--nsqd-http-address="+two.HTTP, "--topic=t", "--channel=c")
	if exit := tool.Wait(); exit != 1 || !strings.Contains(tool.Stderr.String(), "ERROR: failed to get topic producers - ") {
		t.Errorf("with a dead node: exit %d", exit)
	}
	tool = nsqtest.Run(t, "nsq_stat", "--nsqd-http-address="+one.HTTP, "--topic=t", "--channel=d")
	if exit := tool.Wait(); exit != 1 || !strings.Contains(tool.Stderr.String(), "ERROR: failed to find channel(d) in stats metadata for topic(t)") {
		t.Errorf("without the channel: exit %d", exit)
	}
}

func TestStatEndsBySignal(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "c")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		tool := nsqtest.Run(t, "nsq_stat", "--nsqd-http-address="+n.HTTP, "--topic=t", "--channel=c")
		nsqtest.Eventually(t, patience, "the header is printed", func() bool { return strings.Contains(tool.Stdout.String(), "ingress") })
		tool.Signal(s)
		if exit := tool.Wait(); exit != 0 {
			t.Errorf("%s: exit %d", s, exit)
		}
	}
}
