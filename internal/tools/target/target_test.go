package target

import (
	"bytes"
	"errors"
	"log"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("down")

// picks picks n times, with an error for those addresses that are down.
func picks(p *Pool, n int, down ...int) []int {
	var got []int
	for range n {
		i := p.Pick()
		got = append(got, i)
		var err error
		if slices.Contains(down, i) {
			err = errDown
		}
		p.Done(i, time.Millisecond, err)
	}
	return got
}

func TestRoundRobin(t *testing.T) {
	if got := picks(NewPool(3, RoundRobin), 5, 2); !slices.Equal(got, []int{1, 2, 0, 1, 2}) {
		t.Errorf("%v", got)
	}
}

func TestHostPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := func(got []int, want ...int) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("picked %v, want %v", got, want)
			}
		}
		p := NewPool(3, HostPool)
		want(picks(p, 7, 1), 0, 1, 2, 0, 2, 0, 2)
		<-time.After(firstPause - 1)
		want(picks(p, 2, 1), 0, 2)
		<-time.After(1)
		want(picks(p, 4, 1), 0, 1, 2, 0) // one try, which fails
		<-time.After(2*firstPause - 1)
		want(picks(p, 2), 2, 0)
		<-time.After(1)
		want(picks(p, 6), 1, 2, 0, 1, 2, 0) // the next one succeeds
		want(picks(p, 4, 0, 1, 2), 1, 2, 0, 0)
		for range 20 { // the pause has an end
			<-time.After(maxPause)
			picks(p, 3, 0, 1, 2)
		}
		<-time.After(maxPause)
		picks(p, 6)
		want(picks(p, 3), 1, 2, 0)
	})
}

func TestEpsilonGreedy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(3, EpsilonGreedy)
		count := [3]int{}
		use := func(n int) {
			count = [3]int{}
			for range n {
				i := p.Pick()
				count[i]++
				took, err := time.Millisecond, error(nil)
				switch i {
				case 1:
					took = 9 * time.Millisecond
				case 2:
					err = errDown
				}
				p.Done(i, took, err)
			}
		}
		use(100) // to get to know them
		use(10000)
		if count[2] > 0 || count[0] < 8000 || count[1] < 200 {
			t.Errorf("picked %v", count)
		}
		<-time.After(time.Hour) // by now nothing is known any more
		use(100)
		if count[0] == 0 || count[1] == 0 || count[2] == 0 {
			t.Errorf("after an hour: picked %v", count)
		}
	})
}

func TestMode(t *testing.T) {
	m := HostPool
	for _, word := range []string{"round-robin", "hostpool", "epsilon-greedy", "all"} {
		if err := m.Set(word); err != nil || m.String() != word {
			t.Errorf("%s: %v", word, err)
		}
	}
	if err := m.Set("x"); err == nil || m != All {
		t.Error("an unknown mode is taken")
	}
}

func TestTimes(t *testing.T) {
	var out bytes.Buffer
	log.SetOutput(&out)
	log.SetFlags(0)
	defer log.SetFlags(log.LstdFlags)
	lines := func() string {
		s := out.String()
		out.Reset()
		return s
	}
	times := NewTimes(4, []string{"a", "b"})
	if got := lines(); got != "Warning: use more than 100 status values for accurate percentiles (configured with 4)\n" {
		t.Errorf("%q", got)
	}
	for i := range 9 {
		if i == 4 || i == 8 {
			if got := lines(); got != "" {
				t.Errorf("before %d: %q", i, got)
			}
		}
		times.Add(i%2, time.Duration(i+1)*time.Millisecond)
		switch got := lines(); {
		case i == 4 && got != "[aggregate]: finished 4 - 99th: 4.00ms - 95th: 4.00ms - avg: 2.50ms\n",
			i == 8 && !strings.HasPrefix(got, "[aggregate]: finished 4 - 99th: 8.00ms - 95th: 8.00ms - avg: 6.50ms\n[a]: finished 4 - 99th: 7.00ms"),
			i != 4 && i != 8 && got != "":
			t.Errorf("at %d: %q", i, got)
		}
	}
	off := NewTimes(0, []string{"a"})
	off.Add(0, 1)
	if got := lines(); got != "" {
		t.Errorf("off: %q", got)
	}
}
