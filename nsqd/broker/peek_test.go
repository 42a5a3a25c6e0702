package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// peekAll returns the bodies, with their attempts, of all messages in a place, page by page.
func peekAll(t *testing.T, c *Channel, where Whereabouts) string {
	t.Helper()
	var all []string
	for from := uint64(0); ; {
		found, next, err := c.Peek(where, from, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if p.Where != where || p.Size != len(p.Body) || (where == Waiting) != p.Until.IsZero() {
				t.Errorf("%+v", p)
			}
			all = append(all, fmt.Sprintf("%s%d", p.Body, p.Attempts))
		}
		if next == 0 {
			return strings.Join(all, " ")
		}
		from = next
	}
}

func TestPeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize = 2 })
		tp, ch := topicAndChannel(t, b, "t", "c")
		publish(t, tp, "a", "b", "c", "d")
		if err := tp.Publish([]Message{{Body: []byte("e"), Delay: time.Hour}, {Body: []byte("f")}}); err != nil {
			t.Fatal(err)
		}
		publish(t, tp, "g", "h", "i")
		k := subscribe(t, ch, 3)
		got := k.take(t)
		if err := k.Requeue(got[0].ID, time.Minute); err != nil {
			t.Fatal(err)
		}
		k.SetReady(0)
		if err := k.Requeue(got[1].ID, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 { // looking changes nothing
			want(t, "waiting", peekAll(t, ch, Waiting), "b1 d0 f0 g0 h0 i0")
			want(t, "in flight", peekAll(t, ch, InFlight), "c1")
			want(t, "deferred", peekAll(t, ch, Deferred), "a1 e0")
		}
		want(t, "counts", counts(ch), "depth 6 in flight 1 deferred 2 messages 9 requeues 2 timeouts 0")
		if err := ch.Cancel(got[1].ID); err != ErrNotDeferred {
			t.Errorf("cancelling what waits: %v", err)
		}
		found, _, err := ch.Peek(Deferred, 0, 10, 10)
		if err != nil || len(found) != 2 || time.Until(found[0].Until) != time.Minute {
			t.Fatalf("%+v, %v", found, err)
		}
		for _, p := range found {
			if err := ch.Cancel(p.ID); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "counts", counts(ch), "depth 6 in flight 1 deferred 0 messages 9 requeues 2 timeouts 0")
		pass(2 * time.Hour)
		k.SetReady(100)
		want(t, "all the rest", bodies(sortedByBody(k.take(t))), "b(2) c(2) d f g h i")
		b.Close()
	})
}

func sortedByBody(list []protocol.Message) []protocol.Message {
	slices.SortFunc(list, func(a, b protocol.Message) int { return strings.Compare(string(a.Body), string(b.Body)) })
	return list
}

// TestPeekAtHistories has Peek agree with the figures at the end of random histories.
func TestPeekAtHistories(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, 1000+seed, diskqueue.Write)
			for range 150 {
				m.step()
			}
			synctest.Wait()
			for name, c := range m.channels {
				n := 0
				for _, where := range []Whereabouts{Waiting, InFlight, Deferred} {
					n += len(peekIDs(t, c.Channel, where))
				}
				s := c.Stats()
				if total := s.Depth + s.InFlight + s.Deferred; int64(n) != total {
					t.Fatalf("seed %d, channel %s: %d messages peeked, %d counted", seed, name, n, total)
				}
			}
			m.finishAll()
			m.must(m.broker.Close())
		})
	}
}

// peekIDs returns the IDs of the messages in a place, none of them twice.
func peekIDs(t *testing.T, c *Channel, where Whereabouts) (ids []string) {
	t.Helper()
	found, next, err := c.Peek(where, 0, MaxPeek, 4)
	if err != nil || next != 0 {
		t.Fatalf("next %d, %v", next, err)
	}
	for _, p := range found {
		if slices.Contains(ids, p.ID.String()) {
			t.Errorf("%s twice", p.ID)
		}
		ids = append(ids, p.ID.String())
	}
	return ids
}

// TestPeekTellsOfADeadDisk reads from a disk that does not answer.
func TestPeekTellsOfADeadDisk(t *testing.T) {
	disk := vfs.NewFaulty(newFS())
	b := newBroker(t, disk, func(c *Config) { c.MemQueueSize = 0 })
	tp, ch := topicAndChannel(t, b, "t", "c")
	for range 100 {
		publish(t, tp, strings.Repeat("x", 100))
	}
	disk.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpRead {
			return fmt.Errorf("no answer")
		}
		return nil
	})
	if _, _, err := ch.Peek(Waiting, 0, 10, 10); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("%v", err)
	}
}
