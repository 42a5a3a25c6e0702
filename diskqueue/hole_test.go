package diskqueue

import (
	"testing"

	"nsqsuite/internal/vfs"
)

// TestHole takes segments out of the middle of a log, as a message that is stuck
// before them makes its owner do. What a killed process forgot about them is no damage.
func TestHole(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Write, MaxSegmentBytes: 1200, MemRecords: 4})
	w.mustOpen()
	for len(w.log.segs) < 4 {
		if err := w.append(3); err != nil {
			t.Fatal(err)
		}
		if len(w.log.segs) == 3 && w.log.segs[2].end-w.log.segs[2].first >= 9 {
			w.log.Advance(w.log.End() + 50) // a gap that is known in front of the last
		}
	}
	w.checkpoint()
	first, last := w.log.segs[0], w.log.segs[3]
	w.log.o.Needed = func(from, _ uint64) bool { return from == first.first || from == last.first }
	if gone, err := w.log.Trim(true); gone != 2 || err != nil {
		t.Fatalf("%d segments went, %v", gone, err)
	}
	unneeded := func(from, to uint64) {
		for offset, s := range w.stored {
			s.acked = s.acked && (offset < from || offset >= to)
			w.stored[offset] = s
		}
	}
	unneeded(first.end, last.first)
	w.kill()
	w.mustOpen()
	w.verify(acked, false)
	// The next segment's header must not claim to know where the first one ended.
	w.log.o.Needed = func(from, _ uint64) bool { return from == first.first }
	if gone, err := w.log.Trim(true); gone != 1 || err != nil {
		t.Fatalf("%d segments went, %v", gone, err)
	}
	unneeded(first.end, last.end)
	for range 2 {
		if err := w.append(3); err != nil {
			t.Fatal(err)
		}
		w.kill()
		w.mustOpen()
		w.verify(acked, false)
	}
	if len(w.damage) > 0 {
		t.Errorf("damage reported: %+v", w.damage)
	}
}

// TestOpenReadsLittle opens a log of many segments whose end is known: besides
// the headers it reads nothing, and after a kill what was written since.
func TestOpenReadsLittle(t *testing.T) {
	w := newWorld(t, 1, Options{Durability: Write, MaxSegmentBytes: 20_000, MemRecords: 4})
	w.mustOpen()
	for len(w.log.segs) < 20 {
		if err := w.append(5); err != nil {
			t.Fatal(err)
		}
	}
	reads := 0
	count := func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpRead {
			reads++
		}
		return nil
	}
	w.checkpoint()
	for since := range 3 {
		for range since {
			if err := w.append(1); err != nil {
				t.Fatal(err)
			}
		}
		w.kill()
		reads = 0
		w.fs.Fail(count)
		w.mustOpen()
		if most := len(w.log.segs) + 2*since + 1; reads > most {
			t.Errorf("%d reads to open %d segments, %d batches since the checkpoint, want at most %d", reads, len(w.log.segs), since, most)
		}
		w.checkpoint()
	}
}
