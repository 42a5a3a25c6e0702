package nsqd

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/nsqtest"
	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

const (
	metaPath = "data/nsqd.dat"
	patience = 10 * time.Second
)

func newMem(t *testing.T) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	if err := errors.Join(m.MkdirAll("data"), m.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	return m
}

func metaOn(fsys vfs.FS, topics ...broker.TopicMeta) *metadata {
	return newMetadata(fsys, "data", func() []broker.TopicMeta { return topics }, logging.Discard())
}

func metaText(t *testing.T, m *metadata) string {
	t.Helper()
	text, err := m.read()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetadataForms is what protocol.md 17 says of the file's content.
func TestMetadataForms(t *testing.T) {
	depth, age, overflow := int64(5), protocol.Duration(90*time.Minute), protocol.DropOldest
	for _, c := range []struct {
		topics []broker.TopicMeta
		want   string
	}{
		{[]broker.TopicMeta{{Name: "t", Limits: protocol.OwnLimits{MaxAge: &age, MaxBytes: new(int64)}, Channels: []broker.ChannelMeta{{Name: "c", Limits: protocol.OwnLimits{MaxDepth: &depth, Overflow: &overflow}}}}},
			`{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":false,"limits":{"max_depth":5,"overflow":"drop-oldest"}}],` +
				`"limits":{"max_age":"1h30m0s","max_bytes":0}}],"version":"V"}`},
		{nil, `{"topics":null,"version":"V"}`},
		{[]broker.TopicMeta{{Name: "t"}}, `{"topics":[{"name":"t","paused":false,"channels":null}],"version":"V"}`},
		{[]broker.TopicMeta{{Name: "t", Paused: true, Channels: []broker.ChannelMeta{{Name: "c"}, {Name: "d", Paused: true}}}, {Name: "u"}},
			`{"topics":[{"name":"t","paused":true,"channels":[{"name":"c","paused":false},{"name":"d","paused":true}]},` +
				`{"name":"u","paused":false,"channels":null}],"version":"V"}`},
	} {
		m := metaOn(newMem(t), c.topics...)
		if err := m.persist(); err != nil {
			t.Fatal(err)
		}
		if got := metaText(t, m); got != strings.Replace(c.want, "V", version.Number, 1) {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if got, err := m.load(); err != nil || !reflect.DeepEqual(got, c.topics) {
			t.Errorf("%s is read as %+v, %v", c.want, got, err)
		}
	}
}

func TestMetadataLoad(t *testing.T) {
	one := []broker.TopicMeta{{Name: "t"}}
	for _, c := range []struct {
		text  string
		want  []broker.TopicMeta
		fails string
		warns string
	}{
		{text: `null`},
		{text: `{}`},
		{text: `{"topics":null}`},
		{text: `{"topics":[],"version":5,"more":{}}`, fails: "cannot unmarshal number"},
		{text: `{"topics":[{"name":"t"}]}`, want: one},
		{text: `{"topics":[{"name":"t","paused":false,"channels":[]}],"more":{"x":1}}` + "\n", want: one},
		{text: `{"topics":[{"name":"t*","channels":[{"name":"c"}]},{"name":"t"}]}`, want: one, warns: "WARNING: skipping creation of invalid topic t*"},
		{text: `{"topics":[{"name":"t","channels":[{"name":""}]},{"paused":true}]}`, want: one, warns: "WARNING: skipping creation of invalid channel "},
		{text: `{"topics":[{"name":"e#ephemeral","channels":[{"name":"c#ephemeral","paused":true}]}]}`,
			want: []broker.TopicMeta{{Name: "e#ephemeral", Channels: []broker.ChannelMeta{{Name: "c#ephemeral", Paused: true}}}}},
		{text: `{"topics":[{"name":"t","limits":{"max_depth":-1}}]}`, want: one, warns: "WARNING: skipping invalid limits of t - limits must be 0 or more"},
		{text: `{"topics":[{"name":"t","limits":{"overflow":"x"}}]}`, want: one, warns: "WARNING: skipping invalid limits of t - must be reject or drop-oldest"},
		{text: `{"topics":[{"name":"t","limits":{"max_age":"1"}}]}`, fails: "missing unit in duration"},
		{text: ``, fails: "failed to parse metadata in data/nsqd.dat - unexpected end of JSON input"},
		{text: `{"topics":`, fails: "failed to parse metadata in data/nsqd.dat - unexpected end"},
		{text: `{"topics":"t"}`, fails: "failed to parse metadata in data/nsqd.dat - json: cannot unmarshal string"},
	} {
		m := metaOn(newMem(t))
		var log nsqtest.Output
		m.log = logging.New(&log, "", logging.Info)
		if err := m.write(metaPath, []byte(c.text)); err != nil {
			t.Fatal(err)
		}
		got, err := m.load()
		if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: got %+v, %v", c.text, got, err)
		}
		if !strings.Contains(log.String(), c.warns) {
			t.Errorf("%s: log is %q, want %q", c.text, log.String(), c.warns)
		}
	}
	if got, err := metaOn(newMem(t)).load(); got != nil || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
	broken := vfs.NewFaulty(newMem(t))
	if err := metaOn(broken).persist(); err != nil {
		t.Fatal(err)
	}
	broken.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpRead {
			return errors.New("bad sector")
		}
		return nil
	})
	if _, err := metaOn(broken).load(); err == nil || !strings.Contains(err.Error(), "failed to read metadata from data/nsqd.dat - ") {
		t.Errorf("of an unreadable file: %v", err)
	}
}

