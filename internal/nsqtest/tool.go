package nsqtest

import (
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Tool is a running program that is no daemon.
type Tool struct {
	t       testing.TB
	program string

	Stdin          io.WriteCloser // its end is the input's
	Stdout, Stderr Output

	cmd    *exec.Cmd
	exited chan struct{}
}

// Run starts a program with these arguments. It is killed when the test ends; if
// that has failed what it wrote to stderr is shown.
func Run(t testing.TB, program string, args ...string) *Tool {
	t.Helper()
	tool := &Tool{t: t, program: program, cmd: exec.Command(Path(t, program), args...), exited: make(chan struct{})}
	tool.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	tool.cmd.Stdout, tool.cmd.Stderr = &tool.Stdout, &tool.Stderr
	stdin, err := tool.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	tool.Stdin = stdin
	if err := tool.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		tool.cmd.Wait() //nolint:errcheck // the state is looked at where it matters
		close(tool.exited)
	}()
	t.Cleanup(func() {
		tool.Signal(syscall.SIGKILL)
		<-tool.exited
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", program, tail(tool.Stderr.String()))
		}
	})
	return tool
}

// Signal sends a signal, if the program still runs.
func (tool *Tool) Signal(s syscall.Signal) {
	tool.cmd.Process.Signal(s) //nolint:errcheck // it may have ended
}

// Wait waits for the program's end and returns its exit code, -1 if a signal ended it.
func (tool *Tool) Wait() int {
	tool.t.Helper()
	select {
	case <-tool.exited:
	case <-time.After(stopWait):
		tool.t.Fatalf("%s does not end within %s", tool.program, stopWait)
	}
	return tool.cmd.ProcessState.ExitCode()
}
