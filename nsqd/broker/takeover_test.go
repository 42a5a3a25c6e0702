package broker

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// backlog returns what a channel takes over: words of a body and its attempts.
func backlog(channel, words string) Backlog {
	return Backlog{channel, func(take func(protocol.Message) error) error {
		for i, word := range strings.Fields(words) {
			m := protocol.Message{Timestamp: int64(i), Body: []byte(word[:1])}
			if _, err := fmt.Sscan(word[1:], &m.Attempts); err != nil {
				return err
			}
			if err := take(m); err != nil {
				return err
			}
		}
		return nil
	}}
}

// takeOver has the model's topic, which nobody consumes, take over random backlogs.
func (m *modelTopic) takeOver() {
	m.t.Helper()
	m.note("take over")
	m.syncAll()
	m.taken = true
	var backlogs []Backlog
	add := func(channel string, most int) map[string]uint16 {
		taken := map[string]uint16{}
		var list []protocol.Message
		for range m.dice.IntN(6) {
			msg := protocol.Message{Timestamp: m.dice.Int64(), Attempts: uint16(m.dice.IntN(most)), Body: fmt.Appendf(nil, "m%d%s", m.count, make([]byte, m.dice.IntN(80)))}
			m.count++
			list = append(list, msg)
			taken[string(msg.Body)] = msg.Attempts
		}
		backlogs = append(backlogs, Backlog{channel, func(take func(protocol.Message) error) error {
			for _, msg := range list {
				if err := take(msg); err != nil {
					return err
				}
			}
			return nil
		}})
		return taken
	}
	own := add("", 1)
	if !m.holds() || len(m.held) == 0 { // else the hold keeps it from the channels
		for _, name := range slices.Sorted(maps.Keys(m.channels)) {
			for body, attempts := range add(name, 5) {
				m.channels[name].messages[body] = &modelMessage{state: again, attempts: attempts}
			}
		}
	}
	m.must(m.topic.TakeOver(backlogs, []uint64{1}))
	if len(m.topic.TakenOver()) != 1 {
		m.t.Fatal("it has not taken over")
	}
	m.must(m.topic.ForgetTakeOver())
	for body := range own {
		m.held[body] = time.Now()
	}
	m.flow()
}

// bodiesOf returns what a consumer of the channel gets, with attempts.
func bodiesOf(t *testing.T, c *Channel) string {
	t.Helper()
	k := subscribe(t, c, 100)
	var all []string
	for _, m := range k.take(t) {
		all = append(all, fmt.Sprintf("%s%d", m.Body, m.Attempts))
	}
	k.Unsubscribe()
	return strings.Join(all, " ")
}

func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := newFS()
		b := newBroker(t, fsys, nil)
		tp, c := topicAndChannel(t, b, "t", "c")
		d, err := tp.Channel("d")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, tp, "x")
		if err := tp.TakeOver([]Backlog{backlog("", "m0 n2"), backlog("c", "a0 b7"), backlog("d", "e65535 f65534")}, []uint64{7, math.MaxUint64}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for name, figures := range map[string][2]int64{"c": {5, 0}, "d": {5, 0}} {
				ch, _ := tp.FindChannel(name)
				if s := ch.Stats(); s.Depth != figures[0] || s.Messages != uint64(figures[1]) {
					t.Errorf("%s: depth %d, %d messages", name, s.Depth, s.Messages)
				}
			}
			want(t, "c", peekAll(t, c, Waiting), "x0 a0 b7 m0 n2")
			want(t, "d", peekAll(t, d, Waiting), "x0 e65535 f65534 m0 n2")
			if got := tp.TakenOver(); !slices.Equal(got, []uint64{7, math.MaxUint64}) {
				t.Errorf("it has taken over %d", got)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = newBroker(t, fsys, nil)
			if err := b.Restore(nil); err != nil {
				t.Fatal(err)
			}
			tp, _ = b.FindTopic("t")
			c, _ = tp.FindChannel("c")
			d, _ = tp.FindChannel("d")
		}
		if err := tp.ForgetTakeOver(); err != nil || tp.TakenOver() != nil {
			t.Errorf("not forgotten: %v", err)
		}
		want(t, "c", bodiesOf(t, c), "x1 a1 b8 m1 n3")
		want(t, "d", bodiesOf(t, d), "x1 e0 f65535 m1 n3")
		pass(2 * time.Minute)
		want(t, "c again", bodiesOf(t, c), "x2 a2 b9 m2 n4")
		want(t, "d again", bodiesOf(t, d), "x2 e1 f0 m2 n4")
		want(t, "c in flight", peekAll(t, c, InFlight), "x2 a2 b9 m2 n4")
	})
}

// TestTakeOverHolding: what a paused topic holds is its own backlog, not its channels'.
func TestTakeOverHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), nil)
		if err := b.Restore([]TopicMeta{{Name: "t", Paused: true, Channels: []ChannelMeta{{Name: "c"}, {Name: "d"}}}, {Name: "u"}}); err != nil {
			t.Fatal(err)
		}
		tp, _ := b.FindTopic("t")
		if err := tp.TakeOver([]Backlog{backlog("", "m0 n0"), backlog("d", "a0"), backlog("c", "b1")}, nil); err != nil {
			t.Fatal(err)
		}
		c, _ := tp.FindChannel("c")
		d, _ := tp.FindChannel("d")
		if got := tp.Stats().Depth; got != 2 {
			t.Errorf("depth %d", got)
		}
		want(t, "c", bodiesOf(t, c), "b2")
		want(t, "d", bodiesOf(t, d), "a1")
		tp.Unpause()
		want(t, "c", bodiesOf(t, c), "m1 n1")
		want(t, "d", bodiesOf(t, d), "m1 n1")

		u, _ := b.FindTopic("u")
		if err := u.TakeOver([]Backlog{backlog("", "a0")}, nil); err != nil {
			t.Fatal(err)
		}
		late, err := u.Channel("late")
		if err != nil {
			t.Fatal(err)
		}
		want(t, "late", bodiesOf(t, late), "a1")
		if err := u.TakeOver([]Backlog{backlog("", "b0"), backlog("none", "c0")}, nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("a backlog of no channel: %v", err)
		}
		publish(t, u, "z")
		want(t, "late", bodiesOf(t, late), "z1")
	})
}

