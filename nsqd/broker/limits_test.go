package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// own returns a change that sets limits: depth, bytes and age, those that are not 0.
func own(overflow protocol.Overflow, depth, bytes int64, age time.Duration) func(*protocol.OwnLimits) {
	return func(l *protocol.OwnLimits) {
		*l = protocol.OwnLimits{Overflow: &overflow}
		if depth > 0 {
			l.MaxDepth = &depth
		}
		if bytes > 0 {
			l.MaxBytes = &bytes
		}
		if age > 0 {
			d := protocol.Duration(age)
			l.MaxAge = &d
		}
	}
}

func wantFull(t *testing.T, tp *Topic, text string, words ...string) {
	t.Helper()
	var batch []Message
	for _, w := range words {
		batch = append(batch, Message{Body: []byte(w)})
	}
	if err := tp.Publish(batch); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), text) {
		t.Fatalf("got %v, want %q", err, text)
	}
}

// frameSize is what a message of one byte counts for.
const frameSize = protocol.MessageFrameHeaderSize + 1

func TestReject(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, c := topicAndChannel(t, b, "t", "c")
	other, err := tp.Channel("d")
	if err != nil {
		t.Fatal(err)
	}
	c.SetLimits(own(protocol.Reject, 3, 0, 0))
	publish(t, tp, "a", "b")
	wantFull(t, tp, "channel c is full: 2 of 3 messages, refused 2 more", "x", "y")
	publish(t, tp, "c")
	wantFull(t, tp, "channel c is full: 3 of 3 messages, refused 1 more", "x")
	k := subscribe(t, c, 2)
	got := k.take(t)
	wantFull(t, tp, "3 of 3", "x") // also in flight it counts
	if err := k.Requeue(got[0].ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	wantFull(t, tp, "3 of 3", "x") // or deferred
	k.mustFinish(t, got[1])
	publish(t, tp, "d")
	want(t, "the other channel has", bodiesOf(t, other), "a1 b1 c1 d1")
	if s := tp.Stats(); s.Rejected != 5 || s.Limits == nil || s.Limits.RejectedCount != 5 || s.Messages != 4 {
		t.Errorf("topic: %+v", s)
	}
	if s := c.Stats().Limits; s == nil || s.Depth != 3 || s.MaxDepth != 3 {
		t.Errorf("channel: %+v", s)
	}
	if s := other.Stats().Limits; s != nil {
		t.Errorf("a channel without limits shows %+v", s)
	}
	if err := b.Health(); err != nil {
		t.Errorf("a full channel makes the disk ill: %v", err)
	}
	c.SetLimits(func(l *protocol.OwnLimits) { *l = protocol.OwnLimits{} })
	publish(t, tp, "e", "f", "g", "h")
}

// TestRejectWithoutChannel has the topic's limits hold for what it holds, and for its channels.
func TestRejectWithoutChannel(t *testing.T) {
	b := newBroker(t, newFS(), func(c *Config) { c.TopicLimits = protocol.QueueLimits{MaxBytes: 3 * frameSize} })
	tp, err := b.Topic("t")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, tp, "a", "b")
	wantFull(t, tp, fmt.Sprintf("topic t is full: %d of %d bytes, refused %d more", 2*frameSize, 3*frameSize, frameSize+1), "xx")
	publish(t, tp, "c")
	wantFull(t, tp, "topic t is full", "x")
	tp.Pause()
	c, err := tp.Channel("c")
	if err != nil {
		t.Fatal(err)
	}
	wantFull(t, tp, "topic t is full", "x")
	tp.Unpause()
	wantFull(t, tp, "topic t is full", "x")
	k := subscribe(t, c, 1)
	k.mustFinish(t, k.take(t)...)
	publish(t, tp, "d")
	if s := tp.Stats().Limits; s.Depth != 3 || s.Bytes != 3*frameSize {
		t.Errorf("%+v", s)
	}
}

func TestPublishEach(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, c := topicAndChannel(t, b, "t", "c")
	c.SetLimits(own(protocol.Reject, 3, 0, 0))
	for _, step := range []struct {
		words  string
		counts []int
		want   string // refused or accepted
	}{{"a", nil, "[]"}, {"bcx", nil, "++-"}, {"x", nil, "-"}, {"", nil, "[]"}, {"d", []int{1}, "[]"}, {"xxxexxf", []int{3, 1, 2, 1}, "-+-+"}} {
		if step.words == "d" {
			if err := c.Empty(); err != nil {
				t.Fatal(err)
			}
		}
		var batch []Message
		for _, w := range step.words {
			batch = append(batch, Message{Body: []byte(string(w))})
		}
		before := tp.Stats().Rejected
		refused, err := tp.PublishEach(batch, step.counts)
		if err != nil {
			t.Fatal(err)
		}
		got, n := "", 0
		for i, err := range refused {
			if err == nil {
				got += "+"
				continue
			}
			got += "-"
			if len(step.counts) > 0 {
				n += step.counts[i]
			} else {
				n++
			}
		}
		if refused == nil {
			got = "[]"
		}
		if got != step.want || tp.Stats().Rejected-before != uint64(n) {
			t.Errorf("%s: %s, %d are counted", step.words, got, tp.Stats().Rejected-before)
		}
	}
	want(t, "channel", bodiesOf(t, c), "d1 e1 f1")
}

func TestDropOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), nil)
		tp, c := topicAndChannel(t, b, "t", "c")
		c.SetLimits(own(protocol.DropOldest, 4, 0, 0))
		k := subscribe(t, c, 2)
		publish(t, tp, "a", "b")
		got := k.take(t) // in flight
		if err := k.Requeue(got[0].ID, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := tp.Publish([]Message{{Body: []byte("d"), Delay: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		publish(t, tp, "e", "f", "g")
		if s := c.Stats(); s.Depth != 3 || s.InFlight != 1 || s.Deferred != 0 || s.Dropped != 2 { // a and d: the oldest
			t.Fatalf("%+v", s)
		}
		publish(t, tp, "h")
		k.SetReady(10)
		want(t, "what is left", bodies(k.take(t)), "f g h")
		k.mustFinish(t, got[1])
		publish(t, tp, "i")
		publish(t, tp, "j", "k", "l") // all others are in flight
		if s := c.Stats(); s.Depth != 1 || s.InFlight != 3 || s.Dropped != 6 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestDropBytes(t *testing.T) {
	b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize = 100 })
	tp, c := topicAndChannel(t, b, "t", "c")
	c.SetLimits(own(protocol.DropOldest, 0, 10*frameSize, 0))
	for i := range 1000 {
		publish(t, tp, fmt.Sprint(i%10))
	}
	if s := c.Stats(); s.Depth != 10 || s.Limits.Bytes != 10*frameSize || s.Dropped != 990 {
		t.Fatalf("%+v, %+v", s, s.Limits)
	}
	k := subscribe(t, c, 5)
	for _, m := range k.take(t) {
		if err := k.Requeue(m.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	k.SetReady(100)
	publish(t, tp, "a", "b", "c")
	want(t, "what is left", bodies(k.take(t)), "5 6 7 8 9 a b c 3(2) 4(2)")
}

// TestMaxAge has messages grow too old while they wait, are deferred or in
// flight, or are held by the topic.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), func(c *Config) {
			c.TopicLimits = protocol.QueueLimits{MaxAge: protocol.Duration(time.Minute)}
			c.MemQueueSize = 2
		})
		tp, err := b.Topic("t")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, tp, "a", "b", "c")
		pass(30 * time.Second)
		publish(t, tp, "d")
		pass(31 * time.Second)
		tp.tend()
		want(t, "held", fmt.Sprint(tp.Stats().Depth, tp.Stats().Expired), "1 3")
		c, err := tp.Channel("c")
		if err != nil {
			t.Fatal(err)
		}
		k := subscribe(t, c, 1)
		publish(t, tp, "e", "f", "g")
		got := k.take(t)
		want(t, "first", bodies(got), "d")
		if err := tp.Publish([]Message{{Body: []byte("h"), Delay: 2 * time.Minute}}); err != nil {
			t.Fatal(err)
		}
		pass(59 * time.Second) // d is too old, but in flight
		if err := k.Requeue(got[0].ID, 0); err != nil {
			t.Fatal(err)
		}
		k.SetReady(100)
		want(t, "then", bodies(k.take(t)), "e f g")
		pass(5 * time.Second) // d and, deferred as it is, h
		tp.tend()
		if s := c.Stats(); s.Depth != 0 || s.Deferred != 0 || s.InFlight != 3 || s.Expired != 2 {
			t.Fatalf("%+v", s)
		}
	})
}

// TestExpireBacklog has a backlog on disk grow too old: rounds of bounded work
// drop it, and its files go.
func TestExpireBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize, c.MaxBytesPerFile = 10, 1<<20 })
		tp, c := topicAndChannel(t, b, "t", "c")
		c.SetLimits(own(protocol.Reject, 0, 0, time.Minute))
		for range 100 {
			publish(t, tp, strings.Repeat("x", 100_000))
		}
		pass(time.Minute + time.Second)
		publish(t, tp, "new")
		tp.tend()
		if s := c.Stats(); s.Depth != 1 || s.Expired != 100 {
			t.Fatalf("%+v", s)
		}
		if n := tp.Storage().Bytes; n > 3<<20 {
			t.Errorf("%d bytes are left on disk", n)
		}
		want(t, "left", bodies(subscribe(t, c, 10).take(t)), "new")
	})
}

