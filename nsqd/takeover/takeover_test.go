package takeover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"nsqsuite/diskqueue"
	"nsqsuite/diskqueue/upstream"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

const dir = "/data"

func newFS(t testing.TB) *vfs.Mem {
	t.Helper()
	fsys := vfs.NewMem()
	if err := errors.Join(fsys.MkdirAll(dir), fsys.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return fsys
}

func put(t testing.TB, fsys vfs.FS, name, content string) {
	t.Helper()
	f, err := fsys.Create(path.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteVecAt(0, []byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// message returns a record of a message with this timestamp, attempts and body.
func message(at int64, attempts uint16, body string) string {
	p := protocol.AppendMessage(nil, protocol.Message{ID: protocol.NewMessageID(uint64(at)), Timestamp: at, Attempts: attempts, Body: []byte(body)})
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) + string(p)
}

// open opens a broker on what is in the folder.
func open(t testing.TB, fsys vfs.FS, meta []broker.TopicMeta) *broker.Broker {
	t.Helper()
	b := broker.New(broker.Config{Store: diskqueue.NewStore(fsys, dir, 8), Durability: diskqueue.Write, MemQueueSize: 50, MaxBytesPerFile: 5000})
	if err := b.Restore(meta); err != nil {
		t.Fatal(err)
	}
	return b
}

// holds returns every message of a topic, or of its channel, as timestamp, attempts and body, sorted.
func holds(t testing.TB, b *broker.Broker, topic, channel string) []string {
	t.Helper()
	tp, ok := b.FindTopic(topic)
	if !ok {
		t.Fatalf("no topic %s", topic)
	}
	var list []string
	messages := peek(tp.PeekHeld)
	if channel != "" {
		c, ok := tp.FindChannel(channel)
		if !ok {
			t.Fatalf("no channel %s", channel)
		}
		messages = everything(c)
	}
	err := messages.each(1<<20, func(p *broker.Peeked) error {
		list = append(list, fmt.Sprintf("%d/%d/%s", p.Timestamp, p.Attempts, p.Body))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sorted(list)
}

func names(t testing.TB, fsys vfs.FS, dir string) string {
	t.Helper()
	list, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

// TestReport takes over what upstream may leave behind, and looks at the log and the folder.
func TestReport(t *testing.T) {
	fsys := newFS(t)
	put(t, fsys, "t.diskqueue.meta.dat", "1\n0,0\n0,29\n")
	put(t, fsys, "t.diskqueue.000000.dat", message(1, 0, "own"))
	put(t, fsys, "t:c.diskqueue.000007.dat", message(2, 3, "cc")+"\x00\x00")
	put(t, fsys, "t:c.diskqueue.000003.dat.bad", message(4, 1, "bad")+"????"+message(5, 1, "behind"))
	put(t, fsys, "t:d.diskqueue.meta.dat", "0\n0,0\n0,0\n")
	put(t, fsys, "t:e.diskqueue.000001.dat.bad", message(6, 1, "ee"))
	put(t, fsys, "t:gone.diskqueue.000000.dat", message(7, 1, "gone"))
	put(t, fsys, "other.diskqueue.000000.dat", message(8, 1, "other"))
	meta := []broker.TopicMeta{{Name: "t", Channels: []broker.ChannelMeta{{Name: "c"}, {Name: "d"}, {Name: "e"}}}}
	for _, step := range []struct {
		salvage bool
		log     string
		data    string
		away    string
		c, e    string
	}{
		{false, `WARNING: TAKEOVER: 1 files of queue t:c are left alone: upstream has given them up (.bad); --salvage-bad reads them
WARNING: TAKEOVER: 1 files of queue t:e are left alone: upstream has given them up (.bad); --salvage-bad reads them
WARNING: TAKEOVER: 2 queues are left alone, as nsqd.dat has no such topics or channels: see --check
WARNING: TAKEOVER: queue t:c has no usable metadata: everything in its files is taken over
INFO: TAKEOVER: queue t: 1 messages, 29 bytes
INFO: TAKEOVER: queue t:c: 1 messages, 28 bytes
ERROR: TAKEOVER: queue t:c: t:c.diskqueue.000007.dat: 2 bytes at 32: a record is cut short
INFO: TAKEOVER: the originals of 4 files are in /data/taken-over/1
`, "other.diskqueue.000000.dat t.topic t:c.diskqueue.000003.dat.bad t:e.diskqueue.000001.dat.bad t:gone.diskqueue.000000.dat taken-over",
			"1: t.diskqueue.000000.dat t.diskqueue.meta.dat t:c.diskqueue.000007.dat t:d.diskqueue.meta.dat",
			"1/0/own 2/3/cc", "1/0/own"},
		{true, `WARNING: TAKEOVER: 2 queues are left alone, as nsqd.dat has no such topics or channels: see --check
WARNING: TAKEOVER: queue t:c has no usable metadata: everything in its files is taken over
WARNING: TAKEOVER: queue t:e has no usable metadata: everything in its files is taken over
INFO: TAKEOVER: queue t:c: 2 messages, 61 bytes
ERROR: TAKEOVER: queue t:c: t:c.diskqueue.000003.dat.bad: 4 bytes at 33: a record of 1061109567 bytes cannot be
INFO: TAKEOVER: queue t:e: 1 messages, 28 bytes
INFO: TAKEOVER: the originals of 2 files are in /data/taken-over/2
`, "other.diskqueue.000000.dat t.topic t:gone.diskqueue.000000.dat taken-over",
			"2: t:c.diskqueue.000003.dat.bad t:e.diskqueue.000001.dat.bad",
			"1/0/own 2/3/cc 4/1/bad 5/1/behind", "1/0/own 6/1/ee"},
	} {
		b := open(t, fsys, meta)
		var log nsqtest.Output
		if err := TakeOver(fsys, dir, b, step.salvage, logging.New(&log, "", logging.Info)); err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for line := range strings.Lines(log.String()) {
			_, text, _ := strings.Cut(line[len("2006/01/02 "):], " ")
			lines.WriteString(text)
		}
		if got := lines.String(); got != step.log {
			t.Errorf("log:\n%s\nwant:\n%s", got, step.log)
		}
		if got := names(t, fsys, dir); got != step.data {
			t.Errorf("left: %s", got)
		}
		n, want, _ := strings.Cut(step.away, ": ")
		if got := names(t, fsys, path.Join(dir, folder, n)); got != want {
			t.Errorf("put away: %s", got)
		}
		if c, e := strings.Join(holds(t, b, "t", "c"), " "), strings.Join(holds(t, b, "t", "e"), " "); c != step.c || e != step.e {
			t.Errorf("c: %q, e: %q", c, e)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// world is a random folder of upstream's and what must come out of it.
type world struct {
	fs   *vfs.Mem
	meta []broker.TopicMeta
	want map[string][]string // by queue
}

func newWorld(t testing.TB, dice *rand.Rand) *world {
	w := &world{fs: newFS(t), want: map[string][]string{}}
	serial := int64(0)
	for i := range 1 + dice.IntN(3) {
		topic := broker.TopicMeta{Name: fmt.Sprint("t", i), Paused: dice.IntN(3) == 0}
		for j := range dice.IntN(4) {
			topic.Channels = append(topic.Channels, broker.ChannelMeta{Name: fmt.Sprint("c", j)})
		}
		w.meta = append(w.meta, topic)
		for j := range 1 + len(topic.Channels) {
			channel := ""
			if j > 0 {
				channel = topic.Channels[j-1].Name
			}
			name := upstream.QueueName(topic.Name, channel)
			q := upstream.NewWriter(w.fs, dir, name, 200+dice.Int64N(1000))
			for range dice.IntN(3) * dice.IntN(12) {
				serial++
				m := protocol.Message{ID: protocol.NewMessageID(uint64(serial)), Timestamp: serial * 1000, Attempts: uint16(dice.IntN(3)), Body: make([]byte, dice.IntN(60))}
				if dice.IntN(10) == 0 {
					m.Attempts = uint16(dice.Uint32())
				}
				if err := q.Write(protocol.AppendMessage(nil, m)); err != nil {
					t.Fatal(err)
				}
				w.want[name] = append(w.want[name], fmt.Sprintf("%d/%d/%s", m.Timestamp, m.Attempts, m.Body))
			}
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.fs.SyncDir(dir); err != nil {
		t.Fatal(err)
	}
	return w
}

// check compares what the broker holds with what there was.
func (w *world) check(t testing.TB, b *broker.Broker) {
	t.Helper()
	for _, topic := range w.meta {
		own := w.want[topic.Name]
		held := own
		if len(topic.Channels) > 0 && !topic.Paused {
			held = nil
		}
		if got := holds(t, b, topic.Name, ""); !slices.Equal(got, sorted(held)) {
			t.Fatalf("%s holds %q, want %q", topic.Name, got, held)
		}
		for _, c := range topic.Channels {
			want := w.want[upstream.QueueName(topic.Name, c.Name)]
			if held == nil {
				want = append(slices.Clone(want), own...)
			}
			if got := holds(t, b, topic.Name, c.Name); !slices.Equal(got, sorted(want)) {
				t.Fatalf("%s:%s has %q, want %q", topic.Name, c.Name, got, want)
			}
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// TestCrash ends a take-over at every operation, by a kill and by a power loss;
// the next start finds every message exactly once.
func TestCrash(t *testing.T) {
	no := errors.New("no")
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		w := newWorld(t, rand.New(rand.NewPCG(seed, 9)))
		for n := 1; ; n++ {
			mem := w.fs.Clone()
			disk := vfs.NewFaulty(mem)
			disk.Fail(func(i int, _ vfs.Op, _ string) error {
				if i >= n {
					return no
				}
				return nil
			})
			b := broker.New(broker.Config{Store: diskqueue.NewStore(disk, dir, 8), Durability: diskqueue.Write, MaxBytesPerFile: 500})
			err := b.Restore(w.meta)
			if err == nil {
				err = TakeOver(disk, dir, b, false, logging.Discard())
			}
			done := disk.Count() < n
			if done != (err == nil) {
				t.Fatalf("%d operations, failing from %d on: %v", disk.Count(), n, err)
			}
			for how, left := range []*vfs.Mem{mem.Clone(), mem.Clone().Crash(rand.New(rand.NewPCG(seed, uint64(n))))} {
				b := open(t, left, w.meta)
				if err := TakeOver(left, dir, b, false, logging.Discard()); err != nil {
					t.Fatalf("seed %d, operation %d, %d: %v", seed, n, how, err)
				}
				w.check(t, b)
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if queues, err := upstream.List(left, dir); err != nil || len(queues) > 0 {
					t.Fatalf("seed %d, operation %d: %d queues are left, %v", seed, n, len(queues), err)
				}
			}
			if done {
				break
			}
		}
	}
}

// TestBetween has upstream run on the folder after a crash that left everything
// taken over, but nothing put away: what it has written is not lost.
func TestBetween(t *testing.T) {
	fsys := newFS(t)
	put(t, fsys, "t:c.diskqueue.000000.dat", message(1, 0, "aa"))
	put(t, fsys, "t:c.diskqueue.000001.dat", message(2, 0, "bb"))
	put(t, fsys, "t:c.diskqueue.meta.dat", "2\n0,0\n1,32\n")
	meta := []broker.TopicMeta{{Name: "t", Channels: []broker.ChannelMeta{{Name: "c"}}}}
	disk := vfs.NewFaulty(fsys)
	disk.Fail(func(_ int, op vfs.Op, name string) error {
		if op == vfs.OpMkdir && strings.Contains(name, folder) {
			return errors.New("no")
		}
		return nil
	})
	if err := TakeOver(disk, dir, open(t, disk, meta), false, logging.Discard()); err == nil {
		t.Fatal("it has put the files away")
	}
	put(t, fsys, "t:c.diskqueue.000001.dat", message(2, 0, "bb")+message(3, 0, "cc"))
	put(t, fsys, "t:c.diskqueue.meta.dat", "1\n1,32\n1,64\n")
	put(t, fsys, "t:c.diskqueue.000002.dat", message(4, 0, "dd"))
	b := open(t, fsys, meta)
	if err := TakeOver(fsys, dir, b, false, logging.Discard()); err != nil {
		t.Fatal(err)
	}
	want := "1/0/aa 2/0/bb 3/0/cc 4/0/dd"
	if got := strings.Join(holds(t, b, "t", "c"), " "); got != want {
		t.Errorf("got %s", got)
	}
}
