package publish

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		at := func(p *pace, n int, want time.Duration) {
			t.Helper()
			for range n {
				if !p.wait(t.Context()) {
					t.Fatal("it ended")
				}
			}
			if got := time.Since(start); got != want {
				t.Errorf("at %s, want %s", got, want)
			}
		}
		p := newPace(10)
		at(p, 1, 0)
		at(p, 1, 100*time.Millisecond)
		at(p, 10, 1100*time.Millisecond)
		time.AfterFunc(time.Minute, func() {}) // a pause saves up one second's worth
		<-time.After(time.Minute)
		start = time.Now()
		at(p, 10, 0)
		at(p, 1, 100*time.Millisecond)
		at(newPace(0), 1000, 100*time.Millisecond)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if p.wait(ended) || newPace(0).wait(ended) {
			t.Error("it goes on after the end")
		}
	})
}
