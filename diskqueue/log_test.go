package diskqueue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"nsqsuite/internal/vfs"
)

func body(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// TestReadersAndWriters has many of each at one log, with eviction and trimming going on.
func TestReadersAndWriters(t *testing.T) {
	const writers, readers, batches, batch = 4, 4, 200, 5
	forModes(t, func(t *testing.T, d Durability) {
		o := small(d)
		o.MaxSegmentBytes = 1 << 20 // nothing is trimmed: all readers see all
		w := newWorld(t, 1, o)
		w.mustOpen()
		first := w.log.End()
		var done sync.WaitGroup
		for range writers {
			done.Go(func() {
				for i := range batches {
					records := make([]Record, batch)
					for j := range records {
						records[j].Body = body(i)
					}
					if _, err := w.log.Append(1, records); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range readers {
			done.Go(func() {
				for at := first; at < first+writers*batches*batch; {
					v, err := w.log.Load(at)
					if err != nil {
						t.Error(err)
						return
					}
					for i := range v.Len() {
						if got := binary.BigEndian.Uint64(v.Bytes(i, i+1)); got != v.First+uint64(i) {
							t.Errorf("record %d says it is %d", v.First+uint64(i), got)
						}
					}
					at = max(at, v.End())
					v.Release()
				}
			})
		}
		done.Wait()
		if n := w.log.Count(first, w.log.End()); n != writers*batches*batch {
			t.Errorf("Count says %d", n)
		}
	})
}

// TestMemoryBounds checks how much stays resident, by count and by bytes.
func TestMemoryBounds(t *testing.T) {
	budget := NewBudget(64 << 10)
	for _, c := range []struct {
		name    string
		o       Options
		backend uint64 // of 10,000 records
	}{
		{"count", Options{Durability: Write, MemRecords: 100}, 9900},
		{"none", Options{Durability: Write}, 10000},
		{"all", Options{Durability: Memory, MemRecords: 10000}, 0},
		{"bytes", Options{Durability: Write, MemRecords: 10000, Budget: budget}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.MaxSegmentBytes = 1 << 20
			w := newWorld(t, 1, c.o)
			w.mustOpen()
			first := w.log.End()
			for range 1000 {
				if err := w.append(10); err != nil {
					t.Fatal(err)
				}
			}
			got := w.log.CountBackend(first, w.log.End())
			if c.name == "bytes" {
				if got == 0 {
					t.Error("everything is resident")
				}
				// The newest block stays, whatever the budget says.
				if used := budget.Used(); used > 64<<10+maxBlock {
					t.Errorf("%d bytes in use, the budget is %d", used, 64<<10)
				}
			} else if got != c.backend {
				t.Errorf("%d records are not resident, want %d", got, c.backend)
			}
			w.verify(acked, true)
		})
	}
}

// TestViewsOutliveEviction holds a view while its block is evicted and its segment taken away.
func TestViewsOutliveEviction(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Write, MaxSegmentBytes: 1024, MemRecords: 1})
	w.mustOpen()
	if _, err := w.log.Append(1, []Record{{Body: []byte("held")}}); err != nil {
		t.Fatal(err)
	}
	v, _ := w.log.Resident(w.log.First())
	for range 100 {
		if err := w.append(10); err != nil {
			t.Fatal(err)
		}
	}
	w.floor = w.log.End()
	if _, err := w.log.Trim(true); err != nil {
		t.Fatal(err)
	}
	if got := string(v.Bytes(0, 1)[testHeader:]); got != "held" {
		t.Errorf("the view reads %q", got)
	}
	v.Release()
}

// TestMemoryLogForgets checks that a log without a disk keeps its newest records.
func TestMemoryLogForgets(t *testing.T) {
	l := OpenMemory(Options{Durability: Memory, MemRecords: 50, NextOffset: func() uint64 { return 1000 }, PutHeader: func([]byte, uint64, int64, int) {}})
	for i := range 1000 {
		if _, err := l.Append(1, []Record{{Body: body(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	v, cold := l.Resident(1000)
	if cold || !v.Valid() || v.First == 1000 {
		t.Fatalf("oldest is %d, cold %v", v.First, cold)
	}
	n := 0
	for at := v.First; at < l.End(); {
		v, _ := l.Resident(at)
		for i := range v.Len() {
			if got := binary.BigEndian.Uint64(v.Bytes(i, i+1)); got != v.First+uint64(i)-1000 {
				t.Fatalf("record %d holds %d", v.First+uint64(i), got)
			}
			n++
		}
		at = v.End()
	}
	if n < 50 || n > 50+maxBlock/8 {
		t.Errorf("%d records kept", n)
	}
}

// TestGroupCommit checks that appends that wait for the disk share syncs.
func TestGroupCommit(t *testing.T) {
	const writers = 32
	w := newWorld(t, 1, Options{Durability: Fsync, MaxSegmentBytes: 1 << 20, MemRecords: 1000})
	w.mustOpen()
	hold, held := make(chan struct{}), make(chan struct{})
	var syncs atomic.Int64
	w.fs.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpSync {
			if syncs.Add(1) == 1 {
				close(held) // the first sync waits until all others have written
				<-hold
			}
		}
		return nil
	})
	var done sync.WaitGroup
	add := func() {
		done.Go(func() {
			if _, err := w.log.Append(1, []Record{{Body: []byte("x")}}); err != nil {
				t.Error(err)
			}
		})
	}
	first := w.log.End()
	add()
	<-held
	for range writers - 1 {
		add()
	}
	for w.log.End()-first < writers { // all have written
		runtime.Gosched()
	}
	close(hold)
	done.Wait()
	if n := w.log.End() - first; n != writers {
		t.Fatalf("%d records", n)
	}
	if n := syncs.Load(); n > 3 { // the one that was held, one for all others, one that began in between
		t.Errorf("%d syncs for %d appends", n, writers)
	}
	w.crash()
	w.mustOpen()
	if n := w.log.Count(first, w.log.End()); n != writers {
		t.Errorf("%d records after power loss, want %d", n, writers)
	}
}

// TestFailedSyncIsFinal checks that nothing is appended to a segment whose sync failed.
func TestFailedSyncIsFinal(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Fsync, MaxSegmentBytes: 1 << 20, MemRecords: 10})
	w.mustOpen()
	if err := w.append(3); err != nil {
		t.Fatal(err)
	}
	before := w.log.segs[0].file.path
	w.fs.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpSync {
			return errInjected
		}
		return nil
	})
	if err := w.append(3); !errors.Is(err, errInjected) {
		t.Fatalf("append with a failing sync: %v", err)
	}
	w.fs.Fail(nil)
	size := len(w.content(before))
	if err := w.append(3); err != nil {
		t.Fatal(err)
	}
	if len(w.log.segs) != 2 || len(w.content(before)) != size {
		t.Errorf("%d segments, the first grew from %d to %d bytes", len(w.log.segs), size, len(w.content(before)))
	}
}

// TestRemovedLogIsGone removes a log, ending the world after each operation.
func TestRemovedLogIsGone(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t, 1, small(Write))
		w.mustOpen()
		for range 20 {
			if err := w.append(5); err != nil {
				t.Fatal(err)
			}
		}
		w.fs.Fail(failFrom(at))
		err := w.log.Remove()
		if err == nil {
			break
		}
		w.kill()
		if err := w.store0().cleanUp(); err != nil {
			t.Fatal(err)
		}
		names, err := w.store0().List()
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			continue
		}
		w.mustOpen() // not yet removed: then all of it is there
		w.verify(acked, true)
	}
}

