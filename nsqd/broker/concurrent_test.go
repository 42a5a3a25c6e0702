package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// worker is a consumer as a session is one: it sleeps until woken.
type worker struct {
	sub  *Subscription
	wake chan struct{}
}

func startWorker(t *testing.T, c *Channel, ready int, handle func(s *Subscription, m protocol.Message)) *worker {
	t.Helper()
	w := &worker{wake: make(chan struct{}, 1)}
	s, err := c.Subscribe(Consumer{MsgTimeout: time.Minute, Close: func() {}, Wake: func() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.sub = s
	s.SetReady(ready)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		var r Run
		for {
			more, err := s.Receive(&r, 64<<10)
			if err != nil {
				t.Error(err)
			}
			if more {
				for _, m := range decode(t, &r) {
					handle(s, m)
				}
				r.Release()
				continue
			}
			select {
			case <-w.wake:
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); done.Wait(); s.Unsubscribe() })
	return w
}

// TestNoWakeIsLost has publishers and consumers meet as closely as they can: a
// lost wake leaves the test hanging, a message given twice fails it.
func TestNoWakeIsLost(t *testing.T) {
	const publishers, consumers, each = 4, 3, 3000
	for _, ready := range []int{1, 100} {
		t.Run(fmt.Sprint("ready ", ready), func(t *testing.T) {
			b := newBroker(t, newFS(), nil)
			tp, one := topicAndChannel(t, b, "t", "one")
			_, two := topicAndChannel(t, b, "t", "two")
			var counts [2]atomic.Int64
			all := make(chan struct{})
			var left atomic.Int64
			left.Store(2 * publishers * each)
			for i, c := range []*Channel{one, two} {
				for range consumers {
					startWorker(t, c, ready, func(s *Subscription, m protocol.Message) {
						n := counts[i].Add(1)
						if n%10 == 0 && m.Attempts == 1 {
							counts[i].Add(-1)
							if err := s.Requeue(m.ID, 0); err != nil {
								t.Error(err)
							}
							return
						}
						if err := s.Finish(m.ID); err != nil {
							t.Error(err)
						}
						if left.Add(-1) == 0 {
							close(all)
						}
					})
				}
			}
			for range publishers {
				go func() {
					for i := range each {
						if err := tp.Publish([]Message{{Body: fmt.Append(nil, i)}}); err != nil {
							t.Error(err)
						}
					}
				}()
			}
			select {
			case <-all:
			case <-time.After(time.Minute):
				t.Fatalf("%d deliveries are missing", left.Load())
			}
			for i := range counts {
				if n := counts[i].Load(); n != publishers*each {
					t.Errorf("channel %d: %d messages finished", i, n)
				}
			}
		})
	}
}

// TestChannelsComeAndGoUnderLoad creates, empties, pauses and deletes while messages flow.
func TestChannelsComeAndGoUnderLoad(t *testing.T) {
	b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize, c.MaxBytesPerFile = 50, 20000 })
	tp, lasting := topicAndChannel(t, b, "t", "lasting")
	var finished atomic.Int64
	startWorker(t, lasting, 50, func(s *Subscription, m protocol.Message) {
		if err := s.Finish(m.ID); err != nil {
			t.Error(err)
		}
		finished.Add(1)
	})
	const rounds = 300
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 10 * rounds {
			publish(t, tp, fmt.Sprint("message ", i))
		}
	})
	done.Go(func() {
		for range rounds {
			tp.tend()
		}
	})
	for n := range 3 {
		done.Go(func() {
			name := fmt.Sprint("c", n)
			for range rounds {
				c, err := tp.Channel(name)
				if err != nil {
					t.Error(err)
					return
				}
				k := subscribe(t, c, 20)
				k.take(t)
				c.Pause()
				c.Unpause()
				k.take(t)
				if err := c.Empty(); err != nil {
					t.Error(err)
				}
				if err := tp.DeleteChannel(name); err != nil {
					t.Error(err)
				}
				k.Unsubscribe()
			}
		})
	}
	done.Wait()
	deadline := time.Now().Add(time.Minute)
	for finished.Load() < 10*rounds {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages finished: %s", finished.Load(), 10*rounds, counts(lasting))
		}
		<-time.After(time.Millisecond)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk has writes fail for a while: publishers are told, health tells,
// nothing half-done is delivered, and all is well when the disk is.
func TestFullDisk(t *testing.T) {
	errFull := errors.New("no space left on device")
	disk := vfs.NewFaulty(newFS())
	var logged strings.Builder
	b := newBroker(t, disk, func(c *Config) {
		c.Errorf = func(format string, args ...any) { fmt.Fprintf(&logged, format+"\n", args...) }
	})
	tp, ch := topicAndChannel(t, b, "t", "c")
	publish(t, tp, "a")
	disk.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpWrite || op == vfs.OpCreate {
			return errFull
		}
		return nil
	})
	for range 3 {
		if err := tp.Publish([]Message{{Body: []byte("x")}, {Body: []byte("y")}}); !errors.Is(err, errFull) {
			t.Fatalf("publish to a full disk: %v", err)
		}
	}
	if err := b.Health(); !errors.Is(err, errFull) {
		t.Errorf("health %v", err)
	}
	tp.tend()
	k := subscribe(t, ch, 10)
	got := k.take(t)
	want(t, "meanwhile", bodies(got), "a")
	k.mustFinish(t, got...)
	disk.Fail(nil)
	publish(t, tp, "b")
	want(t, "then", bodies(k.take(t)), "b")
	if err := b.Health(); err != nil {
		t.Errorf("health %v", err)
	}
	tp.tend()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "failed to write message to backend") {
		t.Errorf("the log says %q", logged.String())
	}
}

// TestSampling counts what a sampling consumer lets pass: a share of it, and the rest is gone.
func TestSampling(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, ch := topicAndChannel(t, b, "t", "c")
	s, err := ch.Subscribe(Consumer{MsgTimeout: time.Minute, SampleRate: 20, Wake: func() {}, Close: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	s.SetReady(100000)
	const n = 20000
	batch := make([]Message, n)
	for i := range batch {
		batch[i].Body = []byte("x")
	}
	if err := tp.Publish(batch); err != nil {
		t.Fatal(err)
	}
	passed := len((&consumer{Subscription: s}).take(t))
	if share := float64(passed) / n; share < 0.19 || share > 0.23 { // 21 % are due
		t.Errorf("%.3f of the messages passed", share)
	}
	want(t, "counts", counts(ch), fmt.Sprintf("depth 0 in flight %d deferred 0 messages %d requeues 0 timeouts 0", passed, n))
}

func TestMaxChannelConsumers(t *testing.T) {
	b := newBroker(t, newFS(), func(c *Config) { c.MaxChannelConsumers = 2 })
	_, ch := topicAndChannel(t, b, "t", "c")
	subscribe(t, ch, 1)
	k := subscribe(t, ch, 1)
	if _, err := ch.Subscribe(Consumer{}); err != ErrTooManyConsumers {
		t.Fatalf("a third one: %v", err)
	}
	k.Unsubscribe()
	subscribe(t, ch, 1)
}

// TestAllocations guards that a message costs no allocation on its way through the core.
func TestAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates")
	}
	b := newBroker(t, newFS(), func(c *Config) { c.Durability = diskqueue.Memory })
	tp, ch := topicAndChannel(t, b, "t", "c")
	s, err := ch.Subscribe(Consumer{MsgTimeout: time.Minute, Wake: func() {}, Close: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	s.SetReady(MaxRun)
	batch := make([]Message, 100)
	for i := range batch {
		batch[i].Body = make([]byte, 200)
	}
	var r Run
	numbers := make([]uint64, 0, 2*MaxRun)
	round := func() {
		if err := tp.Publish(batch); err != nil {
			t.Fatal(err)
		}
		for {
			more, err := s.Receive(&r, 256<<10)
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				return
			}
			numbers = numbers[:0]
			for _, p := range r.Buffers() {
				for size := protocol.MessageFrameHeaderSize + 200; len(p) >= size; p = p[size:] {
					numbers = append(numbers, numberIn(p))
				}
			}
			r.Release()
			s.FinishAll(numbers, func(_ uint64, err error) { t.Fatal(err) })
		}
	}
	for range 200 {
		round()
	}
	if perMessage := testing.AllocsPerRun(200, round) / float64(len(batch)); perMessage > 0.05 {
		t.Errorf("%.3f allocations a message", perMessage)
	}
}
