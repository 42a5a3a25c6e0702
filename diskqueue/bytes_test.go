package diskqueue

import (
	"testing"
)

// TestBytes compares Bytes with the sizes of what was appended: before and behind
// what is in memory, around gaps and segments that are gone, and after a restart.
func TestBytes(t *testing.T) {
	forModes(t, func(t *testing.T, d Durability) {
		o := Options{Durability: d, MemRecords: 200, MaxSegmentBytes: 20_000}
		w := newWorld(t, 5, o)
		w.mustOpen()
		first := w.log.End()
		gone := map[uint64]bool{}
		discard := func(from, to uint64) {
			w.log.Discard(from, to)
			for ; from < to; from++ {
				gone[from] = true
			}
		}
		check := func(from uint64, slack int64) {
			t.Helper()
			want := int64(0)
			for at := from; at < w.log.End(); at++ {
				if s, ok := w.stored[at]; ok && !gone[at] {
					want += testHeader + int64(len(s.body))
				}
			}
			if got := w.log.Bytes(from, w.log.End()); got < want-slack || got > want+slack {
				t.Errorf("%d bytes from %d on, want %d, give or take %d", got, from-first, want, slack)
			}
		}
		fill := func() {
			for range 200 {
				if err := w.append(1 + w.dice.IntN(20)); err != nil {
					t.Fatal(err)
				}
			}
		}
		fill()
		end := w.log.End()
		check(end-150, 0)
		check(end-1, 0)
		check(end, 0)
		check(first, 0) // nothing is estimated but where a range begins
		discard(end-100, end-50)
		check(end-150, 0)
		for from := first; from < end; from += 97 {
			check(from, 5000)
		}
		discard(first+200, first+900)
		check(first, 5000)
		check(first+500, 5000)
		w.floor = first + 900 // segments before go
		for at := range w.floor - first {
			gone[first+at] = true
		}
		if _, err := w.log.Trim(false); err != nil {
			t.Fatal(err)
		}
		if w.log.First() <= first {
			t.Fatal("nothing has gone")
		}
		check(first+1000, 5000)
		w.checkpoint()
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		w.mustOpen()
		discard(end-100, end-50) // who has discarded it does so again
		total := w.log.Bytes(first+1000, end)
		fill()
		check(end, 5000)
		check(end+300, 5000)
		check(first+1000, total/5) // the heads of batches are not told from records
	})
}
