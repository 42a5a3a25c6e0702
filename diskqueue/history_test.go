package diskqueue

import (
	"errors"
	"testing"
)

// TestHistories runs random histories of everything that can happen to a log and
// compares it with a map all along.
func TestHistories(t *testing.T) {
	histories := uint64(150)
	if testing.Short() {
		histories = 25
	}
	forModes(t, func(t *testing.T, d Durability) {
		for seed := range histories {
			w := newWorld(t, seed, small(d))
			w.mustOpen()
			for range 60 {
				w.step()
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}

func (w *world) step() {
	w.t.Helper()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	switch n := w.dice.IntN(100); {
	case n < 55:
		must(w.append(1 + w.dice.IntN(12)))
	case n < 62:
		must(w.sync())
	case n < 70:
		must(w.trim())
	case n < 78:
		w.checkpoint()
	case n < 86:
		w.verify(acked, true)
	case n < 90:
		w.log.Advance(w.log.End() + w.dice.Uint64N(50))
	case n < 94:
		must(w.close())
		w.mustOpen()
		w.verify(acked, true)
	case n < 97:
		w.kill()
		w.mustOpen()
		w.verify(w.survivesKill(), false)
	default:
		w.crash()
		w.mustOpen()
		w.verify(synced, false)
	}
}

// script is a short life of a log with everything in it. Errors are the
// operations' own; what comes after the end of the world fails as well.
func (w *world) script() error {
	var all []error
	note := func(err error) { all = append(all, err) }
	if err := w.open(); err != nil {
		return err
	}
	for i := range 10 {
		note(w.append(3 + i%4))
		switch i {
		case 3:
			note(w.sync())
			w.checkpoint()
		case 6:
			note(w.trim())
		case 8:
			if _, err := w.read(w.floor); err != nil {
				note(err)
			}
		}
	}
	note(w.close())
	return errors.Join(all...)
}

// operations returns how many operations on files the script takes.
func operations(t *testing.T, d Durability) int {
	w := newWorld(t, 1, small(d))
	w.fs.Fail(nil)
	if err := w.script(); err != nil {
		t.Fatal(err)
	}
	return w.fs.Count()
}

// TestCrashAfterEveryOperation ends the process, and then the power, after each
// single operation on a file.
func TestCrashAfterEveryOperation(t *testing.T) {
	forModes(t, func(t *testing.T, d Durability) {
		for at := range operations(t, d) {
			for _, power := range []bool{false, true} {
				w := newWorld(t, 1, small(d))
				w.fs.Fail(failFrom(at + 1))
				w.script() //nolint:errcheck // it is to fail
				must := w.survivesKill()
				if power {
					must = synced
					w.crash()
				} else {
					w.kill()
				}
				w.mustOpen()
				w.verify(must, false)
				if err := w.append(5); err != nil {
					t.Fatalf("operation %d, power %v: append after recovery: %v", at, power, err)
				}
				if err := w.close(); err != nil {
					t.Fatalf("operation %d, power %v: close after recovery: %v", at, power, err)
				}
				w.mustOpen()
				w.verify(acked, false)
			}
		}
	})
}

// TestFailureOfEveryOperation lets each single operation fail once. What was
// acknowledged is there all the same, then and after a restart.
func TestFailureOfEveryOperation(t *testing.T) {
	forModes(t, func(t *testing.T, d Durability) {
		for at := range operations(t, d) {
			w := newWorld(t, 1, small(d))
			w.fs.Fail(failOnce(at + 1))
			err := w.script()
			if err != nil && !errors.Is(err, errInjected) {
				t.Fatalf("operation %d: %v", at+1, err)
			}
			w.fs.Fail(nil)
			if w.log == nil { // it could not be opened: another try does it
				w.mustOpen()
			}
			if err := w.close(); err != nil && !errors.Is(err, ErrClosed) {
				t.Fatalf("operation %d: close: %v", at+1, err)
			}
			w.kill()
			w.mustOpen()
			w.verify(w.survivesClose(), false)
			if err := w.append(3); err != nil {
				t.Fatalf("operation %d: append after restart: %v", at+1, err)
			}
			w.verify(acked, false)
		}
	})
}

// TestFailedAppendLeavesNothing checks that records whose append failed are
// neither seen now nor after a restart.
func TestFailedAppendLeavesNothing(t *testing.T) {
	w := newWorld(t, 3, small(Write))
	w.mustOpen()
	if err := w.append(4); err != nil {
		t.Fatal(err)
	}
	for at := 1; ; at++ {
		w.fs.Fail(failOnce(at))
		end := w.log.End()
		err := w.append(2)
		if err == nil {
			break
		}
		if w.log.End() != end {
			t.Fatalf("a failed append moved the end from %d to %d", end, w.log.End())
		}
		got, err := w.read(0)
		if err != nil {
			t.Fatal(err)
		}
		if got[end] || got[end+1] {
			t.Fatal("a failed append is visible")
		}
	}
	w.fs.Fail(nil)
	w.kill()
	w.mustOpen()
	got, err := w.read(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 6 {
		t.Fatalf("%d records after the restart, want 6", len(got))
	}
}
