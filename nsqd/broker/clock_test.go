package broker

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWallClockSteps steps the wall clock back and forth around messages that are
// published with a delay: to a channel, and to a topic that holds them, so that
// only the log knows the delay. They come when they are due, then and after a restart.
func TestWallClockSteps(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, -20 * time.Millisecond, 20 * time.Millisecond, time.Hour} {
		for _, where := range []string{"channel", "held", "held on disk"} {
			synctest.Test(t, func(t *testing.T) {
				offset := time.Duration(0)
				wall := func(now time.Time) int64 { return now.Add(offset).UnixNano() }
				fs := newFS()
				b := newBroker(t, fs, func(c *Config) {
					if where == "held on disk" {
						c.MemQueueSize = 0
					}
				})
				b.wall = wall
				tp, ch := topicAndChannel(t, b, "t", "c")
				if where != "channel" {
					tp.Pause()
				}
				later := func(body string) {
					t.Helper()
					if err := tp.Publish([]Message{{Body: []byte(body), Delay: 10 * time.Second}}); err != nil {
						t.Fatal(err)
					}
				}
				later("a")
				offset += jump
				later("b")
				offset -= 2 * jump
				later("c")
				for range 4 { // so much that memory has no room for the others, where it has none to spare
					publish(t, tp, string(make([]byte, 4000)))
				}
				tp.Unpause()
				k := subscribe(t, ch, 10)
				fillers := k.take(t)
				if n := len(fillers); n != 4 || len(fillers[0].Body) != 4000 {
					t.Fatalf("%d messages come at once, %q first", n, fillers[0].Body)
				}
				k.mustFinish(t, fillers...)
				pass(10*time.Second - time.Nanosecond)
				want(t, "before they are due", bodies(k.take(t)), "")
				pass(time.Millisecond)
				got := k.take(t)
				want(t, "when they are due", bodies(got), "a b c")
				k.mustFinish(t, got...)

				later("d") // on the clock as it is now; it stays as it is
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b = New(Config{Store: b.config.Store, NodeID: 7, MemQueueSize: 10})
				b.wall = wall
				if err := b.Restore(nil); err != nil {
					t.Fatal(err)
				}
				_, ch = topicAndChannel(t, b, "t", "c")
				k = subscribe(t, ch, 10)
				pass(9 * time.Second)
				want(t, "after a restart, early", bodies(k.take(t)), "")
				pass(time.Second + time.Millisecond)
				want(t, "after a restart", bodies(k.take(t)), "d")
			})
		}
	}
}
