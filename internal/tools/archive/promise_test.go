package archive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// witness is a disk that knows what is on it for good, and messages that tell it
// how they were answered.
type witness struct {
	osDisk
	t        *testing.T
	ops      int
	failAt   int // the operation that fails; 0 is none
	unsynced string
	safe     string
	finished []string
	returned []string
}

var errBroken = errors.New("the disk is broken")

func (w *witness) op() error {
	w.ops++
	if w.failAt > 0 && w.ops >= w.failAt {
		return errBroken
	}
	return nil
}

func (w *witness) create(name string) (diskFile, error) { return w.watch(w.osDisk.create, name) }
func (w *witness) append(name string) (diskFile, error) { return w.watch(w.osDisk.append, name) }

func (w *witness) watch(open func(string) (diskFile, error), name string) (diskFile, error) {
	if err := w.op(); err != nil {
		return nil, err
	}
	f, err := open(name)
	return &witnessFile{f, w}, err
}

func (w *witness) move(from, to string) error {
	if err := w.op(); err != nil {
		return err
	}
	return w.osDisk.move(from, to)
}

type witnessFile struct {
	diskFile
	w *witness
}

func (f *witnessFile) Write(p []byte) (int, error) {
	if err := f.w.op(); err != nil {
		return 0, err
	}
	f.w.unsynced += string(p)
	return f.diskFile.Write(p)
}

func (f *witnessFile) Sync() error {
	if err := f.w.op(); err != nil {
		return err
	}
	f.w.safe += f.w.unsynced
	f.w.unsynced = ""
	return nil
}

// OnFinish is nsq.MessageDelegate.
func (w *witness) OnFinish(m *nsq.Message) {
	if !strings.Contains(w.safe, string(m.Body)+"\n") {
		w.t.Errorf("%s is finished before it is on the disk (failing at %d)", m.Body, w.failAt)
	}
	w.finished = append(w.finished, string(m.Body))
}

// OnRequeue is nsq.MessageDelegate.
func (w *witness) OnRequeue(m *nsq.Message, _ time.Duration, _ bool) {
	w.returned = append(w.returned, string(m.Body))
}

// OnTouch is nsq.MessageDelegate.
func (w *witness) OnTouch(*nsq.Message) {}

// TestFinishedOnlyWhenSynced writes messages through rotations and moves, and
// lets each operation of the disk fail in turn.
func TestFinishedOnlyWhenSynced(t *testing.T) {
	for failAt := 0; ; failAt++ {
		w := &witness{t: t, failAt: failAt}
		given, err := writeSome(t, w)
		if failAt > 0 && err == nil {
			if w.ops < 20 {
				t.Errorf("only %d operations: nothing was tried", w.ops)
			}
			return // it has failed at all of them
		}
		if failAt == 0 && err != nil {
			t.Fatal(err)
		}
		answered := append(append([]string(nil), w.finished...), w.returned...)
		slices.Sort(answered)
		if !slices.Equal(answered, given) {
			t.Errorf("failing at %d: %q finished, %q given back of %q", failAt, w.finished, w.returned, given)
		}
	}
}

// writeSome writes some messages until an error, and returns those it began with.
func writeSome(t *testing.T, w *witness) (given []string, err error) {
	t.Helper()
	b := openBook(t, func(o *Options) { o.WorkDir, o.RotateSize, o.DatetimeFormat = t.TempDir(), 30, "x" })
	b.disk = w
	topic := &topic{o: b.o, writer: b.writer, info: b.info}
	defer func() {
		for _, m := range topic.pending {
			m.RequeueWithoutBackoff(0) // as giveBack does
		}
	}()
	for i := range 12 {
		body := fmt.Sprintf("message-%02d", i)
		m := nsq.NewMessage(nsq.MessageID{}, []byte(body))
		m.Delegate = w
		given = append(given, body)
		if err := topic.take(m); err != nil {
			return given, err
		}
		if i%5 == 4 {
			if err := topic.tick(time.Now()); err != nil {
				return given, err
			}
		}
	}
	if err := topic.sync(); err != nil {
		return given, err
	}
	return given, b.close()
}
