package broker

import (
	"testing"
	"time"
)

func move(t *testing.T, c *Channel) *Subscription {
	t.Helper()
	s, err := c.Subscribe(Consumer{Mover: true, MsgTimeout: time.Minute, Wake: func() { t.Error("a mover was woken") }, Close: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMoverGetsWhatWaited also has a mover be no obstacle to consumers.
func TestMoverGetsWhatWaited(t *testing.T) {
	b := newBroker(t, newFS(), func(c *Config) { c.MaxChannelConsumers = 1 })
	tp, ch := topicAndChannel(t, b, "t", "c")
	publish(t, tp, "a", "b")
	s := move(t, ch)
	publish(t, tp, "c")
	k := subscribe(t, ch, 0) // it is the only consumer
	ch.Pause()
	s.SetReady(10)
	want(t, "moved", bodies((&consumer{Subscription: s}).take(t)), "a b")
	k.SetReady(10)
	want(t, "delivered while paused", bodies(k.take(t)), "")
	ch.Unpause()
	want(t, "delivered", bodies(k.take(t)), "c")
	if n := ch.Stats().Consumers; n != 1 {
		t.Errorf("%d consumers", n)
	}
	publish(t, tp, "d")
	if len(k.woken) == 0 {
		t.Error("the consumer was not woken")
	}
	s.Unsubscribe()
	b.Close()
}

func TestMoverKeepsNoEphemeralChannel(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, ch := topicAndChannel(t, b, "t", "c#ephemeral")
	move(t, ch).Unsubscribe()
	if _, ok := tp.FindChannel("c#ephemeral"); !ok {
		t.Error("gone with a mover")
	}
	s, k := move(t, ch), subscribe(t, ch, 1)
	k.Unsubscribe()
	if _, ok := tp.FindChannel("c#ephemeral"); ok {
		t.Error("still there without a consumer")
	}
	s.Unsubscribe()
	b.Close()
}
