package tools

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"nsqsuite/internal/nsqtest"
)

func TestTailShowsSomeAndLeavesTheRest(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "c")
	publish(t, n, "t", numbered("m", 20)...)
	tool := nsqtest.Run(t, "nsq_tail", "--nsqd-tcp-address="+n.TCP, "--topic=t", "--channel=c", "-n", "7")
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	if got, want := tool.Stdout.String(), strings.Join(numbered("m", 7), "\n")+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if c := channel(t, n, "t", "c"); c.Depth != 13 || c.InFlightCount != 0 || c.RequeueCount != 0 || c.DeferredCount != 0 {
		t.Errorf("the rest: %+v", c)
	}
}

func TestTailGivesBackWhatOthersSent(t *testing.T) {
	nodes := []*nsqtest.Daemon{startNsqd(t), startNsqd(t)}
	for _, n := range nodes {
		create(t, n, "t", "c")
		publish(t, n, "t", numbered("m", 10)...)
	}
	tool := nsqtest.Run(t, "nsq_tail", "--nsqd-tcp-address="+nodes[0].TCP, "--nsqd-tcp-address="+nodes[1].TCP, "--topic=t", "--channel=c", "-n=1")
	if exit := tool.Wait(); exit != 0 || tool.Stdout.String() != "m-0\n" {
		t.Errorf("exit %d, printed %q", exit, tool.Stdout.String())
	}
	left := 0
	for _, n := range nodes {
		c := channel(t, n, "t", "c")
		left += int(c.Depth)
		if c.InFlightCount+c.DeferredCount > 0 {
			t.Errorf("not given back: %+v", c)
		}
	}
	if left != 19 {
		t.Errorf("%d messages are left of 20, one is printed", left)
	}
}

func TestTailFollowsTopics(t *testing.T) {
	l := startLookupd(t)
	n := startNsqd(t, knows(l))
	create(t, n, "a", "kept")
	create(t, n, "b")
	nsqtest.Eventually(t, patience, "nsqlookupd knows the topics", func() bool {
		return strings.Contains(nsqtest.Get(t, "http://"+l.HTTP+"/topics"), `"a","b"`)
	})
	tool := nsqtest.Run(t, "nsq_tail", "--lookupd-http-address="+l.HTTP, "--topic=a", "--topic=b", "--print-topic", "--channel=see#ephemeral")
	awaitConsumer(t, n, "a", "see#ephemeral")
	awaitConsumer(t, n, "b", "see#ephemeral")
	publish(t, n, "a", "one")
	publish(t, n, "b", "two")
	nsqtest.Eventually(t, patience, "both lines are printed", func() bool {
		out := tool.Stdout.String()
		return strings.Contains(out, "a | one\n") && strings.Contains(out, "b | two\n") && len(out) == 16
	})
	tool.Signal(syscall.SIGTERM)
	if exit := tool.Wait(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	if c := channel(t, n, "a", "kept"); c.Depth != 1 {
		t.Errorf("another channel: %+v", c)
	}
	nsqtest.Eventually(t, patience, "its channel is gone", func() bool { return channel(t, n, "a", "see#ephemeral") == nil })
}

// TestTailWithoutReader has nsq_tail print to a pipe that nobody reads from.
func TestTailWithoutReader(t *testing.T) {
	n := startNsqd(t)
	create(t, n, "t", "c")
	publish(t, n, "t", numbered("m", 5)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := exec.Command(nsqtest.Path(t, "nsq_tail"), "--nsqd-tcp-address="+n.TCP, "--topic=t", "--channel=c")
	cmd.Stdout = w
	err = cmd.Run()
	w.Close()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if c := channel(t, n, "t", "c"); c.Depth != 5 || c.InFlightCount != 0 {
		t.Errorf("what was not shown: %+v", c)
	}
}

// TestTailDestroysNoBacklog looks at a topic that no consumer has come to yet.
func TestTailDestroysNoBacklog(t *testing.T) {
	n := startNsqd(t)
	bodies := numbered("m", 500)
	publish(t, n, "t", bodies...)
	for i := range 2 {
		tool := nsqtest.Run(t, "nsq_tail", "--nsqd-tcp-address="+n.TCP, "--topic=t", "-n", "10")
		if exit := tool.Wait(); exit != 0 {
			t.Errorf("exit %d", exit)
		}
		if got, want := tool.Stdout.String(), strings.Join(bodies[10*i:10*i+10], "\n")+"\n"; got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
		nsqtest.Eventually(t, patience, "the topic holds the rest", func() bool {
			return strings.Contains(nsqtest.Get(t, "http://"+n.HTTP+"/stats?format=json"), fmt.Sprintf(`"depth":%d,`, 490-10*i))
		})
	}
	n.Stop()
	n.Restart()
	create(t, n, "t", "c")
	if c := channel(t, n, "t", "c"); c.Depth != 480 {
		t.Errorf("the first channel: %+v", c)
	}
}
