package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
)

func TestEphemeralChannelGoesWithItsLastConsumer(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, ch := topicAndChannel(t, b, "t", "c#ephemeral")
	k, l := subscribe(t, ch, 1), subscribe(t, ch, 1)
	k.Unsubscribe()
	if _, ok := tp.FindChannel("c#ephemeral"); !ok {
		t.Fatal("gone with the first of two consumers")
	}
	l.Unsubscribe()
	if _, ok := tp.FindChannel("c#ephemeral"); ok {
		t.Fatal("still there without a consumer")
	}
	if _, ok := b.FindTopic("t"); !ok {
		t.Fatal("a lasting topic went with its channel")
	}
}

func TestEphemeralTopicGoesWithItsLastChannel(t *testing.T) {
	var gone []Change
	b := newBroker(t, newFS(), func(c *Config) {
		c.Changed = func(ch Change) {
			if ch.Gone {
				gone = append(gone, ch)
			}
		}
	})
	tp, ch := topicAndChannel(t, b, "t#ephemeral", "c")
	publish(t, tp, "a", "b")
	k := subscribe(t, ch, 1)
	want(t, "delivery", bodies(k.take(t)), "a")
	k.Unsubscribe()
	if _, ok := tp.FindChannel("c"); !ok {
		t.Fatal("a lasting channel went with its consumer")
	}
	if err := tp.DeleteChannel("c"); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.FindTopic("t#ephemeral"); ok {
		t.Fatal("still there without a channel")
	}
	want(t, "changes", fmt.Sprint(gone), "[{t#ephemeral c true} {t#ephemeral  true}]")
	if err := tp.Publish([]Message{{Body: []byte("x")}}); err != ErrExiting {
		t.Fatalf("publish to a topic that is gone: %v", err)
	}
}

// TestOnlookerDestroysNothing has an ephemeral channel be the first of a topic
// that holds messages, more than memory does.
func TestOnlookerDestroysNothing(t *testing.T) {
	fs := newFS()
	b := newBroker(t, fs, func(c *Config) { c.MemQueueSize = 2 })
	tp, err := b.Topic("t")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, tp, "a", "b", "c", "d", "e", "f")
	look := func(ready int) *consumer {
		ch, err := tp.Channel("look#ephemeral")
		if err != nil {
			t.Fatal(err)
		}
		return subscribe(t, ch, ready)
	}
	k := look(2)
	seen := k.take(t)
	want(t, "first look", bodies(seen), "a b")
	k.mustFinish(t, seen[0])
	k.Unsubscribe()
	want(t, "held", fmt.Sprint(tp.Stats().Depth), "5") // b was in flight
	k = look(100)
	seen = k.take(t)
	want(t, "second look", bodies(seen), "b c d e f")
	k.mustFinish(t, seen[0], seen[2])
	publish(t, tp, "g")
	k.Unsubscribe()
	want(t, "held", fmt.Sprint(tp.Stats().Depth), "5")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = newBroker(t, fs, nil)
	tp, ch := topicAndChannel(t, b, "t", "c")
	want(t, "the lasting channel", bodies(subscribe(t, ch, 100).take(t)), "c d e f g")
	if err := tp.DeleteChannel("c"); err != nil {
		t.Fatal(err)
	}
	want(t, "held after a deletion", fmt.Sprint(tp.Stats().Depth), "0")
	k = look(100)
	publish(t, tp, "h")
	k.Unsubscribe()
	want(t, "held after one who found nothing", fmt.Sprint(tp.Stats().Depth), "0")
}

