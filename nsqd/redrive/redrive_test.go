package redrive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// fixture is a broker with a topic "dead" and its channel "c".
type fixture struct {
	*testing.T
	broker   *broker.Broker
	disk     *vfs.Faulty
	dead     *broker.Topic
	c        *broker.Channel
	redriver *Redriver
	log      nsqtest.Output
}

// in runs a test in a bubble.
func in(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, disk: vfs.NewFaulty(vfs.NewMem())}
		f.broker = broker.New(broker.Config{Store: diskqueue.NewStore(f.disk, "data", 0), MemQueueSize: 100, Durability: diskqueue.Write,
			Changed: func(c broker.Change) {
				if c.Gone {
					f.redriver.Forget(c.Topic, c.Channel)
				}
			}})
		f.redriver = New(f.broker, func(format string, args ...any) { fmt.Fprintf(&f.log, format+"\n", args...) })
		f.dead = f.topic("dead")
		f.c = f.channel(f.dead, "c")
		test(f)
		f.redriver.Close()
		if err := f.broker.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (f *fixture) topic(name string) *broker.Topic {
	t, err := f.broker.Topic(name)
	if err != nil {
		f.Fatal(err)
	}
	return t
}

func (f *fixture) channel(t *broker.Topic, name string) *broker.Channel {
	c, err := t.Channel(name)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// publish publishes the messages from to to-1.
func (f *fixture) publish(t *broker.Topic, from, to int) {
	for i := from; i < to; i++ {
		if err := t.Publish([]broker.Message{{Body: fmt.Append(nil, i)}}); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) start(r Request) protocol.Redrive {
	r.Topic, r.Source = "dead", f.c
	p, err := f.redriver.Start(r)
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// progress checks how far the redrive is, once nothing moves any more without time passing.
func (f *fixture) progress(state string, moved, left, failed int64) {
	f.Helper()
	synctest.Wait()
	p, err := f.redriver.Progress(f.c)
	if err != nil || p.State != state || p.Moved != moved || p.Left != left || p.Failed != failed {
		f.Errorf("%+v, %v, want %s, %d moved, %d left, %d failed", p, err, state, moved, left, failed)
	}
}

// waiting checks that the numbers from to to-1 wait in a channel, in this order.
func (f *fixture) waiting(c *broker.Channel, from, to int) {
	f.Helper()
	found, _, err := c.Peek(broker.Waiting, 0, broker.MaxPeek, 100)
	if err != nil {
		f.Fatal(err)
	}
	var got, want bytes.Buffer
	for _, p := range found {
		fmt.Fprintf(&got, "%s ", p.Body)
	}
	for i := from; i < to; i++ {
		fmt.Fprintf(&want, "%d ", i)
	}
	if got.String() != want.String() {
		f.Errorf("waiting: %s, want %s", &got, &want)
	}
}

func TestMovesWhatWaits(t *testing.T) {
	in(t, func(f *fixture) {
		target := f.channel(f.topic("work"), "worker")
		f.publish(f.dead, 0, 700)
		if err := f.dead.Publish([]broker.Message{{Body: bytes.Repeat([]byte("9"), 2*runBytes)}, {Body: []byte("later"), Delay: time.Hour}}); err != nil {
			f.Fatal(err)
		}
		p := f.start(Request{To: "work"})
		if p.State != protocol.RedriveRunning || p.Total != 701 || p.To != "work" || p.Started == 0 {
			f.Errorf("%+v", p)
		}
		f.progress(protocol.RedriveDone, 701, 0, 0)
		if s := f.c.Stats(); s.Depth+s.InFlight != 0 || s.Deferred != 1 || s.Requeues != 0 || s.Consumers != 0 {
			f.Errorf("source: %+v", s)
		}
		if s := target.Stats(); s.Depth != 701 || f.redriver.Moved() != 701 {
			f.Errorf("target: %+v, %d moved in all", s, f.redriver.Moved())
		}
		if want := "REDRIVE(dead/c to work): done, 701 messages moved\n"; !strings.HasSuffix(f.log.String(), want) {
			f.Errorf("log: %s", f.log.String())
		}
	})
}

func TestKeepsToRateAndLimit(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 100)
		f.start(Request{To: "work", Rate: 20, Limit: 50})
		f.progress(protocol.RedriveRunning, 2, 48, 0)
		pass(time.Second)
		f.progress(protocol.RedriveRunning, 22, 28, 0)
		pass(time.Second)
		f.progress(protocol.RedriveRunning, 42, 8, 0)
		pass(time.Second)
		f.progress(protocol.RedriveDone, 50, 0, 0)
		f.waiting(f.c, 50, 100)
	})
}

func TestDoesNotChase(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 10)
		f.start(Request{To: "dead", Rate: 1})
		f.publish(f.dead, 10, 15)
		pass(time.Minute)
		f.progress(protocol.RedriveDone, 10, 0, 0)
		if s := f.c.Stats(); s.Depth != 15 || s.Messages != 25 {
			f.Errorf("moved into itself: %+v", s)
		}
	})
}

