package diskqueue

import (
	"bytes"
	"maps"
	"testing"

	"nsqsuite/internal/vfs"
)

// extent is where on disk the records of one append lie.
type extent struct {
	path        string
	from, to    int64
	first, last uint64 // offsets, last exclusive
}

// damageWorld returns a closed log of two segments, and where its batches are.
func damageWorld(t *testing.T) (*world, []extent) {
	w := newWorld(t, 5, Options{Durability: Write, MaxSegmentBytes: 1200, MemRecords: 4})
	w.mustOpen()
	var batches []extent
	for len(w.log.segs) < 3 {
		first := w.log.End()
		if err := w.append(3); err != nil {
			t.Fatal(err)
		}
		s := w.log.segs[len(w.log.segs)-1]
		from := int64(segmentHeader)
		if n := len(batches); n > 0 && batches[n-1].path == s.file.path {
			from = batches[n-1].to
		}
		batches = append(batches, extent{s.file.path, from, s.size, first, w.log.End()})
	}
	if len(batches) < 6 {
		t.Fatalf("only %d batches: the table needs more", len(batches))
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return w, batches
}

// clone returns a world like this one, whose log's owner knows no more than known.
func (w *world) clone(known Position) *world {
	c := *w
	c.known = known
	c.mem = w.mem.Clone()
	c.fs = vfs.NewFaulty(c.mem)
	c.stored = maps.Clone(w.stored)
	c.o.Needed = func(_, end uint64) bool { return end > c.floor }
	c.o.Damaged = func(d Damage) { c.damage = append(c.damage, d) }
	return &c
}

// change opens the file at path in the world's file system for f to change.
func (w *world) change(path string, f func(vfs.File) error) {
	w.t.Helper()
	file, err := w.mem.OpenFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	if err := f(file); err != nil {
		w.t.Fatal(err)
	}
}

func flip(pos int64, bit byte) func(vfs.File) error {
	return func(f vfs.File) error {
		var b [1]byte
		if _, err := f.ReadAt(b[:], pos); err != nil {
			return err
		}
		b[0] ^= bit
		_, err := f.WriteVecAt(pos, b[:])
		return err
	}
}

// intact checks that what lies outside of the damaged bytes comes back and
// nothing else does, and returns how many batches are missing.
func (w *world) intact(batches []extent, path string, from, to int64) (missing int) {
	w.t.Helper()
	got, err := w.read(0)
	if err != nil {
		w.t.Fatalf("%s %d-%d: %v", path, from, to, err)
	}
	for _, b := range batches {
		touched := b.path == path && b.from < to && from < b.to
		lost := false
		for o := b.first; o < b.last; o++ {
			if !got[o] && !touched {
				w.t.Fatalf("damage at %d-%d of %s costs record %d, which lies at %d-%d of %s", from, to, path, o, b.from, b.to, b.path)
			}
			lost = lost || !got[o]
		}
		if lost {
			missing++
		}
	}
	if n := w.log.Count(0, w.log.End()); n != uint64(len(got)) {
		w.t.Fatalf("damage at %d of %s: Count says %d, %d can be read", from, path, n, len(got))
	}
	return missing
}

// TestEveryBitFlip damages each byte of each segment in turn. It costs the batch
// that the byte lies in at most, and what is damaged is kept aside.
func TestEveryBitFlip(t *testing.T) {
	whole, batches := damageWorld(t)
	for _, known := range []Position{whole.known, {}} { // with and without the owner's knowledge
		for i, b := range batches {
			start := b.from
			if i == 0 || batches[i-1].path != b.path {
				start = 0 // the segment's header too
			}
			for pos := start; pos < b.to; pos++ {
				w := whole.clone(known)
				w.change(b.path, flip(pos, 1<<(pos%8)))
				w.mustOpen()
				if n := w.intact(batches, b.path, pos, pos+1); n > 1 {
					t.Fatalf("byte %d of %s costs %d batches", pos, b.path, n)
				} else if n == 1 {
					w.keptAside(b)
				}
				if err := w.append(2); err != nil {
					t.Fatalf("byte %d of %s: append: %v", pos, b.path, err)
				}
			}
		}
	}
}

// keptAside checks that damage was reported and its bytes were kept, unless it
// was a torn tail, which is cut off.
func (w *world) keptAside(b extent) {
	w.t.Helper()
	last := w.log.segs[len(w.log.segs)-1]
	if len(w.damage) == 0 && last.file.path == b.path && last.size < b.to {
		return
	}
	if len(w.damage) != 1 {
		w.t.Fatalf("%d reports of one damaged place", len(w.damage))
	}
	d := w.damage[0]
	if d.Records == 0 || d.Err != nil || d.Segment != b.path || d.Pos < b.from || d.Pos+d.Len > b.to {
		w.t.Fatalf("report %+v of what was appended as %+v", d, b)
	}
	kept, want := w.content(d.KeptAs), w.content(b.path)[d.Pos:d.Pos+d.Len]
	if !bytes.Equal(kept, want) {
		w.t.Fatalf("%d bytes kept aside of %d", len(kept), len(want))
	}
}

func (w *world) content(path string) (data []byte) {
	w.change(path, func(f vfs.File) error {
		size, err := f.Size()
		if err != nil {
			return err
		}
		data = make([]byte, size)
		_, err = f.ReadAt(data, 0)
		return err
	})
	return data
}

// TestEveryTruncation cuts each segment off at each byte.
func TestEveryTruncation(t *testing.T) {
	whole, batches := damageWorld(t)
	for i, b := range batches {
		start := b.from
		if i == 0 || batches[i-1].path != b.path {
			start = 0
		}
		for pos := start; pos < b.to; pos++ {
			w := whole.clone(Position{})
			w.change(b.path, func(f vfs.File) error { return f.Truncate(pos) })
			w.mustOpen()
			if pos < segmentHeader { // nothing is left of this one
				w.intact(batches, b.path, 0, 1<<62)
			} else {
				w.intact(batches, b.path, pos, 1<<62)
			}
		}
	}
}

// TestOldBatchesBehindATornTail reuses a file and ends the power in the middle
// of writing it: what an earlier life of the file left must not come back.
func TestOldBatchesBehindATornTail(t *testing.T) {
	for seed := range uint64(200) {
		w := newWorld(t, seed, Options{Durability: Write, MaxSegmentBytes: 2048, MemRecords: 4})
		w.mustOpen()
		for range 30 {
			if err := w.append(3); err != nil {
				t.Fatal(err)
			}
			if err := w.trim(); err != nil {
				t.Fatal(err)
			}
		}
		w.crash()
		w.mustOpen()
		w.verify(synced, false) // read checks that every record is what was stored under its offset
	}
}
