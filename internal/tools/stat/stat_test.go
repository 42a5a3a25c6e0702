package stat

import (
	"testing"
	"time"
)

func TestRow(t *testing.T) {
	last := figures{depth: 10, messages: 100}
	for _, c := range []struct {
		now      figures
		interval time.Duration
		want     string
	}{
		{figures{depth: 10, backend: 4, messages: 133, inFlight: 1, deferred: 2, requeued: 3, timedOut: 4, clients: 5}, 2 * time.Second,
			"     16      16 |      10       6       4     1     2 |       3       4          133       5\n"},
		{figures{depth: 50, messages: 103}, 500 * time.Millisecond,
			"      6     -74 |      50      50       0     0     0 |       0       0          103       0\n"},
		{figures{depth: 0, messages: 50}, time.Second, // the channel was made anew
			"    -50     -40 |       0       0       0     0     0 |       0       0           50       0\n"},
	} {
		if got := c.now.row(last, c.interval); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
