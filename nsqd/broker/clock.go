package broker

import (
	"slices"
	"time"
)

const (
	// stepFrom is by how many ns the wall clock must have moved against the
	// monotonic one for that to be noted.
	stepFrom = int64(time.Millisecond)
	// maxSteps bounds how many such moves a topic remembers.
	maxSteps = 1024
)

// step says that the due times in the log at offset from and behind it are on a
// wall clock that the broker's was ahead of by so many ns.
type step struct {
	from  uint64
	ahead int64
}

// now returns the time in ns since 1970 as the wall clock had it at the start,
// counted on by the monotonic clock.
func (b *Broker) now() int64 { return b.started.UnixNano() + int64(time.Since(b.started)) }

// aheadOfWall returns how many ns now is ahead of the wall clock. It reads both
// clocks at once: who is held up between two readings would take the pause for a
// step of the wall clock, and find messages due too early.
func (b *Broker) aheadOfWall() int64 {
	now := time.Now()
	return b.started.UnixNano() + int64(now.Sub(b.started)) - b.wall(now)
}

// noteStep looks whether the wall clock has stepped, and returns how far it is
// behind in the due times of messages published from now on.
func (t *Topic) noteStep() int64 {
	ahead := t.broker.aheadOfWall()
	if last := t.lastStep(); last.ahead-ahead < stepFrom && ahead-last.ahead < stepFrom {
		return last.ahead
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	steps := slices.Clone(*t.steps.Load())
	if len(steps) == maxSteps {
		steps = slices.Delete(steps, 0, maxSteps/2)
	}
	steps = append(steps, step{t.log.End(), ahead})
	t.steps.Store(&steps)
	return ahead
}

func (t *Topic) lastStep() step {
	steps := *t.steps.Load()
	return steps[len(steps)-1]
}

// dueAt returns on the broker's clock when a message is due whose log says due.
// So a step of the wall clock since it was published moves nothing.
func (t *Topic) dueAt(offset uint64, due int64) int64 {
	steps := *t.steps.Load()
	i := len(steps) - 1
	for i > 0 && offset < steps[i].from {
		i--
	}
	return due + steps[i].ahead
}