func (w *world) store0() *Store { return NewStore(w.fs, testDir, 4) }

func (s *Store) cleanUp() error {
	_, err := s.List()
	return err
}

// TestOpenFilesAreBounded has more logs than files may be open.
func TestOpenFilesAreBounded(t *testing.T) {
	w := newWorld(t, 1, small(Write))
	w.store = NewStore(w.fs, testDir, 3)
	var logs []*Log
	for i := range 20 {
		l, err := w.store.Open(fmt.Sprintf("log%d", i), Position{}, w.o)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	for range 5 {
		for _, l := range logs {
			if _, err := l.Append(1, []Record{{Body: []byte("x")}}); err != nil {
				t.Fatal(err)
			}
			if n := w.store.files.open.Len(); n > 3 {
				t.Fatalf("%d files are open", n)
			}
		}
	}
	for _, l := range logs {
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		if n := l.Count(0, l.End()); n != 5 {
			t.Errorf("%d records", n)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGapList compares the list with a set of offsets.
func TestGapList(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var l gapList
		set := map[uint64]bool{}
		for range 30 {
			from := dice.Uint64N(100)
			to := from + dice.Uint64N(10)
			l.add(from, to)
			for o := from; o < to; o++ {
				set[o] = true
			}
		}
		for i := 1; i < len(l); i++ {
			if l[i].From <= l[i-1].To {
				t.Fatalf("gaps touch: %v", l)
			}
		}
		for from := uint64(0); from < 110; from++ {
			n := uint64(0)
			for to := from; to < 115; to++ {
				if got := l.in(from, to); got != n {
					t.Fatalf("%v: in(%d, %d) = %d, want %d", l, from, to, got, n)
				}
				if set[to] {
					n++
				}
			}
			skip := from
			for set[skip] {
				skip++
			}
			next := from
			for !set[next] && next < 200 {
				next++
			}
			if got := l.skip(from); got != skip {
				t.Fatalf("%v: skip(%d) = %d, want %d", l, from, got, skip)
			}
			if got := l.next(from); got != next && next < 200 {
				t.Fatalf("%v: next(%d) = %d, want %d", l, from, got, next)
			}
		}
	}
}

// TestFullMemoryAndDisk checks that a log that cannot write what memory has no
// room for takes no more, loses nothing, and goes on when the disk does.
func TestFullMemoryAndDisk(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Memory, MaxSegmentBytes: 1 << 20, MemRecords: 10})
	w.mustOpen()
	w.fs.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpWrite {
			return errInjected
		}
		return nil
	})
	var err error
	n := 0
	for ; n < 1000 && err == nil; n++ {
		err = w.append(1)
	}
	if !errors.Is(err, errInjected) {
		t.Fatalf("%d records were taken, then %v", n, err)
	}
	w.verify(acked, true)
	w.fs.Fail(nil)
	for range 50 {
		if err := w.append(1); err != nil {
			t.Fatal(err)
		}
	}
	w.verify(acked, true)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	w.mustOpen()
	w.verify(acked, true)
}
