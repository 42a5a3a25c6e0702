package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
)

// FuzzReplay restores a topic from a journal entry that is anything at all: it
// must not panic, nor give out more than the log has, and it must go on working.
func FuzzReplay(f *testing.F) {
	fs := newFS()
	b := newBroker(f, fs, nil)
	tp, ch := topicAndChannel(f, b, "t", "c")
	publish(f, tp, "a", "b", "c")
	k := subscribe(f, ch, 2)
	got := k.take(f)
	if err := k.Requeue(got[0].ID, time.Hour); err != nil {
		f.Fatal(err)
	}
	tp.tend()
	replay := func(entry []byte) { f.Add(append([]byte(nil), entry...)) }
	if _, err := diskqueue.NewStore(fs.Clone(), "/data", 4).OpenJournal("t", replay); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("C\x00\x01\x05\x01c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, entry []byte) {
		synctest.Test(t, func(t *testing.T) {
			fs := fs.Clone()
			j, err := diskqueue.NewStore(fs, "/data", 4).OpenJournal("t", func([]byte) {})
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Append(diskqueue.AppendEntry(nil, entry)); err != nil {
				t.Fatal(err)
			}
			b := newBroker(t, fs, func(c *Config) { c.Warnf, c.Errorf = nil, nil })
			tp, ch := topicAndChannel(t, b, "t", "c")
			publish(t, tp, "d")
			k := subscribe(t, ch, 1000)
			if n := len(k.take(t)); n > 4 {
				t.Fatalf("%d messages of 4", n)
			}
			tp.tend()
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
}
