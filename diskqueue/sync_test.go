package diskqueue

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"nsqsuite/internal/vfs"
)

// TestAppendWaitsForSync has Sync take on what an append wrote before the append
// itself gets to it.
func TestAppendWaitsForSync(t *testing.T) {
	for _, outcome := range []error{nil, errInjected} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1, Options{Durability: Fsync, MaxSegmentBytes: 1 << 20, MemRecords: 10})
			w.mustOpen()
			end, err := w.log.append(nil, Times{}, []Record{{Body: []byte("x")}}) // the first half of Append
			if err != nil {
				t.Fatal(err)
			}
			going := make(chan struct{})
			w.fs.Fail(func(_ int, op vfs.Op, _ string) error {
				if op == vfs.OpSync {
					<-going
					return outcome
				}
				return nil
			})
			background, waited := make(chan error, 1), make(chan error, 1)
			go func() { background <- w.log.Sync() }()
			synctest.Wait()
			go func() { waited <- w.log.wait(end) }()
			synctest.Wait()
			select {
			case err := <-waited:
				t.Fatalf("wait returned %v while the sync was under way", err)
			default:
			}
			close(going)
			if err := <-background; !errors.Is(err, outcome) {
				t.Fatalf("Sync: %v", err)
			}
			if err := <-waited; !errors.Is(err, outcome) {
				t.Fatalf("wait: %v", err)
			}
			if outcome == nil {
				return
			}
			w.fs.Fail(nil)
			if err := w.append(1); err != nil {
				t.Fatal(err)
			}
			if err := w.log.wait(end); !errors.Is(err, outcome) {
				t.Fatalf("wait, after a later sync went well: %v", err)
			}
		})
	}
}

// TestSyncWithoutDescriptors checks that a segment that could not be opened to be
// synced is synced later, and goes on being used.
func TestSyncWithoutDescriptors(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Write, MaxSegmentBytes: 1 << 20, MemRecords: 10})
	w.mustOpen()
	if err := w.append(3); err != nil {
		t.Fatal(err)
	}
	w.log.segs[0].file.close()
	w.fs.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpOpen {
			return syscall.EMFILE
		}
		return nil
	})
	if err := w.sync(); !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("sync without descriptors: %v", err)
	}
	w.fs.Fail(nil)
	if err := w.append(3); err != nil {
		t.Fatal(err)
	}
	if err := w.sync(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.log.segs); n != 1 {
		t.Errorf("%d segments", n)
	}
	w.crash()
	w.mustOpen()
	w.verify(acked, true)
}

// TestUsedSinceClosed has a process be killed after it used a log that was closed
// in order before, without its owner having noted that: what it wrote is synced
// by the next one, and its offsets are not given out again.
func TestUsedSinceClosed(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, Options{Durability: Write, MaxSegmentBytes: 1 << 20, MemRecords: 10})
		w.mustOpen()
		if err := errors.Join(w.append(3), w.close()); err != nil {
			t.Fatal(err)
		}
		known := w.known
		w.mustOpen()
		if err := w.append(3); err != nil {
			t.Fatal(err)
		}
		end := w.log.End()
		w.kill()
		w.known = known
		w.mustOpen()
		if w.log.End() <= end {
			t.Fatalf("the log goes on at %d, %d was reached before", w.log.End(), end)
		}
		if err := w.sync(); err != nil {
			t.Fatal(err)
		}
		w.crash()
		w.known = known
		w.mustOpen()
		w.verify(acked, false)
	}
}

// TestClockWentBack kills a process whose records were only in memory and has
// the next one be given offsets from before: it goes on above what was given out.
func TestClockWentBack(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Memory, MaxSegmentBytes: 1 << 20, MemRecords: 10})
	w.mustOpen()
	if err := w.append(5); err != nil {
		t.Fatal(err)
	}
	w.checkpoint()
	end := w.log.End()
	w.kill()
	w.jump = 0
	w.o.NextOffset = func() uint64 { return 1 }
	w.mustOpen()
	if w.log.End() < end {
		t.Errorf("the log goes on at %d, %d was reached before", w.log.End(), end)
	}
}