// TestDoesNotChaseWhatIsRequeued has a consumer that gives back, again and again,
// what the redrive has put into the channel that it takes from.
func TestDoesNotChaseWhatIsRequeued(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 10)
		f.start(Request{To: "dead", Rate: 10})
		synctest.Wait() // so that the consumer does not hold all when the redrive looks for the first time
		s, err := f.c.Subscribe(broker.Consumer{MsgTimeout: time.Minute, Wake: func() {}, Close: func() {}})
		if err != nil {
			f.Fatal(err)
		}
		s.SetReady(100)
		for range 20 {
			var run broker.Run
			if _, err := s.Receive(&run, 1<<20); err != nil {
				f.Fatal(err)
			}
			ids, _, err := split(&run)
			for _, id := range ids {
				err = errors.Join(err, s.Requeue(id, 0))
			}
			if err != nil {
				f.Fatal(err)
			}
			run.Release()
			pass(130 * time.Millisecond) // between two looks of the redrive
		}
		s.Unsubscribe()
		f.progress(protocol.RedriveDone, 10, 0, 0)
		if s := f.c.Stats(); s.Depth != 10 {
			f.Errorf("%+v", s)
		}
	})
}

func TestLeavesTheRestToConsumers(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 10)
		f.start(Request{To: "work", Rate: 2})
		synctest.Wait()
		if s := f.c.Stats(); s.Consumers != 0 {
			f.Errorf("a redrive counts as consumer: %+v", s)
		}
		if err := f.c.Empty(); err != nil {
			f.Fatal(err)
		}
		woken := make(chan struct{}, 1)
		s, err := f.c.Subscribe(broker.Consumer{MsgTimeout: time.Minute, Wake: func() { woken <- struct{}{} }, Close: func() {}})
		if err != nil {
			f.Fatal(err)
		}
		s.SetReady(1)
		pass(time.Minute)
		f.progress(protocol.RedriveDone, 1, 0, 0)
		f.publish(f.dead, 10, 11)
		select {
		case <-woken:
		default:
			f.Error("the consumer is not woken")
		}
	})
}

func TestPauseKeepsConsumersAwayOnly(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 5)
		f.c.Pause()
		f.start(Request{To: "work"})
		f.progress(protocol.RedriveDone, 5, 0, 0)
		f.waiting(f.channel(f.topic("work"), "worker"), 0, 5)
	})
}

func TestStop(t *testing.T) {
	in(t, func(f *fixture) {
		if _, err := f.redriver.Progress(f.c); !errors.Is(err, ErrNone) {
			f.Error(err)
		}
		if _, err := f.redriver.Stop(f.c); !errors.Is(err, ErrNone) {
			f.Error(err)
		}
		f.publish(f.dead, 0, 5)
		f.start(Request{To: "work", Rate: 1})
		synctest.Wait()
		if _, err := f.redriver.Start(Request{Source: f.c, To: "work"}); !errors.Is(err, ErrRunning) {
			f.Errorf("a second one: %v", err)
		}
		for range 2 { // the second does nothing
			if p, err := f.redriver.Stop(f.c); err != nil || p.State != protocol.RedriveStopped || p.Ended == 0 {
				f.Errorf("%+v, %v", p, err)
			}
		}
		f.progress(protocol.RedriveStopped, 1, 4, 0)
		f.waiting(f.c, 1, 5)
		f.start(Request{To: "work"})
		f.progress(protocol.RedriveDone, 4, 0, 0)
	})
}

func TestFailedPublishLosesNothing(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 5)
		f.topic("work")
		f.disk.Fail(func(_ int, op vfs.Op, name string) error {
			if op == vfs.OpWrite && strings.Contains(name, "work") {
				return errors.New("the disk is full")
			}
			return nil
		})
		f.start(Request{To: "work"})
		f.progress(protocol.RedriveFailed, 0, 5, 5)
		f.disk.Fail(nil)
		f.waiting(f.c, 0, 5)
		if p, _ := f.redriver.Progress(f.c); !strings.Contains(p.Error, "the disk is full") {
			f.Errorf("%+v", p)
		}
		f.broker.Drain()
		f.start(Request{To: "elsewhere"})
		f.progress(protocol.RedriveFailed, 0, 5, 0)
	})
}

func TestChannelGoes(t *testing.T) {
	in(t, func(f *fixture) {
		f.publish(f.dead, 0, 5)
		f.start(Request{To: "work", Rate: 1})
		synctest.Wait()
		if err := f.dead.DeleteChannel("c"); err != nil {
			f.Fatal(err)
		}
		synctest.Wait()
		if _, err := f.redriver.Progress(f.c); !errors.Is(err, ErrNone) {
			f.Error(err)
		}
		if _, err := f.redriver.Start(Request{Source: f.c, To: "work"}); !errors.Is(err, broker.ErrExiting) {
			f.Error(err)
		}
		f.c = f.channel(f.dead, "c")
		f.start(Request{To: "work"})
		f.progress(protocol.RedriveDone, 0, 0, 0)
	})
}

func TestBoundAndClose(t *testing.T) {
	in(t, func(f *fixture) {
		for i := range MaxRunning + 1 {
			f.c = f.channel(f.dead, fmt.Sprint("c", i))
			f.publish(f.dead, 0, 2)
			_, err := f.redriver.Start(Request{Topic: "dead", Source: f.c, To: "work", Rate: 1})
			if (i == MaxRunning) != errors.Is(err, ErrTooMany) {
				f.Errorf("%d running: %v", i, err)
			}
			synctest.Wait()
		}
		f.redriver.Close()
		if _, err := f.redriver.Start(Request{Source: f.c, To: "work"}); !errors.Is(err, broker.ErrExiting) {
			f.Error(err)
		}
		c, _ := f.dead.FindChannel("c1")
		if p, err := f.redriver.Progress(c); err != nil || p.State != protocol.RedriveStopped {
			f.Errorf("%+v, %v", p, err)
		}
	})
}
