package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the time that the process has computed so far, in it and in the
// kernel for it, as its own clock has it: without the 10 ms steps of /proc.
func (p *Process) CPU() (time.Duration, error) {
	const allThreads = 2                               // CPUCLOCK_SCHED, of a whole process
	clock := int32(^p.cmd.Process.Pid)<<3 | allThreads // as clock_getcpuclockid makes it
	var at unix.Timespec
	if err := unix.ClockGettime(clock, &at); err != nil {
		return 0, fmt.Errorf("reading the clock of process %d: %w", p.Pid(), err)
	}
	return time.Duration(at.Nano()), nil
}

// Memory is how many bytes of memory a process has of its own, now and at most.
type Memory struct{ Own, Peak int64 }

// Memory returns what the process has: pages of files it maps are not its own,
// but count in Peak.
func (p *Process) Memory() (m Memory, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return m, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		into := map[string]*int64{"RssAnon": &m.Own, "VmHWM": &m.Peak}[name]
		if into == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("reading the memory of process %d: %w", p.Pid(), err)
		}
		*into = n << 10
	}
	return m, nil
}