// TestDropsStayDropped restarts a broker: limits and drops are kept.
func TestDropsStayDropped(t *testing.T) {
	fs := newFS()
	b := newBroker(t, fs, nil)
	tp, c := topicAndChannel(t, b, "t", "c")
	c.SetLimits(own(protocol.DropOldest, 2, 0, 0))
	held, err := b.Topic("held")
	if err != nil {
		t.Fatal(err)
	}
	held.SetLimits(own(protocol.DropOldest, 1, 0, 0))
	publish(t, tp, "a", "b", "c", "d")
	publish(t, held, "a", "b", "c")
	tp.tend()
	held.tend()
	meta := b.Meta()
	c.SetLimits(own(protocol.DropOldest, 0, 0, 0)) // nobody is told
	b = New(Config{Store: diskqueue.NewStore(fs.Kill(), "/data", 0), MemQueueSize: 100, Durability: diskqueue.Write})
	if err := b.Restore(meta); err != nil {
		t.Fatal(err)
	}
	_, c = topicAndChannel(t, b, "t", "c")
	if l := c.Limits(); l.MaxDepth != 2 || *l.Own.MaxDepth != 2 || l.Overflow != protocol.DropOldest {
		t.Errorf("limits %+v", l)
	}
	want(t, "channel", bodiesOf(t, c), "c1 d1")
	_, c = topicAndChannel(t, b, "held", "c")
	want(t, "held", bodiesOf(t, c), "c1")
}

// TestLowDisk has the disk run low and be freed again.
func TestLowDisk(t *testing.T) {
	fs := newFS()
	fs.SetFree(1000)
	b := newBroker(t, fs, func(c *Config) { c.MinFree, c.Errorf = 1000, t.Logf })
	tp, c := topicAndChannel(t, b, "t", "c")
	mem, _ := topicAndChannel(t, b, "t#ephemeral", "c")
	refused := func() bool {
		t.Helper()
		b.checkFree()
		err := tp.Publish([]Message{{Body: []byte("x")}})
		if err != nil && (!errors.Is(err, ErrLowDisk) || !Refuses(err)) || errors.Is(b.Health(), ErrLowDisk) != (err != nil) {
			t.Fatalf("%v, health %v", err, b.Health())
		}
		publish(t, mem, "x")
		return err != nil
	}
	for _, step := range []struct {
		free int64
		want bool
	}{{1000, false}, {999, true}, {1050, true}, {1099, true}, {1100, false}, {1000, false}, {0, true}} {
		fs.SetFree(step.free)
		if refused() != step.want {
			t.Errorf("with %d bytes free: refuses is not %t", step.free, step.want)
		}
	}
	if n := len(subscribe(t, c, 100).take(t)); n != 3 {
		t.Errorf("%d messages are handed out while the disk is low", n)
	}
}

// TestLowDiskHeals leaves it to Run to find out.
func TestLowDiskHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFS()
		b := newBroker(t, vfs.NewFaulty(fs), func(c *Config) { c.MinFree, c.Errorf = 1000, t.Logf })
		ctx, cancel := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		busy.Go(func() { b.Run(ctx) }) //nolint:errcheck // ends with ctx
		for _, free := range []int64{5000, 10, 5000, 0} {
			fs.SetFree(free)
			pass(freeEvery)
			if low := b.Health() != nil; low != (free < 1000) {
				t.Errorf("with %d bytes free: low is %t", free, low)
			}
		}
		cancel()
		busy.Wait()
	})
}

// TestBlindDisk has the disk not tell how much room there is: all stays as it was.
func TestBlindDisk(t *testing.T) {
	fs := newFS()
	faulty := vfs.NewFaulty(fs)
	told := 0
	b := newBroker(t, faulty, func(c *Config) { c.MinFree, c.Errorf = 1000, func(string, ...any) { told++ } })
	for _, low := range []bool{false, true} {
		told = 0
		faulty.Fail(func(_ int, op vfs.Op, _ string) error {
			if op == vfs.OpFree {
				return errors.New("who knows")
			}
			return nil
		})
		b.checkFree()
		b.checkFree()
		if told != 1 || (b.Health() != nil) != low {
			t.Errorf("told %d times, health %v", told, b.Health())
		}
		faulty.Fail(nil)
		fs.SetFree(0)
		b.checkFree()
	}
}

// TestShedBehindManyInFlight has more single messages in flight, each on a page of
// its own, than shed looks at: the newer ones go.
func TestShedBehindManyInFlight(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, c := topicAndChannel(t, b, "t", "c")
	k := subscribe(t, c, shedAtOnce+10)
	for range shedAtOnce + 10 {
		publish(t, tp, "x")
		<-k.woken
		if got := k.take(t); len(got) != 1 {
			t.Fatal(len(got))
		}
	}
	late := subscribe(t, c, 1)
	publish(t, tp, "late")
	if err := late.Requeue(late.take(t)[0].ID, 0); err != nil {
		t.Fatal(err)
	}
	publish(t, tp, "a", "b")
	c.SetLimits(own(protocol.DropOldest, shedAtOnce+11, 0, 0))
	if s := c.Stats(); s.Depth != 1 || s.Dropped != 2 || s.InFlight != shedAtOnce+10 {
		t.Fatalf("%+v", s)
	}
	tp.tend()
	publish(t, tp, "c")
	tp.tend()
	c.SetLimits(own(protocol.DropOldest, 1, 0, 0)) // only what is in flight is left, and what is not found behind it
	tp.tend()
	if s := c.Stats(); s.InFlight != shedAtOnce+10 || s.Depth > 1 {
		t.Fatalf("%+v", s)
	}
}
