package broker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
)

const deepJournal = "/data/t.topic/state"

// deep returns a broker whose channel owes more pages than an entry of the journal has.
func deep(t *testing.T, fs *vfs.Mem) (b *Broker, n int64) {
	b = newBroker(t, fs, nil)
	tp, _ := topicAndChannel(t, b, "t", "c")
	n = 5*pagesAtOnce/2 + 1
	var batch []Message
	for range n { // a page for each, as they have others between them
		batch = append(batch, Message{Body: []byte("now")}, Message{Body: []byte("later"), Delay: time.Hour})
	}
	if err := tp.Publish(batch); err != nil {
		t.Fatal(err)
	}
	return b, n
}

// kinds returns the kinds of the journal's entries, and the size of the largest.
func kinds(t *testing.T, fs *vfs.Mem) (kinds string, largest int) {
	t.Helper()
	j, err := diskqueue.NewStore(fs, "/data", 0).OpenJournal("t", func(entry []byte) {
		kinds += string(entry[0])
		largest = max(largest, len(entry))
	})
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	return kinds, largest
}

// TestDeepChannel holds that a channel that owes very much has entries of a
// bounded size in the journal, in changes and in the journal written anew.
func TestDeepChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFS()
		b, n := deep(t, fs)
		tp, _ := b.FindTopic("t")
		tp.journal.base = rewriteFrom // so that it is not written anew
		tp.tend()
		change, size := kinds(t, fs.Clone())
		if !strings.HasSuffix(change, "PPPC") || size > pagesAtOnce*(pageSize+1)*16 {
			t.Errorf("entries %s, up to %d bytes", change, size)
		}
		for _, fs := range []*vfs.Mem{fs.Clone(), func() *vfs.Mem { b.Close(); return fs }()} { //nolint:errcheck // what it has left is looked at
			b := newBroker(t, fs, nil)
			tp, _ := b.FindTopic("t")
			c, _ := tp.FindChannel("c")
			if s := c.Stats(); s.Depth != n || s.Deferred != n {
				t.Errorf("%d wait and %d are deferred, want %d each", s.Depth, s.Deferred, n)
			}
			b.Close() //nolint:errcheck // nothing was changed
		}
	})
}

// TestDeepChannelCutOff ends the process before the last entry about a channel is
// written: then what went before it is as if it had never been, also later.
func TestDeepChannelCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFS()
		b, n := deep(t, fs)
		tp, _ := b.FindTopic("t")
		tp.journal.base = rewriteFrom
		tp.tend()
		fs = fs.Kill()
		f, err := fs.OpenFile(deepJournal)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteVecAt(tp.journal.file.Size()-1, []byte{0xee}); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if got, _ := kinds(t, fs); got[len(got)-1] != entryPages {
			t.Fatalf("entries %s", got)
		}
		b = newBroker(t, fs, nil)
		if got, _ := kinds(t, fs.Clone()); got != "TC" {
			t.Errorf("written anew: %s", got)
		}
		tp, _ = b.FindTopic("t")
		c, _ := tp.FindChannel("c")
		k := subscribe(t, c, int(3*n))
		for got := int64(0); got < n; {
			taken := k.take(t)
			if len(taken) == 0 {
				t.Fatalf("%d of %d came", got, n)
			}
			for _, m := range taken {
				want(t, "body", string(m.Body), "now")
			}
			got += int64(len(taken))
			k.mustFinish(t, taken...)
		}
		if s := c.Stats(); s.Depth != 0 || s.Deferred != n {
			t.Errorf("%d wait and %d are deferred", s.Depth, s.Deferred)
		}
		b.Close() //nolint:errcheck // the end of the test
	})
}

// TestPutOffByOnes has consumers with a ready count of one put all off, between
// others that they finish: that takes few pages, and little to look through.
func TestPutOffByOnes(t *testing.T) {
	const n = 20 * pageSize
	synctest.Test(t, func(t *testing.T) {
		fs := newFS()
		b := newBroker(t, fs, nil)
		tp, c := topicAndChannel(t, b, "t", "c")
		for range n + 1 {
			publish(t, tp, "m")
		}
		k := subscribe(t, c, 1)
		for i := range n {
			m := k.take(t)
			if len(m) != 1 {
				t.Fatalf("%d messages", len(m))
			}
			if i%3 == 0 {
				k.mustFinish(t, m...)
			} else if err := k.Requeue(m[0].ID, time.Hour+time.Duration(i)*time.Second); err != nil {
				t.Fatal(err)
			}
			<-k.woken // as there is room for the next one
		}
		last := k.take(t)
		for _, end := range []string{"", "restart"} {
			if end != "" {
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b = newBroker(t, fs, nil)
				tp, _ = b.FindTopic("t")
				c, _ = tp.FindChannel("c")
			}
			pages := 0
			c.below.all(func(*page) { pages++ })
			if pages > n/pageSize+1 {
				t.Errorf("%s: %d pages for %d messages", end, pages, n)
			}
			list, next, err := c.Peek(Deferred, 0, MaxPeek, 0)
			if err != nil || len(list) != MaxPeek || next == 0 {
				t.Fatalf("%s: peeked %d, next %d, %v", end, len(list), next, err)
			}
			for i, p := range list[1:] {
				if by := p.Until.Sub(list[i].Until); by < time.Second || by > 2*time.Second {
					t.Fatalf("%s: message %d is due %s after the one before", end, i+1, by)
				}
			}
		}
		found, next, err := c.Peek(Waiting, 0, 10, 0)
		if err != nil || next != 0 || len(found) != 1 || found[0].ID != last[0].ID {
			t.Errorf("behind what is deferred: %+v, next %d, %v", found, next, err)
		}
		k = subscribe(t, c, 2*n)
		pass(2 * time.Hour)
		if got := len(k.take(t)); got == 0 {
			t.Error("nothing comes when it is due")
		}
		b.Close() //nolint:errcheck // the end of the test
	})
}

// TestDeferredInMemory holds that the bodies of what is deferred stay in memory
// while there are publishes, for a burst that comes due, and go when nothing happens.
func TestDeferredInMemory(t *testing.T) {
	const n, size = 1000, 10000
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, newFS(), nil)
		tp, c := topicAndChannel(t, b, "t", "c")
		k := subscribe(t, c, 2*n)
		for range n {
			if err := tp.Publish([]Message{{Body: make([]byte, size), Delay: time.Hour}}); err != nil {
				t.Fatal(err)
			}
		}
		k.take(t) // the cursor is behind all of them
		tp.tend()
		if used := b.MemoryUsed(); used < n*size {
			t.Errorf("%d bytes are in memory", used)
		}
		for range idleTends + 1 {
			tp.tend()
		}
		if used := b.MemoryUsed(); used > n*size/10 {
			t.Errorf("%d bytes are in memory still", used)
		}
		pass(time.Hour)
		for got := 0; got < n; {
			taken := k.take(t)
			if len(taken) == 0 {
				t.Fatalf("%d of %d came", got, n)
			}
			got += len(taken)
			k.mustFinish(t, taken...)
		}
		b.Close() //nolint:errcheck // the end of the test
	})
}
