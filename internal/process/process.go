package process

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

const (
	startWait = 30 * time.Second
	stopWait  = 30 * time.Second
	pollEvery = 2 * time.Millisecond
	// maxLog bounds what is kept of a process's log; the newest counts.
	maxLog = 1 << 20
)

// Process is one life of a daemon.
type Process struct {
	TCP, HTTP string // addresses, once it is ready
	// Quiet is in lines of the log that String leaves out.
	Quiet string

	name   string
	cmd    *exec.Cmd
	log    tail
	exited chan struct{}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write is io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf); n > 2*maxLog {
		t.buf = append(t.buf[:0], t.buf[n-maxLog:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.buf)
}

// Log returns the end of what the process has printed.
func (p *Process) Log() []byte { return p.log.bytes() }

// String returns it without what is Quiet.
func (p *Process) String() string {
	var told []byte
	for line := range bytes.Lines(p.log.bytes()) {
		if p.Quiet == "" || !bytes.Contains(line, []byte(p.Quiet)) {
			told = append(told, line...)
		}
	}
	return string(told)
}

// Pid returns the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Start runs a program on free ports. It ends with this process at the latest.
func Start(program string, args ...string) (*Process, error) {
	args = append([]string{"--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0"}, args...)
	p := &Process{name: filepath.Base(program), cmd: exec.Command(program, args...), exited: make(chan struct{})}
	// Of its own group, so that Ctrl-C reaches only us, and we stop it in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // the state is looked at where it matters
		close(p.exited)
	}()
	return p, nil
}

var listening = regexp.MustCompile(`(TCP|HTTP): listening on (\S+)`)

// Ready waits until it listens.
func (p *Process) Ready() error {
	deadline := time.After(startWait)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		for _, m := range listening.FindAllSubmatch(p.log.bytes(), -1) {
			if string(m[1]) == "TCP" {
				p.TCP = string(m[2])
			} else {
				p.HTTP = string(m[2])
			}
		}
		if p.TCP != "" && p.HTTP != "" {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return fmt.Errorf("%s does not start: %s\n%s", p.name, p.cmd.ProcessState, p)
		case <-deadline:
			p.Kill()
			return fmt.Errorf("%s does not listen within %s\n%s", p.name, startWait, p)
		}
	}
}

// Kill ends the process by SIGKILL.
func (p *Process) Kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.exited
}

// Stop ends it by SIGTERM.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s ended by itself: %s\n%s", p.name, err, p)
	}
	select {
	case <-p.exited:
	case <-time.After(stopWait):
		p.Kill()
		return fmt.Errorf("%s does not stop within %s", p.name, stopWait)
	}
	if p.cmd.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("%s stopped badly: %s\n%s", p.name, p.cmd.ProcessState, p)
	}
	return nil
}

// Suspend has the process do nothing more until it is killed.
func (p *Process) Suspend() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }
