package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
)

func TestAgesOfFinishedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		b := newBroker(t, newFS(), func(c *Config) {
			c.Finished = func(topic, channel string, ages, held []int64) {
				told = append(told, fmt.Sprint(topic, channel, ages, held))
			}
		})
		tp, ch := topicAndChannel(t, b, "t", "c")
		k := subscribe(t, ch, 10)
		publish(t, tp, "a", "b")
		pass(3)
		got := k.take(t)
		pass(2)
		k.mustFinish(t, got[0])
		if err := k.Requeue(got[1].ID, 0); err != nil {
			t.Fatal(err)
		}
		again := k.take(t)
		pass(4)
		k.mustFinish(t, again...)
		if err := k.Finish(got[0].ID); err != ErrNotInFlight {
			t.Fatal(err)
		}
		want(t, "ages", fmt.Sprint(told), "[tc[5] [2] tc[9] [4]]")
		b.Close()
	})
}

// age returns how old the oldest message is, or "none".
func age(t *testing.T, c *Channel) string {
	t.Helper()
	at, ok, err := c.Oldest()
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "none"
	}
	return time.Since(at).String()
}

func TestOldest(t *testing.T) {
	for _, mode := range []diskqueue.Durability{diskqueue.Write, diskqueue.Memory} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize, c.Durability = 1, mode })
			tp, ch := topicAndChannel(t, b, "t", "c")
			want(t, "an empty channel", age(t, ch), "none")
			if err := tp.Publish([]Message{{Body: []byte("later"), Delay: time.Hour}}); err != nil {
				t.Fatal(err)
			}
			want(t, "nothing but a deferred message", age(t, ch), "none")
			pass(time.Second)
			publish(t, tp, "a")
			pass(time.Second)
			publish(t, tp, "b", "c")
			want(t, "a waits", age(t, ch), "1s")
			k := subscribe(t, ch, 2)
			got := k.take(t)
			want(t, "a is in flight", age(t, ch), "1s")
			pass(time.Second)
			k.mustFinish(t, got[0])
			want(t, "b is in flight", age(t, ch), "1s")
			if err := k.Requeue(got[1].ID, time.Minute); err != nil {
				t.Fatal(err)
			}
			want(t, "b is deferred, c waits", age(t, ch), "1s")
			k.mustFinish(t, k.take(t)...)
			want(t, "b is deferred", age(t, ch), "none")
			pass(time.Minute)
			want(t, "b is due", age(t, ch), "1m1s")
			pass(time.Hour)
			want(t, "all are due", age(t, ch), "1h1m3s")
			k.SetReady(10)
			k.mustFinish(t, k.take(t)...)
			want(t, "all are finished", age(t, ch), "none")
			b.Close()
		})
	}
}

// TestOldestAtHistories has Oldest agree with Peek at the end of random histories.
func TestOldestAtHistories(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, 2000+seed, diskqueue.Write)
			for range 150 {
				m.step()
			}
			synctest.Wait()
			for name, c := range m.channels {
				oldest := int64(0)
				for _, where := range []Whereabouts{Waiting, InFlight} {
					found, _, err := c.Peek(where, 0, 1, 0)
					if err != nil {
						t.Fatal(err)
					}
					if len(found) > 0 && (oldest == 0 || found[0].Timestamp < oldest) {
						oldest = found[0].Timestamp
					}
				}
				at, ok, err := c.Oldest()
				if err != nil || ok != (oldest != 0) || ok && at.UnixNano() != oldest {
					t.Fatalf("seed %d, channel %s: %v %d, %v; want %d", seed, name, ok, at.UnixNano(), err, oldest)
				}
			}
			m.finishAll()
			m.must(m.broker.Close())
		})
	}
}

func TestStorage(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, _ := topicAndChannel(t, b, "t", "c")
	publish(t, tp, "a")
	first := tp.Storage()
	publish(t, tp, "b")
	if s := tp.Storage(); first.Bytes <= 0 || first.Segments != 1 || s.Bytes <= first.Bytes || s.Damaged != 0 || b.MemoryUsed() <= 0 {
		t.Errorf("%+v, then %+v", first, s)
	}
}