// TestEphemeralOverflow has channels lag behind more than memory holds: they
// lose their oldest messages, and only theirs, and the loss is counted.
func TestEphemeralOverflow(t *testing.T) {
	const room, published = 100, 1000
	for _, names := range [][2]string{{"t#ephemeral", "c"}, {"t", "c#ephemeral"}, {"t#ephemeral", "c#ephemeral"}} {
		t.Run(names[0]+" "+names[1], func(t *testing.T) {
			b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize = room })
			tp, ch := topicAndChannel(t, b, names[0], names[1])
			k := subscribe(t, ch, 1)
			publish(t, tp, "first")
			<-k.woken
			held := k.take(t)
			for i := range published {
				publish(t, tp, fmt.Sprint(i))
			}
			s := ch.Stats()
			if s.Depth != room || s.Dropped != published-room || s.InFlight != 1 || s.BackendDepth != 0 {
				t.Fatalf("depth %d, dropped %d, in flight %d, backend depth %d", s.Depth, s.Dropped, s.InFlight, s.BackendDepth)
			}
			k.mustFinish(t, held...)
			k.SetReady(published)
			got := k.take(t)
			if len(got) != room || string(got[0].Body) != fmt.Sprint(published-room) {
				t.Fatalf("%d messages from %s on", len(got), got[0].Body)
			}
			if s := ch.Stats(); s.Messages != published+1 {
				t.Errorf("%d messages counted", s.Messages)
			}
		})
	}
}

func TestEphemeralLeavesNothingBehind(t *testing.T) {
	fs := newFS()
	b := newBroker(t, fs, nil)
	tp, _ := topicAndChannel(t, b, "t#ephemeral", "c")
	publish(t, tp, "a")
	if meta := b.Meta(); len(meta) != 0 {
		t.Errorf("metadata %v", meta)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if names, err := fs.ReadDir("/data"); err != nil || len(names) != 0 {
		t.Errorf("files %v, %v", names, err)
	}
}

// TestLearning has a topic hold its messages until the channels it shall begin with are known.
func TestLearning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := make(chan string), make(chan []string)
		b := newBroker(t, newFS(), func(c *Config) {
			c.Learn = func(topic string) []string { asked <- topic; return <-answer }
		})
		created := make(chan *Topic)
		go func() {
			tp, err := b.Topic("t")
			if err != nil {
				t.Error(err)
			}
			created <- tp
		}()
		want(t, "asked for", <-asked, "t")
		tp, err := b.Topic("t") // others need not wait
		if err != nil {
			t.Fatal(err)
		}
		publish(t, tp, "a")
		first, err := tp.Channel("own")
		if err != nil {
			t.Fatal(err)
		}
		k := subscribe(t, first, 10)
		want(t, "while learning", bodies(k.take(t)), "")
		answer <- []string{"learnt", "x#ephemeral", "no such name!"}
		<-created
		synctest.Wait()
		want(t, "then", bodies(k.take(t)), "a")
		learnt, ok := tp.FindChannel("learnt")
		if !ok || len(tp.Channels()) != 2 {
			t.Fatalf("channels %v", tp.Channels())
		}
		want(t, "learnt channel", bodies(subscribe(t, learnt, 10).take(t)), "a")
	})
}

// TestRestartBehindOnlookers ends a process whose topic has only ephemeral
// channels: what all of them have finished does not come again, the rest does.
func TestRestartBehindOnlookers(t *testing.T) {
	for _, killed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			fs := newFS()
			b := newBroker(t, fs, nil)
			tp, one := topicAndChannel(t, b, "t", "one#ephemeral")
			_, two := topicAndChannel(t, b, "t", "two#ephemeral")
			k, l := subscribe(t, one, 10), subscribe(t, two, 10)
			publish(t, tp, "a", "b", "c", "d", "e")
			k.mustFinish(t, k.take(t)...)
			got := l.take(t)
			l.mustFinish(t, got[0], got[1], got[3])
			for range 2 * idleTends { // the second one finds nothing published
				tp.tend()
			}
			publish(t, tp, "f")
			if killed {
				fs = fs.Kill()
			} else if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = newBroker(t, fs, nil)
			tp, ch := topicAndChannel(t, b, "t", "c")
			want(t, "after the end", bodies(subscribe(t, ch, 10).take(t)), "c d e f")
			publish(t, tp, "g")
			b.Close() //nolint:errcheck // the end of the test
		})
	}
}