// TestTakeOverIsWhole fails and crashes a take-over at every operation, once or
// for good: all of it is there, or nothing, and the log goes on.
func TestTakeOverIsWhole(t *testing.T) {
	for _, durability := range []diskqueue.Durability{diskqueue.Memory, diskqueue.Write} {
		for _, forGood := range []bool{false, true} {
			n := 1
			for done := false; !done && !t.Failed(); n++ {
				synctest.Test(t, func(t *testing.T) { done = failTakeOver(t, durability, n, forGood) })
			}
			if n < 10 {
				t.Errorf("only %d operations", n)
			}
		}
	}
}

func openTwoChannels(t *testing.T, fsys vfs.FS, durability diskqueue.Durability) *Topic {
	t.Helper()
	b := New(Config{Store: diskqueue.NewStore(fsys, "/data", 4), Durability: durability, MemQueueSize: 10, MaxBytesPerFile: 300})
	if err := b.Restore([]TopicMeta{{Name: "t", Channels: []ChannelMeta{{Name: "c"}, {Name: "d"}}}}); err != nil {
		t.Fatal(err)
	}
	tp, _ := b.FindTopic("t")
	return tp
}

// failTakeOver lets operation n of a take-over fail, and if forGood all that come
// after it. It returns true if there was none.
func failTakeOver(t *testing.T, durability diskqueue.Durability, n int, forGood bool) (done bool) {
	mem := newFS()
	if err := mem.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	disk := vfs.NewFaulty(mem)
	tp := openTwoChannels(t, disk, durability)
	publish(t, tp, "x")
	if err := errors.Join(tp.log.Flush(), tp.journal.write(), tp.journal.file.Sync()); err != nil {
		t.Fatal(err)
	}
	disk.Fail(func(i int, _ vfs.Op, _ string) error {
		if i == n || i > n && forGood {
			return errors.New("no")
		}
		return nil
	})
	err := tp.TakeOver([]Backlog{backlog("", "m0 n0 o0 p0"), backlog("c", "a0 b0 e0 f0 g0 h0"), backlog("d", "q1")}, []uint64{1})
	done = disk.Count() < n
	disk.Fail(nil)
	if done && err != nil || forGood && !done && err == nil {
		t.Fatalf("%d operations, failing from %d on: %v", disk.Count(), n, err)
	}
	check := func(how string, fsys vfs.FS) {
		tp := openTwoChannels(t, fsys, durability)
		c, _ := tp.FindChannel("c")
		d, _ := tp.FindChannel("d")
		gotC, gotD := peekAll(t, c, Waiting), peekAll(t, d, Waiting)
		whole := gotC == "x0 a0 b0 e0 f0 g0 h0 m0 n0 o0 p0" && gotD == "x0 q1 m0 n0 o0 p0"
		nothing := gotC == "x0" && gotD == "x0"
		if !whole && !nothing || whole != (len(tp.TakenOver()) == 1) || err == nil && !whole {
			t.Errorf("%s at operation %d, for good %v, durability %d, %v: c has %q, d has %q, has taken over %d",
				how, n, forGood, durability, err, gotC, gotD, tp.TakenOver())
		}
		publish(t, tp, "y")
		if got := bodiesOf(t, c); !strings.HasSuffix(got, " y1") || strings.Count(got, " ") != strings.Count(gotC, " ")+1 {
			t.Errorf("%s at operation %d: then c has %q", how, n, got)
		}
		if err := tp.broker.Close(); err != nil {
			t.Error(err)
		}
	}
	check("kill", mem.Clone())
	for seed := range uint64(5) {
		check("crash", mem.Clone().Crash(rand.New(rand.NewPCG(seed, uint64(n)))))
	}
	return done
}

// TestTakeOverLarge takes over more than fits into one append, bodies larger than that among it.
func TestTakeOverLarge(t *testing.T) {
	b := newBroker(t, newFS(), nil)
	tp, c := topicAndChannel(t, b, "t", "c")
	sizes := []int{takeBytesAtOnce + 1, 1, takeBytesAtOnce, 0, takeBytesAtOnce / 2, takeBytesAtOnce/2 + 1}
	for len(sizes) < 3*takeAtOnce {
		sizes = append(sizes, len(sizes)%7)
	}
	body := make([]byte, takeBytesAtOnce+1)
	err := tp.TakeOver([]Backlog{{"c", func(take func(protocol.Message) error) error {
		for i, size := range sizes {
			for j := range body[:size] {
				body[j] = byte(i)
			}
			if err := take(protocol.Message{Timestamp: math.MinInt64 + int64(i), Body: body[:size]}); err != nil {
				return err
			}
		}
		return nil
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := subscribe(t, c, 2*len(sizes))
	got := k.take(t)
	if len(got) != len(sizes) {
		t.Fatalf("%d messages, want %d", len(got), len(sizes))
	}
	for i, m := range got {
		if len(m.Body) != sizes[i] || m.Timestamp != math.MinInt64+int64(i) || sizes[i] > 0 && m.Body[sizes[i]-1] != byte(i) {
			t.Fatalf("message %d: %d bytes, want %d; timestamp %d", i, len(m.Body), sizes[i], m.Timestamp)
		}
	}
}