// TestMetadataIsWhole fails, and crashes, at every operation of a rewrite: the
// file is the old one or the new one, and the new one once persist has said so.
func TestMetadataIsWhole(t *testing.T) {
	older, newer := []broker.TopicMeta{{Name: "old"}}, []broker.TopicMeta{{Name: "new", Channels: []broker.ChannelMeta{{Name: "c"}}}}
	for n := 1; ; n++ {
		for seed := range uint64(10) {
			mem := newMem(t)
			disk := vfs.NewFaulty(mem)
			if err := metaOn(disk, older...).persist(); err != nil {
				t.Fatal(err)
			}
			disk.Fail(func(i int, _ vfs.Op, _ string) error {
				if i == n {
					return errors.New("no")
				}
				return nil
			})
			err := metaOn(disk, newer...).persist()
			reached := disk.Count()
			check := func(what string, fsys vfs.FS) {
				t.Helper()
				got, loadErr := metaOn(fsys).load()
				if loadErr != nil || !reflect.DeepEqual(got, newer) && (err == nil || !reflect.DeepEqual(got, older)) {
					t.Fatalf("%s at operation %d, persist says %v: loaded %+v, %v", what, n, err, got, loadErr)
				}
			}
			check("failure", mem)
			if names, _ := mem.ReadDir("data"); !reflect.DeepEqual(names, []string{"nsqd.dat"}) {
				t.Fatalf("failure at operation %d leaves %v", n, names)
			}
			check("crash", mem.Crash(rand.New(rand.NewPCG(seed, 1))))
			if err == nil && reached < n {
				return // every operation has failed once
			}
		}
	}
}

// TestMetadataIsWrittenInTheEnd lets the disk fail for a while after a change.
func TestMetadataIsWrittenInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewFaulty(newMem(t))
		disk.Fail(func(_ int, op vfs.Op, _ string) error {
			if op == vfs.OpWrite {
				return errors.New("full")
			}
			return nil
		})
		m := metaOn(disk, broker.TopicMeta{Name: "t"})
		ctx, cancel := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		busy.Go(func() { m.run(ctx) })
		m.changed()
		<-time.After(3 * persistRetry)
		if _, err := m.read(); err == nil {
			t.Error("written to a full disk")
		}
		disk.Fail(nil)
		<-time.After(2 * persistRetry)
		if got, err := m.load(); err != nil || len(got) != 1 {
			t.Errorf("afterwards it says %v, %v", got, err)
		}
		cancel()
		busy.Wait()
	})
}

// FuzzMetadata reads any nsqd.dat: it is refused, or gives valid names, and what
// is written of it is read the same.
func FuzzMetadata(f *testing.F) {
	for _, text := range []string{`null`, `{"topics":[{"name":"t","channels":[{"name":"c","paused":true},{"name":"*"}]}]}`, `{"topics":[null,{}]}`, `{"Topics":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		mem := newMem(t)
		m := metaOn(mem)
		if err := m.write(metaPath, text); err != nil {
			t.Fatal(err)
		}
		topics, err := m.load()
		if err != nil {
			return
		}
		for _, topic := range topics {
			for _, c := range append(topic.Channels, broker.ChannelMeta{Name: topic.Name}) {
				if !protocol.ValidName(c.Name) {
					t.Errorf("%q gives the name %q", text, c.Name)
				}
			}
		}
		again := metaOn(mem, topics...)
		if err := again.persist(); err != nil {
			t.Fatal(err)
		}
		if got, err := again.load(); err != nil || !reflect.DeepEqual(got, topics) {
			t.Errorf("%q: %+v is read as %+v, %v", text, topics, got, err)
		}
	})
}
