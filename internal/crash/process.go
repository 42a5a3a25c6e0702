package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
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

// process is one life of nsqd.
type process struct {
	cmd    *exec.Cmd
	log    tail
	exited chan struct{}

	tcp, http string // addresses
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

// barrierError is in what nsqd logs of each barrier.
var barrierError = []byte("failed ID not in flight")

// String returns the log without what our barriers put there.
func (t *tail) String() string {
	var told []byte
	for line := range bytes.Lines(t.bytes()) {
		if !bytes.Contains(line, barrierError) {
			told = append(told, line...)
		}
	}
	return string(told)
}

// start runs nsqd on free ports. It ends with this process at the latest.
func start(program string, args ...string) (*process, error) {
	args = append([]string{"--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0"}, args...)
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
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

// ready waits until nsqd listens.
func (p *process) ready() error {
	deadline := time.After(startWait)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		for _, m := range listening.FindAllSubmatch(p.log.bytes(), -1) {
			if string(m[1]) == "TCP" {
				p.tcp = string(m[2])
			} else {
				p.http = string(m[2])
			}
		}
		if p.tcp != "" && p.http != "" {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return fmt.Errorf("nsqd does not start: %s\n%s", p.cmd.ProcessState, &p.log)
		case <-deadline:
			p.kill()
			return fmt.Errorf("nsqd does not listen within %s\n%s", startWait, &p.log)
		}
	}
}

// kill ends nsqd by SIGKILL.
func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.exited
}

// stop ends nsqd by SIGTERM.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("nsqd ended by itself: %s\n%s", err, &p.log)
	}
	select {
	case <-p.exited:
	case <-time.After(stopWait):
		p.kill()
		return fmt.Errorf("nsqd does not stop within %s", stopWait)
	}
	if p.cmd.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("nsqd stopped badly: %s\n%s", p.cmd.ProcessState, &p.log)
	}
	return nil
}

var (
	errDamage = errors.New("nsqd found its files damaged, though nothing but its own end befell them")
	damage    = []byte("are damaged")
	puzzled   = []byte("are not understood")
)

// sound tells whether nsqd understood all that it had written before.
func (p *process) sound() error {
	if log := p.log.bytes(); bytes.Contains(log, damage) || bytes.Contains(log, puzzled) {
		return fmt.Errorf("%w\n%s", errDamage, &p.log)
	}
	return nil
}
