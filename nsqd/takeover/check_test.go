package takeover

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
)

// checked returns what a Check says, and holds that it changes nothing.
func checked(t *testing.T, fsys vfs.FS, meta []broker.TopicMeta) (string, error) {
	t.Helper()
	before := contents(t, fsys, dir)
	var out strings.Builder
	err := Check(fsys, dir, meta, &out)
	if !reflect.DeepEqual(contents(t, fsys, dir), before) {
		t.Error("the check has changed what it has checked")
	}
	return out.String(), err
}

func TestCheck(t *testing.T) {
	fsys := newFS(t)
	if text, err := checked(t, fsys, nil); text != "clean\n" || err != nil {
		t.Errorf("of nothing: %q, %v", text, err)
	}
	meta := []broker.TopicMeta{{Name: "t", Channels: []broker.ChannelMeta{{Name: "c", Paused: true}, {Name: "d"}}}, {Name: "u", Paused: true}}
	b := open(t, fsys, meta)
	for _, name := range []string{"t", "u"} {
		tp, _ := b.FindTopic(name)
		for range 3 {
			if err := tp.Publish([]broker.Message{{Body: []byte("abc")}, {Body: []byte("defgh"), Delay: time.Hour}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	tp, _ := b.FindTopic("t")
	d, _ := tp.FindChannel("d")
	if err := d.Empty(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	ours := `topic t: holds 0 messages, 0 bytes
  channel c (paused): 6 messages, 24 bytes, 3 of them deferred
  channel d: 0 messages, 0 bytes
topic u (paused): holds 6 messages, 24 bytes, 3 of them deferred
`
	if text, err := checked(t, fsys, meta); text != ours+"clean\n" || err != nil {
		t.Errorf("%s%v", text, err)
	}

	put(t, fsys, "nsqd.dat.77.tmp", "{")
	put(t, fsys, "t.diskqueue.meta.dat", "1\n1,0\n1,29\n")
	put(t, fsys, "t.diskqueue.meta.dat.77.tmp", "")
	put(t, fsys, "t.diskqueue.000000.dat", message(1, 0, "old"))
	put(t, fsys, "t.diskqueue.000001.dat", message(1, 0, "own"))
	put(t, fsys, "x:y.diskqueue.000001.dat.bad", message(1, 0, "bad"))
	put(t, fsys, "t.topic/0000000000000001.log.40.bad", "?")
	clean := ours + `upstream's queue t: 1 messages, 29 bytes, to be taken over
upstream's queue x:y: 0 messages, 0 bytes, left alone, as nsqd.dat has no such topic or channel
  with --salvage-bad: 1 messages more, of which some may have been finished
litter: t.diskqueue.meta.dat.77.tmp: upstream has no use for it
litter: t.diskqueue.000000.dat: upstream has no use for it
litter: queue x:y: nobody's; to adopt it, start nsqd, curl -X POST 'http://…:4151/topic/create?topic=x' 'http://…:4151/channel/create?topic=x&channel=y', and start it again; to remove it: rm '/data/x:y'.diskqueue.*
litter: nsqd.dat.77.tmp: nsqd.dat, not written to its end
litter: t.topic/0000000000000001.log.40.bad: damaged bytes, kept aside
`
	if text, err := checked(t, fsys, meta); text != clean+"clean\n" || err != nil {
		t.Errorf("%s%v", text, err)
	}

	put(t, fsys, "t:c.diskqueue.000000.dat", message(1, 0, "cc")+"\x00")
	put(t, fsys, "t:c.diskqueue.meta.dat", "what?")
	flip(t, fsys, "u.topic")
	flip(t, fsys, "t.topic")
	text, err := checked(t, fsys, meta)
	for _, want := range []string{
		"topic u (paused): holds 4 messages, 16 bytes can be read of 6, 2 of them deferred\n",
		"  channel c (paused): 4 messages, 16 bytes can be read of 6, 2 of them deferred\n",
		"upstream's queue t:c: 1 messages, 28 bytes, to be taken over\n",
		"damage: TOPIC(t): ", "damage: TOPIC(u): ", " 2 messages lost - create ",
		"damage: upstream's queue t:c: metadata are unreadable: everything in its files counts\n",
		"damage: upstream's queue t:c: t:c.diskqueue.000000.dat: 1 bytes at 32: a record is cut short\n",
		"\n4 damaged places\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// flip changes a bit of the second batch of a topic's only segment.
func flip(t *testing.T, fsys vfs.FS, topic string) {
	t.Helper()
	for name, text := range contents(t, fsys, dir) {
		if strings.HasPrefix(name, topic+"/") && strings.HasSuffix(name, ".log") {
			at := strings.LastIndex(text[:strings.LastIndex(text, "defgh")], "defgh")
			put(t, fsys, name, text[:at]+"D"+text[at+1:])
			return
		}
	}
	t.Fatal("no segment")
}

// TestOrphans holds what is told of queues that nobody can own.
func TestOrphans(t *testing.T) {
	for queue, want := range map[string]string{
		"t":             "queue t: nobody's; to adopt it, start nsqd, curl -X POST 'http://…:4151/topic/create?topic=t', and start it again; to remove it: rm '/d/t'.diskqueue.*",
		"it's":          `queue it's: nobody's; to remove it: rm '/d/it'\''s'.diskqueue.*`,
		"t:":            "queue t:: nobody's; to remove it: rm '/d/t:'.diskqueue.*",
		"t#ephemeral:c": "queue t#ephemeral:c: nobody's; to remove it: rm '/d/t#ephemeral:c'.diskqueue.*",
	} {
		if got := orphan("/d", queue); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
