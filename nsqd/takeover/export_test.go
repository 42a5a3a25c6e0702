package takeover

import (
	"errors"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nsqsuite/diskqueue/upstream"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// contents returns all files in a folder and those below it.
func contents(t testing.TB, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name := range strings.FieldsSeq(names(t, fsys, dir)) {
		f, err := fsys.OpenFile(path.Join(dir, name))
		if err != nil {
			for below, text := range contents(t, fsys, path.Join(dir, name)) {
				all[name+"/"+below] = text
			}
			continue
		}
		size, err := f.Size()
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size)
		if _, err := f.ReadAt(p, 0); err != nil && size > 0 {
			t.Fatal(err)
		}
		all[name] = string(p)
	}
	return all
}

// exported returns what an export of the folder's content writes, and holds that it changes nothing there.
func exported(t testing.TB, fsys vfs.FS, meta []broker.TopicMeta, maxFileBytes int64) map[string]string {
	t.Helper()
	before := contents(t, fsys, dir)
	b, err := Open(fsys, dir, meta, t.Errorf, t.Errorf)
	if err != nil {
		t.Fatal(err)
	}
	if err := Export(fsys, dir, b, "/out", maxFileBytes, logging.Discard()); err != nil {
		t.Fatal(err)
	}
	b.Close() //nolint:errcheck // it is only looked at
	if !reflect.DeepEqual(contents(t, fsys, dir), before) {
		t.Error("the export has changed what it has exported")
	}
	return contents(t, fsys, "/out")
}

// TestExport holds the bytes that upstream will find.
func TestExport(t *testing.T) {
	fsys := newFS(t)
	meta := []broker.TopicMeta{{Name: "t", Channels: []broker.ChannelMeta{{Name: "c"}, {Name: "d"}}}, {Name: "e#ephemeral"}}
	b := open(t, fsys, meta)
	tp, _ := b.FindTopic("t")
	c, _ := tp.FindChannel("c")
	if err := tp.Publish([]broker.Message{{Body: []byte("m1")}, {Body: []byte("m2"), Delay: time.Hour}, {Body: []byte("m3")}}); err != nil {
		t.Fatal(err)
	}
	k, err := c.Subscribe(broker.Consumer{MsgTimeout: time.Hour, Wake: func() {}, Close: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	k.SetReady(2)
	var run broker.Run
	if _, err := k.Receive(&run, 1<<20); err != nil || run.Len() != 2 {
		t.Fatalf("%d messages, %v", run.Len(), err)
	}
	run.Release()
	all, _, err := c.Peek(broker.Anywhere, 0, 10, 10)
	if err != nil || len(all) != 3 {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	if err := k.Finish(all[2].ID); err != nil {
		t.Fatal(err)
	}
	tp.Pause()
	if err := tp.Publish([]broker.Message{{Body: []byte("m4")}}); err != nil {
		t.Fatal(err)
	}
	held, _, err := tp.PeekHeld(0, 10, 10)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d messages held, %v", len(held), err)
	}
	meta = b.Meta()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	record := func(p broker.Peeked, attempts uint16) string {
		m := p.Message
		m.Attempts = attempts
		return "\x00\x00\x00\x1c" + string(protocol.AppendMessage(nil, m))
	}
	want := map[string]string{
		"t.diskqueue.meta.dat":     "1\n0,0\n0,32\n",
		"t.diskqueue.000000.dat":   record(held[0], 0),
		"t:c.diskqueue.meta.dat":   "2\n0,0\n0,64\n",
		"t:c.diskqueue.000000.dat": record(all[0], 1) + record(all[1], 0),
		"t:d.diskqueue.meta.dat":   "3\n0,0\n1,32\n",
		"t:d.diskqueue.000000.dat": record(all[0], 0) + record(all[1], 0),
		"t:d.diskqueue.000001.dat": record(all[2], 0),
	}
	if got := exported(t, fsys, meta, 70); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	b = open(t, fsys, meta)
	if err := Export(fsys, dir, b, "/out", 70, logging.Discard()); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into a folder with files: %v", err)
	}
	put(t, fsys, "t:d.diskqueue.000000.dat", message(1, 1, "left"))
	if err := Export(fsys, dir, b, "/new", 70, logging.Discard()); !errors.Is(err, ErrNotTakenOver) {
		t.Errorf("without what was not taken over: %v", err)
	}
}

// TestRoundTrip takes a random folder of upstream's over and exports it again, to
// be read as upstream would.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, rand.New(rand.NewPCG(seed, 7)))
		b := open(t, w.fs, w.meta)
		if err := TakeOver(w.fs, dir, b, false, logging.Discard()); err != nil {
			t.Fatal(err)
		}
		w.check(t, b)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		got := theirQueues(t, exported(t, w.fs, w.meta, 700), 700)
		for _, topic := range w.meta {
			own := w.want[topic.Name]
			flows := len(topic.Channels) > 0 && !topic.Paused
			for _, c := range topic.Channels {
				name := upstream.QueueName(topic.Name, c.Name)
				if flows {
					w.want[name] = append(w.want[name], own...)
				}
			}
			if flows {
				w.want[topic.Name] = nil
			}
		}
		for name, want := range w.want {
			if !slices.Equal(sorted(got[name]), sorted(want)) {
				t.Errorf("seed %d: %s has %q, want %q", seed, name, got[name], want)
			}
		}
	}
}
