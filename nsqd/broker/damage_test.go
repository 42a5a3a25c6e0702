package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
)

// TestDamagedJournal damages each byte of a journal in turn, with nsqd.dat at
// hand and without: what was not finished comes all the same, nothing else is lost.
func TestDamagedJournal(t *testing.T) {
	const name, messages = "/data/t.topic/state", 20
	synctest.Test(t, func(t *testing.T) {
		mem := newFS()
		b := newBroker(t, mem, nil)
		tp, ch := topicAndChannel(t, b, "t", "c")
		k := subscribe(t, ch, messages/2)
		owed := map[string]bool{}
		for i := range messages {
			body := fmt.Sprintf("m%02d", i)
			owed[body] = true
			publish(t, tp, body)
		}
		for i, m := range k.take(t) {
			switch i % 3 {
			case 0:
				k.mustFinish(t, m)
				delete(owed, string(m.Body))
			case 1:
				if err := k.Requeue(m.ID, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			tp.tend() // an entry for each
		}
		meta := b.Meta()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := mem.OpenFile(name)
		if err != nil {
			t.Fatal(err)
		}
		size, err := f.Size()
		if err != nil {
			t.Fatal(err)
		}
		for at := range size {
			for _, known := range [][]TopicMeta{meta, nil} {
				survivesFlip(t, mem.Clone(), name, at, known, owed)
			}
		}
	})
}

// survivesFlip changes a byte of a file and checks that all that is owed comes.
func survivesFlip(t *testing.T, mem *vfs.Mem, name string, at int64, meta []TopicMeta, owed map[string]bool) {
	t.Helper()
	f, err := mem.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := f.ReadAt(p, at); err != nil {
		t.Fatal(err)
	}
	p[0] ^= 1 << (at % 8)
	if _, err := f.WriteVecAt(at, p); err != nil {
		t.Fatal(err)
	}
	warned := false
	b := New(Config{
		Store: diskqueue.NewStore(mem, "/data", 0), MemQueueSize: 10, NodeID: 7,
		Warnf: func(string, ...any) { warned = true },
	})
	if err := b.Restore(meta); err != nil {
		t.Fatalf("byte %d: %v", at, err)
	}
	if !warned {
		t.Errorf("byte %d: nobody is told", at)
	}
	_, ch := topicAndChannel(t, b, "t", "c")
	k := subscribe(t, ch, 1000)
	pass(2 * time.Minute)
	got := map[string]bool{}
	for _, m := range k.take(t) {
		got[string(m.Body)] = true
	}
	for body := range owed {
		if !got[body] {
			t.Errorf("byte %d: %s is lost", at, body)
		}
	}
	for body := range got {
		if len(body) != 3 || body > "m19" || body < "m00" {
			t.Errorf("byte %d: %q came", at, body)
		}
	}
	if err := b.Close(); err != nil {
		t.Errorf("byte %d: %v", at, err)
	}
}

// TestChannelsSurviveAKillAtOnce kills the process before nsqd.dat is written.
func TestChannelsSurviveAKillAtOnce(t *testing.T) {
	fs := newFS()
	b := newBroker(t, fs, nil)
	tp, _ := topicAndChannel(t, b, "t", "first")
	topicAndChannel(t, b, "t", "second")
	publish(t, tp, "a")
	b = newBroker(t, fs.Kill(), nil)
	tp, _ = b.FindTopic("t")
	for _, name := range []string{"first", "second"} {
		ch, ok := tp.FindChannel(name)
		if !ok {
			t.Fatalf("channel %s is gone", name)
		}
		want(t, name, bodies(subscribe(t, ch, 1).take(t)), "a")
	}
}
