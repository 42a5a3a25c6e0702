package publish

import (
	"context"
	"time"
)

// pace lets messages go at a rate: one at once, and after a pause up to one
// second's worth of them.
type pace struct {
	every time.Duration // 0 is no limit
	next  time.Time     // when the next one is due
}

func newPace(rate int64) *pace {
	if rate <= 0 {
		return &pace{}
	}
	return &pace{every: max(time.Second/time.Duration(rate), 1), next: time.Now()}
}

// wait returns when the next message may go, or false if ctx ended before.
func (p *pace) wait(ctx context.Context) bool {
	if p.every == 0 {
		return ctx.Err() == nil
	}
	now := time.Now()
	if saved := now.Add(p.every - time.Second); p.next.Before(saved) {
		p.next = saved
	}
	due := p.next.Sub(now)
	p.next = p.next.Add(p.every)
	if due <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(due)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
