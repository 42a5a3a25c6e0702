package broker

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// consumer is a subscription that tests drive by hand.
type consumer struct {
	*Subscription
	woken  chan struct{}
	closed chan struct{}
}

func subscribe(t testing.TB, c *Channel, ready int) *consumer {
	t.Helper()
	k := &consumer{woken: make(chan struct{}, 1000), closed: make(chan struct{}, 1)}
	s, err := c.Subscribe(Consumer{
		MsgTimeout: time.Minute,
		Wake:       func() { k.woken <- struct{}{} },
		Close:      func() { k.closed <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	k.Subscription = s
	s.SetReady(ready)
	return k
}

// take returns all messages there are for the consumer.
func (k *consumer) take(t testing.TB) []protocol.Message {
	t.Helper()
	var all []protocol.Message
	var r Run
	for {
		ok, err := k.Receive(&r, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, decode(t, &r)...)
		r.Release()
	}
}

func decode(t testing.TB, r *Run) []protocol.Message {
	t.Helper()
	var all []protocol.Message
	in := bytes.NewReader(bytes.Join(r.Buffers(), nil))
	for in.Len() > 0 {
		kind, data, err := protocol.ReadFrame(in, 1<<24)
		if err != nil || kind != protocol.FrameMessage {
			t.Fatalf("frame of type %d, %v", kind, err)
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if len(all) != r.Len() {
		t.Fatalf("run of %d holds %d frames", r.Len(), len(all))
	}
	return all
}

func bodies(messages []protocol.Message) string {
	var b bytes.Buffer
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.Write(m.Body)
		if m.Attempts != 1 {
			fmt.Fprintf(&b, "(%d)", m.Attempts)
		}
	}
	return b.String()
}

func newBroker(t testing.TB, fs vfs.FS, change func(*Config)) *Broker {
	t.Helper()
	c := Config{
		Store:         diskqueue.NewStore(fs, "/data", 0),
		NodeID:        7,
		MemQueueSize:  10000,
		MaxMsgTimeout: 15 * time.Minute,
		Durability:    diskqueue.Write,
		Errorf:        t.Errorf,
	}
	if change != nil {
		change(&c)
	}
	b := New(c)
	if err := b.Restore(nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func newFS() *vfs.Mem {
	fs := vfs.NewMem()
	fs.MkdirAll("/data") //nolint:errcheck // a new one in memory does not fail
	fs.SyncDir("/")      //nolint:errcheck // likewise
	return fs
}

func topicAndChannel(t testing.TB, b *Broker, topic, channel string) (*Topic, *Channel) {
	t.Helper()
	tp, err := b.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := tp.Channel(channel)
	if err != nil {
		t.Fatal(err)
	}
	return tp, ch
}

func publish(t testing.TB, tp *Topic, bodies ...string) {
	t.Helper()
	var batch []Message
	for _, b := range bodies {
		batch = append(batch, Message{Body: []byte(b)})
	}
	if err := tp.Publish(batch); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

func (k *consumer) mustFinish(t *testing.T, messages ...protocol.Message) {
	t.Helper()
	for _, m := range messages {
		if err := k.Finish(m.ID); err != nil {
			t.Fatalf("finish %s: %v", m.ID, err)
		}
	}
}

// pass lets time go by in a synctest bubble, and everything happen that it brings.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func counts(c *Channel) string {
	s := c.Stats()
	return fmt.Sprintf("depth %d in flight %d deferred %d messages %d requeues %d timeouts %d",
		s.Depth, s.InFlight, s.Deferred, s.Messages, s.Requeues, s.Timeouts)
}

func TestDeliverAndFinish(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, ch := topicAndChannel(t, b, "t", "c")
	k := subscribe(t, ch, 2)
	publish(t, tp, "a", "b", "c")
	<-k.woken
	got := k.take(t)
	want(t, "first", bodies(got), "a b")
	want(t, "counts", counts(ch), "depth 1 in flight 2 deferred 0 messages 3 requeues 0 timeouts 0")
	k.mustFinish(t, got[0])
	<-k.woken
	more := k.take(t)
	want(t, "second", bodies(more), "c")
	k.mustFinish(t, got[1], more[0])
	want(t, "counts", counts(ch), "depth 0 in flight 0 deferred 0 messages 3 requeues 0 timeouts 0")
	if err := k.Finish(got[0].ID); err != ErrNotInFlight {
		t.Fatalf("finishing twice: %v", err)
	}
}

func TestRequeueTimeoutDefer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), nil)
		tp, ch := topicAndChannel(t, b, "t", "c")
		k := subscribe(t, ch, 10)
		publish(t, tp, "a", "b")
		got := k.take(t)
		if err := k.Requeue(got[0].ID, 0); err != nil {
			t.Fatal(err)
		}
		got = append(got[1:], k.take(t)...)
		want(t, "requeued at once", bodies(got), "b a(2)")
		if err := k.Requeue(got[0].ID, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		want(t, "counts", counts(ch), "depth 0 in flight 1 deferred 1 messages 2 requeues 2 timeouts 0")
		if err := tp.Publish([]Message{{Body: []byte("d"), Delay: 2 * time.Second}}); err != nil {
			t.Fatal(err)
		}
		want(t, "counts", counts(ch), "depth 0 in flight 1 deferred 2 messages 3 requeues 2 timeouts 0")
		pass(2*time.Second - 1)
		want(t, "early", bodies(k.take(t)), "")
		pass(1)
		want(t, "deferred publish", bodies(k.take(t)), "d")
		pass(3 * time.Second)
		want(t, "deferred requeue", bodies(k.take(t)), "b(2)")
		pass(55*time.Second - 1)
		want(t, "before the time-out", bodies(k.take(t)), "")
		pass(1)
		want(t, "timed out", bodies(k.take(t)), "a(3)")
		want(t, "counts", counts(ch), "depth 0 in flight 3 deferred 0 messages 3 requeues 2 timeouts 1")
		b.Close()
	})
}

func TestRestart(t *testing.T) {
	for _, durability := range []diskqueue.Durability{diskqueue.Memory, diskqueue.Write, diskqueue.Fsync} {
		synctest.Test(t, func(t *testing.T) {
			fs := newFS()
			change := func(c *Config) { c.Durability = durability }
			b := newBroker(t, fs, change)
			tp, ch := topicAndChannel(t, b, "t", "c")
			k := subscribe(t, ch, 3)
			publish(t, tp, "a", "b", "c", "d")
			got := k.take(t)
			k.mustFinish(t, got[1])
			got = append(got, k.take(t)...)
			if err := k.Requeue(got[2].ID, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = newBroker(t, fs, change)
			tp, _ = b.FindTopic("t")
			ch, _ = tp.FindChannel("c")
			want(t, "counts", counts(ch), "depth 2 in flight 0 deferred 1 messages 0 requeues 0 timeouts 0")
			publish(t, tp, "e")
			k = subscribe(t, ch, 10)
			got = k.take(t)
			want(t, "after restart", bodies(got), "a(2) d(2) e")
			pass(10 * time.Second)
			want(t, "deferred", bodies(k.take(t)), "c(2)")
			b.Close()
		})
	}
}

func TestKillLosesNothing(t *testing.T) {
	fs := newFS()
	b := newBroker(t, fs, nil)
	tp, ch := topicAndChannel(t, b, "t", "c")
	k := subscribe(t, ch, 3)
	publish(t, tp, "a", "b", "c", "d")
	k.mustFinish(t, k.take(t)[0])
	b = newBroker(t, fs.Kill(), nil)
	tp, _ = b.FindTopic("t")
	ch, _ = tp.FindChannel("c")
	k = subscribe(t, ch, 10)
	want(t, "after a crash", bodies(k.take(t)), "a b c d")
}

// TestNearestFirst has consumers of each locality wait for one message at a time.
func TestNearestFirst(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, ch := topicAndChannel(t, b, "t", "c")
	woken := make(chan Locality, 10)
	for _, l := range []Locality{Global, RegionLocal, ZoneLocal, Global} {
		s, err := ch.Subscribe(Consumer{MsgTimeout: time.Minute, Locality: l, Wake: func() { woken <- l }, Close: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		s.SetReady(1)
	}
	for _, expected := range []Locality{ZoneLocal, RegionLocal, Global, Global} {
		publish(t, tp, "m")
		if got := <-woken; got != expected {
			t.Errorf("woken %d, want %d", got, expected)
		}
	}
}
